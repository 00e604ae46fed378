"""Which skills moved in the news: this week against the mean of the four weeks before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: This week and so many before it are counted.
WEEKS_BEFORE = 4
#: A skill has moved when it has so many times its mean, or its mean so many times what it has now.
FACTOR = 1.5
#: Fewer items than this, now and in the mean, are chance.
FEWEST = 5
#: So many skills are told of.
MOST_MOVES = 3


@dataclass(frozen=True)
class Move:
    """A skill that moved: how many items spoke of it this week, and in the mean of the weeks before (rounded)."""

    skill: str  #: name
    items: int
    mean: int

    @property
    def is_up(self) -> bool:
        """Whether there was more of it than before."""
        return self.items > self.mean


def moves(weeks: Sequence[Mapping[str, int]], skills: Iterable[str], names: Mapping[str, str]) -> tuple[Move, ...]:
    """Which of these skills moved most, the strongest first; `weeks` count items by topic, the newest week first.

    A skill must have moved by itself and by its share of all that was counted: more feeds make more of everything.
    Without four weeks that have items nothing is said.
    """
    if len(weeks) <= WEEKS_BEFORE or not all(sum(week.values()) for week in weeks):
        return ()
    now, before = weeks[0], weeks[1 : WEEKS_BEFORE + 1]
    growth = WEEKS_BEFORE * sum(now.values()) / sum(sum(week.values()) for week in before)
    strengths: dict[Move, float] = {}
    for skill in dict.fromkeys(skills):
        mean = sum(week.get(skill, 0) for week in before) / WEEKS_BEFORE
        move = Move(names.get(skill, skill), now.get(skill, 0), round(mean))
        if max(move.items, mean) >= FEWEST:
            strengths[move] = _strength(move.items, mean, growth)
    moved = [move for move, strength in strengths.items() if strength >= FACTOR]
    return tuple(sorted(moved, key=lambda move: (-strengths[move], move.skill))[:MOST_MOVES])


def _strength(items: int, mean: float, growth: float) -> float:
    """By what factor a skill moved, whichever is less: by itself or by its share."""
    factors = [(items + 1) / (mean * part + 1) for part in (1.0, growth)]
    return max(min(factors), 1 / max(factors))
