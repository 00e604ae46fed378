from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from sqlalchemy import select, text

from briefings.settings import ROOT
from briefings.store import feeds as feed_rows
from briefings.store.feeds import A_HOST, LEASE, Feed
from briefings.store.schema import configuration, migrate

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
DAY_BEFORE = NOW - timedelta(days=1)


def add(database, *urls: str, **values) -> None:
    with database.write() as session:
        session.add_all(Feed(url=url, title=url, **({"next_poll_at": NOW} | values)) for url in urls)


def claimed(database, now: datetime = NOW, limit: int = 100) -> list[str]:
    with database.write() as session:
        return [feed.url for feed in feed_rows.claim_due(session, now, limit)]


def test_a_host_whose_feed_is_claimed_is_left_to_that_worker(database):
    add(database, "https://a.example/1", "https://A.example/2", "https://b.example/1")
    assert len(claimed(database, limit=1)) == 1
    assert claimed(database) == ["https://b.example/1"]
    assert claimed(database) == []


def test_a_dead_workers_feeds_are_claimed_again_when_its_lease_is_over(database):
    add(database, "https://a.example/1")
    claimed(database)
    assert claimed(database, NOW + LEASE) == []
    assert claimed(database, NOW + LEASE + timedelta(seconds=1)) == ["https://a.example/1"]


def test_a_large_host_is_taken_in_parts(database):
    add(database, *(f"https://a.example/{number}" for number in range(A_HOST + 5)))
    assert len(claimed(database)) == A_HOST


def test_what_is_not_due_or_retired_is_not_claimed(database):
    add(database, "https://a.example/", next_poll_at=NOW + timedelta(seconds=1))
    add(database, "https://b.example/", retired=True)
    assert claimed(database) == []


def test_the_host_follows_the_address(database):
    add(database, "https://a.example/1")
    with database.write() as session:
        session.scalars(select(Feed)).one().url = "https://B.example/1"
    with database.read() as session:
        assert session.scalars(select(Feed.host)).one() == "b.example"


def test_the_busy_feeds_of_a_host_are_those_whose_time_is_not_over(database):
    add(database, "https://a.example/1", busy_until=NOW + timedelta(hours=1))
    add(database, "https://a.example/2", busy_until=NOW)
    add(database, "https://b.example/1", busy_until=NOW + timedelta(hours=1))
    with database.read() as session:
        found = feed_rows.busy(session, ["a.example"], NOW)
    assert [list(moments.values()) for moments in found.values()] == [[NOW + timedelta(hours=1)]]


@pytest.fixture
def old_database(database):
    """A database of the version before feeds knew their hosts, with two feeds and an item."""
    command.downgrade(configuration(database.engine, ROOT / "migrations"), "0002")
    feed = (
        "INSERT INTO feeds (id, url, title, language, topics, authority, moved_times, failures, retired, problem,"
        " polled_at, next_poll_at) VALUES (:id, :url, 'T', 'en', '[]', 0.7, 0, :failures, false, '', :now, :now)"
    )
    item = (
        "INSERT INTO items (id, feed_id, key, digest, url, canonical_url, title, summary, authors, published_at,"
        " first_seen_at, state) VALUES (1, 1, 'k', 'd', '', '', 'T', '', '[]', :now, :now, 'open')"
    )
    fetch = (
        "INSERT INTO fetches (id, feed_id, at, status, conditional, milliseconds, size, new_items, problem)"
        " VALUES (1, 2, :then, 304, false, 1, 0, 0, '')"
    )
    with database.write() as session:
        session.execute(text(feed), {"id": 1, "url": "https://A.example:8443/1", "failures": 0, "now": f"{NOW}"})
        session.execute(text(feed), {"id": 2, "url": "https://[broken/", "failures": 2, "now": f"{NOW}"})
        session.execute(text(item), {"now": f"{NOW}"})
        session.execute(text(fetch), {"then": f"{DAY_BEFORE}"})
    return database


def test_feeds_of_the_version_before_are_taken_over(old_database):
    migrate(old_database.engine, ROOT / "migrations")
    with old_database.read() as session:
        well, broken = session.scalars(select(Feed).order_by(Feed.id))
        assert (well.host, well.newest_at, well.read_at, well.identity) == ("a.example:8443", NOW, NOW, "guid")
        assert (broken.host, broken.newest_at, broken.read_at) == ("", None, DAY_BEFORE)
