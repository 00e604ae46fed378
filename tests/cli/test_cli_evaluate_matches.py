import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from briefings.cli import main

START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
TITLES = (
    "vLLM {0} released with a smaller KV cache",
    "AI agents in hospital number {0}",
    "How regulation {0} changes AI governance",
    "RAG evaluation lesson {0}",
)


@pytest.fixture
def run(tmp_path, migrated_sqlite):
    shutil.copy(migrated_sqlite, tmp_path / "briefings.db")
    environment = {
        "BRIEFINGS_HOME": str(tmp_path),
        "BRIEFINGS_DATABASE_URL": f"sqlite:///{tmp_path / 'briefings.db'}",
        "BRIEFINGS_SECRET_KEY": "a-secret-key-of-the-tests-with-40-letters",
        "COLUMNS": "260",
    }
    return lambda *words: CliRunner().invoke(main, words, env=environment)


def line(number: int, **values) -> dict[str, object]:
    link, source = f"https://press{number % 5}.example/{number}", f"press{number % 5}.example"
    title = TITLES[number % len(TITLES)].format(number)
    date = (START + timedelta(days=number)).isoformat()
    return {
        "id": number,
        "title": title,
        "summary": "An LLM story.",
        "link": link,
        "source": source,
        "date": date,
    } | values


@pytest.fixture
def items(tmp_path):
    file = tmp_path / "items.jsonl"
    broken = [line(0, date="soon"), line(0, date=None), line(3, link="http://[broken", summary=None)]
    dated = [line(number) for number in range(28)] + [line(9, date="2026-06-09")]
    file.write_text("".join(json.dumps(one) + "\n" for one in [*dated, *broken]))
    return file


def test_matches_are_compared_with_simpler_ways_and_all_figures_written(run, items, tmp_path, catalogue):
    result = run("evaluate", "matches", str(items), "--weeks", "3", "--json", str(tmp_path / "figures.json"))
    assert result.exit_code == 0, result.output
    for words in ("MLOps & AI Infrastructure", "recency", "popularity", "tag count", "rung 0", "repeats"):
        assert words in result.output
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert len(figures["cells"]) == 3 * 4 * len(catalogue.specialization)
    assert figures["compared"]["ours"]["repeats"]["mean"]["value"] == 0


def test_a_line_that_is_no_json_is_named(run, tmp_path):
    (tmp_path / "items.jsonl").write_text('{"id": 1, "title": "A"}\nnothing\n')
    result = run("evaluate", "matches", str(tmp_path / "items.jsonl"))
    assert result.exit_code == 1
    assert "Line 2 is no JSON object" in result.output


def test_the_help_of_matches_names_all_that_a_line_needs(run):
    words = " ".join(run("evaluate", "matches", "--help").output.split())
    assert "id, title, summary, link, source, date" in words


def test_coverage_names_what_starves_and_the_feeds_that_would_help(run, catalogue):
    result = run("feeds", "coverage")
    assert result.exit_code == 0, result.output
    assert "Of 0 stories of the last 4 weeks" in result.output
    (helpful, *_) = (feed for feed in catalogue.feeds if "vllm" in feed.topics)
    assert helpful.url in result.output
    run("feeds", "load")
    assert helpful.url not in run("feeds", "coverage").output
