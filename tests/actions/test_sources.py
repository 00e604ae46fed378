from dataclasses import replace
from datetime import timedelta

import pytest
import week
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from briefings.actions.trials import MOST_TRIED, rhythm_words
from briefings.adapters import opml
from briefings.adapters.http import Fetched, HttpFetcher
from briefings.demo.feed_server import FeedServer
from briefings.domain.catalogue import ListedFeed
from briefings.domain.feeds import FeedFacts, Rhythm
from briefings.domain.tag_rules import TagRule
from briefings.errors import FetchError, InputError, NotFoundError, ParseError
from briefings.store.feeds import Feed
from briefings.store.items import Item, Tag

ITEM = "<item><guid>{n}</guid><title>vLLM 0.{n} serves faster</title><link>https://feed.example/{n}</link>{date}</item>"
DATE = "<pubDate>{day:02} Nov 2026 08:00:00 GMT</pubDate>"
ANNOUNCING = '<link rel="alternate" type="application/rss+xml" title="{0}" href="/{0}.xml">'
EVIL = b'<!DOCTYPE rss [<!ENTITY a "b">]><rss version="2.0"><channel><title>&a;</title></channel></rss>'


def rss(*items: str, title: str = "Serving notes", language: str = "en-GB") -> bytes:
    head = f"<title>{title}</title><language>{language}</language><link>https://feed.example/</link>"
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{"".join(items)}</channel></rss>'.encode()


def item(n: int, day: int | None = None) -> str:
    return ITEM.format(n=n, date=DATE.format(day=day) if day else "")


@pytest.fixture
def site(app):
    """A site on a real server: fill `pages` by path."""
    app.fetcher = HttpFetcher(user_agent="Briefings tests", allow_private=True)
    pages: dict[str, bytes] = {}
    with FeedServer(pages, 0) as server:
        server.pages = pages
        yield server


def rows(app) -> list[Feed]:
    with app.database.read() as session:
        return list(session.scalars(select(Feed).order_by(Feed.id)))


def add(app, site, name: str = "feed.xml", topics=("vllm",), authority: float | None = None) -> int:
    site.pages.setdefault(name, rss(item(1, 1)))
    return app.sources.add(app.sources.test(site.url(name)), topics, authority)


# ---------------------------------------------------------------- test


def test_a_trial_says_what_was_parsed_and_which_tags_it_would_get(app, site):
    site.pages["feed.xml"] = rss(*(item(n, 2 * n) for n in range(1, 12)), item(12))
    found = app.sources.test(site.url("feed.xml"))
    assert (found.url, found.kind, found.feed.title, found.feed.language) == (
        site.url("feed.xml"),
        "",
        "Serving notes",
        "en-GB",
    )
    assert (len(found.feed.entries), f"{found.dates[0]:%Y-%m-%d}", rhythm_words(found.every)) == (
        12,
        "2026-11-22",
        "about every 2 days",
    )
    assert [title for title, _ in found.tags] == [f"vLLM 0.{n} serves faster" for n in range(11, 1, -1)]
    assert found.tags[0][1][0].topic == "vllm"
    assert found.tags[0][1][0].reason == "“vLLM” in the title"
    assert (found.undated, found.unlinked, found.known) == (1 / 12, 0, None)
    assert rows(app) == []


def test_a_trial_shows_the_tags_that_the_source_and_the_address_of_the_feed_call_for(app, site):
    site.pages["feed.xml"] = rss(item(1))
    app.tag_rules.add(TagRule("source", "feed.example", "kubernetes", "always"), "ed")
    app.tag_rules.add(TagRule("source", site.url("feed.xml"), "docker", "always"), "ed")
    ((_, tags),) = app.sources.test(site.url("feed.xml")).tags
    assert {"kubernetes", "docker"} <= {tag.topic for tag in tags}


def test_a_trial_says_which_share_of_the_links_another_feed_has(app, site):
    week.add_items(app, week.add_feed(app, title="Elsewhere"), "One", "Two", "Three")
    site.pages["feed.xml"] = rss(*(item(n) for n in range(5)))
    assert app.sources.test(site.url("feed.xml")).overlaps == (("Elsewhere", 0.6),)


