"""Turns a feed's bytes (RSS, Atom, RDF, JSON Feed) into plain values, or says in words why it cannot."""

from __future__ import annotations

import io
import json
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import feedparser
from feedparser.encodings import convert_to_utf8

from briefings.adapters.text import plain, web_link
from briefings.domain.entries import Entry, ParsedFeed
from briefings.errors import ParseError

if TYPE_CHECKING:
    import time
    from collections.abc import Mapping

    #: A part of a feed as feedparser or json gives it: nothing is known of its values.
    Raw = Mapping[str, Any]

MOST_ENTRIES = 500
LONGEST_TITLE = 300
LONGEST_SUMMARY = 1000
LONGEST_AUTHOR = 100
LONGEST_FEED_TITLE = 200
LONGEST_GUID = 1000
LONGEST_LANGUAGE = 35
MOST_AUTHORS = 20
LONGEST_TEXT_WITH_ADDRESS = 500

#: How far into the bytes a feed may begin: some servers print warnings first.
LONGEST_JUNK = 4096
FEED_START = re.compile(rb"<\?xml|<!DOCTYPE|<rss\b|<feed\b|<rdf:RDF\b|<html\b", re.IGNORECASE)
PROLOG = re.compile(rb"(?:\s++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
HARMLESS_DOCTYPE = re.compile(rb"""<!DOCTYPE(?:[^\[<>"']|"[^"]*"|'[^']*')*+>""", re.IGNORECASE)
HTML_START = re.compile(rb"<!DOCTYPE\s+html|<html\b", re.IGNORECASE)
#: In this order, because one mark begins like another.
BYTE_ORDER_MARKS = {
    BOM_UTF32_LE: "utf-32",
    BOM_UTF32_BE: "utf-32",
    BOM_UTF16_LE: "utf-16",
    BOM_UTF16_BE: "utf-16",
    BOM_UTF8: "utf-8-sig",
}
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class _NamedAuthors:
    """A part of feedparser's parsers: leaves no mail address for them to find in an author.

    Their search takes quadratic time (30 seconds for 100 kB) and cuts `bo@site.online (Bo)` to `ne (Bo`.
    """

    def _sync_author_detail(self, key: str = "author") -> None:
        context = self._get_context()  # type: ignore[attr-defined]  # feedparser's, see below
        if isinstance(context.get(key), str):
            context[key] = _without_address(context[key][:LONGEST_TEXT_WITH_ADDRESS])
        super()._sync_author_detail(key)  # type: ignore[misc]  # feedparser's, see below


def _without_address(author: str) -> str:
    """The name in `bo@site.example (Bo)` or `Bo <bo@site.example>`."""
    if "@" not in author:
        return author
    return " ".join(word for word in author.split() if "@" not in word).strip("()<> ")


# feedparser takes no parser as an argument, so its own two are replaced.
feedparser.api.StrictFeedParser = type("StrictFeedParser", (_NamedAuthors, feedparser.api.StrictFeedParser), {})
feedparser.api.LooseFeedParser = type("LooseFeedParser", (_NamedAuthors, feedparser.api.LooseFeedParser), {})


def parse(body: bytes, *, url: str, content_type: str = "") -> ParsedFeed:
    """What the feed at `url` says in `body`, served as `content_type`; a truncated feed gives what can be read.

    Raises ParseError when it is not a feed, or declares entities; never anything else.
    """
    if not body.strip(b"\0 \t\r\n"):
        raise ParseError(f"{url} is empty: check the address in a browser.")
    try:
        body, content_type = _by_its_mark(body, content_type)
        if body.lstrip().startswith(b"{"):
            return _parse_json(body, url)
        return _parse_xml(_mended(body), url, content_type)
    except ParseError:
        raise
    except Exception as error:
        raise ParseError(f"{url} cannot be read ({type(error).__name__}): check it with a feed validator.") from error


def _by_its_mark(body: bytes, content_type: str) -> tuple[bytes, str]:
    """UTF-8 and its content type, when a byte order mark tells the charset: it is surer than any declaration."""
    for mark, charset in BYTE_ORDER_MARKS.items():
        if body.startswith(mark):
            return body.decode(charset, "replace").encode("utf-8", "replace"), "application/xml; charset=utf-8"
    return body, content_type


# ---------------------------------------------------------------- RSS, Atom, RDF


def _mended(body: bytes) -> bytes:
    """The bytes without what some servers put before the feed, and without two real faults of one generator."""
    start = FEED_START.search(body, 0, LONGEST_JUNK)
    if start:
        body = body[start.start() :]
    if b"<rss:channel" in body and b"xmlns:rss" not in body:
        body = re.sub(rb"(</?)rss:", rb"\1", body)
    return body.replace(b"<?xml?xml", b"<?xml", 1) if body.startswith(b"<?xml?xml") else body


def _parse_xml(body: bytes, url: str, content_type: str) -> ParsedFeed:
    headers = {"content-type": content_type} if content_type else {}
    _refuse_entities(body, headers, url)
    if HTML_START.match(body):
        raise _html(url)
    # Both options are off because they are slow, and because all that we keep goes through plain() and
    # web_link(). No content-location: feedparser would prefer it to the channel's link as a base.
    raw = feedparser.parse(io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False)
    if not (raw.version or raw.entries):
        raise _html(url) if HTML_START.search(body) else _no_feed(url)
    link = web_link(_text(raw.feed.get("link")), url)
    return ParsedFeed(
        title=plain(_text(raw.feed.get("title")), LONGEST_FEED_TITLE),
        url=link,
        language=plain(_text(raw.feed.get("language")), LONGEST_LANGUAGE),
        entries=tuple(_xml_entry(entry, link or url) for entry in raw.entries[:MOST_ENTRIES]),
    )


def _refuse_entities(body: bytes, headers: dict[str, str], url: str) -> None:
    """Raise ParseError if the document type declares anything (entities can grow without bound, or read files)."""
    # Seen as feedparser will see it: in UTF-16 or UTF-7 a declaration looks like something else.
    text = convert_to_utf8(headers, body, {})
    start = PROLOG.match(text)
    begin = start.end() if start else 0
    if text[begin : begin + 9].upper() == b"<!DOCTYPE" and not HARMLESS_DOCTYPE.match(text, begin):
        raise ParseError(f"{url} declares entities of its own, which we refuse: ask its publisher for a plain feed.")


def _xml_entry(raw: Raw, base: str) -> Entry:
    return Entry(
        guid=_guid(raw.get("id")),
        url=web_link(_text(raw.get("link")), base),
        title=plain(_text(raw.get("title")), LONGEST_TITLE),
        summary=_summary(raw.get("summary"), *(part.get("value") for part in raw.get("content", ()))),
        published=_date_of_struct(raw.get("published_parsed")) or _date_of_struct(dict(raw).get("updated_parsed")),
        authors=_authors(raw.get("authors")),
    )


def _date_of_struct(parsed: time.struct_time | None) -> datetime | None:
    try:
        return datetime(*parsed[:6], tzinfo=UTC) if parsed else None
    except (ValueError, OverflowError, TypeError):
        return None


# ---------------------------------------------------------------- JSON Feed


def _parse_json(body: bytes, url: str) -> ParsedFeed:
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ParseError(f"{url} is JSON that breaks off or is malformed: tell its publisher.") from error
    if "jsonfeed.org/version/" not in _text(raw.get("version")):
        raise _no_feed(url)
    link = web_link(_text(raw.get("home_page_url")), url)
    items = [item for item in _list(raw.get("items")) if isinstance(item, dict)]
    return ParsedFeed(
        title=plain(_text(raw.get("title")), LONGEST_FEED_TITLE),
        url=link,
        language=plain(_text(raw.get("language")), LONGEST_LANGUAGE),
        entries=tuple(_json_entry(item, link or url) for item in items[:MOST_ENTRIES]),
    )


def _json_entry(raw: Raw, base: str) -> Entry:
    return Entry(
        guid=_guid(raw.get("id")),
        url=web_link(_text(raw.get("url") or raw.get("external_url")), base),
        title=plain(_text(raw.get("title")), LONGEST_TITLE),
        summary=_summary(raw.get("summary"), raw.get("content_text"), raw.get("content_html")),
        published=_date_of_iso(raw.get("date_published")) or _date_of_iso(raw.get("date_modified")),
        authors=_authors([*_list(raw.get("authors")), raw.get("author")]),  # version 1.1, version 1.0
    )


def _date_of_iso(value: object) -> datetime | None:
    try:
        date = datetime.fromisoformat(_text(value).strip())
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


# ---------------------------------------------------------------- both


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _guid(value: object) -> str:
    """The id as given (JSON Feeds may give a number), without what a database cannot store."""
    given = str(value) if isinstance(value, str | int | float) else ""
    return CONTROLS.sub("", given[: 2 * LONGEST_GUID]).strip()[:LONGEST_GUID]


def _summary(*candidates: object) -> str:
    """The first text that says something."""
    texts = (plain(_text(candidate), LONGEST_SUMMARY) for candidate in candidates)
    return next((text for text in texts if text), "")


def _authors(people: object) -> tuple[str, ...]:
    """The names of the people, each once; a person who gives only a mail address stays unnamed."""
    given = [person for person in _list(people)[:MOST_AUTHORS] if isinstance(person, dict)]
    names = (plain(_text(person.get("name")), LONGEST_AUTHOR) for person in given)
    return tuple(dict.fromkeys(name for name in names if name))


def _html(url: str) -> ParseError:
    return ParseError(f"HTML instead of a feed at {url}: look for the feed's address on that page.")


def _no_feed(url: str) -> ParseError:
    return ParseError(f"{url} is neither RSS, Atom nor JSON Feed: check the address in a browser.")
