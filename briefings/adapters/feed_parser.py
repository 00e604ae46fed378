"""Turns a feed's bytes (RSS, Atom, RDF, JSON Feed) into plain values; whatever the bytes, it answers or says why not."""

from __future__ import annotations

import io
import json
import re
from codecs import BOM_UTF8
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import feedparser

from briefings.adapters.text import plain, web_link
from briefings.domain.entries import Entry, ParsedFeed
from briefings.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    #: A part of a feed as feedparser or json gives it: nothing is known of its values.
    Raw = Mapping[str, Any]

MOST_ENTRIES = 500
LONGEST_TITLE = 300
LONGEST_SUMMARY = 1000
LONGEST_AUTHOR = 100
LONGEST_FEED_TITLE = 200
LONGEST_GUID = 1000
MOST_AUTHORS = 20

#: How far into the bytes a feed may begin: some servers print warnings first.
LONGEST_JUNK = 4096
FEED_START = re.compile(rb"<\?xml|<!DOCTYPE|<rss\b|<feed\b|<rdf:RDF\b|<html\b", re.IGNORECASE)
PROLOG = re.compile(rb"(?:\s++|<\?.*?\?>|<!--.*?-->|\xef\xbb\xbf|\xff\xfe|\xfe\xff)*+", re.DOTALL)
HARMLESS_DOCTYPE = re.compile(rb"""<!DOCTYPE(?:[^\[<>"']|"[^"]*"|'[^']*')*+>""", re.IGNORECASE)
HTML_START = re.compile(rb"<!DOCTYPE\s+html|<html\b", re.IGNORECASE)
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def parse(body: bytes, *, url: str, content_type: str = "") -> ParsedFeed:
    """What the feed at `url` says in `body`, served as `content_type`; a truncated feed gives what can be read.

    Raises ParseError when it is not a feed, or declares entities; never anything else.
    """
    if not body.strip(b"\0 \t\r\n"):
        raise ParseError(f"{url} is empty: check the address in a browser.")
    try:
        if body.removeprefix(BOM_UTF8).lstrip().startswith(b"{"):
            return _parse_json(body, url)
        return _parse_xml(_from_its_start(body), url, content_type)
    except ParseError:
        raise
    except Exception as error:
        raise ParseError(f"{url} cannot be read ({type(error).__name__}): check it with a feed validator.") from error


# ---------------------------------------------------------------- RSS, Atom, RDF


def _from_its_start(body: bytes) -> bytes:
    """The bytes without what some servers put before the feed, and with a doubled `<?xml` made single."""
    start = FEED_START.search(body, 0, LONGEST_JUNK)
    if start is None or body[: start.start()] == BOM_UTF8:
        return body
    return re.sub(rb"\A(?:<\?xml)+(?=<?\?xml)", b"", body[start.start() :])


def _parse_xml(body: bytes, url: str, content_type: str) -> ParsedFeed:
    _refuse_entities(body, url)
    if HTML_START.match(body):
        raise _html(url)
    headers = {"content-type": content_type} if content_type else {}
    # Both options are off because they are slow, and because all that we keep goes through plain() and
    # web_link(). No content-location: feedparser would prefer it to the channel's link as a base.
    raw = feedparser.parse(
        io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    if not (raw.version or raw.entries):
        raise _html(url) if HTML_START.search(body) else _no_feed(url)
    link = web_link(_text(raw.feed.get("link")), url)
    return ParsedFeed(
        title=plain(_text(raw.feed.get("title")), LONGEST_FEED_TITLE),
        url=link,
        language=plain(_text(raw.feed.get("language")), LONGEST_AUTHOR),
        entries=tuple(_xml_entry(entry, link or url) for entry in raw.entries[:MOST_ENTRIES]),
    )


def _refuse_entities(body: bytes, url: str) -> None:
    """Raise ParseError if the document type declares anything (entities can grow without bound, or read files)."""
    text = body.replace(b"\0", b"")  # the ASCII part of UTF-16 and UTF-32
    start = PROLOG.match(text)
    begin = start.end() if start else 0
    if text[begin : begin + 9].upper() == b"<!DOCTYPE" and not HARMLESS_DOCTYPE.match(text, begin):
        raise ParseError(f"{url} declares entities of its own, which we refuse: ask its publisher for a plain feed.")


def _xml_entry(raw: Raw, base: str) -> Entry:
    return Entry(
        guid=_guid(dict.get(raw, "id")),  # type: ignore[arg-type]
        url=web_link(_text(raw.get("link")), base),
        title=plain(_text(raw.get("title")), LONGEST_TITLE),
        summary=_summary([raw.get("summary"), *(part.get("value") for part in raw.get("content", ()))]),
        published=None,
        authors=_authors(raw.get("authors"), raw.get("author")),
    )
