from datetime import timedelta

import pytest
import week
from sqlalchemy import select

from briefings.store import items
from briefings.store.items import Item

NEWS = "Northwind Labs halves KV cache memory with FP8 pages"


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


@pytest.mark.parametrize(
    ("title", "number"), [("The whole guide to caches, updated", 1), ("Quite another title", 2)], ids=["same", "other"]
)
def test_an_address_that_comes_again_after_months_is_the_story_it_was_under_a_like_title(app, title, number):
    ago = app.clock() - timedelta(days=90)
    week.add_items(app, week.add_feed(app), "The whole guide to caches", at=ago, folder="guide/")
    other = week.add_feed(app, "https://other.example/")
    week.add_items(app, other, title, folder="guide/")
    assert len(set(stories(app))) == number


@pytest.mark.parametrize("hours", [-90, 90], ids=["before", "after"])
def test_an_item_meets_what_was_told_days_before_and_after_it(app, hours):
    at = app.clock() - timedelta(days=5)
    for number, moment in enumerate((at, at + timedelta(hours=hours))):
        feed = week.add_feed(app, f"https://feed{number}.example/")
        week.add_items(app, feed, NEWS, at=moment, folder=f"{number}/")
    assert len(set(stories(app))) == 1


def test_a_story_does_not_grow_beyond_its_window_by_chains(app):
    start = app.clock() - timedelta(days=8)
    for number, hours in enumerate((0, 90, 180)):
        feed = week.add_feed(app, f"https://feed{number}.example/")
        week.add_items(app, feed, NEWS, at=start + timedelta(hours=hours), folder=f"{number}/")
    first, second, third = stories(app)
    assert first == second != third


def test_of_an_address_with_many_items_the_newest_are_looked_at(app):
    site = week.add_feed(app)
    titles = ("Acme sues Northwind", "Socks for robots", "A phone that sings", "Munich gets an office", "Rain tomorrow")
    for number, title in enumerate(titles):
        week.add_items(app, site, title, at=app.clock() - timedelta(days=60 - 5 * number), folder="log/")
    assert len(set(stories(app))) == len(titles)
    with app.database.read() as session:
        there = items.grouped_at(session, {"https://feed.example/log/0"}, 3)
    assert [one.title for one in there] == list(titles[-3:])


def test_grouping_again_changes_nothing(app):
    week.add_items(app, week.add_feed(app), "One", "Two")
    before = stories(app)
    assert app.group() == 0
    assert stories(app) == before
