"""What holds sending back: before a window, between its letters, and after it."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from briefings.domain import brakes, rates
from briefings.domain.brakes import BRIEFING, LAST_OUTCOMES, Brakes, Canary, On, domain_of
from briefings.domain.deliveries import Attempt, Outcome, State, Step
from briefings.domain.mails import one_line
from briefings.domain.rates import Rates
from briefings.domain.wording import spoken_moment
from briefings.errors import DependencyError, InputError
from briefings.store import brakes as brake_rows
from briefings.store import deliveries as delivery_rows
from briefings.store import issues as issue_rows
from briefings.store.base import alone
from briefings.store.deliveries import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from briefings.clock import Clock
    from briefings.domain.brakes import CanaryStep
    from briefings.store.base import Database
    from briefings.store.deliveries import Due

    Verdicts = Sequence[tuple[Due, Attempt]]

log = logging.getLogger(__name__)

#: One transaction at a time changes a brake.
TURN = "braking"
#: Events of the brakes.
STOPPED, BRAKED, RESUMED = "sending-stopped", "sending-braked", "sending-resumed"
#: The brakes are looked at no more often than this.
LOOK_AGAIN = timedelta(seconds=1)
#: A pass waits for tokens, a moment at a time, if the next one is this near; else somebody rings in time.
WORTH_WAITING, MOMENT = timedelta(seconds=5), timedelta(seconds=0.25)
LONGEST_REASON = 300
BOUNCED = (Outcome.REFUSED, Outcome.CONTENT)
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Limits:
    """What the operator has set: rates, and the share of an issue (percent, 0: none) that is tried first."""

    rates: Rates = field(default_factory=Rates)
    canary: float = 0


@dataclass
class Braking:
    """The brakes as one worker sees them: it remembers what it last saw."""

    database: Database
    clock: Clock
    limits: Limits
    sleep: Callable[[float], object] = time.sleep
    seen: Brakes = field(default_factory=Brakes)
    looked_at: datetime = LONG_AGO
    token_at: datetime = LONG_AGO

    @property
    def free(self) -> ColumnElement[bool]:
        """The deliveries that may be begun."""
        return brake_rows.free(canary=self.limits.canary > 0)

    def watch_canary(self) -> None:
        """Let the rest of an issue go when its canary has fared well."""
        if self.limits.canary:
            with self.database.write() as session:
                self._watch_canary(session, self.clock())

    def room(self, session: Session, most: int) -> int:
        """How many deliveries may be begun now, `most` at most: as many as there are tokens and the canary lets."""
        now, everywhere = self.clock(), self.limits.rates.of_all()
        canary = self._watch_canary(session, now) if self.limits.canary else None
        if everywhere:
            tokens, self.token_at = rates.room(brake_rows.buckets(session, everywhere), everywhere, now)
            most = min(most, tokens)
        return most if canary is None else min(most, canary or most)

    def wait(self, until: datetime) -> bool:
        """Sleep a moment when only a rate holds the next delivery back. False when that is not worth waiting for."""
        if not self.limits.rates:
            return False
        with self.database.read() as session:
            due = delivery_rows.next_due(session, self.free)
        now = self.clock()
        if due is None or max(due, self.token_at) > min(until, now + WORTH_WAITING):
            return False
        self.sleep(max(MOMENT, due - now, self.token_at - now).total_seconds())
        return True

    def hold(self, session: Session, window: Sequence[Due]) -> dict[int, Step]:
        """What becomes of those of a window whose domain is left alone, by id."""
        now = self.clock()
        if now - self.looked_at >= LOOK_AGAIN:
            self._look(session)
        steps = {one.id: self.seen.step(domain_of(one.address), one.id, now) for one in window}
        return {one: step for one, step in steps.items() if step}

    def ration(self, session: Session, window: Sequence[Due]) -> dict[int, Step]:
        """Take a token for each; what becomes of those that get none, by id.

        Buckets are nobody else's until the transaction ends: ration last.
        """
        asked = [self.limits.rates.of(domain_of(one.address)) for one in window] if self.limits.rates else []
        all_rates = {key: rate for wanted in asked for key, rate in wanted.items()}
        if not all_rates:
            return {}
        now = self.clock()
        kept, waits = rates.take(brake_rows.hold_buckets(session, all_rates, now), asked, now)
        brake_rows.keep_buckets(session, kept)
        waiting = {one.id: at for one, at in zip(window, waits, strict=True) if at}
        return {one: Step(State.DEFERRED, "rate", at) for one, at in waiting.items()}

    def before_next(self, delivery: Due, verdicts: Verdicts) -> Attempt | None:
        """Why the next letter of a window must not go, after the verdicts on those before it; None when it may.

        A database that does not answer could not keep what becomes of it.
        """
        if self.clock() - self.looked_at >= LOOK_AGAIN:
            try:
                with self.database.read() as session:
                    self._look(session)
            except DependencyError as error:
                return Attempt(Outcome.STOPPED, str(error))
        word = brakes.learn(self.seen, _told(verdicts), self.clock()).word(delivery.kind)
        return Attempt(Outcome.STOPPED, word) if word else None

    def learn(self, session: Session, verdicts: Verdicts) -> None:
        """Take verdicts into account; costs no query when they are as they should be."""
        now, told = self.clock(), _told(verdicts)
        if brakes.learn(self.seen, told, now) != self.seen:
            alone(session, TURN)
            before = brake_rows.brakes(session)
            self.seen = brakes.learn(before, told, now)
            brake_rows.keep(session, before, self.seen, now)
            if self.seen.breaker and not before.breaker:
                _tell_opened(session, self.seen.breaker)
        if any(attempt.outcome in BOUNCED and delivery.kind == BRIEFING for delivery, attempt in verdicts):
            since = _judged_since(session, self.seen)
            _judge(session, brake_rows.last_outcomes(session, since, LAST_OUTCOMES).fault(), now)

    def _look(self, session: Session) -> None:
        self.seen, self.looked_at = brake_rows.brakes(session), self.clock()

    def _watch_canary(self, session: Session, now: datetime) -> int | None:
        """How many more of the newest issue may be begun; None when all may."""
        issue = issue_rows.latest(session)
        if issue is None:
            return None
        alone(session, TURN)
        before = brake_rows.brakes(session)
        if before.canary == Canary(issue.id, holds=False):
            return None
        step = brakes.canary(self.limits.canary, brake_rows.trial(session, issue.id), before.closed_at, now)
        _judge(session, step.fault, now)
        after = replace(before, canary=_canary_after(step, issue.id))
        brake_rows.keep(session, before, after, now)
        return step.room


def stop(database: Database, reason: str, who: str, now: datetime, **detail: object) -> None:
    """Let no mail be begun any more, over all workers, until `resume`. Raises InputError without a reason.

    `detail` is kept with the event.
    """
    said, name = one_line(reason, LONGEST_REASON), one_line(who, LONGEST_REASON)
    if not said:
        raise InputError("Say why sending is stopped; whoever finds it stopped will want to know")
    with database.write() as session:
        alone(session, TURN)
        before = brake_rows.brakes(session)
        brake_rows.keep(session, before, replace(before, stop=On(said, name, now)), now)
        session.add(Event(at=now, kind=STOPPED, detail={"reason": said, "who": name, **detail}))


def resume(database: Database, who: str, now: datetime) -> list[str]:
    """Take back a stop, close the breaker, let the rest of an issue follow its canary. Returns what was lifted.

    Raises InputError when nothing is held.
    """
    with database.write() as session:
        alone(session, TURN)
        before = brake_rows.brakes(session)
        lifted = [*_lines(before), *(["the rest of the issue waited for its canary"] if before.canary.holds else [])]
        if not lifted:
            raise InputError("Nothing holds sending back; there is nothing to resume")
        canary = replace(before.canary, holds=False)
        closed_at = now if before.breaker else before.closed_at
        after = replace(before, stop=None, breaker=None, refusals=0, closed_at=closed_at, canary=canary)
        brake_rows.keep(session, before, after, now)
        session.add(Event(at=now, kind=RESUMED, detail={"who": one_line(who, LONGEST_REASON), "lifted": lifted}))
        return lifted


def judge(session: Session, now: datetime) -> None:
    """Open the breaker when notices say that too many of the newest issue's mails bounced or were called spam."""
    since = _judged_since(session, brake_rows.brakes(session))
    _judge(session, brake_rows.outcomes_since(session, since).fault(), now)


