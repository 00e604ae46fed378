"""What holds sending back: the operator's stop, a breaker, a canary, and domains that ask for patience."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING

from briefings.domain.deliveries import Outcome, State, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from briefings.domain.deliveries import Attempt

BRIEFING = "briefing"

#: So many refusals of us in a row, with nothing accepted in between, open the breaker.
REFUSALS = 3
#: More than these shares of an issue's outcomes open it too, when there are enough outcomes to judge by. One reader who
#: calls a mail spam is no share of anything.
BOUNCES, COMPLAINTS, LEAST_COMPLAINTS = 0.08, 0.003, 2
LAST_OUTCOMES, LEAST_OUTCOMES = 200, 50

#: Replies that ask for patience: their codes, and what they say (RFC 3463: x.7 is policy).
PATIENCE_CODE = re.compile(r"(?:421|45[012])\b")
PATIENCE_WORDS = re.compile(r"\b4\.7\.\d{1,3}\b|too many|\brate\b|throttl", re.IGNORECASE)
FIRST_PAUSE, MOST_PAUSE, MOST_DOUBLINGS = timedelta(minutes=1), timedelta(hours=1), 6
#: A domain that has been left alone for so long is asked as if for the first time.
FORGIVEN = timedelta(hours=6)
#: What waits for a domain comes back within so many lengths of the pause: four hours at most.
SPREAD = 4
#: Multiples of it, without their whole part, lie evenly between 0 and 1.
GOLDEN = 0.6180339887498949

CANARY_LEAST, CANARY_REST, CANARY_OPEN = 20, timedelta(minutes=10), 0.1
#: Fewer outcomes than for a whole issue: those of a canary were chosen to be judged by.
CANARY_OUTCOMES = 10


@dataclass(frozen=True)
class On:
    """A brake that is on: why, by whom ("" is ourselves), since when (UTC)."""

    reason: str
    who: str
    since: datetime


@dataclass(frozen=True)
class Pause:
    """A domain is left alone until then; how many times in a row it was."""

    until: datetime
    times: int

    @property
    def length(self) -> timedelta:
        """How long it was paused."""
        return min(FIRST_PAUSE * (1 << min(self.times - 1, MOST_DOUBLINGS)), MOST_PAUSE)

    def holds(self, now: datetime) -> bool:
        """Whether it is on; one that a wrong clock set far into the future is not."""
        return now < self.until <= now + MOST_PAUSE


@dataclass(frozen=True)
class Canary:
    """Of which issue a share is tried first, and whether the others wait for it."""

    issue: int = 0
    holds: bool = False


@dataclass(frozen=True)
class Brakes:
    """All brakes at a moment."""

    stop: On | None = None
    breaker: On | None = None
    canary: Canary = Canary()
    refusals: int = 0  #: of us, in a row
    closed_at: datetime | None = None  #: when an operator last closed the breaker
    pauses: Mapping[str, Pause] = field(default_factory=dict)  #: by domain

    def word(self, kind: str) -> str:
        """The word for why a mail of a kind must not go, or "". Account mail goes on when the breaker is open."""
        if self.stop:
            return "stopped"
        return "breaker" if self.breaker and kind == BRIEFING else ""

    def step(self, domain: str, number: int, now: datetime) -> Step | None:
        """What becomes of a delivery whose domain is left alone, or None when it may go. `number` is its id."""
        pause = self.pauses.get(domain)
        if pause is None or not pause.holds(now):
            return None
        later = pause.until + SPREAD * pause.length * (number * GOLDEN % 1)
        return Step(State.DEFERRED, "domain-paused", later.replace(microsecond=0))


def domain_of(address: str) -> str:
    """The domain of an address."""
    return address.rpartition("@")[2].lower()


def asks_for_patience(attempt: Attempt) -> bool:
    """Whether a refusal says that we send too much, rather than that something is wrong."""
    if attempt.outcome is not Outcome.REFUSED_FOR_NOW:
        return False
    return bool(PATIENCE_CODE.match(attempt.reply) and PATIENCE_WORDS.search(attempt.reply))


def learn(before: Brakes, told: Iterable[tuple[str, Attempt]], now: datetime) -> Brakes:
    """The brakes after attempts, in their order; each with the domain it was for."""
    brakes, pauses = before, dict(before.pauses)
    for domain, attempt in told:
        if attempt.outcome is Outcome.ACCEPTED and brakes.refusals:
            brakes = replace(brakes, refusals=0)
        elif attempt.outcome is Outcome.POLICY:
            brakes = _refused(brakes, attempt.reply, now)
        if asks_for_patience(attempt):
            pauses[domain] = _longer(pauses.get(domain), now)
        elif attempt.outcome is Outcome.ACCEPTED and domain in pauses and not pauses[domain].holds(now):
            del pauses[domain]
    return replace(brakes, pauses=pauses) if pauses != before.pauses else brakes


def _refused(brakes: Brakes, reply: str, now: datetime) -> Brakes:
    refusals = brakes.refusals + 1
    if refusals < REFUSALS or brakes.breaker:
        return replace(brakes, refusals=refusals)
    return replace(brakes, refusals=refusals, breaker=On(f"{refusals} mails in a row were refused: {reply}", "", now))


def _longer(pause: Pause | None, now: datetime) -> Pause:
    """Twice as long as the last time; one that is on is not made longer by what was sent before it."""
    if pause and pause.holds(now):
        return pause
    times = pause.times + 1 if pause and now - pause.until < FORGIVEN else 1
    return Pause(now + Pause(now, times).length, times)


@dataclass(frozen=True)
class Health:
    """How many mails had an outcome, and how many of them bounced or were called spam."""

    outcomes: int
    bounced: int
    complained: int

    def fault(self, least: int = LEAST_OUTCOMES) -> str:
        """What is too much, in words, or "" when nothing is, or when less than `least` outcomes say nothing yet."""
        if self.outcomes < least:
            return ""
        if self.bounced > BOUNCES * self.outcomes:
            return f"{self.bounced} of {self.outcomes} briefings bounced"
        if self.complained >= LEAST_COMPLAINTS and self.complained > COMPLAINTS * self.outcomes:
            return f"{self.complained} of {self.outcomes} briefings were called spam"
        return ""


def enough(bounced: int, complained: int) -> int:
    """So many outcomes make these bounces and complaints few enough; it is no use to count more."""
    return max(LEAST_OUTCOMES, ceil(bounced / BOUNCES), ceil(complained / COMPLAINTS))


@dataclass(frozen=True)
class Trial:
    """How the canary of an issue stands. `begun` are the deliveries that a worker took at least once."""

    total: int
    begun: int
    open: int  #: begun, and without an end
    bounced: int
    complained: int
    settled_at: datetime | None  #: when the newest of them ended (UTC)


@dataclass(frozen=True)
class CanaryStep:
    """How many deliveries of the issue may be begun (None: any number), and what is wrong with those that were."""

    room: int | None
    fault: str = ""


def canary(percent: float, trial: Trial, closed_at: datetime | None, now: datetime) -> CanaryStep:
    """Whether the share of an issue that was tried first lets the rest go.

    It does when (nearly) all of it has ended, is healthy, and ten minutes have passed. `closed_at` is when an operator
    last closed the breaker: what they saw then is not held against the rest.
    """
    quota = max(CANARY_LEAST, ceil(trial.total * percent / 100))
    if trial.begun < quota:
        return CanaryStep(quota - trial.begun)
    if trial.open > CANARY_OPEN * trial.begun or trial.settled_at is None:
        return CanaryStep(0)
    ended = trial.begun - trial.open
    seen = closed_at is not None and closed_at >= trial.settled_at
    fault = "" if seen else Health(ended, trial.bounced, trial.complained).fault(CANARY_OUTCOMES)
    if fault:
        return CanaryStep(0, f"of those sent first, {fault}")
    return CanaryStep(None if now - trial.settled_at >= CANARY_REST else 0)
