"""Feed -> item: ask the feeds that are due, keep what is new."""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SQLAlchemyError

from briefings.adapters import feed_parser
from briefings.domain import entries, feeds
from briefings.errors import FetchError, NoAnswerError, ParseError
from briefings.store import feeds as feed_rows
from briefings.store import items as item_rows
from briefings.store.feeds import Polled

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy.orm import Session

    from briefings.adapters.http import Fetched, Fetcher
    from briefings.clock import Clock
    from briefings.domain.entries import Entry
    from briefings.store.base import Database

log = logging.getLogger(__name__)

CHUNK = 96
HOSTS_AT_ONCE = 16
#: More feeds are claimed when so few hosts are left: slow ones hold nobody up, and enough threads are free.
FEW_HOSTS = 8
#: So many seconds the polls of a host wait for those of others, to be recorded together.
BREATH = 0.25
OK = 200


def poll(database: Database, fetcher: Fetcher, clock: Clock) -> int:
    """Poll every feed that is due. Returns how many items are new.

    One host is asked one thing at a time, and recorded when it is done. No feed's trouble is another's.
    """
    new, asked = 0, set[Future[list[Polled]]]()
    with ThreadPoolExecutor(HOSTS_AT_ONCE) as hosts:
        while True:
            while len(asked) <= FEW_HOSTS and (claimed := _claim(database, clock())):
                asked |= {hosts.submit(_ask_host, fetcher, clock, *host) for host in claimed}
            if not asked:
                return new
            done, asked = _done(asked)
            new += _keep(database, [polled for host in done for polled in host.result()])


def _claim(database: Database, now: datetime) -> list[tuple[list[feed_rows.Feed], dict[int, datetime]]]:
    """Due feeds by host, each with those of the host's feeds that were refused, and until when."""
    with database.write() as session:
        claimed = _by_host(feed_rows.claim_due(session, now, CHUNK))
        busy = feed_rows.busy(session, list(claimed), now)
    return [(group, busy[host]) for host, group in claimed.items()]


def _done(asked: set[Future[list[Polled]]]) -> tuple[set[Future[list[Polled]]], set[Future[list[Polled]]]]:
    """The hosts that are done, at least one, and those that are not."""
    wait(asked, return_when=FIRST_COMPLETED)
    return wait(asked, BREATH)


def _by_host(claimed: Iterable[feed_rows.Feed]) -> dict[str, list[feed_rows.Feed]]:
    groups: dict[str, list[feed_rows.Feed]] = defaultdict(list)
    for feed in claimed:
        groups[feed.host].append(feed)
    return groups


# ---------------------------------------------------------------- asking, without a transaction


def _ask_host(
    fetcher: Fetcher, clock: Clock, group: Iterable[feed_rows.Feed], busy: dict[int, datetime]
) -> list[Polled]:
    """Ask a host for its feeds, one after the other, until it wants no more requests or answers none.

    `busy` are its feeds that were refused, and until when; those of this pass are added.
    """
    polls, unanswered = [], 0
    for feed in group:
        polled = _put_off(feed, busy.values(), unanswered, clock()) or _ask(fetcher, clock, feed)
        if polled.decision.facts.busy_until:
            busy[feed.id] = polled.decision.facts.busy_until
        if polled.fetch:
            unanswered = 0 if polled.answered else unanswered + 1
        polls.append(polled)
    return polls


def _put_off(feed: feed_rows.Feed, busy: Iterable[datetime], unanswered: int, now: datetime) -> Polled | None:
    """What becomes of a feed whose host wants no more requests or left the last ones `unanswered`; else none."""
    until = feeds.host_busy_until(busy, now)
    if until:
        return Polled(feed, now, feeds.while_busy(feed.facts(), until, now), feed.rhythm())
    if unanswered >= feeds.UNANSWERED:
        return Polled(feed, now, feeds.while_silent(feed.facts(), now), feed.rhythm())
    return None


