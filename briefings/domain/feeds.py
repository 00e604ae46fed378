"""When a feed is polled next, and its health in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from random import Random

SHORTEST = timedelta(minutes=30)
USUAL = timedelta(hours=1)
LONGEST = timedelta(hours=24)
#: A permanent redirect is believed after it was seen this often in a row, with the same end.
HOPS_TO_BELIEVE = 3
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


@dataclass(frozen=True)
class Answer:
    """What a host said to a poll."""

    status: int
    etag: str | None = None
    last_modified: str | None = None
    body_digest: str | None = None
    moved_to: str | None = None
    retry_after: str | None = None


@dataclass(frozen=True)
class NextPoll:
    """A decision: what to remember of the feed, and when to ask again (UTC)."""

    facts: FeedFacts
    at: datetime


def after_answer(facts: FeedFacts, answer: Answer, now: datetime) -> NextPoll:
    """What follows from an HTTP answer: success resets, 410 retires, anything else backs off."""
    if answer.status == HTTPStatus.OK:
        return _after_success(facts, answer, now)
    if answer.status == HTTPStatus.NOT_MODIFIED:
        return NextPoll(replace(facts, failures=0, problem=""), now + spread(USUAL, facts.url, now))
    if answer.status == HTTPStatus.GONE:
        gone = replace(facts, retired=True, problem="The publisher has ended this feed (410 Gone)")
        return NextPoll(gone, now + LONGEST)
    wait = retry_after(answer.retry_after, now)
    return after_failure(facts, _status_words(answer.status), now, at_least=wait)


def after_failure(facts: FeedFacts, problem: str, now: datetime, at_least: timedelta = timedelta()) -> NextPoll:
    """Back-off that doubles up to a day and never stops; `at_least` is what the host asked for."""
    failures = facts.failures + 1
    back_off = min(SHORTEST * 2 ** min(failures, 10), LONGEST)
    wait = min(max(back_off, at_least), max(LONGEST, at_least))
    return NextPoll(replace(facts, failures=failures, problem=problem), now + spread(wait, facts.url, now))


def retry_after(value: str | None, now: datetime) -> timedelta:
    """How long a Retry-After header (RFC 9110: seconds or an HTTP date) asks to wait, at most a week."""
    if not value:
        return timedelta()
    try:
        wait = timedelta(seconds=int(value)) if value.strip().isdigit() else _until(value, now)
    except (ValueError, TypeError, OverflowError):
        return timedelta()
    return max(timedelta(), min(wait, timedelta(days=7)))


def spread(interval: timedelta, seed: str, now: datetime) -> timedelta:
    """The interval and up to a tenth more, the same for the same feed at the same moment."""
    return interval * (1 + JITTER * Random(f"{seed} {now.isoformat()}").random())  # noqa: S311 - no secret


def _after_success(facts: FeedFacts, answer: Answer, now: datetime) -> NextPoll:
    moved_to = answer.moved_to if len(answer.moved_to or "") <= LONGEST_URL else None
    again = moved_to is not None and moved_to == facts.moved_to
    times = facts.moved_times + 1 if again else int(moved_to is not None)
    believed = moved_to if times >= HOPS_TO_BELIEVE else None
    remembered = FeedFacts(
        url=believed or facts.url,
        etag=answer.etag,
        last_modified=answer.last_modified,
        body_digest=answer.body_digest,
        moved_to=None if believed else moved_to,
        moved_times=0 if believed else times,
    )
    return NextPoll(remembered, now + spread(USUAL, facts.url, now))


def _until(value: str, now: datetime) -> timedelta:
    date = parsedate_to_datetime(value)
    return (date if date.tzinfo else date.replace(tzinfo=UTC)) - now


def _status_words(status: int) -> str:
    try:
        return f"The host answered {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"The host answered {status}"