def test_a_pages_feed_is_found_and_its_others_are_named(app, site):
    site.pages["page.html"] = (ANNOUNCING.format("gone") + ANNOUNCING.format("feed") + ANNOUNCING.format("b")).encode()
    site.pages["feed.xml"] = rss(item(1))
    found = app.sources.test(site.url("page.html"))
    assert (found.url, found.kind) == (site.url("feed.xml"), "announced by the page")
    assert [other.url for other in found.others] == [site.url("gone.xml"), site.url("b.xml")]


def test_a_feed_is_found_at_a_usual_path_and_one_with_entries_is_preferred(app, site):
    site.pages |= {"page.html": b"<p>Hello", "rss.xml": rss(), "index.xml": rss(item(1))}
    assert app.sources.test(site.url("page.html")).url == site.url("index.xml")
    del site.pages["index.xml"]
    assert app.sources.test(site.url("page.html")).url == site.url("rss.xml")


def test_what_is_no_feed_says_what_to_do_next(app, site):
    site.pages |= {"page.html": b"<html><p>Hello", "evil.xml": EVIL}
    with pytest.raises(ParseError, match=r"HTML instead of a feed .* look for .* We tried 5 addresses"):
        app.sources.test(site.url("page.html"))
    with pytest.raises(ParseError, match="declares entities"):
        app.sources.test(site.url("evil.xml"))
    with pytest.raises(FetchError, match="answered with status 404: open the address"):
        app.sources.test(site.url("gone.xml"))
    with pytest.raises(InputError, match="no web address: enter one such as"):
        app.sources.test("mailto:bo@site.example")


def test_no_page_makes_us_ask_more_than_a_dozen_addresses(app, site):
    announced = "".join(ANNOUNCING.format(f"gone-{number}") for number in range(9))
    site.pages["page.html"] = announced.encode()
    web, asked = app.fetcher, []

    class Counted:
        def fetch(self, url: str) -> Fetched:
            asked.append(url)
            return replace(web.fetch(site.url("page.html")), url=f"{site.url('blog')}/notes/", moved_to=None)

    app.fetcher = Counted()
    with pytest.raises(ParseError, match=f"We tried {MOST_TRIED} addresses"):
        app.sources.test(site.url("page.html"))
    assert len(asked) == 1 + MOST_TRIED


def test_an_address_on_the_own_machine_is_refused_unless_allowed(app, site):
    app.fetcher = HttpFetcher(user_agent="Briefings tests")
    with pytest.raises(FetchError):
        app.sources.test(site.url("feed.xml"))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=st.binary(max_size=200)
    | st.lists(
        st.sampled_from([EVIL, b"<rss>", b"<item>", b"<link href=/evil.xml rel=feed type=application/rss+xml>"])
    ).map(b"".join)
)
def test_whatever_a_host_sends_ends_in_findings_or_in_words(app, site, body):
    site.pages["evil.xml"] = body
    try:
        outcome = str(app.sources.test(site.url("evil.xml")).url)
    except (FetchError, ParseError, InputError) as error:
        outcome = str(error)
    assert outcome


@pytest.mark.parametrize(
    ("hours", "words"), [(None, "too few dates to say"), (3, "several times a day"), (24, "about every day")]
)
def test_a_rhythm_is_told_in_words(hours, words):
    assert rhythm_words(None if hours is None else timedelta(hours=hours)) == words


def test_topics_are_named_by_id_or_name_and_a_slip_gets_a_proposal(app):
    assert app.sources.topics([" vLLM ", "vllm", "mlops-ai-infrastructure"]) == ("vllm", "mlops-ai-infrastructure")
    with pytest.raises(InputError, match=r"no topic 'vlm': try vllm"):
        app.sources.topics(["vlm"])


# ---------------------------------------------------------------- add, change, retire


