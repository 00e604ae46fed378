from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from briefings.adapters import opml
from briefings.adapters.opml import OpmlFeed
from briefings.adapters.text import plain
from briefings.errors import ParseError

LIST = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="1.0"><head><title>Mine</title></head><body>
<outline text="AI" title="AI"><outline text="Serving">
  <outline type="rss" text="vLLM &lt;b&gt;blog&lt;/b&gt;" xmlUrl="https://vllm.example/feed?a=1&b=2" htmlUrl="https://vllm.example"/>
</outline></outline>
<outline text="Loose" XMLURL="feed://loose.example/rss" category="/vllm,/news/ai"/>
<outline xmlUrl="https://untitled.example/rss"/>
<outline text="Bad" xmlUrl="javascript:alert(1)"/>
</body></opml>"""


def read(outlines: str) -> list[OpmlFeed]:
    return opml.read(f"<opml><body>{outlines}</body></opml>".encode())


def test_a_list_is_read_with_its_folders_and_the_faults_of_hand_written_ones():
    assert opml.read(LIST.encode()) == [
        OpmlFeed("https://vllm.example/feed?a=1&b=2", "vLLM blog", ("AI", "Serving")),
        OpmlFeed("https://loose.example/rss", "Loose", (), ("vllm", "news", "ai")),
        OpmlFeed("https://untitled.example/rss", "untitled.example"),
    ]


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_a_list_is_read_in_its_own_charset(charset):
    text = f'<?xml version="1.0" encoding="{charset}"?><opml><outline text="Café" xmlUrl="https://c.example"/></opml>'
    assert opml.read(text.encode(charset)) == [OpmlFeed("https://c.example", "Café")]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not well-formed"),
        (b"\xff\xfe\x00", "not well-formed"),
        (LIST[:300].encode(), "not well-formed"),
        (b'<?xml version="1.0" encoding="hex"?><opml/>', "not well-formed"),
        (b"<html><body/></html>", "not OPML"),
        (b'<!DOCTYPE opml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><opml>&b;</opml>', "remove the line"),
        (b'<!DOCTYPE opml SYSTEM "file:///etc/passwd"><opml/>', "remove the line"),
        (b" " * (opml.MOST_BYTES + 1), "more than 5,000,000 bytes"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(body, words):
    with pytest.raises(ParseError, match=words):
        opml.read(body)


def test_a_list_without_end_is_refused():
    with pytest.raises(ParseError, match="more than 5,000 feeds"):
        read('<outline xmlUrl="https://a.example"/>' * 5001)


def test_folders_without_end_are_cut_short():
    (feed,) = read('<outline text="f">' * 20_000 + '<outline xmlUrl="https://a.example"/>' + "</outline>" * 20_000)
    assert feed.folders == ("f",) * 10


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)
FEEDS = st.builds(
    OpmlFeed,
    NAMES.map(lambda name: f"https://{len(name)}.example/"),
    NAMES,
    st.lists(NAMES, max_size=3).map(tuple),
    st.lists(st.sampled_from(["vllm", "ai-agents"]), max_size=2).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(feeds=st.lists(FEEDS, max_size=8))
def test_what_was_written_is_read_again(feeds):
    def plainly(name: str) -> str:
        return opml.plain(name, opml.LONGEST_TITLE)

    again = opml.read(opml.write("Ours", feeds))
    expected = [
        (f.url, plainly(f.title) or f.url.split("/")[2], tuple(filter(None, map(plainly, f.folders))), f.categories)
        for f in feeds
    ]
    assert sorted(again) == sorted(expected)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_list_is_read_or_refused(data):
    body = bytearray(LIST.encode())
    for _ in range(data.draw(st.integers(0, 5))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    with suppress(ParseError):
        assert all(feed.url.startswith("http") for feed in opml.read(bytes(body)))


def test_one_broken_address_costs_no_other_feed():
    body = b'<opml><body><outline xmlUrl="http://[#x"/><outline xmlUrl="https://a.example/rss"/></body></opml>'
    assert [feed.url for feed in opml.read(body)] == ["https://a.example/rss"]


def test_a_title_of_no_characters_spoils_no_list():
    assert "\uffff" not in plain("a\uffffb", 10)
