from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from briefings.adapters.feed_parser import parse
from briefings.domain.entries import Entry, ParsedFeed
from briefings.errors import ParseError

FEEDS = Path(__file__).parents[1] / "data" / "feeds"
NAMES = "xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'"
URL = "https://fetched.example/dir/feed.xml"


def rss(*items, head="", link="<link>https://site.example/blog/</link>"):
    body = "".join(f"<item>{item}</item>" for item in items)
    return f"{head}<rss version='2.0' {NAMES}><channel><title>T</title>{link}{body}</channel></rss>".encode()


def only_entry(*items, **options):
    (entry,) = parse(rss(*items, **options), url=URL).entries
    return entry


def outcome(body, **options):
    try:
        return parse(body, url=URL, **options)
    except ParseError as error:
        return error


# ---------------------------------------------------------------- the formats


def test_rss_is_read():
    assert parse((FEEDS / "rss.xml").read_bytes(), url=URL) == ParsedFeed(
        title="Lantern & Loom",
        url="https://lantern.example/blog/",
        language="en-gb",
        entries=(
            Entry(
                guid="lantern-1",
                url="https://lantern.example/blog/smaller-models?utm_source=rss",
                title="Smaller models & shorter prompts",
                summary="One. Two.",
                published=datetime(2026, 3, 2, 7, 30, tzinfo=UTC),
                authors=("Ada Winter",),
            ),
            Entry(
                guid="",
                url="https://lantern.example/blog/two",
                title="No guid, no date, only content",
                summary="The content stands in.",
                published=None,
                authors=("Bo Summer",),
            ),
        ),
    )


def test_atom_is_read_with_its_own_bases():
    feed = parse((FEEDS / "atom.xml").read_bytes(), url=URL)
    assert (feed.title, feed.url, feed.language) == ("Loom notes", "https://loom.example/", "en")
    assert feed.entries == (
        Entry(
            guid="tag:loom.example,2026:1",
            url="https://loom.example/notes/tests-first",
            title="Tests <first>",
            summary="Write them first.",
            published=datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
            authors=("Cy Vernal", "Di Autumn"),
        ),
        Entry(
            guid="tag:loom.example,2026:2",
            url="https://mirror.loom.example/two",
            title="Only updated",
            summary="From the content.",
            published=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
        ),
    )


def test_rdf_is_read():
    (entry,) = parse((FEEDS / "rdf.xml").read_bytes(), url=URL).entries
    assert (entry.guid, entry.url, entry.title) == ("https://rdf.example/1", "https://rdf.example/1", "Still here")
    assert entry.published == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf", b"\n "])
def test_json_feed_is_read_and_its_oddities_are_survived(bom):
    feed = parse(bom + (FEEDS / "json.json").read_bytes(), url=URL)
    assert (feed.title, feed.url, feed.language) == ("Shuttle", "https://shuttle.example/log/", "en")
    assert feed.entries == (
        Entry(
            guid="7",
            url="https://shuttle.example/log/seven",
            title="Seven",
            summary="Plain summary.",
            published=datetime(2026, 3, 2, 7, 30, tzinfo=UTC),
            authors=("Eli Frost",),
        ),
        Entry(
            guid="https://shuttle.example/log/8",
            url="https://elsewhere.example/8",
            title="",
            summary="Only HTML.",
            published=datetime(2026, 3, 1, tzinfo=UTC),
            authors=("Version One",),
        ),
        Entry(guid="", url="", title="", summary="", published=None),
    )


# ---------------------------------------------------------------- links, dates, ids


def test_a_link_is_relative_to_the_channel_else_to_where_the_feed_was():
    assert only_entry("<link>one</link>").url == "https://site.example/blog/one"
    assert only_entry("<link>one</link>", link="").url == "https://fetched.example/dir/one"


def test_a_script_is_no_link():
    assert only_entry("<title>x</title><link>javascript:alert(1)</link>").url == ""


def test_a_permanent_link_serves_as_guid_and_link():
    entry = only_entry("<guid>https://site.example/1</guid>")
    assert (entry.guid, entry.url) == ("https://site.example/1", "https://site.example/1")


def test_a_link_is_never_made_a_guid():
    assert only_entry("<link>https://site.example/1</link>").guid == ""


def test_a_guid_is_kept_within_what_a_database_can_store():
    assert only_entry(f"<guid isPermaLink='false'> a\x7fb{'x' * 5000}</guid>").guid == "ab" + "x" * 998


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Mon, 02 Mar 2026 23:30:00 EST", datetime(2026, 3, 3, 4, 30, tzinfo=UTC)),
        ("2026-03-02", datetime(2026, 3, 2, tzinfo=UTC)),
        ("Mon, 01 Jan 0001 00:00:00 GMT", datetime(1, 1, 1, tzinfo=UTC)),
        ("Tue, 01 Jan 2999 12:00:00 GMT", datetime(2999, 1, 1, 12, tzinfo=UTC)),
        ("yesterday", None),
        ("0000-00-00", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("12/34/5678", None),
    ],
)
def test_a_date_is_utc_or_none(date, expected):
    assert only_entry(f"<title>x</title><pubDate>{date}</pubDate>").published == expected