def test_an_added_feed_is_due_and_cannot_be_added_again(app, site):
    feed = add(app, site, authority=0.9)
    (row,) = rows(app)
    assert (row.id, row.url, row.title, row.language) == (feed, site.url("feed.xml"), "Serving notes", "en")
    assert (row.topics, row.authority, row.next_poll_at) == (["vllm"], 0.9, app.clock())
    assert app.poll() == 1
    with pytest.raises(InputError, match=f"Feed {feed} has this address already: `briefings feeds change {feed}`"):
        add(app, site)
    assert app.sources.test(site.url("feed.xml")).known == feed


def test_a_retired_feed_stays_so_until_it_is_added_again(app, site):
    feed = add(app, site)
    assert app.sources.retire(site.url("feed.xml")) == "Serving notes"
    assert app.poll() == 0
    assert app.sources.test(site.url("feed.xml")).retired
    assert add(app, site, topics=None) == feed
    (row,) = rows(app)
    assert (row.retired, row.problem, row.topics) == (False, "", ["vllm"])
    assert app.poll() == 1


def test_of_two_retired_feeds_the_one_with_the_very_address_comes_back_else_the_newest(app, site):
    old = week.add_feed(app, site.url("feed.xml"), retired=True)
    new = week.add_feed(app, site.url("feed.xml/"), retired=True)
    assert add(app, site) == old
    with app.database.write() as session:
        session.execute(update(Feed).values(retired=True))
        session.get_one(Feed, old).url += "?ref=elsewhere"
    assert add(app, site) == new
    assert [row.url for row in rows(app)] == [site.url("feed.xml?ref=elsewhere"), site.url("feed.xml")]


def test_an_active_feed_comes_before_a_retired_one_with_the_very_address(app, site):
    active = week.add_feed(app, site.url("feed.xml/"))
    week.add_feed(app, site.url("feed.xml"), retired=True)
    with pytest.raises(InputError, match=f"Feed {active} has this address already"):
        add(app, site)


def test_new_topics_count_for_the_items_that_are_here(app, site):
    feed = add(app, site, topics=())
    app.poll()
    app.tag()
    app.sources.change(str(feed), topics=("vllm",), authority=0.2)
    app.tag()
    with app.database.read() as session:
        assert "the feed is about it" in session.scalars(select(Tag.reason).where(Tag.topic == "vllm")).one()
        assert session.scalars(select(Feed.authority)).one() == 0.2


def test_a_feed_at_a_new_address_is_as_if_it_were_new(app):
    feed = week.add_feed(app, "https://old.example/")
    remembered = {
        "etag": "e",
        "last_modified": "m",
        "body_digest": "d",
        "moved_to": "https://x.example/",
        "moved_times": 2,
        "failures": 3,
        "problem": "The host answered 503",
        "identity": "link",
        "gap_seconds": 3600,
        **dict.fromkeys(("newest_at", "read_at", "busy_until"), app.clock()),
    }
    with app.database.write() as session:
        session.execute(update(Feed).values(**remembered))
    app.sources.change(str(feed), url="https://new.example/")
    (row,) = rows(app)
    assert row.facts() == FeedFacts("https://new.example/")
    assert row.rhythm() == Rhythm()
    assert row.next_poll_at == app.clock()


def test_a_feed_at_a_new_address_forgets_its_validators_and_keeps_its_items(app, site):
    feed = add(app, site)
    app.poll()
    site.pages["new.xml"] = site.pages.pop("feed.xml")
    app.sources.change(str(feed), url=site.url("new.xml"))
    (row,) = rows(app)
    assert (row.url, row.etag, row.next_poll_at) == (site.url("new.xml"), None, app.clock())
    assert app.poll() == 0
    with app.database.read() as session:
        assert len(session.scalars(select(Item.id)).all()) == 1