def brake_words(database: Database) -> list[str]:
    """A line for each brake that is on, with what to do."""
    with database.read() as session:
        return [
            f"{line}; when that is right again, run: briefings resume" for line in _lines(brake_rows.brakes(session))
        ]


def pause_words(database: Database, now: datetime) -> list[str]:
    """A line for each domain that is left alone for a while."""
    with database.read() as session:
        pauses = brake_rows.brakes(session).pauses
    held = sorted((domain, pause) for domain, pause in pauses.items() if pause.holds(now))
    return [
        f"{domain} asked for patience; nothing is sent there until {spoken_moment(pause.until)}"
        for domain, pause in held
    ]


def _judge(session: Session, fault: str, now: datetime) -> None:
    """Open the breaker for a fault, unless there is none or it is open."""
    if not fault:
        return
    alone(session, TURN)
    before = brake_rows.brakes(session)
    if before.breaker is None:
        opened = On(fault, "", now)
        brake_rows.keep(session, before, replace(before, breaker=opened), now)
        _tell_opened(session, opened)


def _tell_opened(session: Session, breaker: On) -> None:
    session.add(Event(at=breaker.since, kind=BRAKED, detail={"reason": breaker.reason}))
    log.error("No more briefings are sent (account mail is): %s. See briefings doctor", breaker.reason)


def _judged_since(session: Session, now_on: Brakes) -> datetime:
    """The newest issue is judged by what was sent since it was opened, or since an operator looked."""
    issue = issue_rows.latest(session)
    return max(issue.opened_at if issue else LONG_AGO, now_on.closed_at or LONG_AGO)


def _canary_after(step: CanaryStep, issue_id: int) -> Canary:
    if step.room:
        return Canary()
    return Canary(issue_id, holds=step.room == 0)


def _told(verdicts: Verdicts) -> list[tuple[str, Attempt]]:
    return [(domain_of(delivery.address), attempt) for delivery, attempt in verdicts]


def _lines(on: Brakes) -> list[str]:
    lines = []
    if on.stop:
        by = f" by {on.stop.who}" if on.stop.who else ""
        lines.append(f"sending is stopped{by} since {spoken_moment(on.stop.since)}: {on.stop.reason}")
    if on.breaker:
        lines.append(f"briefings are held since {spoken_moment(on.breaker.since)}: {on.breaker.reason}")
    return lines
