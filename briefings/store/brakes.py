"""The brakes of sending, the buckets of its rates, and the counts by which brakes are judged."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, and_, delete, func, or_, select
from sqlalchemy.orm import Mapped, aliased, mapped_column

from briefings.domain.brakes import BRIEFING, Brakes, Canary, Health, On, Pause, Trial, enough
from briefings.domain.deliveries import MOVING, State
from briefings.domain.rates import Bucket
from briefings.store.base import Base, insert_new, put
from briefings.store.deliveries import Delivery, Event
from briefings.store.issues import Edition

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import InstrumentedAttribute, Session

    from briefings.domain.rates import Rate

STOP, BREAKER, CANARY, DOMAIN = "stop", "breaker", "canary", "domain "
ENDS = (State.SENT, State.DELIVERED, State.BOUNCED, State.COMPLAINED, State.DEAD)


class Brake(Base):
    """What holds sending back, shared by all workers: `stop`, `breaker`, `canary`, or `domain gmail.com`."""

    __tablename__ = "brakes"
    name: Mapped[str] = mapped_column(primary_key=True)
    is_on: Mapped[bool]
    reason: Mapped[str]
    who: Mapped[str]
    number: Mapped[int] = mapped_column(BigInteger)  #: refusals in a row; the canary's issue; pauses in a row
    until: Mapped[datetime | None]  #: when the pause of a domain ends
    changed_at: Mapped[datetime]


class StoredBucket(Base):
    """A token bucket, shared by all workers."""

    __tablename__ = "buckets"
    key: Mapped[str] = mapped_column(primary_key=True)
    tokens: Mapped[float]
    updated_at: Mapped[datetime]
    line_until: Mapped[datetime]  #: when the next message that finds no token may come


def free(*, canary: bool) -> ColumnElement[bool]:
    """The deliveries that no brake holds now, looked up by the query itself; `canary` is whether there is one."""
    stopped, broken, held = (
        select(Brake.name).where(Brake.is_on, Brake.name == name).exists() for name in (STOP, BREAKER, CANARY)
    )
    account = Delivery.kind != BRIEFING
    conditions = [~stopped, or_(account, ~broken)]
    return and_(*conditions, or_(account, Delivery.epoch > 0, ~held)) if canary else and_(*conditions)


def brakes(session: Session) -> Brakes:
    """All brakes, by one query."""
    columns = (Brake.name, Brake.is_on, Brake.reason, Brake.who, Brake.number, Brake.until, Brake.changed_at)
    rows = {row.name: row for row in session.execute(select(*columns))}
    on = {name: On(row.reason, row.who, row.changed_at) for name, row in rows.items() if row.is_on}
    breaker, canary = rows.get(BREAKER), rows.get(CANARY)
    return Brakes(
        stop=on.get(STOP),
        breaker=on.get(BREAKER),
        canary=Canary(canary.number, canary.is_on) if canary else Canary(),
        refusals=breaker.number if breaker else 0,
        closed_at=breaker.until if breaker else None,
        pauses={
            name.removeprefix(DOMAIN): Pause(row.until, row.number)
            for name, row in rows.items()
            if name.startswith(DOMAIN) and row.until
        },
    )


def keep(session: Session, before: Brakes, after: Brakes, now: datetime) -> None:
    """Write down what has changed."""
    rows = []
    if after.stop != before.stop:
        rows.append(_row(STOP, after.stop, now))
    if (after.breaker, after.refusals, after.closed_at) != (before.breaker, before.refusals, before.closed_at):
        rows.append(_row(BREAKER, after.breaker, now, number=after.refusals, until=after.closed_at))
    if after.canary != before.canary:
        held = On("", "", now) if after.canary.holds else None
        rows.append(_row(CANARY, held, now, number=after.canary.issue))
    rows += [
        _row(DOMAIN + domain, On("", "", now), now, number=pause.times, until=pause.until)
        for domain, pause in after.pauses.items()
        if before.pauses.get(domain) != pause
    ]
    put(session, Brake, rows)
    over = [DOMAIN + domain for domain in before.pauses if domain not in after.pauses]
    if over:
        session.execute(delete(Brake).where(Brake.name.in_(over)))


def _row(name: str, on: On | None, now: datetime, number: int = 0, until: datetime | None = None) -> dict[str, object]:
    told = on or On("", "", now)
    values = {"is_on": on is not None, "reason": told.reason, "who": told.who, "changed_at": told.since}
    return {"name": name, "number": number, "until": until, **values}


# ------------------------------------------------------------------ rates


def buckets(session: Session, keys: Collection[str]) -> dict[str, Bucket]:
    """The buckets that there are, only to look at."""
    columns = (StoredBucket.key, StoredBucket.tokens, StoredBucket.updated_at, StoredBucket.line_until)
    rows = session.execute(select(*columns).where(StoredBucket.key.in_(keys)))
    return {row.key: Bucket(row.tokens, row.updated_at, row.line_until) for row in rows}


def hold_buckets(session: Session, rates: Mapping[str, Rate], now: datetime) -> dict[str, Bucket]:
    """The buckets of these rates, nobody else's until the transaction ends; made full when they are not there.

    They are locked in the order of their keys, so that no two workers wait for each other.
    """
    found = select(StoredBucket).where(StoredBucket.key.in_(rates)).order_by(StoredBucket.key).with_for_update()
    rows = session.scalars(found.execution_options(populate_existing=True)).all()
    if len(rows) < len(rates):
        insert_new(session, StoredBucket, [_bucket(key, Bucket.full(rate, now)) for key, rate in sorted(rates.items())])
        rows = session.scalars(found.execution_options(populate_existing=True)).all()
    return {row.key: Bucket(row.tokens, row.updated_at, row.line_until) for row in rows}


def keep_buckets(session: Session, kept: Mapping[str, Bucket]) -> None:
    """Write buckets down, by one statement."""
    put(session, StoredBucket, [_bucket(key, bucket) for key, bucket in sorted(kept.items())])


def _bucket(key: str, bucket: Bucket) -> dict[str, object]:
    return {"key": key, "tokens": bucket.tokens, "updated_at": bucket.at, "line_until": bucket.line}


def forget(session: Session, before: datetime) -> None:
    """Let go of buckets that are full, and pauses that are over, since before `before`."""
    session.execute(delete(StoredBucket).where(StoredBucket.updated_at < before, StoredBucket.line_until < before))
    session.execute(delete(Brake).where(Brake.name.startswith(DOMAIN), Brake.until < before))


# ------------------------------------------------------------------ how an issue fares


def last_outcomes(session: Session, since: datetime, limit: int) -> Health:
    """What has become by now of the briefings that the relay answered last, after a moment (UTC).

    The events are read backwards from the newest: the index of their kinds would find all of them first.
    """
    start = select(Event.id).where(Event.at <= since).order_by(Event.at.desc()).limit(1).scalar_subquery()
    answered = (
        select(Delivery.state)
        .join(Event, Event.delivery_id == Delivery.id)
        .where(Event.id > func.coalesce(start, 0), Event.kind.concat("").in_((State.SENT, State.BOUNCED)))
        .where(Event.at > since, Event.provider_id.is_(None), Delivery.kind == BRIEFING)
        .order_by(Event.id.desc())
        .limit(limit)
        .subquery()
    )
    return Health(*session.execute(select(func.count(), *_bad(answered.c.state)).select_from(answered)).one())


def outcomes_since(session: Session, since: datetime) -> Health:
    """What became of the briefings that were sent after a moment (UTC); no more are counted than a judgement needs."""
    sent = aliased(Event)
    after = select(sent.id).where(sent.delivery_id == Delivery.id, sent.kind == State.SENT, sent.at > since).exists()
    bad = (
        select(func.count(), *_bad(Event.kind))
        .join(Delivery, Delivery.id == Event.delivery_id)
        .where(Event.kind.in_((State.BOUNCED, State.COMPLAINED)), Event.at > since, Delivery.kind == BRIEFING)
    )
    _, bounced, complained = session.execute(bad.where(after)).one()
    at_once, _, _ = session.execute(bad.where(Event.provider_id.is_(None), ~after)).one()
    most = enough(bounced + at_once, complained)
    some = select(Event.id).where(Event.kind == State.SENT, Event.at > since).limit(most).subquery()
    count = session.scalar(select(func.count()).select_from(some)) or 0
    return Health(count + at_once, bounced + at_once, complained)


def trial(session: Session, issue_id: int) -> Trial:
    """How the canary of an issue stands."""
    begun = and_(Delivery.epoch > 0, Delivery.state != State.SKIPPED)
    is_open = Delivery.state.in_((*MOVING, State.UNKNOWN))
    has_ended = and_(begun, Delivery.state.in_(ENDS))
    counts = (
        func.count(),
        func.count().filter(begun),
        func.count().filter(begun, is_open),
        func.count().filter(begun, Delivery.state == State.BOUNCED),
        func.count().filter(begun, Delivery.state == State.COMPLAINED),
        func.max(Delivery.changed_at).filter(has_ended),
    )
    found = select(*counts).join(Edition, Edition.id == Delivery.edition_id).where(Edition.issue_id == issue_id)
    return Trial(*session.execute(found).one())


def _bad(state: ColumnElement[str] | InstrumentedAttribute[str]) -> tuple[ColumnElement[int], ColumnElement[int]]:
    return (
        func.count().filter(state == State.BOUNCED),
        func.count().filter(state == State.COMPLAINED),
    )
