from datetime import timedelta

import pytest
import week
from sqlalchemy import select

from briefings.actions import curate
from briefings.domain.catalogue import ListedFeed
from briefings.errors import InputError, NotFoundError
from briefings.store import items
from briefings.store.deliveries import Event
from briefings.store.feeds import Feed

NEWS = ListedFeed("https://news.example/rss", "News", ("vllm",), 0.7)


def tags(app, item: int) -> dict[str, tuple[float, str]]:
    with app.database.read() as session:
        return {tag.topic: (tag.score, tag.source) for tag in items.tags_of(session, [item])[item]}


def test_a_feed_is_taken_over_once(app):
    assert curate.add_feeds(app.database, [NEWS, NEWS], app.clock()) == 1
    assert curate.add_feeds(app.database, [NEWS], app.clock()) == 0
    with app.database.read() as session:
        assert session.scalars(select(Feed.topics)).one() == ["vllm"]


def test_the_bundled_list_of_feeds_is_due_at_once(app):
    assert app.load_feeds() == len(app.catalogue.feeds)
    assert "poll" in app.due_queues()


def test_an_editors_tag_wins_over_a_rule_and_survives_new_tagging(app):
    (item,) = week.add_items(app, week.add_feed(app), "vLLM halves the KV cache")
    assert tags(app, item)["vllm"][1] == "rule"
    for topic, belongs in (("vllm", False), ("model-serving", True)):
        curate.retag(app.database, app.catalogue, item, topic, belongs=belongs, staff="eda", now=app.clock())
    with app.database.write() as session:
        session.get_one(items.Item, item).tagged_by = None
    app.tag()
    assert tags(app, item)["vllm"] == (0.0, "editor")
    assert tags(app, item)["model-serving"] == (1.0, "editor")


def test_what_an_editor_did_is_written_down(app):
    (item,) = week.add_items(app, week.add_feed(app), "vLLM halves the KV cache")
    curate.set_item_state(app.database, item, "pinned", "eda", app.clock())
    with app.database.read() as session:
        event = session.scalars(select(Event).where(Event.kind == "curated")).one()
    assert event.detail == {"staff": "eda", "item": item, "what": "state", "before": "open", "after": "pinned"}


def test_what_does_not_exist_is_refused_in_words(app):
    with pytest.raises(NotFoundError, match="no such item"):
        curate.set_item_state(app.database, 4711, "pinned", "eda", app.clock())
    with pytest.raises(InputError, match="one of open, pinned, hidden"):
        curate.set_item_state(app.database, 4711, "glued", "eda", app.clock())
    with pytest.raises(InputError, match="no topic 'alchemy'"):
        curate.retag(app.database, app.catalogue, 4711, "alchemy", belongs=True, staff="eda", now=app.clock())


def test_hiding_the_leading_item_lets_the_next_one_tell_the_story(app):
    title = "Northwind Labs halves KV cache memory with FP8 pages"
    lead = week.add_feed(app, authority=1.0)
    other = week.add_feed(app, "https://other.example/", authority=0.5, title="The Daily Circuit")
    week.add_items(app, lead, title)
    first, second = week.add_items(app, other, title)
    assert _candidates(app) == [(first, False)]
    curate.set_item_state(app.database, first, "hidden", "eda", app.clock())
    assert _candidates(app) == [(second, False)]
    curate.set_item_state(app.database, first, "open", "eda", app.clock())
    curate.set_item_state(app.database, second, "pinned", "eda", app.clock())
    assert _candidates(app) == [(second, True)]


def _candidates(app) -> list[tuple[int, bool]]:
    with app.database.read() as session:
        window = (app.clock() - timedelta(days=10), app.clock())
        return [(one.item, one.pinned) for one in items.candidates(session, *window, app.catalogue)]
