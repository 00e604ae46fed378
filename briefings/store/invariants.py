"""Looks for rows that break an invariant (see domain.invariants)."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, exists, func, or_, select, text
from sqlalchemy.orm import aliased

from briefings.domain import invariants
from briefings.domain.deliveries import ASKED_FOR, NEVER_ARRIVED, State
from briefings.domain.invariants import NAMED, Finding
from briefings.store.deliveries import EVENTS, IS_SENDING, ROWS, Delivery, Event
from briefings.store.issues import Edition
from briefings.store.subscribers import Subscriber, accountable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import Session

    from briefings.domain.invariants import Invariant
    from briefings.store.base import Database

#: The letter left, or may have left.
LEFT = (State.SENDING, State.SENT, State.DELIVERED, State.COMPLAINED, State.UNKNOWN)
#: So many deliveries are read with their events at a time.
BATCH = 5000
#: An event `sending`, beside others.
BEGUN = aliased(Event)


def one_per_week() -> Select[Any]:
    """Deliveries that may have arrived and whose week comes again, and those that never arrived and keep it."""
    again = and_(Edition.week_number.is_(None), Delivery.state.in_(LEFT))
    never = and_(Edition.week_number.is_not(None), Delivery.state.in_(NEVER_ARRIVED))
    return select(Delivery.id).join(Edition, Edition.id == Delivery.edition_id).where(or_(again, never))


def undecided(issue_id: int, joined_before: datetime) -> Select[Any]:
    """Candidates of a composed issue for whom nothing was decided."""
    decided = exists().where(Edition.issue_id == issue_id, Edition.subscriber_id == Subscriber.id)
    return select(Subscriber.id).where(accountable(joined_before), ~decided)


def without_their_mail() -> Select[Any]:
    """Editions without a mail, and skipped ones that have one."""
    mails = select(Edition.id).outerjoin(Delivery, Delivery.edition_id == Edition.id)
    return mails.where(Delivery.id.is_(None) == Edition.skip_reason.is_(None))


def past_lease(before: datetime) -> Select[Any]:
    """Deliveries that a worker holds since before `before`, or without an end."""
    return select(Delivery.id).where(
        text(IS_SENDING), or_(Delivery.lease_until.is_(None), Delivery.lease_until < before)
    )


def after_leaving() -> Select[Any]:
    """Mails that were begun after their reader had left for good, but those that who left may still get."""
    said = select(func.max(Event.id)).where(Event.subscriber_id == Subscriber.id, Event.kind == "unsubscribed")
    after = said.correlate(Subscriber).scalar_subquery()
    left = (Subscriber.state == "left", Delivery.changed_at > Subscriber.left_at, Delivery.kind.not_in(ASKED_FOR))
    found = select(Delivery.id).join(Subscriber, Subscriber.id == Delivery.subscriber_id)
    return found.where(*left, _begun(BEGUN.id > after))


def begun_late() -> Select[Any]:
    """Mails that were begun after their latest moment."""
    return select(Delivery.id).where(Delivery.changed_at > Delivery.not_after, _begun(BEGUN.at > Delivery.not_after))


def _begun(*how: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(BEGUN.id).where(BEGUN.delivery_id == Delivery.id, BEGUN.kind == State.SENDING, *how).exists()


def look(session: Session, invariant: Invariant, offenders: Select[Any]) -> Finding:
    """Count the offenders, and name the first."""
    (id_,) = offenders.selected_columns
    rows = session.execute(offenders.add_columns(func.count().over()).order_by(id_).limit(NAMED)).all()
    return Finding(invariant, rows[0][1] if rows else 0, tuple(row[0] for row in rows))


def look_at_histories(database: Database, issue_id: int | None) -> list[Finding]:
    """Hold deliveries against their events, batch by batch: those since an issue's first, or all when it is None."""
    checks: dict[Invariant, Callable[[str, tuple[str, ...]], bool]] = {
        invariants.NO_SILENT_DUPLICATE: lambda _, kinds: invariants.begun_silently(kinds),
        invariants.STATE_IS_FOLD: lambda state, kinds: not invariants.is_fold(state, kinds),
    }
    found: dict[Invariant, list[int]] = {invariant: [] for invariant in checks}
    for delivery_id, state, kinds in _histories(database, issue_id):
        for invariant, is_broken in checks.items():
            if is_broken(state, kinds):
                found[invariant].append(delivery_id)
    return [Finding(invariant, len(ids), tuple(ids[:NAMED])) for invariant, ids in found.items()]


def _histories(database: Database, issue_id: int | None) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Deliveries with the kinds of their events, oldest first; rows and events as they were at one moment."""
    last = 0
    if issue_id is not None:
        first = select(func.min(ROWS.c.id)).join(Edition, Edition.id == ROWS.c.edition_id)
        with database.read() as session:
            last = (session.scalar(first.where(Edition.issue_id == issue_id)) or 1) - 1
    while True:
        some = select(ROWS.c.id, ROWS.c.state).where(ROWS.c.id > last).order_by(ROWS.c.id).limit(BATCH).subquery()
        events = some.outerjoin(EVENTS, EVENTS.c.delivery_id == some.c.id)
        told = select(some.c.id, some.c.state, EVENTS.c.kind).select_from(events).order_by(some.c.id, EVENTS.c.id)
        with database.read() as session:
            rows = session.execute(told).all()
        if not rows:
            return
        last = rows[-1][0]
        for (delivery_id, state), group in groupby(rows, lambda row: (row[0], row[1])):
            yield delivery_id, state, tuple(row[2] for row in group if row[2])
