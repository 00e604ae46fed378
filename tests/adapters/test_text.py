from __future__ import annotations

import time
import unicodedata
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from briefings.adapters.text import plain, web_link

BASE = "https://site.example/blog/"
PIECES = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<script>",
        "</script>",
        "<img src=x onerror=y>",
        "&lt;",
        "&amp;lt;",
        "&#8238;",
        "&#10;",
        "\u202e",
        "\u2028",
        "\r\n",
        "\x00",
        "\x85",
        "\u200d",
        "\u200b",
        "\ud800",
        "e\u0301",
        "क",
        "👩",
        "word ",
        "<!--",
        "]]>",
    ]
)
FEED_TEXT = st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=20).map("".join)


def test_markup_disappears_and_blocks_stay_apart():
    assert plain("<h1>One</h1><p>two<br>three <b>fo</b>ur</p>", 100) == "One two three four"


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>alert(1)</script>",
        "<style>p{}</style>",
        "<noscript><img src=x></noscript>",
        "<!-- note -->",
        "<svg onload=alert(1)>",
        "<iframe src=x>text</iframe>",
    ],
)
def test_what_is_not_meant_for_readers_is_dropped(hidden):
    assert plain(f"before {hidden}", 100) == "before"


def test_entities_are_decoded_once():
    assert plain("Tom &amp; Jerry &eacute;&nbsp;5 &lt; 6", 100) == "Tom & Jerry é 5 < 6"
    assert plain("&amp;lt;img src=x onerror=alert(1)&amp;gt;", 100) == "&lt;img src=x onerror=alert(1)&gt;"


def test_an_escaped_tag_stays_visible_as_text():
    assert plain("use &lt;img onerror&gt; with care", 100) == "use <img onerror> with care"


@pytest.mark.parametrize("space", [*"\r\n\t\v\f\x85\u2028\u2029\u00a0\u3000", "\r\n\r\n", " &#10; "])
def test_all_white_space_becomes_one_space(space):
    assert plain(f"Subject{space}Bcc: x", 100) == "Subject Bcc: x"


UNSEEN = (
    "\x00 \x07 \x1b \x7f \x9b \u200b \u200d \u200e \u200f \u061c \u202a \u202e \u2060 \u2066 \u2069 \ufeff \u00ad"
    " \ud83d \U000e0041 &#8238; &#x200B;"
)


@pytest.mark.parametrize("mark", UNSEEN.split(" "))
def test_an_unseen_mark_is_removed_raw_or_as_an_entity(mark):
    assert plain(f"pass{mark}word", 100) == "password"


def test_joiners_stay_where_a_script_needs_them():
    assert plain("👩\u200d🚀 می\u200cشود क्\u200dष", 100) == "👩\u200d🚀 می\u200cشود क्\u200dष"


def test_letters_are_composed():
    assert plain("cafe\u0301", 100) == "café"


def test_a_long_text_is_cut_at_a_word():
    assert plain("The quick brown fox", 14) == "The quick…"
    assert plain("The quick brown fox", 10) == "The quick…"
    assert plain("The quick brown fox", 19) == "The quick brown fox"


def test_a_text_without_spaces_is_cut_at_the_limit():
    assert plain("人" * 200, 50) == "人" * 49 + "…"


@pytest.mark.parametrize("unit", ["x", "<div>", "&amp;", "a\u0301\u0316", "\u202e", " ", "<", "<b>x</p>"])
def test_five_megabytes_take_well_under_a_second(unit):
    huge = unit * (5_000_000 // len(unit))
    started = time.perf_counter()
    assert len(plain(huge, 300)) <= 300
    assert time.perf_counter() - started < 0.5


@settings(max_examples=200, deadline=None)
@given(FEED_TEXT, st.integers(min_value=1, max_value=60))
def test_plain_text_is_one_clean_line_within_its_limit(text, limit):
    result = plain(text, limit)
    categories = {unicodedata.category(c) for c in result if c not in "\u200c\u200d"}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert result == " ".join(result.split())
    assert len(result) <= limit


@settings(max_examples=200, deadline=None)
@given(FEED_TEXT)
def test_plain_text_without_markup_signs_stays_as_it_is(text):
    once = plain(text, 60)
    if "<" not in once and "&" not in once:
        assert plain(once, 60) == once


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://a.example/x?q=1&r=2#top", "https://a.example/x?q=1&r=2#top"),
        ("post/1", "https://site.example/blog/post/1"),
        ("../about", "https://site.example/about"),
        ("//cdn.example/x", "https://cdn.example/x"),
        ("  https://a.example/\n  ", "https://a.example/"),
        ("https://a.example/a b\"c'd<e>", "https://a.example/a%20b%22c%27d%3Ce%3E"),
        ("https://a.example/caf\u00e9?q=\u00e9", "https://a.example/caf%C3%A9?q=%C3%A9"),
        ("https://a.example/%7Eme/100%25", "https://a.example/%7Eme/100%25"),
        ("https://b\u00fccher.example:8443/x", "https://xn--bcher-kva.example:8443/x"),
        ("http://[2001:db8::1]/x", "http://[2001:db8::1]/x"),
        ("HTTPS://A.example/x", "https://A.example/x"),
    ],
)
def test_a_web_link_is_made_absolute_and_safe(link, expected):
    assert web_link(link, BASE) == expected


@pytest.mark.parametrize(
    "link",
    [
        "",
        " ",
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "java\u200bscript:alert(1)",
        "data:text/html,x",
        "mailto:a@b.example",
        "file:///etc/passwd",
        "ftp://a.example/",
        "https://user@a.example/",
        "https://user:secret@a.example/",
        "https://a.example\\@b.example/",
        "https://a.example:port/",
        "https://a.example:99999/",
        "https://[::1/",
        "https://" + "a" * 64 + "\u00e9.example/",
        "https://a.example/" + "x" * 2000,
        "https://a.example/" + "\u00e9" * 500,
    ],
)
def test_anything_else_is_no_link(link):
    assert web_link(link, BASE) == ""


def test_a_relative_link_needs_a_base():
    assert web_link("post/1", "") == ""


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(["http:", "https:", "//", "/", "javascript:", "\t", "@", "\\", "[", "\u202e", "a.b"])
        ),
        max_size=6,
    ).map("".join),
    st.text(max_size=10),
)
def test_a_web_link_never_has_another_scheme_nor_a_dangerous_character(start, rest):
    link = web_link(start + rest, BASE)
    if link:
        assert urlsplit(link).scheme in {"http", "https"}
        assert urlsplit(link).hostname
        assert link.isascii()
        assert link.isprintable()
        assert not set(link) & set(" \"'<>\\`{}")
        assert web_link(link, BASE) == link
