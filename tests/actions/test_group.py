from datetime import timedelta

import pytest
import week
from sqlalchemy import select

from briefings.store import items
from briefings.store.items import Item


def stories(app) -> list[int]:
    with app.database.read() as session:
        return list(session.scalars(select(Item.story_id).order_by(Item.id)))


def test_the_same_news_of_two_feeds_is_one_story(app):
    week.add_items(app, week.add_feed(app), "Northwind Labs halves KV cache memory with FP8 pages")
    other = week.add_feed(app, "https://other.example/")
    week.add_items(app, other, "Northwind Labs cuts KV cache memory in half using FP8 pages", folder="other/")
    first, second = stories(app)
    assert first == second


def test_an_item_from_long_ago_is_compared_with_nothing(app, monkeypatch):
    feed = week.add_feed(app)
    monkeypatch.setattr(items, "grouped_between", lambda *_: pytest.fail("the table was read"))
    for n, title in enumerate(("A relic", "A relic of a relic")):
        week.add_items(app, feed, title, at=app.clock() - timedelta(days=9000), folder=f"{n}/")
    assert len(set(stories(app))) == 2


def test_an_address_that_comes_again_after_months_is_the_story_it_was(app):
    ago = app.clock() - timedelta(days=90)
    week.add_items(app, week.add_feed(app), "First words", at=ago, folder="guide/")
    other = week.add_feed(app, "https://other.example/")
    week.add_items(app, other, "Quite another title", folder="guide/")
    first, second = stories(app)
    assert first == second


def test_grouping_again_changes_nothing(app):
    week.add_items(app, week.add_feed(app), "One", "Two")
    before = stories(app)
    assert app.group() == 0
    assert stories(app) == before
