import shutil

import pytest
from click.testing import CliRunner

from briefings.cli import main


@pytest.fixture
def run(tmp_path, migrated_sqlite):
    shutil.copy(migrated_sqlite, tmp_path / "briefings.db")
    environment = {"BRIEFINGS_HOME": str(tmp_path), "BRIEFINGS_SECRET_KEY": "k" * 40, "COLUMNS": "200"}
    return lambda *words: CliRunner().invoke(main, words, env=environment)


def test_sending_is_stopped_shown_by_doctor_and_resumed(run):
    assert run("stop", "wrong [b]issue", "--by", "ana").exit_code == 0
    told = run("doctor")
    assert told.exit_code == 1
    assert "sending is stopped by ana since" in told.output
    assert "wrong [b]issue; when that is right again, run: briefings resume" in told.output

    resumed = run("resume", "--by", "bo")
    assert resumed.output.startswith("No longer: sending is stopped by ana since")
    assert run("doctor").exit_code == 0


def test_who_stops_is_by_default_who_is_logged_in(run, monkeypatch):
    monkeypatch.setenv("LOGNAME", "cleo")
    run("stop", "wrong issue")
    assert "stopped by cleo" in run("doctor").output


def test_a_resumption_of_nothing_is_refused_in_words(run):
    refused = run("resume")
    assert refused.exit_code == 1
    assert "Nothing holds sending back" in refused.output
