"""Feed -> item: ask the feeds that are due, keep what is new."""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from briefings.adapters import feed_parser
from briefings.domain import entries, feeds
from briefings.errors import BriefingsError, FetchError, ParseError
from briefings.store import feeds as feed_rows
from briefings.store import items as item_rows

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from briefings.adapters.http import Fetched, Fetcher
    from briefings.clock import Clock
    from briefings.domain.entries import ParsedFeed
    from briefings.store.base import Database

log = logging.getLogger(__name__)

CHUNK = 24
HOSTS_AT_ONCE = 8
OK = 200


def poll(database: Database, fetcher: Fetcher, clock: Clock) -> int:
    """Poll every feed that is due. Returns how many items are new.

    One host is asked one thing at a time. No feed's trouble is another's.
    """
    new = 0
    with ThreadPoolExecutor(HOSTS_AT_ONCE) as hosts:
        while True:
            with database.write() as session:
                claimed = feed_rows.claim_due(session, clock(), CHUNK)
            if not claimed:
                return new
            new += sum(hosts.map(lambda group: _poll_host(database, fetcher, clock, group), _by_host(claimed)))


def _by_host(claimed: Iterable[feed_rows.Feed]) -> list[list[feed_rows.Feed]]:
    groups: dict[str, list[feed_rows.Feed]] = defaultdict(list)
    for feed in claimed:
        groups[urlsplit(feed.url).netloc].append(feed)
    return list(groups.values())


def _poll_host(database: Database, fetcher: Fetcher, clock: Clock, group: Iterable[feed_rows.Feed]) -> int:
    return sum(_poll_one(database, fetcher, clock, feed) for feed in group)


def _poll_one(database: Database, fetcher: Fetcher, clock: Clock, feed: feed_rows.Feed) -> int:
    """Fetch without a transaction, then record everything in one."""
    facts, now, started = feed.facts(), clock(), monotonic()
    parsed, fetched = None, None
    try:
        fetched = fetcher.fetch(facts.url, etag=facts.etag, last_modified=facts.last_modified)
        answer = _answer(fetched)
        if fetched.status == OK and answer.body_digest != facts.body_digest:
            parsed = feed_parser.parse(fetched.body, url=fetched.url, content_type=fetched.content_type)
        decision = feeds.after_answer(facts, answer, now)
    except (FetchError, ParseError) as error:
        decision = feeds.after_failure(facts, str(error), now)
    fetch = _log(feed, fetched, decision.facts.problem, now, monotonic() - started)
    try:
        return _record(database, feed, parsed, decision, fetch)
    except (BriefingsError, SQLAlchemyError, ValueError):
        log.exception("Feed %s could not be stored", feed.id)
        decision = feeds.after_failure(facts, "Its items could not be stored; the log says why", now)
        fetch = _log(feed, fetched, decision.facts.problem, now, monotonic() - started)
        return _record(database, feed, None, decision, fetch)


def _answer(fetched: Fetched) -> feeds.Answer:
    return feeds.Answer(
        status=fetched.status,
        etag=fetched.etag,
        last_modified=fetched.last_modified,
        body_digest=hashlib.sha256(fetched.body).hexdigest() if fetched.status == OK else None,
        moved_to=fetched.moved_to,
        retry_after=fetched.retry_after,
    )


def _log(feed: feed_rows.Feed, fetched: Fetched | None, problem: str, at: datetime, seconds: float) -> feed_rows.Fetch:
    return feed_rows.Fetch(
        feed_id=feed.id,
        at=at,
        status=fetched.status if fetched else None,
        conditional=bool(feed.etag or feed.last_modified),
        milliseconds=round(seconds * 1000),
        size=len(fetched.body) if fetched else 0,
        problem=problem,
    )


def _record(
    database: Database,
    feed: feed_rows.Feed,
    parsed: ParsedFeed | None,
    decision: feeds.NextPoll,
    fetch: feed_rows.Fetch,
) -> int:
    now, added = fetch.at, 0
    with database.write() as session:
        if parsed:
            keys = [entries.item_key(entry) for entry in parsed.entries]
            new, edits = entries.plan(parsed.entries, item_rows.known(session, feed.id, keys), now)
            added = fetch.new_items = item_rows.add(session, feed.id, new, now)
            item_rows.edit(session, edits, now)
        feed_rows.record_poll(session, feed.id, decision, fetch)
    if fetch.problem:
        log.warning("Feed %s: %s", feed.id, fetch.problem)
    return added