@pytest.mark.parametrize("date", ["2026-03-02T10:00:00", "0001-01-01T00:00:00+12:00", "soon", ""])
def test_a_date_in_json_is_utc_or_none(date):
    feed = {"version": "https://jsonfeed.org/version/1", "items": [{"id": "1", "date_published": date}]}
    (entry,) = parse(json.dumps(feed).encode(), url=URL).entries
    assert entry.published == (datetime(2026, 3, 2, 10, tzinfo=UTC) if date.startswith("2026") else None)


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ("bo@site.online (Bo Summer)", ("Bo Summer",)),
        ("Bo Summer &lt;bo@site.online&gt;", ("Bo Summer",)),
        ("bo@site.example", ()),
        ("Bo (Lantern)", ("Bo (Lantern)",)),
        ("&lt;b&gt;Bo&lt;/b&gt;", ("Bo",)),
    ],
)
@pytest.mark.parametrize("element", ["author", "dc:creator", "itunes:author"])
def test_an_author_is_a_name_and_never_a_mail_address(element, author, names):
    assert only_entry(f"<title>x</title><{element}>{author}</{element}>").authors == names


def test_texts_are_kept_to_their_limits():
    entry = only_entry(f"<title>{'t' * 999}</title><description>{'d' * 9999}</description><author>{'a' * 999}</author>")
    assert (len(entry.title), len(entry.summary), len(entry.authors[0])) == (300, 1000, 100)


def test_no_more_than_500_entries_are_kept():
    assert len(parse(rss(*["<title>x</title>"] * 600), url=URL).entries) == 500
    feed = {"version": "https://jsonfeed.org/version/1", "items": [{"id": n} for n in range(600)]}
    assert len(parse(json.dumps(feed).encode(), url=URL).entries) == 500


# ---------------------------------------------------------------- broken feeds that can be read


@pytest.mark.parametrize(
    "before",
    [
        "\ufeff",
        "\n\n  ",
        "\ufeff\n",
        "<br />\n<b>Warning</b>: mysql in feed.php on line <b>3</b><br />\n",
        "<!-- made by hand -->\n",
        "notice ",
    ],
)
@pytest.mark.parametrize("head", ["", "<?xml version='1.0' encoding='utf-8'?>\n", "<?xml?xml version='1.0' ??>"])
def test_what_stands_before_the_feed_is_passed_over(before, head):
    assert only_entry("<title>café</title>", head=before + head).title == "café"


def test_a_feed_with_an_undeclared_prefix_is_read():
    body = b"<?xml?xml version='1.0' ??><rss rss:version=2.0><rss:channel><rss:item><rss:title>x</rss:title></rss:item>"
    assert [entry.title for entry in parse(body, url=URL).entries] == ["x"]


def test_a_truncated_feed_gives_what_can_be_read():
    body = rss("<title>one</title>", "<title>two</title>", "<title>three</title>")
    titles = [entry.title for entry in parse(body[: body.index(b"three")], url=URL).entries]
    assert titles[:2] == ["one", "two"]


@pytest.mark.parametrize(
    "declared", ["utf-8", "us-ascii", "iso-8859-1", "utf-16", "utf-7", "no-such-charset", "rot13", "hex"]
)
@pytest.mark.parametrize("bytes_are", ["utf-8", "iso-8859-1", "utf-16"])
def test_a_wrong_charset_is_survived(declared, bytes_are):
    body = (
        rss("<title>caf\u00e9</title>", head=f"<?xml version='1.0' encoding='{declared}'?>").decode().encode(bytes_are)
    )
    result = outcome(body, content_type=f"text/xml; charset={declared}")
    assert isinstance(result, ParseError) or all(entry.title.startswith("caf") for entry in result.entries)


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("declared", ["utf-8", "iso-8859-1", "utf-16"])
@pytest.mark.parametrize("title", ["cafe", "caf\u00e9 \u4eba"])
def test_a_byte_order_mark_beats_every_declaration(charset, declared, title):
    body = rss(f"<title>{title}</title>", head=f"<?xml version='1.0' encoding='{declared}'?>").decode().encode(charset)
    (entry,) = parse(body, url=URL, content_type=f"text/xml; charset={declared}").entries
    assert entry.title == title


