"""Delivery -> event: claim, commit, send, record. No transaction is held while the relay is spoken to."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from briefings.adapters import mailer as mailers
from briefings.domain import deliveries
from briefings.domain.deliveries import Attempt, Outcome, State, Step
from briefings.errors import BriefingsError
from briefings.store import deliveries as delivery_rows
from briefings.store import issues as issue_rows
from briefings.store import subscribers as subscriber_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from briefings.actions.render import Writer
    from briefings.adapters.mailer import Mailer, RelayLog
    from briefings.clock import Clock
    from briefings.store.base import Database
    from briefings.store.deliveries import Delivery

log = logging.getLogger(__name__)

CLAIM = 20
RECOVER = 500
#: A pass ends after this, well below the task's time limit even if the relay then thinks for ten minutes; the sweep
#: rings for the rest.
PASS = timedelta(minutes=2)
#: What is wrong with one mail's own data. Anything else is not that mail's fault, and ends the pass.
BROKEN_MAIL = (BriefingsError, ValidationError, LookupError, ValueError, TypeError)


@dataclass(frozen=True)
class Rules:
    """What the operator has set."""

    owner: str
    lease: timedelta
    unknown_policy: str
    unknown_patience: timedelta
    relay_log: RelayLog


@dataclass(frozen=True)
class Delivering:
    """What a pass works with."""

    database: Database
    writer: Writer
    rules: Rules
    clock: Clock

    def deliver(self, connect: Callable[[], Mailer]) -> int:
        """Send what is due, for two minutes at most. Returns how many letters the relay took.

        First puts right what a dead worker left behind. A delivery that cannot be rendered or that the relay refuses
        is that delivery's trouble only. Raises DependencyError, and touches no delivery, when there is no relay.
        """
        started, sent = self.clock(), 0
        self.recover()
        if not self._anything_due():
            return 0
        mailer = connect()
        try:
            mailer.open()
            while self.clock() - started < PASS and (claimed := self._claim()):
                sent += self._send_all(mailer, claimed)
        finally:
            mailer.close()
        return sent

    def recover(self) -> None:
        """Free what a dead worker held, and settle unknown outcomes by evidence, else by the policy."""
        now, rules = self.clock(), self.rules
        with self.database.write() as session:
            for delivery in delivery_rows.lease_over(session, now, RECOVER):
                before = State(delivery.state)
                _move(session, delivery, before, deliveries.after_crash(before), now)
            unknown = delivery_rows.unknown_before(session, now - rules.unknown_patience, RECOVER)
        taken = rules.relay_log.took([delivery.uid for delivery in unknown])
        with self.database.write() as session:
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

    def _anything_due(self) -> bool:
        with self.database.read() as session:
            return delivery_rows.count_due(session, self.clock()) > 0

    def _claim(self) -> list[Delivery]:
        with self.database.write() as session:
            return delivery_rows.claim_due(session, self.rules.owner, self.clock(), self.rules.lease, CLAIM)

    def _send_all(self, mailer: Mailer, claimed: Iterable[Delivery]) -> int:
        """Send one after the other. When the relay is gone, the rest is given back and the pass ends."""
        waiting = list(claimed)
        sent = 0
        try:
            while waiting:
                sent += self._send_one(mailer, waiting.pop(0))
        except BriefingsError:
            self._give_back(waiting)
            raise
        return sent

    def _give_back(self, waiting: Iterable[Delivery]) -> None:
        with self.database.write() as session:
            for delivery in waiting:
                _move(session, delivery, State.CLAIMED, Step(State.QUEUED, "given-back"), self.clock())

    def _send_one(self, mailer: Mailer, delivery: Delivery) -> bool:
        """Commit `sending`, send, record the verdict.

        A verdict that comes so late that the delivery counts as unknown already is the evidence that settles it.
        """
        content = self._begin(delivery)
        if content is None:
            return False
        attempt = mailer.send(content, self.writer.return_path(delivery), delivery.address)
        now = self.clock()
        step = deliveries.after(attempt, delivery.attempts, now)
        with self.database.write() as session:
            recorded = any(_move(session, delivery, state, step, now, attempt) for state in STATES_WITH_VERDICT)
            if attempt.outcome is Outcome.REFUSED and recorded:
                subscriber_rows.suppress(session, delivery.address_key, "bounced", now)
        if not recorded:
            log.warning("Delivery %s was taken over while it was being sent; left to its new owner", delivery.id)
        if attempt.outcome is Outcome.NO_RELAY:
            mailer.open()
        return step.state is State.SENT

    def _begin(self, delivery: Delivery) -> bytes | None:
        """Look once more whether the mail may go, write it, and commit `sending`; all in one transaction.

        Returns the letter's bytes, or None when it must not or cannot be sent, or is another worker's by now.
        """
        now = self.clock()
        with self.database.write() as session:
            reason = _reason_not_to(session, delivery, now)
            if reason:
                _move(session, delivery, State.CLAIMED, Step(State.SKIPPED, reason), now)
                return None
            try:
                content = mailers.write(self.writer.letter(session, delivery))
            except BROKEN_MAIL:
                log.exception("Delivery %s cannot be rendered", delivery.id)
                _move(session, delivery, State.CLAIMED, Step(State.DEAD, "cannot-render"), now)
                return None
            sending = Step(State.SENDING)
            held = delivery_rows.change(session, delivery, State.CLAIMED, sending, now, lease=self.rules.lease)
        return content if held else None


#: Where a verdict may find its delivery: being sent, or given up as unknown while the relay was still thinking.
STATES_WITH_VERDICT = (State.SENDING, State.UNKNOWN)


def _reason_not_to(session: Session, delivery: Delivery, now: datetime) -> str | None:
    subscriber = session.get(subscriber_rows.Subscriber, delivery.subscriber_id)
    suppressed = subscriber_rows.suppressed(session, [delivery.address_key], now)
    return deliveries.before_sending(
        delivery.kind,
        suppressed=suppressed.get(delivery.address_key),
        subscriber=subscriber.state if subscriber else None,
        late=now > delivery.not_after,
    )


def _move(
    session: Session, delivery: Delivery, before: State, step: Step, now: datetime, attempt: Attempt | None = None
) -> bool:
    """Change a delivery, if the lifecycle has that change; one that never arrived gives its plan week back."""
    if not deliveries.may_follow(before, step.state):
        return False
    detail = {"outcome": attempt.outcome.value, "reply": attempt.reply} if attempt else {}
    moved = delivery_rows.change(session, delivery, before, step, now, detail=detail)
    if moved and step.state in deliveries.NEVER_ARRIVED and delivery.edition_id:
        issue_rows.give_week_back(session, [delivery.edition_id])
    return moved
