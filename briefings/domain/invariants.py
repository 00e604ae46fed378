"""What must always hold, by name, and what a delivery's events say about it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from briefings.domain.deliveries import State, may_follow

#: So many offenders are named.
NAMED = 10
REPORT = "stop sending (briefings stop WHY), keep a copy of the database, and report it with their events (/console)"
STATES = frozenset(State)
#: What an attempt must have come to before the next one may begin.
OPENS_AGAIN = frozenset({State.DEFERRED, State.UNKNOWN, State.DEAD})


@dataclass(frozen=True)
class Invariant:
    """A promise: its name, what it says, and what to do when it is broken. Without `of`, no database can show it."""

    name: str
    means: str
    of: str = ""  #: what offends: deliveries, editions or subscribers
    advice: str = REPORT


@dataclass(frozen=True)
class Finding:
    """An invariant that was looked at: how many offend, and the ids of the first."""

    invariant: Invariant
    count: int = 0
    ids: tuple[int, ...] = ()

    @property
    def words(self) -> str:
        """Who offends, and what to do; empty when the invariant holds."""
        if not self.count:
            return ""
        named = ", ".join(map(str, self.ids)) + (" ..." if self.count > len(self.ids) else "")
        who = f"{self.invariant.of} {named} ({self.count} in all)"
        return f"{self.invariant.name} is broken by {who}: {self.invariant.advice}"


ONE_PER_WEEK = Invariant(
    "one-per-week", "what may have arrived holds its plan week, what never arrived gives it back", "deliveries"
)
EVERYONE_DECIDED = Invariant("everyone-decided", "candidates = editions + skipped", "subscribers")
EACH_EDITION_ONE_MAIL = Invariant("each-edition-one-mail", "deliveries sum to the editions", "editions")
NONE_PAST_LEASE = Invariant(
    "none-past-lease",
    "no worker holds a mail for longer than it may",
    "deliveries",
    "any worker frees them before it sends: is one running, and what does its log say?",
)
NO_SILENT_DUPLICATE = Invariant(
    "no-silent-duplicate", "a mail is begun again only when it failed before, or is counted as unknown", "deliveries"
)
NONE_AFTER_LEAVING = Invariant("none-after-leaving", "no mail is begun after its reader has left", "deliveries")
LATE_SENDS_NOTHING = Invariant("late-sends-nothing", "no mail is begun after its latest moment", "deliveries")
STATE_IS_FOLD = Invariant("state-is-fold-of-events", "events, one after the other, lead to the state", "deliveries")
#: What only a relay, or a broker that is emptied, can show.
PROOF = "briefings chaos"
ELSEWHERE = (
    Invariant("none-without-trace", "what the relay took is sent or unknown"),
    Invariant("sent-was-accepted", "what is sent was taken by the relay"),
    Invariant("broker-is-disposable", "an emptied broker changes no count"),
)


@lru_cache(maxsize=4096)
def fold(kinds: tuple[str, ...]) -> State | None:
    """The state to which events lead, by their kinds, oldest first; None when one cannot follow those before it."""
    steps = [State(kind) for kind in kinds if kind in STATES]
    if steps[:1] != [State.QUEUED] or not all(may_follow(before, after) for before, after in pairwise(steps)):
        return None
    return steps[-1]


def is_fold(state: str, kinds: tuple[str, ...]) -> bool:
    """Whether a delivery in this state is where its events lead."""
    return fold(kinds) == state


@lru_cache(maxsize=4096)
def begun_silently(kinds: tuple[str, ...]) -> bool:
    """Whether an attempt was begun though the one before it may have succeeded, and nobody counted it as unknown."""
    may_begin = True
    for kind in kinds:
        if kind == State.SENDING:
            if not may_begin:
                return True
            may_begin = False
        elif kind in OPENS_AGAIN:
            may_begin = True
    return False