def test_an_article_about_entities_is_not_refused():
    entry = only_entry("<title>XXE</title><description><![CDATA[Write &lt;!ENTITY x> or <!DOCTYPE a [ ]></description>")
    assert entry.title == "XXE"


# ---------------------------------------------------------------- refusals


BOMB = "<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'>"


@pytest.mark.parametrize(
    "doctype",
    [
        f"<!DOCTYPE rss [{BOMB}]>",
        f"<!doctype rss [ {BOMB} ]>",
        "<!DOCTYPE rss [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
        "<!-- <rss> --><!DOCTYPE rss SYSTEM 'a>b' [ ]>",
        "<?pi?>\n<!DOCTYPE rss SYSTEM \"x\" [<!ENTITY % y SYSTEM 'z'>]>",
        "<!DOCTYPE rss SYSTEM 'x' <!ENTITY a 'b'>>",
        "<!DOCTYPE rss [",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_feed_that_declares_entities_is_refused(doctype, encoding):
    body = rss("<title>&b;</title>", head=f"<?xml version='1.0'?>{doctype}").decode().encode(encoding)
    with pytest.raises(ParseError, match="declares entities"):
        parse(body, url=URL)


def test_entities_cannot_hide_in_an_odd_charset():
    hidden = f"<!DOCTYPE rss [{BOMB}]>".replace("<", "+ADw-")
    with pytest.raises(ParseError, match="declares entities"):
        parse(rss("<title>&b;</title>", head=f"<?xml version='1.0' encoding='utf-7'?>{hidden}"), url=URL)


@pytest.mark.parametrize("body", [b"", b" \r\n", b"\0\0"])
def test_an_empty_body_is_refused(body):
    with pytest.raises(ParseError, match="is empty"):
        parse(body, url=URL)


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html><title>x</title>",
        b"\n<HTML><body>hi",
        b"<!-- x --><!doctype HTML PUBLIC '-//W3C//DTD'>",
        b"<?xml version='1.0'?><!DOCTYPE html PUBLIC 'a' 'b'><html xmlns='http://www.w3.org/1999/xhtml'/>",
    ],
)
def test_a_page_is_not_a_feed(body):
    with pytest.raises(ParseError, match="HTML instead of a feed"):
        parse(body, url=URL)


@pytest.mark.parametrize(
    "body", [b"not a feed", b"<a/>", b"\x89PNG\r\n\x1a\n\0\0", b"{}", b'{"version":1}', b"%PDF-1.7"]
)
def test_something_else_is_not_a_feed(body):
    with pytest.raises(ParseError, match="neither RSS, Atom nor JSON Feed"):
        parse(body, url=URL)


@pytest.mark.parametrize(
    "body", [b'{"version": "https://jsonfeed.org/', b'{"a":' * 50_000, b"{\xff}", b'{"n":' + b"1" * 9999]
)
def test_broken_json_is_refused_in_words(body):
    with pytest.raises(ParseError, match="breaks off or is malformed"):
        parse(body, url=URL)


def test_a_fault_of_the_parser_becomes_a_parse_error(monkeypatch):
    def fail(*args, **options):
        raise RuntimeError("inside")

    monkeypatch.setattr("feedparser.parse", fail)
    with pytest.raises(ParseError, match=r"cannot be read \(RuntimeError\)") as caught:
        parse(rss("<title>x</title>"), url=URL)
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize("element", ["author", "managingEditor", "dc:creator", "itunes:author", "dc:publisher"])
def test_a_huge_author_does_not_stall_the_parser(element):
    started = time.perf_counter()
    parse(rss(f"<title>x</title><{element}>{'a' * 200_000}</{element}>"), url=URL)
    assert time.perf_counter() - started < 1


PIECES = st.sampled_from(
    [
        b"<?xml version='1.0'?>",
        b"<rss version='2.0'>",
        b"<channel>",
        b"<item>",
        b"<title>",
        b"</title>",
        b"</item>",
        b"<link>",
        b"<guid>",
        b"<![CDATA[",
        b"]]>",
        b"&#xD800;",
        b"&lt;",
        b"<pubDate>",
        b"\xff",
        b"\0",
        b"<feed>",
        b"<entry>",
        b"{",
        b'"version"',
        b"<author>",
        b"<content type='xhtml'>",
        b"xml:base='//['",
        b"<!--",
        b"<!DOCTYPE",
    ],
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(PIECES, st.binary(max_size=6)), max_size=15).map(b"".join))
def test_whatever_the_bytes_there_is_a_feed_or_a_parse_error(body):
    result = outcome(body)
    if isinstance(result, ParseError):
        assert URL in str(result)
        return
    for entry in result.entries:
        assert "\n" not in entry.title + entry.summary + entry.url
        (entry.guid + entry.title).encode()  # a lone surrogate would raise
