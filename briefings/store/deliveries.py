"""Deliveries, which are also the outbox, and the events that happened to them."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import ForeignKey, Index, and_, bindparam, func, insert, or_, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from briefings.domain.deliveries import MOVING, State, Step, may_follow
from briefings.domain.marks import Mark
from briefings.domain.notices import SOFT_BOUNCED, Past
from briefings.store.base import Base, Id, insert_new
from briefings.store.issues import Edition, Slot
from briefings.store.subscribers import Subscriber, Suppression

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.orm import Session


#: Written out, so that a database sees which index fits. What has its end is in none of them.
IS_WAITING, IS_SENDING = "deliveries.state IN ('deferred', 'queued')", "deliveries.state = 'sending'"
IS_UNKNOWN = "deliveries.state = 'unknown'"


def _index_of(name: str, condition: str, *columns: str) -> Index:
    """An index of those deliveries that a condition holds for."""
    where = text(condition.replace("deliveries.", ""))
    return Index(f"ix_deliveries_{name}", *columns, sqlite_where=where, postgresql_where=where)


class Delivery(Base):
    """One mail of any kind to one address."""

    __tablename__ = "deliveries"
    __table_args__ = (
        _index_of("waiting", IS_WAITING, "next_at", "content_digest", "id"),
        _index_of("sending", IS_SENDING, "lease_until"),
        _index_of("unknown", IS_UNKNOWN, "changed_at"),
    )
    id: Mapped[Id]
    uid: Mapped[str] = mapped_column(unique=True)  #: the left part of its Message-ID
    kind: Mapped[str]  #: confirm, welcome or briefing
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"), index=True)
    edition_id: Mapped[int | None] = mapped_column(ForeignKey("editions.id", ondelete="CASCADE"), unique=True)
    content_digest: Mapped[str | None]  #: its edition's: readers of the same are served one after the other
    plan_id: Mapped[int | None] = mapped_column(
        ForeignKey("plans.id", ondelete="CASCADE")
    )  #: that a confirmation is of
    timezone: Mapped[str | None]  #: that a confirmation will set
    address: Mapped[str]
    address_key: Mapped[str] = mapped_column(index=True)
    send_at: Mapped[datetime]
    not_after: Mapped[datetime]
    next_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default=State.QUEUED.value)
    reason: Mapped[str] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(default=0)
    resent: Mapped[int] = mapped_column(default=0)  #: after an unknown outcome
    owner: Mapped[str | None]
    epoch: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    changed_at: Mapped[datetime]


#: Most events are of deliveries.
OF_PERSON = text("subscriber_id IS NOT NULL")


class Event(Base):
    """What happened to a delivery or a person; append-only."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_subscriber_id", "subscriber_id", sqlite_where=OF_PERSON, postgresql_where=OF_PERSON),
    )
    id: Mapped[Id]
    at: Mapped[datetime] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(index=True)
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("deliveries.id", ondelete="CASCADE"), index=True)
    subscriber_id: Mapped[int | None] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"))
    provider_id: Mapped[str | None] = mapped_column(unique=True)  #: the provider's own id of a notice
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


EVENTS_AT_ONCE = 10
#: The tables themselves: what goes through the mapped class costs the hot path twice as much.
ROWS, EVENTS = cast("Table", Delivery.__table__), cast("Table", Event.__table__)


def queue(session: Session, rows: list[dict[str, Any]], now: datetime) -> list[int]:
    """Put mails in the outbox. Returns the ids of the deliveries."""
    full = [{**row, "next_at": row["send_at"], "changed_at": now} for row in rows]
    ids: list[int] = insert_new(session, Delivery, full, returning=Delivery.id)
    session.add_all(Event(at=now, kind=State.QUEUED.value, delivery_id=delivery_id, detail={}) for delivery_id in ids)
    return ids


