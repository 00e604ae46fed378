"""The whole way from a feed to an inbox, on real parts: HTTP server, database, relay."""

from datetime import date, datetime, timedelta

import pytest
import week
from sqlalchemy import func, select
from week import MONDAY_EVENING, SUNDAY

from briefings.adapters.http import HttpFetcher
from briefings.demo import enrol
from briefings.demo.feed_server import FeedServer, rendered
from briefings.store.feeds import Feed, Fetch
from briefings.store.issues import Edition, value_of
from briefings.store.items import Item, Tag


@pytest.fixture
def feeds():
    server = FeedServer(rendered(date(2026, 11, 23)), 0)
    yield server
    server.stop()


@pytest.fixture
def newsroom(app, feeds):
    """An app that polls the sample feeds."""
    app.fetcher = HttpFetcher(user_agent="tests", allow_private=True)
    enrol.feeds(app, feeds, SUNDAY)
    return app


def count(app, column, *conditions) -> int:
    with app.database.read() as session:
        return session.scalar(select(func.count(column)).where(*conditions))


def test_news_becomes_mail(newsroom, relay):
    for person in enrol.people(None):
        enrol.enrol(newsroom, person, datetime(2026, 11, 23, tzinfo=SUNDAY.tzinfo))

    assert newsroom.poll() > 70
    assert newsroom.tag() == count(newsroom, Item.id)
    assert 0 < newsroom.group() < count(newsroom, Item.id)
    assert newsroom.compose() == 14
    newsroom.clock.now = MONDAY_EVENING
    assert newsroom.deliver() == 13

    ledger = newsroom.ledger()
    assert ledger.imbalances() == []
    assert ledger.skipped == {"finished": 1, "paused": 1}
    assert ledger.deliveries == {"sent": {"": 11}, "skipped": {"suppressed": 1}}
    with newsroom.database.read() as session:
        composed = select(Edition).where(Edition.content_digest.is_not(None))
        editions = [value_of(session, one) for one in session.scalars(composed)]
    assert {edition.issue for edition in editions} == {"2026-W48"}
    assert all(edition.stories for edition in editions)
    assert all(story.reasons for edition in editions for story in edition.stories)


def test_a_second_poll_is_conditional_and_stores_nothing_twice(newsroom):
    first = newsroom.poll()
    items = count(newsroom, Item.id)
    newsroom.clock.move(hours=14)  # longer than any rhythm lets a feed wait

    assert newsroom.poll() == 0
    assert first == count(newsroom, Item.id) == items
    assert count(newsroom, Fetch.id, Fetch.status == 304, Fetch.conditional) == 9
    assert count(newsroom, Fetch.id, Fetch.status == 200) == 11


def test_the_feed_that_has_become_a_page_says_so_and_backs_off(newsroom):
    newsroom.poll()
    with newsroom.database.read() as session:
        feed = session.scalars(select(Feed).where(Feed.url.endswith(".html"))).one()
    assert "HTML instead of a feed" in feed.problem
    assert timedelta(hours=1) <= feed.next_poll_at - SUNDAY <= timedelta(hours=1, minutes=6)


def test_the_same_news_of_two_feeds_is_one_story_led_by_its_source(newsroom):
    newsroom.poll()
    newsroom.tag()
    newsroom.group()
    with newsroom.database.read() as session:
        told = session.scalars(select(Item).where(Item.title.like("%KV cache%") & Item.title.like("%FP8%"))).all()
    assert len(told) >= 2
    assert len({item.story_id for item in told}) == 1


def test_news_from_outside_the_field_gets_no_tag(newsroom):
    newsroom.poll()
    newsroom.tag()
    with newsroom.database.read() as session:
        monet = session.scalars(select(Item).where(Item.title.like("%Monet%"))).one()
        assert session.scalars(select(Tag).where(Tag.item_id == monet.id)).all() == []


def test_the_hostile_feed_reaches_the_mail_as_plain_words(newsroom, relay):
    week.enrol(newsroom, specialization="ai-safety-alignment", week=3)
    newsroom.poll()
    newsroom.tag()
    newsroom.group()
    newsroom.compose()
    newsroom.clock.now = MONDAY_EVENING
    newsroom.deliver()

    with newsroom.database.read() as session:
        hostile = session.scalars(
            select(Item).join(Feed, Feed.id == Item.feed_id).where(Feed.title == "Hostile feed")
        ).all()
    assert len(hostile) == 9
    assert not any(char in item.title + item.summary for item in hostile for char in "\r\n\x00\u2028\u202e\u2066\u200b")
    assert all(item.url.startswith("https://") or not item.url for item in hostile)
    html = relay.mails[0].get_body(("html",)).get_content()
    assert "<script" not in html
    assert "onerror=" not in html.replace("&lt;img src=x onerror=", "")


def test_every_broker_message_lost_the_sweep_still_finds_all_work(newsroom, relay):
    week.enrol(newsroom)
    steps = {"poll": newsroom.poll, "compose": newsroom.compose, "deliver": newsroom.deliver, "tidy": newsroom.tidy}
    steps["tag"] = lambda: (newsroom.tag(), newsroom.group())
    for _ in range(6):
        for queue in newsroom.due_queues():
            steps[queue]()
    newsroom.clock.now = MONDAY_EVENING
    for queue in newsroom.due_queues():
        steps[queue]()
    assert newsroom.ledger().deliveries == {"sent": {"": 1}}
    assert [queue for queue in newsroom.due_queues() if queue != "poll"] == []
