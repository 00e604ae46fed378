"""Feeds and the log of their fetches."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, ForeignKey, Index, func, insert, or_, select, update
from sqlalchemy.orm import Mapped, aliased, mapped_column, validates

from briefings.domain.feeds import FeedFacts, Rhythm, host_of
from briefings.store.base import Base, Id, alone, insert_new

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy.orm import Session

    from briefings.domain.catalogue import ListedFeed
    from briefings.domain.entries import Entry
    from briefings.domain.feeds import NextPoll

#: A worker that took a feed and died gives it back after this.
LEASE = timedelta(minutes=15)  #: longer than the slowest feeds of one host take
#: At most so many feeds of one host are taken at once.
A_HOST = 24


class Feed(Base):
    """A source we poll."""

    __tablename__ = "feeds"
    __table_args__ = (Index("ix_feeds_due", "retired", "next_poll_at"),)
    id: Mapped[Id]
    url: Mapped[str] = mapped_column(unique=True)
    host: Mapped[str] = mapped_column(index=True)  #: of the address
    title: Mapped[str]
    language: Mapped[str] = mapped_column(default="en")
    topics: Mapped[list[str]] = mapped_column(default=list)
    authority: Mapped[float] = mapped_column(default=0.7)
    etag: Mapped[str | None]
    last_modified: Mapped[str | None]
    body_digest: Mapped[str | None]
    moved_to: Mapped[str | None]
    moved_times: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    retired: Mapped[bool] = mapped_column(default=False)
    problem: Mapped[str] = mapped_column(default="")
    identity: Mapped[str] = mapped_column(default="guid")
    gap_seconds: Mapped[int | None]
    newest_at: Mapped[datetime | None]
    polled_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]  #: the last poll that went well
    busy_until: Mapped[datetime | None]
    next_poll_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]

    @validates("url")
    def _name_host(self, _: str, url: str) -> str:
        self.host = host_of(url)
        return url

    @property
    def is_trace(self) -> bool:
        """Whether it only keeps the former address of a feed that moved, so that no list brings it back."""
        return self.retired and self.polled_at is None and self.moved_to is not None

    def facts(self) -> FeedFacts:
        """What the decision about the next poll needs."""
        return FeedFacts(
            self.url,
            self.etag,
            self.last_modified,
            self.body_digest,
            self.moved_to,
            self.moved_times,
            self.failures,
            self.retired,
            self.problem,
            self.read_at,
            self.busy_until,
            self.identity,
        )

    def rhythm(self) -> Rhythm:
        """How often it brings something."""
        gap = None if self.gap_seconds is None else timedelta(seconds=self.gap_seconds)
        return Rhythm(gap, self.newest_at)


class Fetch(Base):
    """One poll of a feed, kept for its history."""

    __tablename__ = "fetches"
    id: Mapped[Id]
    feed_id: Mapped[int] = mapped_column(ForeignKey("feeds.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    status: Mapped[int | None]  #: HTTP status, none when there was no answer
    conditional: Mapped[bool]  #: whether validators were sent
    milliseconds: Mapped[int]
    size: Mapped[int]  #: decoded bytes
    new_items: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str] = mapped_column(default="")


@dataclass(frozen=True)
class Polled:
    """What came of a claimed feed."""

    feed: Feed
    at: datetime
    decision: NextPoll
    rhythm: Rhythm
    fetch: Mapping[str, Any] | None = None  #: columns of `Fetch` that describe the answer; none when not asked
    entries: Sequence[Entry] = ()  #: what it brought, when it had changed
    new_items: int = 0
    answered: bool = True  #: whether its host gave any answer, when asked


def add_listed(session: Session, listed: Iterable[ListedFeed], now: datetime) -> int:
    """Take over the feeds of a list that are not here yet, due at once. Returns how many."""
    rows = [
        {
            "url": feed.url,
            "host": host_of(feed.url),
            "title": feed.title,
            "language": feed.language,
            "topics": list(feed.topics),
            "authority": feed.authority,
            "next_poll_at": now,
        }
        for feed in listed
    ]
    return len(insert_new(session, Feed, rows, returning=Feed.id))


def claim_due(session: Session, now: datetime, limit: int) -> list[Feed]:
    """Take up to `limit` due feeds for this worker; no other worker gets them, nor another feed of their hosts,
    while the lease runs.
    """
    alone(session, "claim feeds")
    taken = aliased(Feed)
    hosts_taken = select(taken.host).where(taken.claimed_until >= now)
    turn = func.row_number().over(partition_by=Feed.host, order_by=(Feed.next_poll_at, Feed.id)).label("turn")
    waiting = select(Feed.id, Feed.next_poll_at, turn).where(_due(now), Feed.host.not_in(hosts_taken)).subquery()
    due = select(waiting.c.id).where(waiting.c.turn <= A_HOST).order_by(waiting.c.next_poll_at, waiting.c.id)
    statement = (
        update(Feed)
        .where(Feed.id.in_(due.limit(limit).scalar_subquery()))
        .values(claimed_until=now + LEASE)
        .returning(Feed)
        .execution_options(synchronize_session=False)
    )
    return list(session.scalars(statement))


def busy(session: Session, hosts: Collection[str], now: datetime) -> dict[str, dict[int, datetime]]:
    """By host: the feeds whose host asked to wait, and until when."""
    found = select(Feed.host, Feed.id, Feed.busy_until).where(Feed.busy_until > now, Feed.host.in_(hosts))
    by_host: dict[str, dict[int, datetime]] = defaultdict(dict)
    for host, feed_id, until in session.execute(found):
        if until:
            by_host[host][feed_id] = until
    return by_host


def record_polls(session: Session, polls: Iterable[Polled]) -> None:
    """Remember what polls taught us, write them to the log and free the feeds."""
    settled = [_settled(session, one) for one in polls]
    session.execute(update(Feed), [_values(one) for one in settled])
    insert_new(session, Feed, [_trace(one) for one in settled if one.decision.facts.url != one.feed.url])
    fetches = [_fetch(one) for one in settled if one.fetch]
    if fetches:
        session.execute(insert(Fetch), fetches)


def _settled(session: Session, polled: Polled) -> Polled:
    """The same, but a feed that moved to one we poll is retired instead; one that moved to a retired one stays."""
    facts = polled.decision.facts
    other = None if facts.url == polled.feed.url else session.scalar(select(Feed).where(Feed.url == facts.url))
    if other is not None and other.is_trace:  # it moves back
        session.delete(other)
        session.flush()
        other = None
    if other is None:
        return polled
    note = facts.problem if other.retired else f"Moved to {facts.url}, which we poll already"
    facts = replace(facts, url=polled.feed.url, retired=not other.retired, problem=note)
    return replace(polled, decision=replace(polled.decision, facts=facts))


def _values(polled: Polled) -> dict[str, Any]:
    """The columns to write; address and retirement only when the poll changed them: an editor may have, too."""
    facts, rhythm = polled.decision.facts, polled.rhythm
    values = {
        "id": polled.feed.id,
        "etag": facts.etag,
        "last_modified": facts.last_modified,
        "body_digest": facts.body_digest,
        "moved_to": facts.moved_to,
        "moved_times": facts.moved_times,
        "failures": facts.failures,
        "problem": facts.problem,
        "identity": facts.identity,
        "gap_seconds": round(rhythm.gap.total_seconds()) if rhythm.gap else None,
        "newest_at": rhythm.newest,
        "read_at": facts.read_at,
        "busy_until": facts.busy_until,
        "polled_at": polled.at if polled.fetch else polled.feed.polled_at,
        "next_poll_at": polled.decision.at,
        "claimed_until": None,
    }
    if facts.url != polled.feed.url:
        values |= {"url": facts.url, "host": host_of(facts.url)}
    return values | ({"retired": True} if facts.retired else {})


def _trace(polled: Polled) -> dict[str, Any]:
    """A retired feed at the address that a feed has left."""
    feed, url = polled.feed, polled.decision.facts.url
    same = {name: getattr(feed, name) for name in ("url", "host", "title", "language", "topics", "authority")}
    return same | {"retired": True, "problem": f"Moved to {url}", "moved_to": url, "next_poll_at": polled.at}


def _fetch(polled: Polled) -> dict[str, Any]:
    said = {"at": polled.at, "problem": polled.decision.facts.problem, "new_items": polled.new_items}
    return {**(polled.fetch or {}), **said, "feed_id": polled.feed.id}


def never_polled(session: Session) -> int:
    """How many active feeds were never asked."""
    return session.scalar(select(func.count()).where(~Feed.retired, Feed.polled_at.is_(None))) or 0


def due(session: Session, now: datetime) -> bool:
    """Whether a feed waits to be polled."""
    found = select(Feed.id).where(_due(now)).limit(1)
    return session.scalar(found) is not None


def count_due(session: Session, now: datetime) -> int:
    """How many feeds wait to be polled."""
    return session.scalar(select(func.count()).where(_due(now))) or 0


def with_problem(session: Session) -> list[Feed]:
    """Feeds that are retired or whose last poll went wrong, the most failures first."""
    found = select(Feed).where(Feed.retired | (Feed.problem != "")).order_by(Feed.failures.desc(), Feed.title)
    return list(session.scalars(found))


def listed(session: Session, offset: int, limit: int) -> list[Feed]:
    """One page of feeds: those with a problem first, then by title."""
    found = select(Feed).order_by((Feed.problem == "") & ~Feed.retired, Feed.title, Feed.id)
    return list(session.scalars(found.offset(offset).limit(limit)))


def _due(now: datetime) -> ColumnElement[bool]:
    unclaimed = or_(Feed.claimed_until.is_(None), Feed.claimed_until < now)
    return ~Feed.retired & (Feed.next_poll_at <= now) & unclaimed