def _ask(fetcher: Fetcher, clock: Clock, feed: feed_rows.Feed) -> Polled:
    facts, rhythm, now, started = feed.facts(), feed.rhythm(), clock(), monotonic()
    found: Sequence[Entry] = ()
    fetched, answered = None, True
    try:
        fetched = fetcher.fetch(facts.url, etag=facts.etag, last_modified=facts.last_modified)
        answer = _answer(fetched)
        if fetched.status == OK and answer.body_digest != facts.body_digest:
            found = feed_parser.parse(fetched.body, url=fetched.url, content_type=fetched.content_type).entries
            rhythm = feeds.rhythm((entry.published for entry in found if entry.published), rhythm, now)
        decision = feeds.after_answer(facts, answer, now, _gap(found, rhythm, now))
        if feeds.host_of(fetched.url) != feeds.host_of(facts.url):  # another host's wish binds no feed of this one
            decision = replace(decision, facts=replace(decision.facts, busy_until=facts.busy_until))
    except (FetchError, ParseError) as error:
        decision = feeds.after_failure(facts, str(error), now)
        answered = not (isinstance(error, NoAnswerError) and _is_of(error.host, facts.url))
    except Exception:
        log.exception("Feed %s could not be read", feed.id)
        decision = feeds.after_failure(facts, "It could not be read; the log says why", now)
    return Polled(feed, now, decision, rhythm, _log(feed, fetched, monotonic() - started), found, answered=answered)


def _gap(found: Iterable[Entry], rhythm: feeds.Rhythm, now: datetime) -> timedelta | None:
    """The time between two items to go by. What came undated may be news, so that the feed may not be silent."""
    dated = all(entries.settled_date(entry.published, now) == entry.published for entry in found)
    return rhythm.expected(now) if dated else rhythm.gap


def _is_of(host: str, url: str) -> bool:
    return feeds.host_of(url).partition(":")[0] == host


def _answer(fetched: Fetched) -> feeds.Answer:
    return feeds.Answer(
        status=fetched.status,
        etag=fetched.etag,
        last_modified=fetched.last_modified,
        body_digest=hashlib.sha256(fetched.body).hexdigest() if fetched.status == OK else None,
        moved_to=fetched.moved_to,
        retry_after=fetched.retry_after,
        cache_control=fetched.cache_control,
        expires=fetched.expires,
    )


def _log(feed: feed_rows.Feed, fetched: Fetched | None, seconds: float) -> dict[str, Any]:
    return {
        "status": fetched.status if fetched else None,
        "conditional": bool(feed.etag or feed.last_modified),
        "milliseconds": round(seconds * 1000),
        "size": len(fetched.body) if fetched else 0,
    }


# ---------------------------------------------------------------- keeping


def _keep(database: Database, polls: Sequence[Polled]) -> int:
    """Record a chunk in one transaction; when that fails, one by one. Returns how many items are new.

    A feed whose items cannot be stored is recorded as failing; one of which not even that can be stored
    (somebody removed it) is left to its lease. Raises DependencyError when the database is gone.
    """
    try:
        with database.write() as session:
            return _record(session, polls)
    except (SQLAlchemyError, ValueError):
        if len(polls) > 1:
            return sum(_keep(database, [polled]) for polled in polls)
        log.exception("Feed %s could not be stored", polls[0].feed.id)
    return _keep(database, [_unstorable(polls[0])]) if polls[0].entries else 0


def _unstorable(polled: Polled) -> Polled:
    """The same poll as a failure, with nothing to store."""
    problem = "Its items could not be stored; the log says why"
    decision = feeds.after_failure(polled.feed.facts(), problem, polled.at)
    return replace(polled, decision=decision, rhythm=polled.feed.rhythm(), entries=())


def _record(session: Session, polls: Iterable[Polled]) -> int:
    stored = [_store_entries(session, polled) if polled.entries else polled for polled in polls]
    feed_rows.record_polls(session, stored)
    for polled in stored:
        if polled.fetch and polled.decision.facts.problem:
            log.warning("Feed %s: %s", polled.feed.id, polled.decision.facts.problem)
    return sum(polled.new_items for polled in stored)


def _store_entries(session: Session, polled: Polled) -> Polled:
    """Store what is new or edited; what that teaches of the feed is added to the poll."""
    found, feed_id, facts = polled.entries, polled.feed.id, polled.decision.facts
    known = item_rows.known(session, feed_id, [entries.item_key(entry) for entry in found])
    pages = item_rows.on_pages(session, feed_id, [entries.page_key(entry.url) for entry in found if entry.url])
    if facts.identity == "guid" and entries.guids_changed(found, known, pages):
        facts = replace(facts, identity="link")
    new, edits = entries.plan(found, known, polled.at, pages if facts.identity == "link" else None)
    added = item_rows.add(session, feed_id, new, polled.at)
    item_rows.edit(session, edits, polled.at)
    rhythm = feeds.rhythm((item.published for item in new), polled.rhythm, polled.at)
    newest = replace(polled.rhythm, newest=rhythm.newest)
    return replace(polled, decision=replace(polled.decision, facts=facts), rhythm=newest, new_items=added)
