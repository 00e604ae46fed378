"""How much two items tell the same news: a sum of few parts, each of which an editor can be shown.

The words they share speak for it, most of all the rarest word that both titles have. Time between them, one outlet
for both, another version, and a title that comments or resells what the other announces speak against it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log, sqrt
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from briefings.domain.features import EMPTY_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

#: Weights, chosen by logistic regression on the dev half of training/story_pairs.tsv, then rounded.
RAREST, DAY, OUTLET, COMMENT, AVAILABILITY, OTHER_VERSION, ONE_VERSION = 0.45, -0.11, -0.28, -0.17, -0.3, -0.23, -0.2
#: Rarity is measured as if at least so many items had been seen: two items alone have no rare words.
FEWEST_SEEN = 200
#: Words that more items have are too common to compare all that have them.
FEWEST_COMMON = 50
#: The most that a rare word of both titles can add.
HIGHEST = 1.02 * RAREST
ONE_DAY = timedelta(days=1)
#: Sums of floats differ in their last digits with their order.
ROUNDING = 1e-9
#: Items further apart than this do not tell the same news.
WINDOW = timedelta(hours=96)
#: A summary's beginning says what it is about; what follows differs from outlet to outlet.
SUMMARY_READ = 300
SHORTEST_WORD, SHORTEST_STEM, LONGEST_BARE = 2, 3, 4

#: A title of so many words that comes again is no coincidence.
FEWEST_OF_A_HEADLINE = 4

#: Scripts written without spaces, and Korean, whose words change their ends: read as pairs of letters.
UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30fa\u30fc-\u9fff\uac00-\ud7af"
#: Vowel signs and accents that stand for themselves; they belong to the letter before.
MARKS = "".join(chr(number) for number in range(0x300, 0x3000) if unicodedata.category(chr(number)).startswith("M"))
LETTER = rf"[^\W_{UNSPACED}]"
WORD = re.compile(rf"([{UNSPACED}]+)|({LETTER}+(?:(?:[.'\u2019&+]|[{MARKS}]+){LETTER}+)*[{MARKS}]*)")
VERSION = re.compile(r"\b([^\W\d_]{2,})[\s-]?v?(\d+(?:\.\d+)*)\b")
FURNITURE = re.compile(r"submitted by\s+/?u/\S+|\[link\]|\[comments\]|\bread more\W*$", re.IGNORECASE)
RECURRING = re.compile(
    r"\b(?:daily|weekly|this week|last week|digest|round-?up|newsletter|catch up|product updates?|changelist|"
    r"one-minute|the batch|data points)\b",
    re.IGNORECASE,
)
LISTING = re.compile(r"\b(?:top \d+|best .*\b20\d\d|deals)\b", re.IGNORECASE)
COMMENTING = re.compile(
    r"\?|\b(?:why|how|what|hands[- ]on|i tried|i tested|opinion|here['\u2019]?s|everything you need|should you|vs|"
    r"means|lessons|inside|behind|could|might|warns?|benchmarks?|analysis|best practices|reviews?|explain\w*)\b",
    re.IGNORECASE,
)
AVAILABLE = re.compile(
    r"\b(?:(?:now|is) (?:available|live)|available (?:in|on|with)|live (?:in|on|with))\b", re.IGNORECASE
)
ENDINGS = (("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("er", ""))


@dataclass(frozen=True)
class Reading:
    """What is looked at of an item: its words and their weight, those of its title, and what kind of title it is."""

    item: int
    published: datetime
    words: Mapping[str, float]
    title: frozenset[str]
    headline: tuple[str, ...]  #: the title's words in order, as they stand there
    versions: Mapping[str, frozenset[str]]
    outlet: str
    recurs: bool  #: a column, which has other news under one title each time
    is_digest: bool  #: a column or a listing
    comments: bool
    is_availability: bool

    @property
    def fingerprint(self) -> tuple[str, ...]:
        """The headline, when it tells enough to know the news again by it alone; else nothing."""
        return self.headline if len(self.headline) >= FEWEST_OF_A_HEADLINE and not self.recurs else ()

    @property
    def numbers(self) -> set[str]:
        """The words of the title that have a digit."""
        return {word for word in self.headline if any(map(str.isdigit, word))}


def read(item: int, title: str, summary: str, address: str, published: datetime) -> Reading:
    """Read an item. `address` is its URL; its host is the outlet."""
    headline = tuple(_tokens(title))
    in_title = list(_stems(headline))
    told = _stems(_tokens(FURNITURE.sub(" ", summary[: 2 * SUMMARY_READ])[:SUMMARY_READ]))
    counts = Counter([*in_title, *in_title, *told])
    words = {word: 1 + log(count) for word, count in counts.items()}
    recurs, lists, comments, is_availability = (
        pattern.search(title) is not None for pattern in (RECURRING, LISTING, COMMENTING, AVAILABLE)
    )
    return Reading(
        item=item,
        published=published,
        words=words,
        title=frozenset(in_title),
        headline=headline,
        versions=_versions(title),
        outlet=_host(address),
        recurs=recurs,
        is_digest=recurs or lists,
        comments=comments,
        is_availability=is_availability,
    )


def is_retitled(one: Reading, other: Reading) -> bool:
    """Whether two titles of one page are of one text: half of the words of the longer are the other's too, and every
    number. "Release 1.2" and "Release 1.3" are entries of a page, and so are two weeks of a column.
    """
    words = max(len(one.title), len(other.title))
    are_alike = words > 0 and 2 * len(one.title & other.title) >= words
    return are_alike and one.numbers == other.numbers and not (one.recurs or other.recurs)


class Scale:
    """Weighs words by how rare they are among the items given, and compares any two of them."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        seen = Counter(word for reading in readings for word in reading.words)
        everything = 1 + max(FEWEST_SEEN, len(readings))
        common = max(FEWEST_COMMON, len(readings) // 20)
        self._rarity = {word: log(1.1 * everything / count) / log(everything) for word, count in seen.items()}
        self._reading = {reading.item: reading for reading in readings}
        self._vectors = {reading.item: self._vector(reading) for reading in readings}
        self._rare = {
            item: [(word, weight) for word, weight in vector.items() if seen[word] <= common]
            for item, vector in self._vectors.items()
        }
        self._day = {reading.item: reading.published.timestamp() / ONE_DAY.total_seconds() for reading in readings}
        self._rest = {item: _left(weight for _, weight in rare) for item, rare in self._rare.items()}

    def likeness(self, one: int, other: int) -> float:
        """0 or less for nothing in common, about 1.4 for the same text at the same time."""
        return sum(self.parts(one, other).values())

    def parts(self, one: int, other: int) -> dict[str, float]:
        """What speaks for and against two items being one story. A digest tells many and is never one."""
        a, b = self._reading[min(one, other)], self._reading[max(one, other)]
        if not _comparable(a, b):
            return {}
        return {
            "words": self._cosine(a.item, b.item),
            "rarest title word": RAREST * self._rarest(a, b),
            "days apart": DAY * (abs(a.published - b.published) / ONE_DAY),
            **_against(a, b),
        }

    def near(self, fresh: Iterable[int], known: Iterable[int], least: float) -> Iterator[tuple[int, int]]:
        """Pairs of a fresh item with a known or an earlier fresh one that share a rare word and whose likeness may be
        `least`: for the others it cannot be. Known ones are not compared with each other.
        """
        holders: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for item in known:
            self._hold(item, holders)
        for item in fresh:
            yield from ((item, other) for other in self._hopeful(item, holders, least))
            self._hold(item, holders)

    def _hold(self, item: int, holders: Mapping[str, list[tuple[int, float]]]) -> None:
        for word, weight in self._rare[item]:
            holders[word].append((item, weight))

    def _hopeful(self, item: int, holders: Mapping[str, Sequence[tuple[int, float]]], least: float) -> Iterator[int]:
        """By Cauchy and Schwarz, common words add at most the product of what rare words left of both lengths; the time
        between the two is known before any word is compared.
        """
        shared: dict[int, float] = defaultdict(float)
        for word, weight in self._rare[item]:
            for other, its in holders.get(word, ()):
                shared[other] += weight * its
        one, left, day = self._reading[item], self._rest[item], self._day[item]
        for other, cosine in shared.items():
            most = cosine + left * self._rest[other] + DAY * abs(day - self._day[other]) + ROUNDING
            if most + HIGHEST >= least and most + RAREST * self._rarest(one, self._reading[other]) >= least:
                yield other

    def _rarest(self, one: Reading, other: Reading) -> float:
        """How rare the rarest of several words is that both titles have; one alone is a coincidence."""
        both = one.title & other.title
        return max(self._rarity[word] for word in both) if len(both) > 1 else 0.0

    def _vector(self, reading: Reading) -> dict[str, float]:
        weights = {word: count * self._rarity[word] for word, count in reading.words.items()}
        length = sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        return {word: weight / length for word, weight in weights.items()}

    def _cosine(self, one: int, other: int) -> float:
        a, b = self._vectors[one], self._vectors[other]
        return sum(weight * b[word] for word, weight in a.items() if word in b)


def _left(weights: Iterable[float]) -> float:
    """What is left of a length of one when these weights are taken out of it."""
    return sqrt(max(0.0, 1 - sum(weight * weight for weight in weights)))


def _comparable(one: Reading, other: Reading) -> bool:
    near = abs(one.published - other.published) <= WINDOW
    return near and not (one.is_digest or other.is_digest)


def _against(one: Reading, other: Reading) -> dict[str, float]:
    versions = [one.versions[name] & other.versions[name] for name in one.versions.keys() & other.versions.keys()]
    found = {
        "one outlet": OUTLET * (one.outlet == other.outlet != ""),
        "a comment": COMMENT * (one.comments != other.comments),
        "availability": AVAILABILITY * (one.is_availability != other.is_availability),
        "other version": OTHER_VERSION * (bool(versions) and not any(versions)),
        "talk of one version": ONE_VERSION * any(versions),
    }
    return {words: weight for words, weight in found.items() if weight}


def _tokens(text: str) -> Iterator[str]:
    for run, word in WORD.findall(text.casefold()):
        if run:
            yield from (run[start : start + 2] for start in range(max(1, len(run) - 1)))
        elif word not in EMPTY_WORDS:
            yield word


def _stems(words: Iterable[str]) -> Iterator[str]:
    return (_stem(word) for word in words if len(word) >= SHORTEST_WORD)


def _stem(word: str) -> str:
    """Cut the endings that headlines vary: "launches", "launched" and "launching" are one word."""
    word = word.removesuffix("'s").removesuffix("\u2019s")
    if len(word) <= LONGEST_BARE or not word.isalpha():
        return word
    for ending, instead in ENDINGS:
        if word.endswith(ending) and not word.endswith("ss") and len(word) - len(ending) >= SHORTEST_STEM:
            word = word[: -len(ending)] + instead
            break
    word = word.removesuffix("e") if len(word) > LONGEST_BARE else word
    return word[:-1] if len(word) > LONGEST_BARE and word[-1] == word[-2] and word[-1] not in "sl" else word


def _versions(title: str) -> dict[str, frozenset[str]]:
    """Numbers behind names: "GPT-5" and "Gemini 2.5" as gpt: {5}, gemini: {2.5}."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, number in VERSION.findall(title.casefold()):
        found[name].add(number)
    return {name: frozenset(numbers) for name, numbers in found.items()}


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return ""  # no address of a web page has no outlet
