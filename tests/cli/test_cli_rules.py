import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from briefings.actions import curate, tag
from briefings.bootstrap import App
from briefings.cli import main
from briefings.domain.entries import Entry, plan
from briefings.store import items
from briefings.store.base import Database
from briefings.store.feeds import Feed

PASTRY = ("--phrase", "pastry", "--topic", "kv-cache")
TITLES = ("A [bold]pastry[/bold] of the day", "vLLM 0.9 is out", "A\tbakery")


@pytest.fixture
def database(tmp_path, migrated_sqlite):
    """Three items of yesterday, not tagged yet."""
    shutil.copy(migrated_sqlite, tmp_path / "briefings.db")
    database, now = Database(f"sqlite:///{tmp_path / 'briefings.db'}"), datetime.now(UTC)
    entries = [Entry(t, f"https://news.example/{n}", t, "Said.", now - timedelta(days=1)) for n, t in enumerate(TITLES)]
    with database.write() as session:
        session.add(Feed(id=1, url="https://feed.example/rss", title="News", next_poll_at=now))
        session.flush()
        items.add(session, 1, plan(entries, {}, now)[0], now)
    return database


@pytest.fixture
def run(tmp_path, database):
    environment = {
        "BRIEFINGS_HOME": str(tmp_path),
        "BRIEFINGS_DATABASE_URL": str(database.engine.url),
        "BRIEFINGS_SECRET_KEY": "a-secret-key-of-the-tests-with-40-letters",
        "COLUMNS": "200",
    }
    return lambda *words, **more: CliRunner().invoke(main, words, env=environment, **more)


def test_adding_shows_the_trial_and_asks(run):
    declined = run("rules", "add", *PASTRY, "--always", input="n\n")
    assert declined.exit_code == 1
    assert "1 items are spoken of, and 1 of them would change" in declined.output
    assert TITLES[0] in declined.output
    assert run("rules", "list").output == "There are no rules.\n"
    added = run("rules", "add", *PASTRY, "--always", "--by", "eda", input="y\n")
    assert "It is rule 1. 3 items wait for tags" in added.output
    listed = run("rules", "list").output
    assert "always kv-cache for phrase “pastry”" in listed
    assert "eda" in listed


def test_a_rule_is_tried_without_a_trace_and_removed_by_its_id(run):
    assert "1 of them would change" in run("rules", "try", *PASTRY, "--always").output
    assert run("rules", "list").output == "There are no rules.\n"
    source = run("rules", "add", "--source", "news.example", "--topic", "vllm", "--never", "--yes")
    assert "3 items are spoken of, and 1 of them would change" in source.output
    assert "No more: never vllm for source “news.example”" in run("rules", "remove", "1").output
    assert run("rules", "remove", "1").exit_code == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*PASTRY, "--source", "a.example", "--always"), "either --phrase or --source"),
        (("--topic", "vllm", "--always"), "either --phrase or --source"),
        (PASTRY, "either --always or --never"),
        (("--phrase", "pastry", "--topic", "ai-engineer", "--always"), "ai-engineer is no skill"),
    ],
)
def test_what_is_no_rule_is_refused_in_words(run, words, said):
    result = run("rules", "try", *words)
    assert result.exit_code != 0
    assert said in result.output


def test_tagging_can_be_interrupted_and_taken_up_again(run, monkeypatch):
    monkeypatch.setattr(tag, "BATCH", 2)
    real = App.tag

    def interrupted(app, told):
        def then_stop(count):
            told(count)
            raise KeyboardInterrupt

        return real(app, then_stop)

    monkeypatch.setattr(App, "tag", interrupted)
    stopped = run("tag")
    assert stopped.exit_code == 130
    assert "Interrupted: 1 items wait; `briefings tag` goes on with them." in stopped.output
    monkeypatch.setattr(App, "tag", real)
    assert "1 items tagged." in run("tag").output


def test_what_editors_said_is_exported_as_labels_that_the_training_reads(run, database, catalogue, tmp_path):
    run("tag")
    now = datetime.now(UTC)
    for item, topic, belongs in ((1, "kv-cache", True), (2, "model-serving", True), (3, "vllm", False)):
        curate.retag(database, catalogue, item, topic, belongs=belongs, staff="eda", now=now)
    labels, texts = tmp_path / "editors.tsv", tmp_path / "editors.jsonl"
    assert run("labels", "export", str(labels), "--items", str(texts)).exit_code == 0
    rows = [line.split("\t") for line in labels.read_text().splitlines()]
    assert [row[:3] for row in rows] == [["1", "1", "kv-cache"], ["2", "1", "model-serving"], ["3", "0", ""]]
    assert "vllm" in rows[1][3].split(",")
    assert {(len(row), row[5]) for row in rows} == {(6, "0000")}
    first, *_ = map(json.loads, texts.read_text().splitlines())
    assert first == {"id": "1", "source": "news.example", "title": TITLES[0], "summary": "Said."}
    assert run("labels", "export").output == labels.read_text()
