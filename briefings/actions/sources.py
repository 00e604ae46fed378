"""What an operator does with feeds: try one out, add, change and retire it, take over and hand out lists."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import select, update

from briefings.actions import trials
from briefings.actions.trials import Findings, checked_address
from briefings.adapters import discovery, opml
from briefings.domain.catalogue import ListedFeed
from briefings.domain.entries import canonical_url, page_key
from briefings.domain.feeds import source_of
from briefings.domain.tagging import Text
from briefings.errors import InputError, NotFoundError
from briefings.store import feeds as feed_rows
from briefings.store.feeds import Feed
from briefings.store.items import Item

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session

    from briefings.adapters.http import Fetcher
    from briefings.adapters.opml import OpmlFeed
    from briefings.clock import Clock
    from briefings.domain.catalogue import Catalogue
    from briefings.domain.tagging import Tagger
    from briefings.store.base import Database

MOST_TAGGED = 10
USUAL_AUTHORITY = 0.7
LONGEST_LANGUAGE = 3
MOST_FEEDS = 100_000
RETIRED = "Taken out by an operator"


@dataclass(frozen=True)
class TakenOver:
    """What became of a list: how many feeds are new, how many were here, and folders that name no topic."""

    new: int
    known: int
    strange: tuple[str, ...]


@dataclass(frozen=True)
class Sources:
    """The feeds as an operator deals with them. Where a feed is named, its id or its address will do."""

    database: Database
    fetcher: Fetcher
    catalogue: Catalogue
    tagger: Tagger
    clock: Clock

    def topics(self, names: Iterable[str]) -> tuple[str, ...]:
        """The ids of topics given by id or name, each once. Raises InputError for a name that is none's."""
        ids = self._topic_ids()
        found = {name: ids.get(name.casefold(), "") for name in map(str.strip, names) if name}
        for name, topic in found.items():
            if not topic:
                close = ", ".join(get_close_matches(name.casefold(), ids, 3)) or "an id of the catalogue's skills.toml"
                raise InputError(f"There is no topic {name[:60]!r}: try {close}.")
        return tuple(dict.fromkeys(found.values()))

    def test(self, typed: str, topics: Sequence[str] = ()) -> Findings:
        """Try an address out: of a feed, or of a page that has one. `topics` are those its entries would start with.

        Raises InputError, FetchError or ParseError, whose words say what to do next.
        """
        found = trials.find(self.fetcher, checked_address(typed))
        entries = found.feed.entries
        texts = [
            Text(entry.title, entry.summary, tuple(topics), source_of(entry.url), found.url)
            for entry in found.newest(MOST_TAGGED)
        ]
        tags = [(text.title, tuple(self.tagger.tag(text))) for text in texts]
        with self.database.read() as session:
            known = _at(session, found.url)
            retired = known is not None and session.get_one(Feed, known).retired
            overlaps = _overlaps(session, {page_key(entry.url) for entry in entries if entry.url}, known)
        return replace(found, tags=tuple(tags), overlaps=overlaps, known=known, retired=retired)

    def add(self, found: Findings, topics: Sequence[str] | None, authority: float | None) -> int:
        """Store what a trial found, due at once; a retired feed comes back, with what is not given as it was.

        Returns its id.
        Raises InputError when we poll it already.
        """
        title, language = found.feed.title or urlsplit(found.url).netloc, _language(found.feed.language)
        with self.database.write() as session:
            known = _at(session, found.url)
            if known is None:
                authority = USUAL_AUTHORITY if authority is None else authority
                listed = ListedFeed(found.url, title, tuple(topics or ()), authority, language)
                feed_rows.add_listed(session, [listed], self.clock())
                return session.scalars(select(Feed.id).where(Feed.url == found.url)).one()
            feed = session.get_one(Feed, known, with_for_update=True)
            if not feed.retired:
                raise InputError(f"Feed {known} has this address already: `briefings feeds change {known}` changes it.")
            feed.retired = False
            _set(session, feed, topics, authority)
            self._restart(feed, found.url)
            return known

    def retire(self, named: str) -> str:
        """Poll a feed no more; its items stay. Returns its title. Raises NotFoundError, InputError."""
        with self.database.write() as session:
            feed = self._named(session, named)
            feed.retired, feed.problem = True, feed.problem if feed.retired else RETIRED
            return feed.title

    def change(
        self,
        named: str,
        *,
        topics: Sequence[str] | None = None,
        authority: float | None = None,
        url: str | None = None,
    ) -> str:
        """Change what is given. New topics count for the feed's items too, from the next tagging on.

        Returns the feed's title. Raises NotFoundError, InputError.
        """
        with self.database.write() as session:
            feed = self._named(session, named)
            _set(session, feed, topics, authority)
            if url is not None:
                self._move(session, feed, checked_address(url))
            return feed.title

    def take_over(self, body: bytes) -> TakenOver:
        """Add the feeds of an OPML file that are not here yet; what is here stays as it is.

        A feed's topics are its categories that name one, else its folders. Raises ParseError.
        """
        listed = opml.read(body)
        ids = self._topic_ids()
        with self.database.write() as session:
            known = {_address_key(url) for url in session.scalars(select(Feed.url))}
            fresh = {_address_key(feed.url): feed for feed in reversed(listed)}
            rows = [
                ListedFeed(one.url, one.title, _topics_of(one, ids), USUAL_AUTHORITY)
                for key, one in fresh.items()
                if key not in known
            ]
            new = feed_rows.add_listed(session, rows, self.clock())
        strange = {name: None for feed in listed for name in feed.folders if name.casefold() not in ids}
        return TakenOver(new, len(listed) - new, tuple(strange))

    def opml(self) -> bytes:
        """The active feeds as OPML, in a folder a first topic."""
        names = self.catalogue.topic_names
        with self.database.read() as session:
            rows = [feed for feed in feed_rows.listed(session, 0, MOST_FEEDS) if not feed.retired]
        listed = [
            opml.OpmlFeed(
                row.url, row.title, tuple(names.get(topic, topic) for topic in row.topics[:1]), (*row.topics,)
            )
            for row in rows
        ]
        return opml.write("Feeds of Briefings", sorted(listed, key=lambda one: (one.folders, one.title.casefold())))

    def _topic_ids(self) -> dict[str, str]:
        """Topics by id and by name in lower case; an id wins over another topic's name."""
        names = self.catalogue.topic_names
        return {name.casefold(): topic for topic, name in names.items()} | {topic: topic for topic in names}

    def _named(self, session: Session, named: str) -> Feed:
        """The feed of this id or address, ours until the transaction ends. Raises NotFoundError, InputError."""
        is_id = named.isascii() and named.isdecimal() and len(named) < len("1000000000")
        found = int(named) if is_id else _at(session, discovery.web_address(named))
        feed = session.get(Feed, found or 0, with_for_update=True)
        if feed is None:
            raise NotFoundError(f"There is no feed {named[:200]}: `briefings feeds list` shows ids and addresses.")
        if feed.claimed_until and feed.claimed_until > self.clock():  # the poll would write over the change
            raise InputError(f"Feed {feed.id} is being polled just now: try again in a minute.")
        return feed

    def _move(self, session: Session, feed: Feed, url: str) -> None:
        """Give a feed another address, and keep `feeds load` from bringing the old one back."""
        before, other = feed.url, _at(session, url)
        if other == feed.id:  # spelt otherwise perhaps, as a retired feed may be, too
            other = session.scalar(select(Feed.id).where(Feed.url == url))
        if other not in {None, feed.id}:
            row = session.get_one(Feed, other)
            if not row.retired or row.polled_at:
                raise InputError(f"Feed {other} has the address {url}: retire feed {feed.id} instead.")
            session.delete(row)
            session.flush()
        self._restart(feed, url)
        session.flush()
        replaced = [listed for listed in self.catalogue.feeds if listed.url == before != url]
        if feed_rows.add_listed(session, replaced, self.clock()):
            gone = {"retired": True, "problem": f"Replaced by {url}"}
            session.execute(update(Feed).where(Feed.url == before).values(**gone))

    def _restart(self, feed: Feed, url: str) -> None:
        """As if the feed were new: nothing is remembered of its answers and its rhythm, and it is due."""
        feed.url = url
        feed.etag = feed.last_modified = feed.body_digest = feed.moved_to = feed.busy_until = feed.read_at = None
        feed.moved_times, feed.failures, feed.problem = 0, 0, ""
        feed.gap_seconds, feed.newest_at, feed.identity = None, None, "guid"
        feed.next_poll_at = self.clock()


