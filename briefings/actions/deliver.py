"""Delivery -> event: begin, commit, send, record. No transaction is held while the relay is spoken to."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from briefings.actions.witnessing import Witnessing
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
    from briefings.store.deliveries import Delivery, Due

log = logging.getLogger(__name__)

#: So many deliveries at most are committed as being sent at a time: no more can be unknown when a worker dies.
WINDOW = 20
#: The first of a pass is so large: nobody knows yet how fast the relay is.
FIRST_WINDOW = 1
#: A window is what the relay takes in about this time: with a slow one, a death leaves few unknown.
PACE = timedelta(seconds=0.1)
RECOVER = 500
#: A letter is not begun in the last part of its lease: another worker might take it over meanwhile.
LAST_PART = 4
ENDS = Attempt(Outcome.STOPPED, "the worker was told to end")
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
    stopping: Callable[[], bool]  #: whether this process was told to end: then nothing is begun any more
    witnessing: Witnessing = field(default_factory=Witnessing)

    def deliver(self, connect: Callable[[], Mailer]) -> int:
        """Send what is due, for two minutes at most. Returns how many letters the relay took.

        First puts right what a dead worker left behind. A delivery that cannot be rendered or that the relay refuses
        is that delivery's trouble only. Stops sending when the database is older than what was sent. Raises
        DependencyError, and touches no delivery, when there is no relay.
        """
        self.recover()
        if not self._anything_due() or self.witnessing.stop_if_restored(self.database, self.clock()):
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
            left = delivery_rows.lease_over(session, now, RECOVER)
            self._move(session, left, State.SENDING, deliveries.AFTER_CRASH)
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

    def _send_due(self, mailer: Mailer, until: datetime) -> int:
        """Send a window after the other. The verdicts of one are committed together with the beginning of the next.

        When the relay is gone, the time is over or we are told to end, what was not begun waits on. Returns how many
        were taken.
        """
        letters: list[tuple[Due, bytes]] = []
        verdicts: list[Verdict] = []
        sent, size = 0, FIRST_WINDOW
        try:
            while (begun := self.clock()) < until and not self.stopping():
                window, verdicts = self._begin(size, verdicts), []
                letters = window or []
                if window is None and not self.brakes.wait(until):
                    break
                held_until = begun + self.rules.lease * (LAST_PART - 1) / LAST_PART
                for delivery, content in letters:
                    stopped = ENDS if self.stopping() else self.brakes.before_next(delivery, verdicts)
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
                mark = delivery_rows.mark(session)
            self.witnessing.tell(mark)
        return sent

    def _send(self, mailer: Mailer, delivery: Due, content: bytes) -> Attempt:
        return mailer.send(content, self.press.writer.return_path(delivery), delivery.address)

    def _begin(self, size: int, verdicts: Sequence[Verdict]) -> list[tuple[Due, bytes]] | None:
        """Record the verdicts, take the next deliveries, write those that may go, and commit `sending`, all at once.

        The witnesses hear of it, once a second at most. Returns the letters, without those that must not or cannot be
        sent; None when nothing is due.
        """
        with self.database.write() as session:
            self._record(session, verdicts)
            window = self._due(session, size)
            now = self.clock()
            free = self._unheld(session, window, self.brakes.hold(session, window))
            allowed = self._allowed(session, free, now)
            letters = self.press.letters(session, allowed)
            self._set_aside(
                session, [one for one in allowed if one.id not in letters], Step(State.DEAD, "cannot-render")
            )
            whole = [one for one in allowed if one.id in letters]
            whole = self._unheld(session, whole, self.brakes.ration(session, whole))
            delivery_rows.begin(session, whole, self.rules.owner, now, self.rules.lease)
            mark = delivery_rows.mark(session) if whole and self.witnessing.is_due(now) else None
        self.witnessing.tell(mark)
        return [(one, letters[one.id]) for one in whole] if window else None

    def _due(self, session: Session, size: int) -> list[Due]:
        room = self.brakes.room(session, size)
        return delivery_rows.lock_due(session, self.clock(), room, self.brakes.free)

    def _allowed(self, session: Session, window: Sequence[Due], now: datetime) -> list[Due]:
        """Those that may be sent now; the others are skipped, with the reason."""
        skipped: dict[str, list[Due]] = defaultdict(list)
        for delivery in window:
            reason = deliveries.before_sending(
                delivery.kind,
                suppressed=delivery.suppressed,
                subscriber=delivery.person,
                late=now > delivery.not_after,
            )
            skipped[reason or ""].append(delivery)
        allowed = skipped.pop("", [])
        for reason, those in skipped.items():
            self._set_aside(session, those, Step(State.SKIPPED, reason))
        return allowed

    def _unheld(self, session: Session, window: Sequence[Due], held: Mapping[int, Step]) -> list[Due]:
        """Those that no brake holds; each of the others takes the step of its brake."""
        steps: dict[Step, list[Due]] = defaultdict(list)
        for delivery in window:
            if delivery.id in held:
                steps[held[delivery.id]].append(delivery)
        for step, those in steps.items():
            self._set_aside(session, those, step)
        return [delivery for delivery in window if delivery.id not in held]

    def _set_aside(self, session: Session, those: Sequence[Due], step: Step) -> None:
        """Change deliveries of a window that are not begun."""
        for state in deliveries.WAITING:
            self._move(session, [one for one in those if one.state == state], state, step)

    def _record(self, session: Session, verdicts: Sequence[Verdict]) -> None:
        """Write down what became of attempts.

        A verdict that comes so late that the delivery counts as unknown already is the evidence that settles it.
        """
        now = self.clock()
        steps: dict[Step, list[Due]] = defaultdict(list)
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
        those: Sequence[Delivery | Due],
        before: State,
        step: Step,
        words: Mapping[int, dict[str, str]] | None = None,
    ) -> set[int]:
        """Change deliveries, if the lifecycle has that change; those that never arrived give their plan weeks back.

        Returns the ids of those that were still ours.
        """
        if not those or not deliveries.may_follow(before, step.state):
            return set()
        moved = delivery_rows.change_all(session, those, before, step, self.clock(), details=words)
        if step.state in deliveries.NEVER_ARRIVED:
            lost = [delivery.edition_id for delivery in those if delivery.id in moved and delivery.edition_id]
            issue_rows.give_week_back(session, lost)
        return moved


Verdict = tuple["Due", Attempt]
