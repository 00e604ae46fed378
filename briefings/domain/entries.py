"""What a feed said, and what we make of it: an `Entry` becomes a new item, an edit of one, or nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

#: Query parameters that say where a reader came from and never what is read.
TRACKING_PREFIXES = ("utm_", "mc_", "pk_", "hsa_", "vero_", "oly_")
TRACKING_NAMES = frozenset(
    {
        *("_hsenc", "_hsmi", "cmpid", "dclid", "fbclid", "gbraid", "gclid", "igshid", "mkt_tok", "msclkid", "ref"),
        *("ref_src", "ref_url", "s_kwcid", "spm", "srsltid", "ttclid", "twclid", "wbraid", "wickedid", "yclid"),
    }
)
DEFAULT_PORTS = {"http": 80, "https": 443}
#: Nothing on the web is older than this; an earlier date is a publishing tool's blank.
EARLIEST_YEAR = 1990
LONGEST_KEY = 500
#: So many known pages under new guids tell that a feed's guids do not last.
FEWEST_CHANGED = 3


@dataclass(frozen=True)
class Entry:
    """One entry of a feed, all text already plain and single-spaced, all links absolute http(s) or empty."""

    guid: str
    url: str
    title: str
    summary: str
    published: datetime | None  #: UTC, as the feed said, unclamped
    authors: tuple[str, ...] = ()


@dataclass(frozen=True)
class ParsedFeed:
    """What the parser made of a feed's bytes."""

    title: str
    url: str
    language: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class StoredItem:
    """What we know of an item that an entry may be a new version of."""

    id: int
    digest: str


@dataclass(frozen=True)
class NewItem:
    """An intent: keep this entry as an item."""

    key: str
    digest: str
    canonical_url: str
    published: datetime
    entry: Entry


@dataclass(frozen=True)
class ItemEdit:
    """An intent: the publisher changed the text of an item we have."""

    item_id: int
    digest: str
    entry: Entry


def canonical_url(url: str) -> str:
    """What identifies a page: its address without tracking parameters, fragment, default port, trailing slash or
    letter case of the host. An identity, not a link: readers get the address as the publisher wrote it.
    Whatever is no web address (another scheme, no host, a broken port or bracket) identifies itself.
    """
    try:
        parts = urlsplit(url)
        usual_port = parts.port == DEFAULT_PORTS.get(parts.scheme)
        query = [(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not _is_tracking(k)]
        rest = urlencode(query)
    except ValueError:
        return url
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        return url
    host = parts.netloc.lower()
    if usual_port:
        host = host.removesuffix(f":{parts.port}")
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), rest, ""))


def page_key(url: str) -> str:
    """The canonical address, or its fingerprint when it is too long for an index."""
    canonical = canonical_url(url)
    return canonical if len(canonical) <= LONGEST_KEY else f"sha256:{_digest(canonical)}"


def item_key(entry: Entry) -> str:
    """What identifies an entry within its feed: its guid, else its canonical link, else its text."""
    if entry.guid:
        return f"guid:{_digest(entry.guid)}"
    if entry.url:
        return f"url:{_digest(canonical_url(entry.url))}"
    return f"text:{text_digest(entry)}"


def text_digest(entry: Entry) -> str:
    """A fingerprint of what a reader sees: changes when the publisher edits title, summary or link."""
    return _digest("\n".join((entry.title, entry.summary, canonical_url(entry.url))))


def settled_date(published: datetime | None, first_seen: datetime) -> datetime:
    """When an item counts as published (UTC): never in the future, and never a blank date of the year one."""
    if published is None or published.year < EARLIEST_YEAR:
        return first_seen
    return min(published, first_seen)


def plan(
    entries: Iterable[Entry],
    known: Mapping[str, StoredItem],
    now: datetime,
    pages: Mapping[str, StoredItem] | None = None,
) -> tuple[list[NewItem], list[ItemEdit]]:
    """Decide what becomes of a feed's entries.

    `known` maps item keys to what is stored. The first entry with a key wins, so fifty entries under one
    guid are one item. An entry with neither title nor summary tells a reader nothing and is dropped.
    `pages`, for a feed that is identified by its links, maps page keys to what is stored.
    """
    new: list[NewItem] = []
    edits: list[ItemEdit] = []
    met: set[str] = set()
    for entry in entries:
        key, page = item_key(entry), page_key(entry.url)
        identity = key if pages is None or not page else page
        if identity in met or not (entry.title or entry.summary):
            continue
        met.add(identity)
        digest, stored = text_digest(entry), known.get(key) or (pages or {}).get(identity)
        if stored is None:
            new.append(NewItem(key, digest, page, settled_date(entry.published, now), entry))
        elif stored.digest != digest:
            edits.append(ItemEdit(stored.id, digest, entry))
    return new, edits


def guids_changed(entries: Iterable[Entry], known: Collection[str], pages: Collection[str]) -> bool:
    """Whether a feed gives new guids to what we have: most entries come with a page that is known and a key that
    is not, at least three. Pages to which several entries link (a changelog's) prove nothing.
    """
    linked: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.url:
            linked.setdefault(page_key(entry.url), []).append(entry)
    alone = {page: group[0] for page, group in linked.items() if len(group) == 1}
    changed = [page for page, entry in alone.items() if page in pages and item_key(entry) not in known]
    return len(changed) >= FEWEST_CHANGED and 2 * len(changed) > sum(map(len, linked.values()))


def _is_tracking(name: str) -> bool:
    lowered = name.lower()
    return lowered in TRACKING_NAMES or lowered.startswith(TRACKING_PREFIXES)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
