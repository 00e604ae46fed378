"""Which items tell the same news. One leads: the primary source before the press before the aggregator."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from briefings.domain import likeness
from briefings.domain.likeness import WINDOW, Reading, Scale

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

__all__ = ["HALF", "SAME", "WINDOW", "Group", "Telling", "group", "lead", "read"]

#: Chosen on the dev half of training/story_pairs.tsv: the most recall at a precision of 0.9 and a margin.
#: From this likeness on, two items are one story.
SAME = 0.5
#: Every two items of a story are at least so much alike, so that chains of half-alike items do not grow.
HALF = 0.35
#: An address that more items have is a list of news, such as a changelog or a home page, and no news itself.
MOST_AT_AN_ADDRESS = 4


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


def read(telling: Telling) -> Reading:
    """What comparing looks at of an item."""
    return likeness.read(telling.item, telling.title, telling.summary, telling.canonical_url, telling.published)


def group(fresh: Sequence[Telling], known: Sequence[Telling]) -> list[Group]:
    """Assign each fresh item to a known story or a new one; known stories keep what they have.

    An item joins a story first by its address, whatever it says within the window and later only under a like title;
    else by its title, when that is the same and long. Then the most alike pairs come together, their stories with
    them, when all members of both are at least half alike (complete link): `known` has all members of its stories.
    """
    fresh, known = (sorted(some, key=lambda one: (one.published, one.item)) for some in (fresh, known))
    lists = _lists_of_news([*known, *fresh])
    readings = [read(telling) for telling in (*known, *fresh)]
    scale = Scale(readings)
    shelf = _Shelf(scale)
    for telling, reading in zip((*known, *fresh), readings, strict=True):
        address = telling.canonical_url
        shelf.put(reading, telling.story, "" if address in lists else address)
    near = scale.near([one.item for one in fresh], [one.item for one in known], SAME)
    pairs = ((scale.likeness(one, other), min(one, other), max(one, other)) for one, other in near)
    for _, one, other in sorted((pair for pair in pairs if pair[0] >= SAME), key=lambda pair: (-pair[0], pair[1:])):
        shelf.join(one, other)
    return shelf.groups([telling.item for telling in fresh])


def _lists_of_news(tellings: Iterable[Telling]) -> set[str]:
    counts = Counter(telling.canonical_url for telling in tellings)
    return {address for address, count in counts.items() if count > MOST_AT_AN_ADDRESS}


class _Shelf:
    """Which items stand together. A known story has its id; a new one a negative number, the earliest the highest."""

    def __init__(self, scale: Scale) -> None:
        self._scale = scale
        self._home: dict[int, int] = {}
        self._members: dict[int, list[int]] = defaultdict(list)
        self._first: dict[int, datetime] = {}
        self._last: dict[int, datetime] = {}
        #: What came first of each story at an address, and under a headline.
        self._at: dict[object, list[Reading]] = defaultdict(list)
        #: Two stories that did not fit never will: both only grow.
        self._refused: set[tuple[int, int]] = set()

    def put(self, reading: Reading, story: int | None, address: str) -> None:
        """Put an item into its story, else to its address, else to its title, else by itself.

        The known come before the fresh, each the earliest first. `address` is empty when it decides nothing.
        """
        places = [place for place in (address, reading.fingerprint) if place]
        story = story or self._story_at(places, reading) or -1 - len(self._home)
        self._home[reading.item] = story
        self._members[story].append(reading.item)
        self._first[story] = min(reading.published, self._first.get(story, reading.published))
        self._last[story] = max(reading.published, self._last.get(story, reading.published))
        for place in places:
            if story not in {self._home[one.item] for one in self._at[place]}:
                self._at[place].append(reading)

    def join(self, one: int, other: int) -> None:
        """Make one story of two, unless we know both as different ones or some members are less than half alike."""
        less, more = sorted((self._home[one], self._home[other]))
        if less == more or less > 0 or (less, more) in self._refused:
            return
        if not self._all_half_alike(self._members[less], self._members[more]):
            self._refused.add((less, more))
            return
        moved = self._members.pop(less)
        self._members[more] += moved
        self._home.update(dict.fromkeys(moved, more))

    def groups(self, items: Sequence[int]) -> list[Group]:
        """These items by story, in the order in which the stories' first items are given."""
        found: dict[int, list[int]] = defaultdict(list)
        for item in items:
            found[self._home[item]].append(item)
        return [Group(story if story > 0 else None, tuple(members)) for story, members in found.items()]

    def _story_at(self, places: Iterable[object], reading: Reading) -> int | None:
        """The story at the first of these places that has one for an item, the nearest in time."""
        for place in places:
            fitting = [one for one in self._at[place] if self._fits(one, reading, place)]
            if fitting:
                nearest = min(fitting, key=lambda one: (abs(one.published - reading.published), one.item))
                return self._home[nearest.item]
        return None

    def _fits(self, one: Reading, reading: Reading, place: object) -> bool:
        """A title is the same news within the window of the whole story; an address within its own, or retitled."""
        if place == reading.fingerprint:
            story = self._home[one.item]
            return self._last[story] - WINDOW <= reading.published <= self._first[story] + WINDOW
        return abs(one.published - reading.published) <= WINDOW or likeness.is_retitled(one, reading)

    def _all_half_alike(self, some: Sequence[int], others: Sequence[int]) -> bool:
        return all(self._scale.likeness(one, other) >= HALF for one in some for other in others)
