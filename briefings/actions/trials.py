"""Trying an address out: which feed is there, and what to think of it. Stores nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from briefings.adapters import discovery, feed_parser
from briefings.domain.entries import EARLIEST_YEAR
from briefings.errors import FetchError, InputError, ParseError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from briefings.adapters.discovery import Found
    from briefings.adapters.http import Fetched, Fetcher
    from briefings.domain.entries import Entry, ParsedFeed
    from briefings.domain.tagging import Tag

MOST_TRIED = 12
#: The rhythm is that of so many newest entries, and of no fewer than this.
MOST_DATES, FEWEST_DATES = 20, 3


@dataclass(frozen=True)
class Findings:
    """What a trial of an address found. Nothing of it is stored yet."""

    url: str  #: of the feed
    kind: str  #: how it was found on the page that was given, in words; empty when the address itself is a feed
    others: tuple[Found, ...]  #: more feeds that the page announces
    feed: ParsedFeed
    tags: tuple[tuple[str, tuple[Tag, ...]], ...] = ()  #: of the newest entries: title, tags
    overlaps: tuple[tuple[str, float], ...] = ()  #: feeds of ours and the share of the links they have, most first
    known: int | None = None  #: the id of our feed at this address
    retired: bool = False  #: whether that one is retired

    def newest(self, most: int) -> list[Entry]:
        """The newest entries; those without a date come last, in the feed's order."""
        return sorted(self.feed.entries, key=lambda entry: -date.timestamp() if (date := _date(entry)) else 0)[:most]

    @property
    def dates(self) -> list[datetime]:
        """When the entries were published (UTC), newest first; blank dates are left out."""
        return sorted((date for entry in self.feed.entries if (date := _date(entry))), reverse=True)

    @property
    def every(self) -> timedelta | None:
        """The median time between two entries, or none while there are too few dates to say."""
        dates = self.dates[:MOST_DATES]
        gaps = [(later - earlier).total_seconds() for later, earlier in pairwise(dates)]
        return timedelta(seconds=median(gaps)) if len(dates) >= FEWEST_DATES else None

    @property
    def undated(self) -> float:
        """The share (0..1) of the entries without a date."""
        return _share(not _date(entry) for entry in self.feed.entries)

    @property
    def unlinked(self) -> float:
        """The share (0..1) of the entries without a link."""
        return _share(not entry.url for entry in self.feed.entries)


def checked_address(typed: str) -> str:
    """The http(s) address that a person typed. Raises InputError."""
    url = discovery.web_address(typed)
    if not url:
        raise InputError(f"{typed[:200]!r} is no web address: enter one such as https://example.com/feed.xml.")
    return url


def find(fetcher: Fetcher, url: str) -> Findings:
    """The feed at an address, or of the page there. Raises FetchError or ParseError, saying what to do next."""
    found = _first_feed(fetcher, discovery.known_site(url))
    if found:
        return found
    fetched = _fetch(fetcher, url)
    try:
        return Findings(_address(fetched, url), "", (), _parsed(fetched))
    except ParseError as error:
        page = discovery.feeds_of(fetched.body, fetched.url)[:MOST_TRIED]
        found = _first_feed(fetcher, page)
        if found is None:
            message = f"{error} We tried {len(page)} addresses that the feed of such a page may have."
            raise ParseError(message) from error
    announced = (one for one in page if one.kind == discovery.ANNOUNCED and one.url != found.url)
    return replace(found, others=tuple(announced))


def rhythm_words(every: timedelta | None) -> str:
    """How often a feed posts."""
    if every is None:
        return "too few dates to say"
    if every < timedelta(hours=16):
        return "several times a day"
    days = max(round(every / timedelta(days=1)), 1)
    return "about every day" if days == 1 else f"about every {days} days"


def _first_feed(fetcher: Fetcher, candidates: Iterable[Found]) -> Findings | None:
    """The first candidate that is a feed with entries, else the first that is a feed."""
    empty = None
    for one in candidates:
        try:
            fetched = _fetch(fetcher, one.url)
            found = Findings(_address(fetched, one.url), one.kind, (), _parsed(fetched))
        except (FetchError, ParseError):
            continue
        if found.feed.entries:
            return found
        empty = empty or found
    return empty


def _fetch(fetcher: Fetcher, url: str) -> Fetched:
    fetched = fetcher.fetch(url)
    if fetched.status != HTTPStatus.OK:
        raise FetchError(f"{url} answered with status {fetched.status}: open the address in a browser to compare.")
    return fetched


def _address(fetched: Fetched, asked: str) -> str:
    """Where the feed lives: the end of permanent redirects, else the address that was asked."""
    return discovery.web_address(fetched.moved_to or "") or asked


def _parsed(fetched: Fetched) -> ParsedFeed:
    return feed_parser.parse(fetched.body, url=fetched.url, content_type=fetched.content_type)


def _date(entry: Entry) -> datetime | None:
    return entry.published if entry.published and entry.published.year >= EARLIEST_YEAR else None


def _share(faults: Iterable[bool]) -> float:
    found = list(faults)
    return sum(found) / len(found) if found else 0.0