@dataclass
class Due:
    """A delivery whose time has come, as far as sending looks at it, and the person whom it is for."""

    id: int
    uid: str
    kind: str
    subscriber_id: int
    edition_id: int | None
    content_digest: str | None
    plan_id: int | None
    timezone: str | None
    address: str
    address_key: str
    send_at: datetime
    not_after: datetime
    state: str
    attempts: int
    epoch: int
    person: str | None  #: the person's state; None when they are gone
    since: datetime | None  #: when they confirmed, else when they came
    suppressed: str | None  #: why their address gets no mail, if so


#: What is asked of a delivery that is due: the columns that Due names, without those of the person.
ASKED = [ROWS.c[one.name] for one in fields(Due)[:-3]]


def lock_due(session: Session, now: datetime, limit: int, *only: ColumnElement[bool]) -> list[Due]:
    """Up to `limit` due deliveries, nobody else's until the transaction ends. `only` are conditions besides."""
    due = (
        select(*ASKED)
        .where(text(IS_WAITING), ROWS.c.next_at <= now, *only)
        .order_by(ROWS.c.next_at, ROWS.c.content_digest, ROWS.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte()
    )
    person = (Subscriber.state, func.coalesce(Subscriber.confirmed_at, Subscriber.created_at), Suppression.reason)
    holds = or_(Suppression.expires_at.is_(None), Suppression.expires_at > now)
    found = (
        select(*due.c, *person)
        .outerjoin_from(due, Subscriber, Subscriber.id == due.c.subscriber_id)
        .outerjoin(Suppression, and_(Suppression.address_key == due.c.address_key, holds))
        .order_by(due.c.content_digest, due.c.id)
    )
    rows: Iterable[Any] = session.execute(found)
    return [Due(*row) for row in rows]


def begin(session: Session, window: Sequence[Due], owner: str, now: datetime, lease: timedelta) -> None:
    """Mark locked deliveries as being sent by a worker, for a lease.

    Each gets a new epoch, which fences off whoever had it before. Writes the events.
    """
    for due in window:
        due.state, due.epoch = State.SENDING.value, due.epoch + 1
    values = {"owner": owner, "lease_until": now + lease, "changed_at": now}
    session.execute(BEGIN, {**values, "ids": [due.id for due in window]})
    _write_events(session, [_event(due.id, Step(State.SENDING), now, {"epoch": due.epoch}, None) for due in window])


#: Built once, for the hot path.
BEGIN = (
    update(ROWS)
    .where(ROWS.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        state=State.SENDING.value,
        reason="",
        epoch=ROWS.c.epoch + 1,
        **{name: bindparam(name) for name in ("owner", "lease_until", "changed_at")},
    )
)


def change(
    session: Session,
    delivery: Delivery,
    before: State,
    step: Step,
    now: datetime,
    *,
    detail: dict[str, Any] | None = None,
    provider_id: str | None = None,
) -> bool:
    """Move one delivery; see `change_all`. Returns False, and changes nothing, when another worker took it over."""
    details = {delivery.id: detail} if detail else {}
    moved = change_all(session, [delivery], before, step, now, details=details, provider_id=provider_id)
    return bool(moved)


def change_all(
    session: Session,
    deliveries: Sequence[Delivery | Due],
    before: State,
    step: Step,
    now: datetime,
    *,
    details: Mapping[int, dict[str, Any]] | None = None,
    provider_id: str | None = None,
) -> set[int]:
    """Move deliveries by a decision, those that still are where this worker left them. Writes the events.

    Nobody holds them any more. `details` are words for the event of a delivery, by its id; `provider_id` is that of the
    notice that moves one. Returns the ids of those that moved; another worker took over the rest. Raises ValueError for
    a change that the lifecycle does not have.
    """
    if not may_follow(before, step.state):
        raise ValueError(f"A delivery cannot go from {before} to {step.state}; see docs/lifecycles.md")
    by_epoch: dict[int, list[int]] = defaultdict(list)
    for delivery in deliveries:
        by_epoch[delivery.epoch].append(delivery.id)
    values = _values(before, step, now)
    moved: set[int] = set()
    rows = []
    for epoch, ids in by_epoch.items():
        fence = (ROWS.c.id.in_(ids), ROWS.c.epoch == epoch, ROWS.c.state == before.value)
        ours = session.scalars(update(ROWS).where(*fence).values(**values).returning(ROWS.c.id)).all()
        words = {"epoch": epoch, "reason": step.reason}
        rows += [_event(one, step, now, words | ((details or {}).get(one) or {}), provider_id) for one in sorted(ours)]
        moved.update(ours)
    _write_events(session, rows)
    return moved


def _write_events(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Few statements of many rows ("returning" makes them so), each small enough for the driver's cache."""
    if rows:
        pages = {"insertmanyvalues_page_size": EVENTS_AT_ONCE}
        session.execute(insert(EVENTS).returning(EVENTS.c.id), rows, execution_options=pages)


def _event(
    delivery_id: int, step: Step, now: datetime, words: dict[str, Any], provider_id: str | None
) -> dict[str, Any]:
    said = {"at": now, "kind": step.state.value, "detail": words}
    return {**said, "delivery_id": delivery_id, "provider_id": provider_id}


def _values(before: State, step: Step, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {"state": step.state.value, "reason": step.reason, "changed_at": now}
    values |= {"lease_until": None, "owner": None}
    if step.next_at is not None:
        values["next_at"] = step.next_at
    if before is State.SENDING and step.counts:
        values["attempts"] = ROWS.c.attempts + 1
    if before is State.UNKNOWN and step.state is State.QUEUED:
        values["resent"] = ROWS.c.resent + 1
    return values


def lease_over(session: Session, now: datetime, limit: int) -> list[Delivery]:
    """Deliveries whose worker did not come back."""
    found = select(Delivery).where(text(IS_SENDING), Delivery.lease_until < now).limit(limit)
    return list(session.scalars(found.with_for_update(skip_locked=True)))


def unknown_before(session: Session, moment: datetime, limit: int) -> list[Delivery]:
    """Deliveries without a verdict since before `moment`: those that were not sent again first, then the oldest."""
    found = select(Delivery).where(text(IS_UNKNOWN), Delivery.changed_at <= moment)
    found = found.order_by(Delivery.resent, Delivery.changed_at, Delivery.id).limit(limit)
    return list(session.scalars(found.with_for_update(skip_locked=True)))


def due(session: Session, now: datetime, unknown_since: datetime | None) -> bool:
    """Whether a delivery waits for a worker: due, left behind, or without a verdict since before `unknown_since`."""
    unknown = and_(text(IS_UNKNOWN), Delivery.resent == 0, Delivery.changed_at <= (unknown_since or now))
    found = select(Delivery.id).where(
        or_(
            and_(text(IS_WAITING), Delivery.next_at <= now),
            and_(text(IS_SENDING), Delivery.lease_until < now),
            *([unknown] if unknown_since else []),
        )
    )
    return session.scalar(found.limit(1)) is not None


def of_uids(session: Session, uids: Sequence[str]) -> Delivery | None:
    """The delivery of the first of the uids that there is, locked: its notices are taken one after the other."""
    for uid in uids:
        found = session.scalar(select(Delivery).where(Delivery.uid == uid).with_for_update())
        if found:
            return found
    return None


def is_told(session: Session, provider_id: str) -> bool:
    """Whether a provider's notice is written down already."""
    return session.scalar(select(Event.id).where(Event.provider_id == provider_id)) is not None


def past_of(session: Session, address_key: str, limit: int) -> list[Past]:
    """The newest mails to an address, with the moments of their soft bounces."""
    newest = select(Delivery.id, Delivery.send_at, Delivery.state).where(Delivery.address_key == address_key)
    rows = session.execute(newest.order_by(Delivery.send_at.desc(), Delivery.id.desc()).limit(limit)).all()
    soft = select(Event.delivery_id, Event.at).where(
        Event.kind == SOFT_BOUNCED, Event.delivery_id.in_([row.id for row in rows])
    )
    moments = defaultdict(list)
    for delivery_id, at in session.execute(soft):
        moments[delivery_id].append(at)
    return [Past(row.send_at, State(row.state), tuple(moments[row.id])) for row in rows]


def count_events(session: Session, kind: str, since: datetime, after_id: int = 0) -> int:
    """How many events of a kind there were since a moment (UTC), and after the event `after_id`."""
    found = select(func.count(Event.id)).where(Event.kind == kind, Event.at > since, Event.id > after_id)
    return session.scalar(found) or 0


def newest_event(session: Session, kind: str) -> Event | None:
    """The newest event of a kind."""
    return session.scalar(select(Event).where(Event.kind == kind).order_by(Event.id.desc()).limit(1))


def events_after(session: Session, kind: str, after_id: int, limit: int | None = None) -> list[Event]:
    """The events of a kind that came after the event `after_id`, oldest first."""
    found = select(Event).where(Event.kind == kind, Event.id > after_id).order_by(Event.id).limit(limit)
    return list(session.scalars(found))


def mark(session: Session) -> Mark | None:
    """How far the database has come; None before its first event or its first scheduled run."""
    first = select(Slot.seen_at).order_by(Slot.id).limit(1).scalar_subquery()
    found = session.execute(select(first, Event.id, Event.at).order_by(Event.id.desc()).limit(1)).first()
    return Mark(*found) if found and found[0] else None


def event_at(session: Session, event_id: int) -> datetime | None:
    """When an event happened (UTC), if there is one of that number."""
    return session.scalar(select(Event.at).where(Event.id == event_id))


def confirmed_address(session: Session, plan_id: int) -> str | None:
    """The address to which a plan's confirmation went."""
    return session.scalar(select(Delivery.address).where(Delivery.plan_id == plan_id, Delivery.kind == "confirm"))


def of_edition(session: Session, edition_id: int) -> Delivery:
    """The one delivery of an edition."""
    return session.scalars(select(Delivery).where(Delivery.edition_id == edition_id)).one()


def plans_under_way(session: Session, plan_ids: Collection[int]) -> set[int]:
    """The plans with a briefing of which it is not known yet whether it arrives."""
    found = select(Edition.plan_id).join(Delivery, Delivery.edition_id == Edition.id)
    undecided = (*MOVING, State.UNKNOWN)
    return set(session.scalars(found.where(Edition.plan_id.in_(plan_ids), Delivery.state.in_(undecided))))


def of_subscriber(session: Session, subscriber_id: int, states: Sequence[State]) -> list[Delivery]:
    """A person's deliveries in these states."""
    found = select(Delivery).where(Delivery.subscriber_id == subscriber_id, Delivery.state.in_(states))
    return list(session.scalars(found.order_by(Delivery.id).with_for_update()))


def counts(session: Session, issue_id: int | None = None) -> dict[str, dict[str, int]]:
    """How many deliveries are where: state -> reason -> count; of one issue, or of account mail when None."""
    query = select(Delivery.state, Delivery.reason, func.count()).group_by(Delivery.state, Delivery.reason)
    if issue_id is None:
        query = query.where(Delivery.edition_id.is_(None))
    else:
        query = query.join(Edition, Edition.id == Delivery.edition_id).where(Edition.issue_id == issue_id)
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for state, reason, count in session.execute(query):
        found[state][reason] = count
    return dict(found)


def moved_since(session: Session, moment: datetime) -> bool:
    """Whether any delivery has ended or been tried since."""
    tried = (State.SENT.value, State.DEFERRED.value, State.BOUNCED.value, State.SKIPPED.value)
    return session.scalar(select(Event.id).where(Event.at > moment, Event.kind.in_(tried)).limit(1)) is not None


def unsettled(session: Session, before: datetime) -> list[Delivery]:
    """Deliveries without a verdict since before `before`."""
    found = select(Delivery).where(text(IS_UNKNOWN), Delivery.changed_at < before)
    return list(session.scalars(found.order_by(Delivery.id).limit(50)))


def stuck(session: Session, before: datetime, *only: ColumnElement[bool]) -> list[Delivery]:
    """Deliveries that should have moved and did not: lease over long ago, or due long ago and within `only`."""
    found = select(Delivery).where(
        or_(
            and_(text(IS_SENDING), Delivery.lease_until < before),
            and_(text(IS_WAITING), Delivery.next_at < before, *only),
        )
    )
    return list(session.scalars(found.order_by(Delivery.id).limit(50)))


def next_due(session: Session, *only: ColumnElement[bool]) -> datetime | None:
    """When the first of the waiting deliveries that meet `only` is due (UTC)."""
    first = select(Delivery.next_at).where(text(IS_WAITING), *only).order_by(Delivery.next_at).limit(1)
    return session.scalar(first)


def count_due(session: Session, now: datetime) -> int:
    """How many deliveries wait for a worker, their time come."""
    found = select(func.count(Delivery.id)).where(text(IS_WAITING), Delivery.next_at <= now)
    return session.scalar(found) or 0


def search(session: Session, state: str, address: str, offset: int, limit: int) -> list[Delivery]:
    """One page of deliveries, newest first: in a state, and with `address` as a part of the address."""
    found = select(Delivery)
    if state:
        found = found.where(Delivery.state == state)
    if address:
        found = found.where(Delivery.address.icontains(address, autoescape=True))
    return list(session.scalars(found.order_by(Delivery.id.desc()).offset(offset).limit(limit)))


def events_of(session: Session, delivery_id: int) -> list[Event]:
    """Everything that happened to a delivery, oldest first."""
    return list(session.scalars(select(Event).where(Event.delivery_id == delivery_id).order_by(Event.id)))


def last_event(session: Session, subscriber_id: int, kind: str) -> Event | None:
    """The newest event of a kind in a person's life."""
    found = select(Event).where(Event.subscriber_id == subscriber_id, Event.kind == kind)
    return session.scalar(found.order_by(Event.id.desc()).limit(1))


def ticked_tasks(session: Session, subscriber_id: int, plan_id: int) -> set[str]:
    """The tasks of a plan that a person has ticked and not taken back."""
    events = session.scalars(
        select(Event)
        .where(Event.subscriber_id == subscriber_id, Event.kind.in_(("ticked", "unticked")))
        .order_by(Event.id)
    )
    # Ticks from before there was a second plan name none.
    last = {e.detail["task"]: e.kind for e in events if e.detail.get("plan", plan_id) == plan_id}
    return {task for task, kind in last.items() if kind == "ticked"}


#: So long before a briefing a tick counts as one of its last week.
LAST_WEEK = timedelta(weeks=1)


def ticks_before(session: Session, briefings: Sequence[Delivery | Due]) -> Counter[int]:
    """How many tasks each briefing's person ticked in the week before it was due, by the delivery's id.

    Events are only added, so that a briefing that is read or sent again says the same.
    """
    if not briefings:
        return Counter()
    asked = {
        "ids": {one.subscriber_id for one in briefings},
        "since": min(one.send_at for one in briefings) - LAST_WEEK,
    }
    told: dict[int, list[tuple[datetime, str, str]]] = defaultdict(list)
    for subscriber_id, at, kind, detail in session.execute(TICKS, asked):
        told[subscriber_id].append((at, kind, detail["task"]))
    return Counter({one.id: _ticked_before(told[one.subscriber_id], one.send_at) for one in briefings})


#: Built once, for the hot path.
TICKS = (
    select(EVENTS.c.subscriber_id, EVENTS.c.at, EVENTS.c.kind, EVENTS.c.detail)
    .where(
        EVENTS.c.subscriber_id.in_(bindparam("ids", expanding=True)),
        EVENTS.c.kind.in_(("ticked", "unticked")),
        EVENTS.c.at >= bindparam("since"),
    )
    .order_by(EVENTS.c.id)
)


def _ticked_before(told: Iterable[tuple[datetime, str, str]], moment: datetime) -> int:
    last = {task: kind for at, kind, task in told if moment - LAST_WEEK <= at < moment}
    return sum(kind == "ticked" for kind in last.values())