def _set(session: Session, feed: Feed, topics: Sequence[str] | None, authority: float | None) -> None:
    """Set what is given; new topics make the feed's items wait for tags again."""
    feed.authority = feed.authority if authority is None else authority
    if topics is not None and list(topics) != feed.topics:
        feed.topics = list(topics)
        session.execute(update(Item).where(Item.feed_id == feed.id).values(tagged_by=None))


def _language(said: str) -> str:
    """`en` of `en-GB`; English when the feed says nothing usable."""
    language = said.partition("-")[0].strip().lower()
    return language if language.isascii() and language.isalpha() and len(language) <= LONGEST_LANGUAGE else "en"


def _topics_of(feed: OpmlFeed, ids: dict[str, str]) -> tuple[str, ...]:
    for names in (feed.categories, feed.folders):
        topics = tuple(dict.fromkeys(ids[name.casefold()] for name in names if name.casefold() in ids))
        if topics:
            return topics
    return ()


def _overlaps(session: Session, pages: set[str], own: int | None) -> tuple[tuple[str, float], ...]:
    """Which other feeds of ours have these pages, and which share of them."""
    pairs = select(Feed.title, Item.canonical_url).join(Item, Item.feed_id == Feed.id).distinct()
    rows = session.execute(pairs.where(Item.canonical_url.in_(pages), Feed.id != (own or 0)))
    shared = Counter(title for title, _ in rows)
    return tuple((title, count / len(pages)) for title, count in shared.most_common(3))


def _at(session: Session, url: str) -> int | None:
    """The id of the feed at an address, however that is spelt: the active one, else the one whose address is
    spelt the same, else the newest.
    """
    key, rows = _address_key(url), session.execute(select(Feed.id, Feed.url, Feed.retired))
    same = [row for row in rows if _address_key(row.url) == key]
    best = max(same, key=lambda row: (not row.retired, row.url == url, row.id), default=None)
    return best.id if best else None


def _address_key(url: str) -> str:
    """What two spellings of one feed's address share: http or https, a slash at the end, tracking parameters."""
    return canonical_url(url).partition("://")[2]
