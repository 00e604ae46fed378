"""Delivery -> event: claim, commit, send, record. No transaction is held while the relay is spoken to."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from briefings.domain import deliveries
from briefings.domain.deliveries import Attempt, Outcome, State, Step
from briefings.store import deliveries as delivery_rows
from briefings.store import issues as issue_rows
from briefings.store import subscribers as subscriber_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from briefings.actions.braking import Braking
    from briefings.actions.write import Press
    from briefings.adapters.mailer import Mailer, RelayLog
    from briefings.clock import Clock
    from briefings.store.base import Database
    from briefings.store.deliveries import Delivery, Receiver

log = logging.getLogger(__name__)

CLAIM = 100
#: So many deliveries at most are committed as being sent at a time: no more can be unknown when a worker dies.
WINDOW = 20
#: The first of a pass is so large: nobody knows yet how fast the relay is.
FIRST_WINDOW = 1
#: A window is what the relay takes in about this time: with a slow one, a death leaves few unknown.
PACE = timedelta(seconds=0.1)
RECOVER = 500
#: A letter is not begun in the last part of its lease: another worker might take it over meanwhile.
LAST_PART = 4
NOT_TRIED = Attempt(Outcome.NO_RELAY, "the pass or its lease ended before this letter was begun")
#: A pass ends after this, well below the task's time limit even if the relay then thinks for ten minutes; the sweep
#: rings for the rest.
PASS = timedelta(minutes=2)
#: Where a verdict may find its delivery: being sent, or given up as unknown while the relay was still thinking.
STATES_WITH_VERDICT = (State.SENDING, State.UNKNOWN)


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
    press: Press
    rules: Rules
    clock: Clock
    brakes: Braking

    def deliver(self, connect: Callable[[], Mailer]) -> int:
        """Send what is due, for two minutes at most. Returns how many letters the relay took.

        First puts right what a dead worker left behind. A delivery that cannot be rendered or that the relay refuses
        is that delivery's trouble only. Raises DependencyError, and touches no delivery, when there is no relay.
        """
        self.recover()
        if not self._anything_due():
            return 0
        mailer = connect()
        try:
            mailer.open()
            return self._send_due(mailer, self.clock() + PASS)
        finally:
            mailer.close()

    def recover(self) -> None:
        """Free what a dead worker held, and settle unknown outcomes by evidence, else by the policy."""
        now, rules = self.clock(), self.rules
        with self.database.write() as session:
            for delivery in delivery_rows.lease_over(session, now, RECOVER):
                before = State(delivery.state)
                self._move(session, [delivery], before, deliveries.after_crash(before))
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
                    self._move(session, [delivery], State.UNKNOWN, step)

    def _anything_due(self) -> bool:
        self.brakes.watch_canary()
        with self.database.read() as session:
            due = delivery_rows.next_due(session, self.brakes.free)
        return due is not None and due <= self.clock()

    def _claim(self) -> list[Delivery]:
        now, rules = self.clock(), self.rules
        with self.database.write() as session:
            room = self.brakes.room(session, CLAIM)
            return delivery_rows.claim_due(session, rules.owner, now, rules.lease, room, self.brakes.free)

    def _send_due(self, mailer: Mailer, until: datetime) -> int:
        """Send a window after the other. The verdicts of one are committed together with the beginning of the next.

        When the relay is gone or the time is over, what was not begun is given back. Returns how many were taken.
        """
        waiting: list[Delivery] = []
        letters: list[tuple[Delivery, bytes]] = []
        verdicts: list[Verdict] = []
        sent, size = 0, FIRST_WINDOW
        try:
            while (begun := self.clock()) < until:
                waiting = waiting or self._claim()
                if not waiting:
                    letters, verdicts = [], self._written(verdicts)
                    if self.brakes.wait(until):
                        continue
                    break
                window, waiting = waiting[:size], waiting[size:]
                held_until = begun + self.rules.lease * (LAST_PART - 1) / LAST_PART
                letters, verdicts = self._begin(window, verdicts), []
                for delivery, content in letters:
                    stopped = self.brakes.before_next(delivery, verdicts)
                    late = NOT_TRIED if self.clock() >= held_until else None
                    verdicts.append((delivery, stopped or late or self._send(mailer, delivery, content)))
                size = deliveries.next_window(size, self.clock() - begun, PACE, WINDOW)
                sent += sum(attempt.outcome is Outcome.ACCEPTED for _, attempt in verdicts)
                if any(attempt.outcome is Outcome.NO_RELAY for _, attempt in verdicts):
                    mailer.open()
        finally:
            # When something ends the pass in the middle of a window, only the letter on the wire has no verdict.
            verdicts += [(delivery, NOT_TRIED) for delivery, _ in letters[len(verdicts) + 1 :]]
            with self.database.write() as session:
                self._record(session, verdicts)
                self._move(session, waiting, State.CLAIMED, Step(State.QUEUED, "given-back"))
        return sent

    def _written(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Record the verdicts before anything is waited for. Returns none."""
        with self.database.write() as session:
            self._record(session, verdicts)
        return []

    def _send(self, mailer: Mailer, delivery: Delivery, content: bytes) -> Attempt:
        return mailer.send(content, self.press.writer.return_path(delivery), delivery.address)

    def _begin(self, window: Sequence[Delivery], verdicts: Sequence[Verdict]) -> list[tuple[Delivery, bytes]]:
        """Record the verdicts, look once more which mails may go, write them, and commit `sending`, all at once.

        Returns the letters, without those that must not or cannot be sent, or are another worker's by now.
        """
        with self.database.write() as session:
            self._record(session, verdicts)
            free = self._unheld(session, window, self.brakes.hold(session, window))
            receivers = delivery_rows.receivers(session, [delivery.id for delivery in free], self.clock())
            allowed = self._allowed(session, free, receivers)
            letters = self.press.letters(session, allowed, receivers)
            broken = [delivery for delivery in allowed if delivery.id not in letters]
            self._move(session, broken, State.CLAIMED, Step(State.DEAD, "cannot-render"))
            whole = [delivery for delivery in allowed if delivery.id in letters]
            whole = self._unheld(session, whole, self.brakes.ration(session, whole))
            sending, now, lease = Step(State.SENDING), self.clock(), self.rules.lease
            held = delivery_rows.change_all(session, whole, State.CLAIMED, sending, now, lease=lease)
        return [(delivery, letters[delivery.id]) for delivery in whole if delivery.id in held]

    def _allowed(
        self, session: Session, window: Sequence[Delivery], receivers: Mapping[int, Receiver]
    ) -> list[Delivery]:
        """Those that may be sent now; the others are skipped, with the reason."""
        now = self.clock()
        skipped: dict[str, list[Delivery]] = defaultdict(list)
        for delivery in window:
            person = receivers.get(delivery.id)
            reason = deliveries.before_sending(
                delivery.kind,
                suppressed=person.suppressed if person else None,
                subscriber=person.state if person else None,
                late=now > delivery.not_after,
            )
            skipped[reason or ""].append(delivery)
        allowed = skipped.pop("", [])
        for reason, those in skipped.items():
            self._move(session, those, State.CLAIMED, Step(State.SKIPPED, reason))
        return allowed

    def _unheld(self, session: Session, window: Sequence[Delivery], held: Mapping[int, Step]) -> list[Delivery]:
        """Those that no brake holds; the others are given back, each with the step of its brake."""
        steps: dict[Step, list[Delivery]] = defaultdict(list)
        for delivery in window:
            if delivery.id in held:
                steps[held[delivery.id]].append(delivery)
        for step, those in steps.items():
            self._move(session, those, State.CLAIMED, step)
        return [delivery for delivery in window if delivery.id not in held]

    def _record(self, session: Session, verdicts: Sequence[Verdict]) -> None:
        """Write down what became of attempts.

        A verdict that comes so late that the delivery counts as unknown already is the evidence that settles it.
        """
        now = self.clock()
        steps: dict[Step, list[Delivery]] = defaultdict(list)
        words = {delivery.id: {"outcome": at.outcome.value, "reply": at.reply} for delivery, at in verdicts}
        for delivery, attempt in verdicts:
            steps[deliveries.after(attempt, delivery.attempts, now)].append(delivery)
        moved: set[int] = set()
        for step, those in steps.items():
            for state in STATES_WITH_VERDICT:
                moved |= self._move(session, [one for one in those if one.id not in moved], state, step, words)
        for delivery, attempt in verdicts:
            if attempt.outcome is Outcome.REFUSED and delivery.id in moved:
                subscriber_rows.suppress(session, delivery.address_key, "bounced", now)
            if delivery.id not in moved:
                log.warning("Delivery %s was taken over while it was being sent; left to its new owner", delivery.id)
        self.brakes.learn(session, verdicts)

    def _move(
        self,
        session: Session,
        those: Sequence[Delivery],
        before: State,
        step: Step,
        words: Mapping[int, dict[str, str]] | None = None,
    ) -> set[int]:
        """Change deliveries, if the lifecycle has that change; those that never arrived give their plan weeks back.

        Returns the ids of those that were still ours.
        """
        if not deliveries.may_follow(before, step.state):
            return set()
        moved = delivery_rows.change_all(session, those, before, step, self.clock(), details=words)
        if step.state in deliveries.NEVER_ARRIVED:
            lost = [delivery.edition_id for delivery in those if delivery.id in moved and delivery.edition_id]
            issue_rows.give_week_back(session, lost)
        return moved


Verdict = tuple["Delivery", Attempt]
