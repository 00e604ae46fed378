"""Finds the feeds of a web page: what it announces, what it links to, and where feeds usually are."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from briefings.adapters.text import plain, web_link

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Characters of a page that are read: announcements stand in its head.
LONGEST_PAGE = 1_000_000
LONGEST_TITLE = 200
#: Feeds of one kind that are worth a try.
MOST_OF_A_KIND = 5
FEED_TYPES = {"application/rss+xml", "application/atom+xml", "application/rdf+xml", "application/feed+json"}
ANNOUNCED = "announced by the page"
USUAL_PATHS = ("feed", "rss.xml", "atom.xml", "index.xml", "feed.json")
LIKE_A_FEED = re.compile(
    r"/(?:feeds?|rss2?|atom)(?:\.(?:xml|json|php))?/?$|/index\.xml$|/(?:feeds?|rss)/[\w.-]+\.xml$"
    r"|\.(?:rss|atom|rdf)$|[?&]feed=(?:rss2?|atom)$",
    re.IGNORECASE,
)
GITHUB = r"https?://(?:www\.)?github\.com/(?!(?:topics|orgs|features|marketplace|sponsors|collections)/)"
GITHUB_REPOSITORY = re.compile(GITHUB + r"([\w.-]+/[\w.-]+?)(?:\.git)?(?:[/?#].*)?(?<!\.atom)")
YOUTUBE = r"https?://(?:www\.|m\.)?youtube\.com/"
#: Sites whose feeds follow from the address of a page.
KNOWN_SITES = (
    (re.compile(YOUTUBE + r"channel/(UC[\w-]+)(?:[/?#].*)?"), "https://www.youtube.com/feeds/videos.xml?channel_id={}"),
    (re.compile(YOUTUBE + r"playlist\?list=([\w-]+).*"), "https://www.youtube.com/feeds/videos.xml?playlist_id={}"),
    (GITHUB_REPOSITORY, "https://github.com/{}/releases.atom"),
    (GITHUB_REPOSITORY, "https://github.com/{}/tags.atom"),
    (re.compile(r"https?://(?:www\.)?arxiv\.org/list/([\w.-]+)(?:[/?#].*)?"), "https://rss.arxiv.org/rss/{}"),
)


class Found(NamedTuple):
    """An address where a feed should be, what the page calls it, and in words why we think so."""

    url: str
    title: str
    kind: str


def web_address(typed: str) -> str:
    """The http(s) address that a person typed or a file holds, without fragment, or "" when it is none."""
    address = re.sub(r"^feed:(?://)?(?=https?:)|^feed:(?=//)", "", typed.strip(), flags=re.IGNORECASE)
    if "://" not in address:
        address = f"https://{address.removeprefix('//')}"
    return web_link(address.partition("#")[0], "")


def known_site(url: str) -> list[Found]:
    """The feeds that follow from an address alone: of YouTube, GitHub and arXiv pages."""
    matches = ((pattern.fullmatch(url), feed) for pattern, feed in KNOWN_SITES)
    return [Found(feed.format(match[1]), "", "follows from the page's address") for match, feed in matches if match]


def feeds_of(body: bytes, url: str) -> list[Found]:
    """Where the feeds of the page at `url` may be, the likeliest first. Nothing is fetched, nothing is raised.

    Feeds of comments come after others; links in the text count only when the page announces no feed.
    """
    url = web_link(url, "")
    page = _Page(url)
    page.feed(body[:LONGEST_PAGE].decode("utf-8", "replace"))
    announced = [*known_site(url), *known_site(page.canonical), *_first(page.announced)]
    return distinct([*(announced or _first(page.linked)), *(_usual(url) if url else ())])


def distinct(found: Iterable[Found]) -> list[Found]:
    """Each address once."""
    return list({one.url: one for one in reversed(list(found))}.values())[::-1]


def _first(found: Iterable[Found]) -> list[Found]:
    return sorted(distinct(found), key=lambda one: "comments" in f"{one.url} {one.title}".lower())[:MOST_OF_A_KIND]


def _usual(url: str) -> list[Found]:
    """The usual paths below the page, then below its host."""
    page = urlsplit(url)._replace(query="", fragment="").geturl()
    below = urljoin(page, ".") if "." in page.rpartition("/")[2] else page.rstrip("/") + "/"
    links = [web_link(path, base) for base in (below, urljoin(page, "/")) for path in USUAL_PATHS]
    return [Found(link, "", "at a usual path") for link in links if link]


class _Page(HTMLParser):
    """Collects what a page says of feeds. Never closed: what an unfinished tag holds is of no interest."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.base = url
        self.canonical = ""
        self.announced: list[Found] = []
        self.linked: list[Found] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"base", "link", "a"}:
            return
        said = {name: value or "" for name, value in reversed(attrs)}
        link = web_link(said.get("href", ""), self.base)
        if tag == "base":
            self.base = link or self.base
        elif link and tag == "link":
            self._announced(link, said)
        elif link and LIKE_A_FEED.search(link):
            self.linked.append(Found(link, "", "linked on the page"))

    def _announced(self, link: str, said: dict[str, str]) -> None:
        relations = said.get("rel", "").lower().split()
        kind = said.get("type", "").partition(";")[0].strip().lower()
        if "canonical" in relations:
            self.canonical = link
        if kind in FEED_TYPES and ("alternate" in relations or "feed" in relations):
            self.announced.append(Found(link, plain(said.get("title", ""), LONGEST_TITLE), ANNOUNCED))

    def parse_marked_section(self, i: int, report: int = 1) -> int:  # noqa: ARG002 - the parent's signature
        """A `<![...` of any kind is a comment; the parent would end the reading of the page."""
        return self.parse_bogus_comment(i)
