import pytest
from click.testing import CliRunner
from services import Relay

from briefings.cli import main


@pytest.fixture
def sink():
    relay = Relay().start()
    yield relay
    relay.stop()


def test_a_bench_sends_all_by_the_real_path_and_counts_on_both_sides(sink):
    words = ["bench", "deliver", "--count", "45", "--smtp", f"127.0.0.1:{sink.port}", "--workers", "2"]
    result = CliRunner().invoke(main, words, env={"COLUMNS": "120"})
    assert result.exit_code == 0, result.output
    assert len(set(sink.recipients)) == len(sink.accepted) == 45
    assert "45 briefings, 45 different editions, 2 workers" in result.output
    assert "Rows sent, events of it" in result.output


def test_a_bench_whose_counts_differ_says_so_by_its_exit_code(sink):
    sink.answers["RCPT reader7@bench.example"] = "550 5.1.1 nobody"
    words = ["bench", "deliver", "--count", "20", "--smtp", f"127.0.0.1:{sink.port}", "--workers", "1"]
    assert CliRunner().invoke(main, words).exit_code == 1


def test_a_bench_composes_an_edition_for_everybody():
    result = CliRunner().invoke(main, ["bench", "compose", "--count", "30"], env={"COLUMNS": "120"})
    assert result.exit_code == 0, result.output
    assert "30 subscribers" in result.output
    assert "Editions a second" in result.output
