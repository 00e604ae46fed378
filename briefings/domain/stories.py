"""Which items tell the same news. One leads: the primary source before the press before the aggregator."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: Items further apart than this do not tell the same news.
WINDOW = timedelta(hours=96)
#: Cosine of the weighted words plus half the overlap of names and numbers, from which two items are one story.
SAME = 0.6
WORD = re.compile(r"[^\W_]+(?:[.'\u2019-][^\W_]+)*")
FEW_LETTERS = 3
#: One capital in common, such as the first word of both titles, is half an overlap and not a whole one.
FEWEST_NAMES = 2


@dataclass(frozen=True)
class Telling:
    """An item, as far as grouping looks at it. `story` is None until it has one."""

    item: int
    title: str
    summary: str
    canonical_url: str
    published: datetime
    authority: float
    story: int | None = None
    state: str = "open"  #: what an editor made of it: open, pinned or hidden


@dataclass(frozen=True)
class Group:
    """A decision: these items are one story. `story` is the existing story they join, or None for a new one."""

    story: int | None
    items: tuple[int, ...]


def lead(tellings: Iterable[Telling]) -> Telling:
    """The item that leads a story: one that an editor pinned, never a hidden one while another is there; then the
    one of most authority, then the earliest, then the smallest id.
    """
    return min(
        tellings,
        key=lambda telling: (
            telling.state == "hidden",
            telling.state != "pinned",
            -telling.authority,
            telling.published,
            telling.item,
        ),
    )


def group(fresh: Sequence[Telling], known: Sequence[Telling]) -> list[Group]:
    """Assign each fresh item to a known story or a new one.

    An item joins a story when it has the address of one of its members, or when it is like all of them
    (complete link, so that chains of half-alike items do not grow).
    """
    weigh = _Weights([*known, *fresh])
    members: dict[int, list[Telling]] = defaultdict(list)
    for telling in known:
        if telling.story is not None:
            members[telling.story].append(telling)
    new_key = -1
    assigned: dict[int, list[int]] = defaultdict(list)
    for telling in sorted(fresh, key=lambda one: (one.published, one.item)):
        story = _home(telling, members, weigh)
        if story is None:
            story, new_key = new_key, new_key - 1
        members[story].append(telling)
        weigh.add(telling, story)
        assigned[story].append(telling.item)
    return [Group(story if story > 0 else None, tuple(items)) for story, items in assigned.items()]


def likeness(one: Telling, other: Telling, weigh: _Weights) -> float:
    """0 for nothing in common, about 1.5 for the same text."""
    a, b = weigh.words(one), weigh.words(other)
    cosine = sum(weight * b[word] for word, weight in a.items() if word in b) / (_length(a) * _length(b) or 1.0)
    names_a, names_b = _names(one), _names(other)
    overlap = len(names_a & names_b) / max(FEWEST_NAMES, min(len(names_a), len(names_b)))
    return cosine + 0.5 * overlap


def _home(telling: Telling, members: Mapping[int, list[Telling]], weigh: _Weights) -> int | None:
    best, found = SAME, None
    for story in weigh.stories_like(telling):
        if any(_same_address(telling, member) for member in members[story]):
            return story
        alike = min(_alike(telling, member, weigh) for member in members[story])
        if alike >= best:
            best, found = alike, story
    return found


def _same_address(one: Telling, other: Telling) -> bool:
    return bool(one.canonical_url) and one.canonical_url == other.canonical_url


def _alike(one: Telling, other: Telling, weigh: _Weights) -> float:
    near = abs(one.published - other.published) <= WINDOW
    return likeness(one, other, weigh) if near else 0.0


class _Weights:
    """Word weights by rarity, and which stories hold which rare words, so that few pairs need comparing."""

    def __init__(self, tellings: Sequence[Telling]) -> None:
        self._counts = {telling.item: _words(telling) for telling in tellings}
        seen = Counter(word for words in self._counts.values() for word in words)
        self._idf = {word: log((1 + len(tellings)) / count) + 0.1 for word, count in seen.items()}
        self._common = max(10, len(tellings) // 20)
        self._seen = seen
        self._stories: dict[str, set[int]] = defaultdict(set)
        for telling in tellings:
            if telling.story is not None:
                self.add(telling, telling.story)

    def add(self, telling: Telling, story: int) -> None:
        """Remember that `story` holds the rare words and the address of `telling`."""
        for word in self._rare(telling):
            self._stories[word].add(story)

    def stories_like(self, telling: Telling) -> list[int]:
        """Stories that share a rare word or the address, in a stable order."""
        return sorted({story for word in self._rare(telling) for story in self._stories.get(word, ())}, reverse=True)

    def words(self, telling: Telling) -> dict[str, float]:
        """The weighted words of an item."""
        return {word: count * self._idf[word] for word, count in self._counts[telling.item].items()}

    def _rare(self, telling: Telling) -> list[str]:
        words = [word for word in self._counts[telling.item] if self._seen[word] <= self._common]
        return [*words, *([telling.canonical_url] if telling.canonical_url else [])]


def _words(telling: Telling) -> Counter[str]:
    """Words of the title count double, since the summary of one outlet is the detail of another."""
    title = [word for word in WORD.findall(telling.title.casefold()) if len(word) >= FEW_LETTERS]
    summary = [word for word in WORD.findall(telling.summary[:300].casefold()) if len(word) >= FEW_LETTERS]
    return Counter(title + title + summary)


def _names(telling: Telling) -> set[str]:
    """Capitalised words and numbers: who, what and how many."""
    text = f"{telling.title} {telling.summary[:300]}"
    return {word for word in WORD.findall(text) if word[0].isdigit() or word != word.lower()}


def _length(words: Mapping[str, float]) -> float:
    return sqrt(sum(weight * weight for weight in words.values()))
