"""When a feed is polled next, and what is remembered of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from itertools import pairwise
from random import Random
from statistics import median_low
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from briefings.domain.entries import EARLIEST_YEAR
from briefings.domain.weeks import IssueWeek, issue_at

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORTEST = timedelta(minutes=30)
USUAL = timedelta(hours=1)  #: while a feed's rhythm is unknown
LONGEST = timedelta(hours=12)
LONGEST_BACK_OFF = timedelta(hours=24)
LONGEST_PATIENCE = timedelta(days=7)
#: Before the weekly cut-off every feed is asked once more, spread over this time.
LAST_CALL = timedelta(hours=2)
#: A feed is asked this many times between two of its items.
POLLS_A_GAP = 4
#: A rhythm is read from at most this many moments, and from no fewer than three.
MOMENTS, FEWEST_MOMENTS = 20, 3
#: A permanent redirect is believed after it was seen this often in a row, with the same end.
HOPS_TO_BELIEVE = 3
#: A host is busy as a whole when this many of its feeds were asked to wait: one alone may be one bad page.
BUSY_FEEDS = 2
#: A host that leaves this many requests in a row without an answer is asked for nothing more in that pass.
UNANSWERED = 3
LONGEST_URL = 2000
#: At most this share of an interval is added by chance, so that feeds added together drift apart.
JITTER = 0.1


@dataclass(frozen=True)
class FeedFacts:
    """What we know of a feed and need for the next poll."""

    url: str
    etag: str | None = None
    last_modified: str | None = None
    body_digest: str | None = None
    moved_to: str | None = None  #: where permanent redirects led at the last poll
    moved_times: int = 0  #: how often in a row
    failures: int = 0  #: in a row
    retired: bool = False
    problem: str = ""  #: the last failure in words, empty when healthy
    read_at: datetime | None = None  #: the last 200 or 304
    busy_until: datetime | None = None  #: until when its host asked to wait (429, 503)
    identity: str = "guid"  #: what tells its entries apart: "guid", or "link" since its guids were seen to change


@dataclass(frozen=True)
class Rhythm:
    """How often a feed brings something."""

    gap: timedelta | None = None  #: usual time between two items, none while unknown
    newest: datetime | None = None  #: date of the newest item

    def expected(self, now: datetime) -> timedelta | None:
        """The time between two items to go by: the usual one, or the silence at `now` when that is longer."""
        if self.newest is None:
            return self.gap
        return max(POLLS_A_GAP * USUAL if self.gap is None else self.gap, now - self.newest)


@dataclass(frozen=True)
class Answer:
    """What a host said to a poll."""

    status: int
    etag: str | None = None
    last_modified: str | None = None
    body_digest: str | None = None
    moved_to: str | None = None
    retry_after: str | None = None
    cache_control: str | None = None
    expires: str | None = None


@dataclass(frozen=True)
class NextPoll:
    """A decision: what to remember of the feed, and when to ask again (UTC)."""

    facts: FeedFacts
    at: datetime


# ---------------------------------------------------------------- decisions


def after_answer(facts: FeedFacts, answer: Answer, now: datetime, gap: timedelta | None = None) -> NextPoll:
    """What follows from an HTTP answer: success resets, 410 retires, anything else backs off.

    `gap` is the time between two items of the feed to go by.
    """
    if answer.status in {HTTPStatus.OK, HTTPStatus.NOT_MODIFIED}:
        known = _learnt(facts, answer) if answer.status == HTTPStatus.OK else _renewed(facts, answer)
        floor = freshness(answer.cache_control, answer.expires, now)
        healthy = replace(_moved(known, answer.moved_to), failures=0, problem="", read_at=now)
        return NextPoll(healthy, next_poll(facts.url, gap, floor, now))
    if answer.status == HTTPStatus.GONE:
        gone = replace(facts, retired=True, problem="The publisher has ended this feed (410 Gone)")
        return NextPoll(gone, now + LONGEST_BACK_OFF)
    wait = retry_after(answer.retry_after, now)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = wait or USUAL
    if answer.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        facts = replace(facts, busy_until=now + wait)
    return after_failure(facts, _status_words(answer.status), now, at_least=wait)


def after_failure(facts: FeedFacts, problem: str, now: datetime, at_least: timedelta = timedelta()) -> NextPoll:
    """Back-off that doubles up to a day and never stops; `at_least` is what the host asked for."""
    failures = facts.failures + 1
    back_off = min(SHORTEST * 2 ** min(failures, 10), LONGEST_BACK_OFF)
    wait = max(back_off, at_least)
    return NextPoll(replace(facts, failures=failures, problem=problem), now + spread(wait, facts.url, now))


def while_busy(facts: FeedFacts, until: datetime, now: datetime) -> NextPoll:
    """The feed is not asked, because its host is busy `until` then; that is no failure of its own."""
    note = f"Not asked, because its host wants no requests until {until:%d %b %H:%M} UTC"
    return _put_off(facts, note, until - now, now)


def while_silent(facts: FeedFacts, now: datetime) -> NextPoll:
    """The feed is not asked, because its host left the requests before without an answer; no failure of its own."""
    return _put_off(facts, f"Not asked, because its host did not answer {UNANSWERED} requests in a row", USUAL, now)


def host_busy_until(asked: Iterable[datetime], now: datetime) -> datetime | None:
    """How long a host's other feeds wait, given until when each refused feed was asked to: while two of them do."""
    ahead = sorted(until for until in asked if until > now)
    return ahead[-BUSY_FEEDS] if len(ahead) >= BUSY_FEEDS else None


