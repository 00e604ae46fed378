"""How well items that tell the same news are put together, against pairs that a careful reader judged."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from briefings.domain import stories
from briefings.domain.bootstrap import Estimate, estimate
from briefings.domain.likeness import WINDOW, Scale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from briefings.domain.stories import Telling

MIDNIGHT = timedelta()


@dataclass(frozen=True)
class Pair:
    """Two items, and whether a reader who got one would not want the other."""

    one: int
    other: int
    same: bool
    kind: str
    hard: bool


@dataclass(frozen=True)
class Judged:
    """A pair, and whether we put its items into one story."""

    pair: Pair
    together: bool

    @property
    def is_right(self) -> bool:
        """Whether we did as the reader says."""
        return self.together == self.pair.same


def by_day(tellings: Iterable[Telling], since_midnight: timedelta = MIDNIGHT) -> list[list[Telling]]:
    """Items by their day, the earliest first. A day begins so long after midnight UTC."""
    days: dict[date, list[Telling]] = defaultdict(list)
    for telling in tellings:
        days[(telling.published - since_midnight).date()].append(telling)
    return [days[day] for day in sorted(days)]


def told_by_day(tellings: Iterable[Telling], since_midnight: timedelta = MIDNIGHT) -> Iterator[dict[int, int]]:
    """Group items as they come: the items of each day meet the stories of the days before, as in the product.

    Yields, a day (see `by_day`) each, the stories of its items: item -> story.
    """
    past, newest = _Past(), 0
    for day in by_day(tellings, since_midnight):
        home: dict[int, int] = {}
        for group in stories.group(day, past.known(day)):
            newest += group.story is None
            home.update(dict.fromkeys(group.items, group.story or newest))
        past.add(replace(telling, story=home[telling.item]) for telling in day)
        yield home


class _Past:
    """The items that have a story."""

    def __init__(self) -> None:
        self._recent: list[Telling] = []
        self._members: dict[int, list[Telling]] = defaultdict(list)
        self._at: dict[str, set[int]] = defaultdict(set)

    def add(self, tellings: Iterable[Telling]) -> None:
        for telling in tellings:
            story = telling.story or 0
            self._recent.append(telling)
            self._members[story].append(telling)
            self._at[telling.canonical_url].add(story)

    def known(self, day: Sequence[Telling]) -> list[Telling]:
        """All members of the stories that have one within the window before, or at an address of this day."""
        start = min(telling.published for telling in day) - WINDOW
        self._recent = [telling for telling in self._recent if telling.published >= start]
        addresses = {telling.canonical_url for telling in day} - {""}
        near = {telling.story or 0 for telling in self._recent}.union(*(self._at[address] for address in addresses))
        return [telling for story in sorted(near) for telling in self._members[story]]


def measure(judged: Sequence[Judged]) -> dict[str, Estimate]:
    """Precision, recall and F1 of "these two are one story", for all pairs and for the hard ones."""
    samples = {"all": judged, "hard": [one for one in judged if one.pair.hard]}
    return {
        f"{name}, {which} pairs": estimate(sample, figure)
        for which, sample in samples.items()
        for name, figure in FIGURES.items()
        if sample
    }


def by_kind(judged: Iterable[Judged]) -> list[tuple[str, bool, int, int]]:
    """For each kind of pair, and whether its items are the same news: how many there are, and how many we got right."""
    counts: Counter[tuple[str, bool]] = Counter()
    right: Counter[tuple[str, bool]] = Counter()
    for one in judged:
        key = one.pair.kind, one.pair.same
        counts[key] += 1
        right[key] += one.is_right
    order = sorted(counts, key=lambda key: (not key[1], -counts[key], key[0]))
    return [(kind, same, counts[kind, same], right[kind, same]) for kind, same in order]


def parts(pair: Pair, tellings: Mapping[int, Telling]) -> dict[str, float]:
    """What spoke for and against a pair, by the rarity of words around its days."""
    first, last = sorted(tellings[item].published for item in (pair.one, pair.other))
    around = [one for one in tellings.values() if first - WINDOW <= one.published <= last + WINDOW]
    return Scale([stories.read(telling) for telling in around]).parts(pair.one, pair.other)


def _precision(judged: Sequence[Judged]) -> float:
    said = [one.is_right for one in judged if one.together]
    return sum(said) / len(said) if said else 1.0


def _recall(judged: Sequence[Judged]) -> float:
    meant = [one.is_right for one in judged if one.pair.same]
    return sum(meant) / len(meant) if meant else 1.0


def _f1(judged: Sequence[Judged]) -> float:
    both = _precision(judged), _recall(judged)
    return 2 * both[0] * both[1] / sum(both) if sum(both) else 0.0


FIGURES: Mapping[str, Callable[[Sequence[Judged]], float]] = {"precision": _precision, "recall": _recall, "F1": _f1}