def test_what_an_operator_did_to_a_listed_feed_outlives_loading_the_list(app, site):
    listed = [ListedFeed(f"https://listed.example/{n}", f"Feed {n}", ("vllm",), 0.7) for n in range(3)]
    app.catalogue = replace(app.catalogue, feeds=tuple(listed))
    app.load_feeds()
    app.sources.retire("https://listed.example/0")
    app.sources.change("https://listed.example/1", topics=(), authority=0.1)
    app.sources.change("https://listed.example/2", url="https://new.example/")
    assert app.load_feeds() == 0
    assert [(row.url, row.retired, row.problem, row.authority) for row in rows(app)] == [
        ("https://listed.example/0", True, "Taken out by an operator", 0.7),
        ("https://listed.example/1", False, "", 0.1),
        ("https://new.example/", False, "", 0.7),
        ("https://listed.example/2", True, "Replaced by https://new.example/", 0.7),
    ]
    app.sources.change("https://new.example/", url="https://listed.example/2")
    assert [row.url for row in rows(app)] == [feed.url for feed in listed]


def test_a_feed_takes_no_address_from_a_retired_feed_that_was_polled(app):
    first = week.add_feed(app, "https://one.example/rss")
    retired = week.add_feed(app, "https://two.example/rss", retired=True)
    spelt_otherwise = week.add_feed(app, "http://one.example/rss", retired=True)
    with pytest.raises(InputError, match=f"Feed {retired} has the address .* retire feed {first} instead"):
        app.sources.change(str(first), url="https://two.example/rss/")
    with pytest.raises(InputError, match=f"Feed {spelt_otherwise} has the address"):
        app.sources.change(str(first), url="http://one.example/rss")
    app.sources.change(str(first), url="https://one.example/rss/")
    with app.database.write() as session:
        session.execute(update(Feed).where(Feed.retired).values(polled_at=None))
    app.sources.change(str(first), url="http://one.example/rss")
    app.sources.change(str(first), url="https://two.example/rss")
    assert [row.url for row in rows(app)] == ["https://two.example/rss"]


def test_a_change_that_cannot_be_made_is_refused_in_words(app):
    first = week.add_feed(app, "https://one.example/rss")
    week.add_feed(app, "https://two.example/rss")
    with pytest.raises(InputError, match=f"retire feed {first} instead"):
        app.sources.change(str(first), url="http://two.example/rss/")
    for unknown in ("4711", "https://three.example/", "", "9" * 40):
        with pytest.raises(NotFoundError, match="`briefings feeds list` shows"):
            app.sources.retire(unknown)
    with app.database.write() as session:
        session.execute(update(Feed).values(claimed_until=app.clock() + timedelta(minutes=1)))
    with pytest.raises(InputError, match="being polled just now: try again"):
        app.sources.retire(str(first))


# ---------------------------------------------------------------- lists


def test_a_list_is_taken_over_once_and_its_folders_become_topics(app):
    week.add_feed(app, "https://here.example/rss", topics=["mlops-ai-infrastructure"])
    names = [
        ("https://a.example", ("News", "vLLM")),
        ("https://b.example", ("News",)),
        ("http://here.example/rss/", ()),
    ]
    body = opml.write("Theirs", [opml.OpmlFeed(url, "T", folders) for url, folders in [*names, names[0]]])
    done = app.sources.take_over(body)
    assert (done.new, done.known, done.strange) == (2, 2, ("News",))
    assert {row.url: row.topics for row in rows(app)} == {
        "https://here.example/rss": ["mlops-ai-infrastructure"],
        "https://a.example": ["vllm"],
        "https://b.example": [],
    }
    assert app.sources.take_over(body).new == 0


def test_the_list_that_we_hand_out_brings_back_addresses_titles_and_topics(app):
    week.add_feed(app, "https://one.example/rss", title="One", topics=["vllm", "mlops-ai-infrastructure"])
    week.add_feed(app, "https://two.example/rss", title="Two", topics=[])
    week.add_feed(app, "https://ended.example/rss", retired=True)
    body = app.sources.opml()
    assert [feed.folders for feed in opml.read(body)] == [(), ("vLLM",)]
    assert app.sources.take_over(body).new == 0
    before = {(row.url, row.title, *row.topics) for row in rows(app) if not row.retired}
    with app.database.write() as session:
        for row in session.scalars(select(Feed)):
            session.delete(row)
    assert app.sources.take_over(body).new == 2
    assert {(row.url, row.title, *row.topics) for row in rows(app)} == before