def next_poll(url: str, gap: timedelta | None, floor: timedelta, now: datetime) -> datetime:
    """When a healthy feed is asked again: by its rhythm, not before the publisher's `floor`, and once more in the
    last hours before the weekly cut-off.
    """
    interval = USUAL if gap is None else min(max(gap / POLLS_A_GAP, SHORTEST), LONGEST)
    at = now + spread(max(interval, floor), url, now)
    cutoff = IssueWeek(issue_at(now).monday + timedelta(weeks=1)).cutoff
    last_call = cutoff - LAST_CALL * Random(url).random()  # noqa: S311 - no secret
    earliest = max(last_call, now + max(floor, SHORTEST))
    return earliest if now < last_call and earliest <= cutoff < at else at


def rhythm(dates: Iterable[datetime], before: Rhythm, now: datetime) -> Rhythm:
    """The rhythm of a feed whose entries have these dates (UTC); what they do not tell stays as it was `before`.

    Entries of the same hour are one moment: a feed that brings ten at once each day has a gap of a day.
    """
    past = [date for date in dates if date.year >= EARLIEST_YEAR and date <= now]
    moments = sorted({date.replace(minute=0, second=0, microsecond=0) for date in past})[-MOMENTS:]
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    gap = median_low(gaps) if len(moments) >= FEWEST_MOMENTS else before.gap
    newest = max([*past, *([before.newest] if before.newest else [])], default=None)
    return Rhythm(gap, newest)


# ---------------------------------------------------------------- what hosts ask for


def retry_after(value: str | None, now: datetime) -> timedelta:
    """How long a Retry-After header (RFC 9110: seconds or an HTTP date) asks to wait, at most a week."""
    text = (value or "").strip()
    wait = _seconds(text) if text.isdecimal() else _until(text, now)
    return max(timedelta(), min(wait, LONGEST_PATIENCE))


def freshness(cache_control: str | None, expires: str | None, now: datetime) -> timedelta:
    """How long an answer stays fresh (RFC 9111), by max-age, else by Expires; at most twelve hours."""
    pairs = [part.partition("=") for part in (cache_control or "").lower().split(",")]
    directives = {name.strip(): value.strip().strip('"') for name, _, value in reversed(pairs)}
    if "no-cache" in directives or "no-store" in directives:
        return timedelta()
    fresh = _seconds(directives["max-age"]) if "max-age" in directives else _until(expires or "", now)
    return max(timedelta(), min(fresh, LONGEST))


def spread(interval: timedelta, seed: str, now: datetime) -> timedelta:
    """The interval and up to a tenth more, the same for the same feed at the same moment."""
    return interval * (1 + JITTER * Random(f"{seed} {now.isoformat()}").random())  # noqa: S311 - no secret


def host_of(url: str) -> str:
    """The host and port that an address names, in small letters; empty when it names none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def source_of(address: str, otherwise: str = "") -> str:
    """Where an item comes from, as the tagger learns and meets it: the host of its address without `www.`.

    `otherwise` is a host or the name of a feed, for an item whose address is not known.
    """
    return (host_of(address) or otherwise.strip().lower()).removeprefix("www.")


# ---------------------------------------------------------------- details


def _put_off(facts: FeedFacts, note: str, wait: timedelta, now: datetime) -> NextPoll:
    return NextPoll(replace(facts, problem=facts.problem or note), now + spread(wait, facts.url, now))


def _learnt(facts: FeedFacts, answer: Answer) -> FeedFacts:
    """The facts after a 200."""
    return replace(facts, etag=answer.etag, last_modified=answer.last_modified, body_digest=answer.body_digest)


def _renewed(facts: FeedFacts, answer: Answer) -> FeedFacts:
    """The facts after a 304, which may bring new validators for the same body."""
    etag, last_modified = answer.etag or facts.etag, answer.last_modified or facts.last_modified
    return replace(facts, etag=etag, last_modified=last_modified)


def _moved(facts: FeedFacts, moved_to: str | None) -> FeedFacts:
    """The facts with the address that permanent redirects led to, which is the feed's own when seen often enough."""
    moved_to = moved_to if len(moved_to or "") <= LONGEST_URL else None
    again = moved_to is not None and moved_to == facts.moved_to
    times = facts.moved_times + 1 if again else int(moved_to is not None)
    believed = moved_to if times >= HOPS_TO_BELIEVE else None
    return replace(
        facts,
        url=believed or facts.url,
        moved_to=None if believed else moved_to,
        moved_times=0 if believed else times,
    )


def _seconds(digits: str) -> timedelta:
    """At most a week, whatever the number; none for what is not a number."""
    return min(timedelta(seconds=int(digits[:9])), LONGEST_PATIENCE) if digits.isdecimal() else timedelta()


def _until(value: str, now: datetime) -> timedelta:
    try:
        date = parsedate_to_datetime(value)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
    except (ValueError, TypeError, OverflowError):
        return timedelta()


def _status_words(status: int) -> str:
    try:
        return f"The host answered {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"The host answered {status}"
