from dataclasses import replace
from datetime import timedelta

import pytest
import week
from sqlalchemy import select

from briefings.actions import curate
from briefings.bootstrap import App
from briefings.domain.tag_rules import TagRule
from briefings.errors import InputError, NotFoundError
from briefings.store import items
from briefings.store.deliveries import Event

ALWAYS = TagRule("phrase", "pastry", "kv-cache", "always")
NEVER = TagRule("source", "feed.example", "vllm", "never")


def topics(app, item: int) -> set[str]:
    with app.database.read() as session:
        return {tag.topic for tag in items.tags_of(session, [item])[item] if tag.score > 0}


def test_a_trial_tells_what_would_change_and_changes_nothing(app):
    feed = week.add_feed(app, topics=[])
    week.add_items(app, feed, "Pastry in Lyon", summary="", at=app.clock() - timedelta(days=91))
    *_, item = week.add_items(app, feed, "A pastry of the day", summary="")
    version = app.tagger.version
    effect = app.tag_rules.try_rule(ALWAYS)
    assert (effect.called, effect.changed) == (1, 1)
    (example,) = effect.examples
    assert (example.item, example.title, example.before) == (item, "A pastry of the day", ())
    assert example.after[0] == "kv-cache"
    assert (app.tagger.version, app.untagged(), app.tag_rules.listed()) == (version, 0, [])


def test_a_trial_shows_twenty_examples_and_counts_all(app):
    week.add_items(app, week.add_feed(app), *(f"vLLM 0.{n} is out" for n in range(25)))
    effect = app.tag_rules.try_rule(NEVER)
    assert (effect.called, effect.changed, len(effect.examples)) == (25, 25, 20)


def test_a_rule_makes_all_items_wait_and_decides_over_them_until_it_is_removed(app):
    pastry, release = week.add_items(app, week.add_feed(app), "A pastry of the day", "vLLM 0.9 is out")
    first = app.tag_rules.add(ALWAYS, "eda")
    second = app.tag_rules.add(NEVER, "eda")
    assert (app.untagged(), "tag" in app.due_queues(), app.tag()) == (2, True, 2)
    assert {"kv-cache", "vllm"} & topics(app, pastry) == {"kv-cache"}
    assert "vllm" not in topics(app, release)
    assert (app.tag_rules.remove(first, "eda"), app.tag_rules.remove(second, "eda")) == (ALWAYS, NEVER)
    assert app.tag() == 2
    assert "kv-cache" not in topics(app, pastry)
    assert "vllm" in topics(app, release)


def test_an_editors_tag_on_an_item_wins_over_any_rule_also_in_a_trial(app):
    feed = week.add_feed(app, topics=[])
    pastry, release = week.add_items(app, feed, "A pastry of the day", "vLLM 0.9 is out", summary="")
    for item, topic, belongs in ((pastry, "kv-cache", False), (release, "vllm", True)):
        curate.retag(app.database, app.catalogue, item, topic, belongs=belongs, staff="eda", now=app.clock())
    assert all("kv-cache" not in one.after for one in app.tag_rules.try_rule(ALWAYS).examples)
    assert all("vllm" in one.after for one in app.tag_rules.try_rule(NEVER).examples)
    app.tag_rules.add(ALWAYS, "eda")
    app.tag_rules.add(NEVER, "eda")
    app.tag()
    assert "kv-cache" not in topics(app, pastry)
    assert "vllm" in topics(app, release)


def test_other_processes_see_a_new_rule_without_a_restart(app, settings, clock, catalogue, database):
    other = App(settings=settings, clock=clock, catalogue=catalogue, fetcher=app.fetcher, doorbell=app.doorbell)
    other.__dict__["database"] = database
    before = other.tagger
    assert other.tagger is before
    app.tag_rules.add(ALWAYS, "eda")
    assert other.tagger.version == app.tagger.version != before.version
    assert other.tagger is other.tagger


def test_a_run_goes_on_with_the_rules_of_now(app, monkeypatch):
    monkeypatch.setattr("briefings.actions.tag.BATCH", 2)
    week.add_items(app, week.add_feed(app), *(f"Pastry {n}" for n in range(5)))
    app.tag_rules.add(NEVER, "eda")
    added = []
    app.tag(lambda _: added or added.append(app.tag_rules.add(ALWAYS, "eda")))
    assert app.untagged() == 0
    assert all("kv-cache" in topics(app, item) for item in range(1, 6))


def test_who_made_and_removed_a_rule_is_written_down(app):
    number = app.tag_rules.add(ALWAYS, "eda")
    app.tag_rules.remove(number, "otto")
    with app.database.read() as session:
        events = session.scalars(select(Event).where(Event.kind == "curated").order_by(Event.id)).all()
    says = "always kv-cache for phrase “pastry”"
    assert [event.detail for event in events] == [
        {"staff": "eda", "rule": number, "what": "added", "says": says},
        {"staff": "otto", "rule": number, "what": "removed", "says": says},
    ]


def test_a_rule_that_is_there_or_is_not_there_is_refused_in_words(app):
    app.tag_rules.add(ALWAYS, "eda")
    with pytest.raises(InputError, match="a rule about kv-cache for phrase “pastry” already"):
        app.tag_rules.add(replace(ALWAYS, value=" pastry ", verdict="never"), "eda")
    with pytest.raises(NotFoundError, match="no rule 4711"):
        app.tag_rules.remove(4711, "eda")
    with pytest.raises(InputError, match="is no skill"):
        app.tag_rules.try_rule(replace(ALWAYS, topic="ai-engineer"))
