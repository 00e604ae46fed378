import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from briefings.adapters.discovery import feeds_of, known_site, web_address

URL = "https://loom.example/notes/"
USUAL = [
    *(f"https://loom.example/notes/{name}" for name in ("feed", "rss.xml", "atom.xml", "index.xml", "feed.json")),
    *(f"https://loom.example/{name}" for name in ("feed", "rss.xml", "atom.xml", "index.xml", "feed.json")),
]
ATOM = '<link rel="alternate" type="application/atom+xml" href="{}">'


def urls(page: str, url: str = URL) -> list[str]:
    return [found.url for found in feeds_of(page.encode(), url)]


def test_announced_feeds_come_first_and_those_of_comments_last():
    page = """<html><head><LINK REL="Alternate" TYPE="application/rss+xml; charset=utf-8" href="/comments/feed">
    <link rel=alternate type=application/rss+xml title="Notes &amp; <b>more</b>" href=feed.xml>
    <link rel="alternate" type="application/json" href="/wp-json/posts"><link rel="alternate" hreflang="de" href="/de">
    <link type="application/feed+json" rel="feed" href="//cdn.loom.example/feed.json"><body><a href="/rss">RSS</a>"""
    found = feeds_of(page.encode(), URL)
    assert [one.url for one in found[:3]] == [
        "https://loom.example/notes/feed.xml",
        "https://cdn.loom.example/feed.json",
        "https://loom.example/comments/feed",
    ]
    assert (found[0].title, found[0].kind) == ("Notes & more", "announced by the page")
    assert [one.url for one in found[3:]] == USUAL


def test_without_an_announcement_the_links_of_the_text_count():
    page = """<a href="/about">About feeds</a> <a href='feeds/all.xml'>x</a><a href="?feed=rss2">y</a>
    <a href="/feedback">z</a><a href="/feedback/rss/">w</a><a href=/x.atom>v"""
    assert urls(page)[:4] == [
        "https://loom.example/notes/feeds/all.xml",
        "https://loom.example/notes/?feed=rss2",
        "https://loom.example/feedback/rss/",
        "https://loom.example/x.atom",
    ]
    assert urls(page)[4:] == USUAL


def test_a_page_that_says_nothing_leaves_the_usual_paths():
    assert urls("") == USUAL
    assert urls("", "https://loom.example/notes/today.html?a=b") == USUAL
    assert urls("", "https://loom.example") == USUAL[5:]


def test_the_base_of_the_page_is_kept_to():
    assert urls("<base href='https://mirror.example/a/'>" + ATOM.format("f.xml"))[0] == "https://mirror.example/a/f.xml"
    assert urls("<base href='javascript:x'>" + ATOM.format("f.xml"))[0] == URL + "f.xml"


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "file:///etc/passwd", "https://a:b@x.example/", "http://[", ""]
)
def test_an_announcement_that_is_no_web_address_is_passed_over(href):
    assert urls(ATOM.format(href)) == USUAL


def test_what_stands_in_comments_and_scripts_is_not_announced():
    assert urls(f"<!-- {ATOM.format('/a')} --><script>'{ATOM.format('/b')}'</script>") == USUAL


def test_broken_html_is_read_on():
    page = f"<html <p =''><![x[ <![if !IE]> <!doctype <title>a<div {ATOM.format('/a')}>" + ATOM.format("/feed.xml")
    assert "https://loom.example/feed.xml" in urls(page)[:2]


def test_many_announcements_are_cut_short():
    assert len(urls("".join(ATOM.format(f"/{n}.xml") for n in range(1000)))) == 5 + len(USUAL)


@pytest.mark.parametrize(
    ("page", "feed"),
    [
        ("https://www.youtube.com/channel/UCx-1/videos", "https://www.youtube.com/feeds/videos.xml?channel_id=UCx-1"),
        ("https://youtube.com/playlist?list=PL-9&x=y", "https://www.youtube.com/feeds/videos.xml?playlist_id=PL-9"),
        ("https://github.com/vllm-project/vllm", "https://github.com/vllm-project/vllm/releases.atom"),
        ("https://github.com/a/b.git", "https://github.com/a/b/releases.atom"),
        ("https://github.com/a/b.c/issues?q=1", "https://github.com/a/b.c/releases.atom"),
        ("https://arxiv.org/list/cs.CL/recent", "https://rss.arxiv.org/rss/cs.CL"),
    ],
)
def test_feeds_of_known_sites_follow_from_the_pages_address(page, feed):
    assert known_site(page)[0].url == feed


@pytest.mark.parametrize(
    "page",
    [
        "https://github.com/topics/llm",
        "https://github.com/a",
        "https://github.com/a/b/commits/main.atom",
        "https://github.com.evil.example/a/b",
    ],
)
def test_other_pages_of_known_sites_are_ordinary_pages(page):
    assert known_site(page) == []


def test_a_youtube_handle_is_known_by_its_canonical_address():
    page = '<link rel="canonical" href="https://www.youtube.com/channel/UCx">'
    assert urls(page, "https://www.youtube.com/@loom")[0] == "https://www.youtube.com/feeds/videos.xml?channel_id=UCx"


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" loom.example/feed ", "https://loom.example/feed"),
        ("feed://loom.example/feed", "https://loom.example/feed"),
        ("feed:http://loom.example/feed#x", "http://loom.example/feed"),
        ("javascript:alert(1)", ""),
        ("ftp://loom.example/", ""),
        ("", ""),
        ("https://", ""),
        ("two words", ""),
    ],
)
def test_an_address_as_people_write_it(typed, address):
    assert web_address(typed) == address


@pytest.mark.parametrize("piece", ["<", "<!--", "<!", "<a ", "<a href='", "</", "<script>", "<div>", "&", "<![", ATOM])
def test_a_page_made_to_be_slow_is_read_in_moments(piece):
    started = time.process_time()
    feeds_of((piece * 2_000_000)[:2_000_000].encode(), URL)
    assert time.process_time() - started < 5


PIECES = st.sampled_from(
    [
        "<",
        ">",
        "'",
        '"',
        "=",
        "&",
        "<a ",
        "<base ",
        "<link ",
        "rel=alternate ",
        "type=application/rss+xml ",
        "href=",
        "//",
        "[",
        "\x00",
        "\ud7ff",
        "<!",
        "<![",
        "--",
        "</",
        "<script>",
        "@",
        ":",
        "%",
        "feed",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    page=st.lists(PIECES | st.text(max_size=5), max_size=40).map("".join) | st.binary(max_size=200),
    url=st.text(max_size=30),
)
def test_no_page_and_no_address_breaks_discovery(page, url):
    body = page if isinstance(page, bytes) else page.encode("utf-8", "surrogatepass")
    for base in (URL, url, f"https://{url}", web_address(url)):
        assert all(found.url.startswith(("http://", "https://")) for found in feeds_of(body, base))
