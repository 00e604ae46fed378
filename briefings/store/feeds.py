"""Feeds and the log of their fetches."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, ForeignKey, Index, func, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from briefings.domain.feeds import FeedFacts
from briefings.store.base import Base, Id, insert_new

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

    from briefings.domain.catalogue import ListedFeed
    from briefings.domain.feeds import NextPoll

#: A worker that took a feed and died gives it back after this.
LEASE = timedelta(minutes=15)  #: longer than a chunk of slow feeds of one host takes


class Feed(Base):
    """A source we poll."""

    __tablename__ = "feeds"
    __table_args__ = (Index("ix_feeds_due", "retired", "next_poll_at"),)
    id: Mapped[Id]
    url: Mapped[str] = mapped_column(unique=True)
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
    polled_at: Mapped[datetime | None]
    next_poll_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]

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
        )


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


def add_listed(session: Session, listed: Iterable[ListedFeed], now: datetime) -> int:
    """Take over the feeds of a list that are not here yet, due at once. Returns how many."""
    rows = [
        {
            "url": feed.url,
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
    """Take up to `limit` due feeds for this worker; no other worker gets them while the lease runs."""
    due = (
        select(Feed.id)
        .where(~Feed.retired, Feed.next_poll_at <= now, _unclaimed(now))
        .order_by(Feed.next_poll_at, Feed.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(Feed)
        .where(Feed.id.in_(due.scalar_subquery()))
        .values(claimed_until=now + LEASE)
        .returning(Feed)
        .execution_options(synchronize_session=False)
    )
    return list(session.scalars(statement))


def record_poll(session: Session, feed_id: int, decision: NextPoll, fetch: Fetch) -> None:
    """Remember what a poll taught us, write it to the log and free the feed."""
    facts = decision.facts
    taken = facts.url != session.scalar(select(Feed.url).where(Feed.id == feed_id)) and session.scalar(
        select(Feed.id).where(Feed.url == facts.url, Feed.id != feed_id)
    )
    values = {
        "etag": facts.etag,
        "last_modified": facts.last_modified,
        "body_digest": facts.body_digest,
        "moved_to": facts.moved_to,
        "moved_times": facts.moved_times,
        "failures": facts.failures,
        "retired": facts.retired or bool(taken),
        "problem": f"Moved to {facts.url}, which we poll already" if taken else facts.problem,
        "polled_at": fetch.at,
        "next_poll_at": decision.at,
        "claimed_until": None,
    }
    if not taken:
        values["url"] = facts.url
    session.execute(update(Feed).where(Feed.id == feed_id).values(**values))
    session.add(fetch)


def never_polled(session: Session) -> int:
    """How many active feeds were never asked."""
    return session.scalar(select(func.count()).where(~Feed.retired, Feed.polled_at.is_(None))) or 0


def due(session: Session, now: datetime) -> bool:
    """Whether a feed waits to be polled."""
    found = select(Feed.id).where(~Feed.retired, Feed.next_poll_at <= now, _unclaimed(now)).limit(1)
    return session.scalar(found) is not None


def count_due(session: Session, now: datetime) -> int:
    """How many feeds wait to be polled."""
    return session.scalar(select(func.count()).where(~Feed.retired, Feed.next_poll_at <= now, _unclaimed(now))) or 0


def with_problem(session: Session) -> list[Feed]:
    """Feeds that are retired or whose last poll went wrong, the most failures first."""
    found = select(Feed).where(Feed.retired | (Feed.problem != "")).order_by(Feed.failures.desc(), Feed.title)
    return list(session.scalars(found))


def listed(session: Session, offset: int, limit: int) -> list[Feed]:
    """One page of feeds: those with a problem first, then by title."""
    found = select(Feed).order_by((Feed.problem == "") & ~Feed.retired, Feed.title, Feed.id)
    return list(session.scalars(found.offset(offset).limit(limit)))


def _unclaimed(now: datetime) -> ColumnElement[bool]:
    return or_(Feed.claimed_until.is_(None), Feed.claimed_until < now)
