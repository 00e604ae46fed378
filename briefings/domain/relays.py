"""Which relay takes the next letter, and which one is left alone for a while."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FIRST_REST, LONGEST_REST, MOST_DOUBLINGS = timedelta(minutes=1), timedelta(minutes=15), 4


@dataclass(frozen=True)
class Standing:
    """How one relay stands."""

    weight: int = 1
    turn: int = 0  #: grows by its weight with every letter, and falls by the weights of all with a letter of its own
    failures: int = 0  #: in a row, each after the rest that the one before had brought
    until: datetime | None = None  #: it rests until then (UTC)

    def rests(self, now: datetime) -> bool:
        """Whether it is left alone; not when a wrong clock set the end of its rest far into the future."""
        return self.until is not None and now < self.until <= now + LONGEST_REST


def order(standings: Sequence[Standing], now: datetime) -> list[int]:
    """The relays by whose turn it is (positions in `standings`); those that rest come last."""
    return sorted(
        range(len(standings)),
        key=lambda place: (standings[place].rests(now), -standings[place].turn - standings[place].weight),
    )


def choose(standings: Sequence[Standing], now: datetime) -> tuple[int | None, list[Standing]]:
    """Who takes the next letter, and how all stand then; nobody when all rest.

    A smooth weighted round robin: out of so many letters as the weights add up to, each takes as many as its weight,
    evenly spread.
    """
    chosen = order(standings, now)[0]
    if standings[chosen].rests(now):
        return None, list(standings)
    after = [one if one.rests(now) else replace(one, turn=one.turn + one.weight) for one in standings]
    weights = sum(one.weight for one in standings if not one.rests(now))
    after[chosen] = replace(after[chosen], turn=after[chosen].turn - weights)
    return chosen, after


def failed(before: Standing, now: datetime) -> Standing:
    """Resting for 1, 2, 4, 8, then 15 minutes. What fails during a rest, in another pass, makes it no longer."""
    if before.rests(now):
        return before
    rest = min(FIRST_REST * 2 ** min(before.failures, MOST_DOUBLINGS), LONGEST_REST)
    return replace(before, failures=before.failures + 1, until=now + rest)


def answered(before: Standing) -> Standing:
    """As if it had never failed."""
    return replace(before, failures=0, until=None)
