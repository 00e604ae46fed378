"""Lists of feeds as other readers write and read them (OPML)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, NoReturn
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET
from xml.parsers import expat

from briefings.adapters.discovery import web_address
from briefings.adapters.text import plain
from briefings.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_BYTES = 5_000_000
MOST_FEEDS = 5_000
MOST_FOLDERS = 10
LONGEST_TITLE = 200
#: An ampersand that begins nothing: addresses in lists written by hand are full of them.
BARE_AMPERSAND = re.compile(rb"&(?!#?\w{1,10};)")


class OpmlFeed(NamedTuple):
    """A feed of a list: the names of the folders it lies in, outermost first, and its categories."""

    url: str
    title: str
    folders: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


def read(body: bytes) -> list[OpmlFeed]:
    """The feeds of an OPML file, in its order; entries whose address is not http(s) are left out.

    Raises ParseError when it is not OPML, breaks off, has a document type (entities can grow without bound),
    or is larger than MOST_BYTES or MOST_FEEDS.
    """
    if len(body) > MOST_BYTES:
        raise ParseError(f"The list has more than {MOST_BYTES:,} bytes: split it.")
    reader = _Reader()
    try:
        reader.parse(body if b"\0" in body else BARE_AMPERSAND.sub(b"&amp;", body))
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise ParseError(f"The list is not well-formed XML ({error}): export it again.") from error
    return reader.feeds


def write(title: str, feeds: Iterable[OpmlFeed]) -> bytes:
    """The feeds as an OPML 2.0 file, in their folders."""
    root = ET.Element("opml", version="2.0")
    ET.SubElement(ET.SubElement(root, "head"), "title").text = title
    folders: dict[tuple[str, ...], ET.Element] = {(): ET.SubElement(root, "body")}
    for feed in feeds:
        said = {"type": "rss", "text": feed.title, "title": feed.title, "xmlUrl": feed.url}
        if feed.categories:
            said["category"] = ",".join(f"/{category}" for category in feed.categories)
        ET.SubElement(_folder(folders, feed.folders), "outline", said)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _folder(made: dict[tuple[str, ...], ET.Element], path: tuple[str, ...]) -> ET.Element:
    if path not in made:
        made[path] = ET.SubElement(_folder(made, path[:-1]), "outline", text=path[-1])
    return made[path]


class _Reader:
    """Reads outlines as they come, and builds no tree."""

    def __init__(self) -> None:
        self.feeds: list[OpmlFeed] = []
        self._open: list[str] = []  #: names of the outlines we are in; feeds have none
        self._root = ""

    def parse(self, body: bytes) -> None:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.Parse(body, True)

    def _refuse(self, *_: object) -> NoReturn:
        raise ParseError("The list declares a document type, which we refuse: remove the line with <!DOCTYPE.")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._root = self._root or tag.lower()
        if self._root != "opml":
            raise ParseError("The list is not OPML: export it from your reader as OPML.")
        if tag.lower() != "outline":
            return
        said = {name.lower(): value for name, value in attributes.items()}
        name = plain(said.get("title", ""), LONGEST_TITLE) or plain(said.get("text", ""), LONGEST_TITLE)
        if "xmlurl" in said:
            self._add(web_address(said["xmlurl"]), name, said.get("category", ""))
        self._open.append("" if "xmlurl" in said else name)

    def _end(self, tag: str) -> None:
        if tag.lower() == "outline":
            self._open.pop()

    def _add(self, url: str, title: str, categories: str) -> None:
        if len(self.feeds) == MOST_FEEDS:
            raise ParseError(f"The list has more than {MOST_FEEDS:,} feeds: split it.")
        if url:
            folders = tuple(name for name in self._open[:MOST_FOLDERS] if name)
            names = (plain(name, LONGEST_TITLE) for name in re.split("[,/]", categories)[: 2 * MOST_FOLDERS])
            title = title or urlsplit(url).netloc
            self.feeds.append(OpmlFeed(url, title, folders, tuple(name for name in names if name)))
