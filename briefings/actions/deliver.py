"""Delivery -> event: claim, commit, send, record. No transaction is held while the relay is spoken to."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from briefings.domain import deliveries
from briefings.domain.deliveries import Attempt, Outcome, State, Step
from briefings.store import deliveries as delivery_rows
from briefings.store import issues as issue_rows
from briefings.store import subscribers as subscriber_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime, timedelta

    from sqlalchemy.orm import Session

    from briefings.actions.render import Writer
    from briefings.adapters.mailer import Mailer, RelayLog
    from briefings.clock import Clock
    from briefings.domain.mails import Letter
    from briefings.store.base import Database
    from briefings.store.deliveries import Delivery

log = logging.getLogger(__name__)

CLAIM = 20
#: So many are marked as sending at a time: what a crash can leave unknown.
WINDOW = 5
RECOVER = 500


@dataclass(frozen=True)
class Rules:
    """What the operator has set."""

    owner: str
    lease: timedelta
    unknown_policy: str
    unknown_patience: timedelta
    relay_log: RelayLog


@dataclass(frozen=True)
class _Ready:
    delivery: Delivery
    letter: Letter
    return_path: str


def deliver(database: Database, writer: Writer, connect: Callable[[], Mailer], rules: Rules, clock: Clock) -> int:
    """Send everything that is due. Returns how many letters the relay took.

    First puts right what a dead worker left behind. A delivery that cannot be rendered or that the relay refuses
    is that delivery's trouble only.
    """
    recover(database, rules, clock())
    mailer, sent = connect(), 0
    try:
        while ready := _claim(database, writer, rules, clock()):
            for start in range(0, len(ready), WINDOW):
                sent += _send_window(database, mailer, ready[start : start + WINDOW], rules, clock)
    finally:
        mailer.close()
    return sent


def recover(database: Database, rules: Rules, now: datetime) -> None:
    """Free what a dead worker held, and settle unknown outcomes by evidence, else by the policy."""
    with database.write() as session:
        for delivery in delivery_rows.lease_over(session, now, RECOVER):
            before = State(delivery.state)
            _move(session, delivery, before, deliveries.after_crash(before), now)
        unknown = delivery_rows.unknown_before(session, now - rules.unknown_patience, RECOVER)
    taken = rules.relay_log.took([delivery.uid for delivery in unknown])
    with database.write() as session:
        for delivery in unknown:
            step = deliveries.settle_unknown(
                rules.unknown_policy,
                delivery.changed_at,
                rules.unknown_patience,
                delivery.resent,
                now,
                taken=delivery.uid in taken,
            )
            if step:
                _move(session, delivery, State.UNKNOWN, step, now)


def _claim(database: Database, writer: Writer, rules: Rules, now: datetime) -> list[_Ready]:
    """Claim due deliveries and render those that may still be sent; the others are skipped with their word.

    Looks on until it has something to send, or nothing is due.
    """
    while True:
        with database.write() as session:
            claimed = delivery_rows.claim_due(session, rules.owner, now, rules.lease, CLAIM)
        if not claimed:
            return []
        with database.write() as session:
            allowed = _refuse_what_must_not_go(session, claimed, now)
            ready = [made for delivery in allowed if (made := _render(session, writer, delivery, now))]
        if ready:
            return ready


def _refuse_what_must_not_go(session: Session, claimed: Iterable[Delivery], now: datetime) -> list[Delivery]:
    claimed = list(claimed)
    suppressed = subscriber_rows.suppressed(session, {delivery.address_key for delivery in claimed}, now)
    allowed = []
    for delivery in claimed:
        subscriber = session.get(subscriber_rows.Subscriber, delivery.subscriber_id)
        reason = deliveries.before_sending(
            delivery.kind,
            suppressed=suppressed.get(delivery.address_key),
            subscriber=subscriber.state if subscriber else None,
            late=now > delivery.not_after,
        )
        if reason:
            _move(session, delivery, State.CLAIMED, Step(State.SKIPPED, reason), now)
        else:
            allowed.append(delivery)
    return allowed


def _render(session: Session, writer: Writer, delivery: Delivery, now: datetime) -> _Ready | None:
    try:
        return _Ready(delivery, writer.letter(session, delivery), writer.return_path(delivery))
    except Exception:  # whatever is wrong with one mail must cost nobody else theirs
        log.exception("Delivery %s cannot be rendered", delivery.id)
        _move(session, delivery, State.CLAIMED, Step(State.DEAD, "cannot-render"), now)
        return None


def _send_window(database: Database, mailer: Mailer, window: Iterable[_Ready], rules: Rules, clock: Clock) -> int:
    """Commit `sending` for a few, then send them one by one and record each verdict at once.

    A relay may think for minutes about one letter; the others of the window are held on to, and one that was taken
    over meanwhile is left alone.
    """
    now, sent = clock(), 0
    with database.write() as session:
        mine = [
            ready
            for ready in window
            if delivery_rows.change(session, ready.delivery, State.CLAIMED, Step(State.SENDING), now)
        ]
    held = {ready.delivery.id for ready in mine}
    for index, ready in enumerate(mine):
        if clock() - now > rules.lease / 2:
            now = clock()
            with database.write() as session:
                held = delivery_rows.renew(session, [one.delivery for one in mine[index:]], now + rules.lease)
        if ready.delivery.id in held:
            sent += _send_one(database, mailer, ready, clock)
    return sent


def _send_one(database: Database, mailer: Mailer, ready: _Ready, clock: Clock) -> bool:
    """Send a letter and record the verdict.

    A verdict that comes so late that the delivery counts as unknown already is the evidence that settles it.
    """
    attempt = mailer.send(ready.letter, ready.return_path)
    delivery, now = ready.delivery, clock()
    step = deliveries.after(attempt, delivery.attempts, now)
    with database.write() as session:
        recorded = _move(session, delivery, State.SENDING, step, now, attempt) or (
            deliveries.may_follow(State.UNKNOWN, step.state)
            and _move(session, delivery, State.UNKNOWN, step, now, attempt)
        )
        if attempt.outcome is Outcome.REFUSED and recorded:
            subscriber_rows.suppress(session, delivery.address_key, "bounced", now)
    if not recorded:
        log.warning("Delivery %s was taken over while it was being sent; left to its new owner", delivery.id)
    return step.state is State.SENT


def _move(
    session: Session, delivery: Delivery, before: State, step: Step, now: datetime, attempt: Attempt | None = None
) -> bool:
    """Change a delivery; one that never arrived gives its plan week back."""
    detail = {"outcome": attempt.outcome.value, "reply": attempt.reply} if attempt else {}
    moved = delivery_rows.change(session, delivery, before, step, now, detail)
    if moved and step.state in deliveries.NEVER_ARRIVED and delivery.edition_id:
        issue_rows.give_week_back(session, [delivery.edition_id])
    return moved
