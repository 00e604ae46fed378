import time
from dataclasses import replace
from datetime import timedelta

import pytest
import week
from sqlalchemy import delete, select, update

from briefings.adapters.http import Fetched
from briefings.domain.catalogue import ListedFeed
from briefings.errors import FetchError, NoAnswerError, RefusedAddressError
from briefings.store import items
from briefings.store.feeds import Feed, Fetch
from briefings.store.items import Item

RSS = """<?xml version="1.0"?><rss version="2.0"><channel><title>T</title><link>https://t.example/</link>{}</channel></rss>"""
ITEM = "<item><guid>{guid}</guid><title>{title}</title><link>https://t.example/{guid}</link></item>"


class Web:
    """Answers by address: bytes, an error, or (status, headers)."""

    def __init__(self) -> None:
        self.pages: dict[str, object] = {}
        self.asked: list[tuple[str, str | None]] = []

    def fetch(self, url: str, *, etag: str | None = None, last_modified: str | None = None) -> Fetched:
        self.asked.append((url, etag))
        page = self.pages[url]
        if isinstance(page, Exception):
            raise page
        if isinstance(page, Fetched):
            return page
        return answer(200, url, body=page.encode())


def answer(status: int, url: str, **values) -> Fetched:
    nothing = dict.fromkeys(("moved_to", "etag", "last_modified", "retry_after", "cache_control"))
    return Fetched(**{"status": status, "url": url, "body": b"", "content_type": "", **nothing, **values})


@pytest.fixture
def web(app):
    app.fetcher = Web()
    return app.fetcher


def due(app, *urls: str) -> None:
    for url in urls:
        week.add_feed(app, url)
    with app.database.write() as session:
        session.execute(update(Feed).values(next_poll_at=app.clock()))


def feeds(app) -> list[Feed]:
    with app.database.read() as session:
        return list(session.scalars(select(Feed).order_by(Feed.id)))


def titles(app) -> list[str]:
    with app.database.read() as session:
        return list(session.scalars(select(Item.title).order_by(Item.id)))


def test_one_bad_feed_costs_no_other_feed_its_poll(app, web):
    due(app, "https://a.example/", "https://b.example/", "https://c.example/", "https://d.example/")
    web.pages = {
        "https://a.example/": FetchError("a.example does not answer; it is tried again later"),
        "https://b.example/": RSS.format(ITEM.format(guid=1, title="Well")),
        "https://c.example/": "<html><body>No feed here</body></html>",
        "https://d.example/": "",
    }
    assert app.poll() == 1
    assert titles(app) == ["Well"]
    assert [bool(feed.problem) for feed in feeds(app)] == [True, False, True, True]


@pytest.mark.parametrize("chunk", [1, 96])
def test_a_slow_host_holds_no_other_feed_up(app, web, monkeypatch, chunk):
    monkeypatch.setattr("briefings.actions.poll.CHUNK", chunk)
    due(app, "https://slow.example/", "https://a.example/", "https://b.example/")
    with app.database.write() as session:
        session.execute(update(Feed).values(polled_at=None))
    web.pages = dict.fromkeys(("https://a.example/", "https://b.example/"), RSS.format(""))
    recorded_before = []

    def fetch(url: str, **validators) -> Fetched:
        if url != "https://slow.example/":
            return Web.fetch(web, url, **validators)
        until = time.monotonic() + 3
        while len(recorded_before) < 2 and time.monotonic() < until:
            recorded_before[:] = [feed.url for feed in feeds(app) if feed.polled_at]
            time.sleep(0.02)
        return answer(304, url)

    web.fetch = fetch
    app.poll()
    assert recorded_before == ["https://a.example/", "https://b.example/"]
    assert all(feed.polled_at for feed in feeds(app))


def test_the_same_guid_fifty_times_is_one_item(app, web):
    due(app, "https://a.example/")
    web.pages["https://a.example/"] = RSS.format("".join(ITEM.format(guid=1, title=f"No. {n}") for n in range(50)))
    assert app.poll() == 1
    app.clock.move(hours=14)
    web.pages["https://a.example/"] += " "
    assert app.poll() == 0
    assert titles(app) == ["No. 0"]


def test_an_edit_of_the_publisher_updates_the_item_and_asks_for_new_tags(app, web):
    due(app, "https://a.example/")
    web.pages["https://a.example/"] = RSS.format(ITEM.format(guid=1, title="vLLM is fast"))
    app.poll()
    app.tag()
    web.pages["https://a.example/"] = RSS.format(ITEM.format(guid=1, title="vLLM is faster"))
    app.clock.move(hours=14)
    assert app.poll() == 0
    assert titles(app) == ["vLLM is faster"]
    assert app.tag() == 1


def test_validators_are_sent_back_as_they_came(app, web):
    due(app, "https://a.example/")
    etag = 'W/"strange  etag"'
    web.pages["https://a.example/"] = answer(200, "https://a.example/", body=RSS.format("").encode(), etag=etag)
    app.poll()
    app.clock.move(hours=14)
    web.pages["https://a.example/"] = answer(304, "https://a.example/")
    app.poll()
    app.clock.move(hours=14)
    app.poll()
    assert [etag for _, etag in web.asked] == [None, etag, etag]


def test_an_unchanged_body_costs_no_parse(app, web, monkeypatch):
    due(app, "https://a.example/")
    web.pages["https://a.example/"] = RSS.format(ITEM.format(guid=1, title="One"))
    app.poll()
    app.clock.move(hours=14)
    monkeypatch.setattr("briefings.adapters.feed_parser.parse", lambda *_, **__: pytest.fail("parsed again"))
    assert app.poll() == 0


def test_a_permanent_redirect_is_believed_at_the_third_time(app, web):
    due(app, "https://old.example/")
    moved = answer(200, "https://new.example/", moved_to="https://new.example/", body=RSS.format("").encode())
    web.pages = {"https://old.example/": moved, "https://new.example/": RSS.format("")}
    for _ in range(3):
        assert feeds(app)[0].url == "https://old.example/"
        app.poll()
        app.clock.move(hours=14)
    assert feeds(app)[0].url == "https://new.example/"


def test_an_unchanged_answer_behind_a_permanent_redirect_counts_as_seen(app, web):
    due(app, "https://old.example/")
    web.pages["https://old.example/"] = answer(304, "https://new.example/", moved_to="https://new.example/")
    for _ in range(3):
        app.poll()
        app.clock.move(hours=14)
    assert feeds(app)[0].url == "https://new.example/"


def move(app, web, old: str, new: str) -> None:
    """Let permanent redirects lead from one address to another until they are believed."""
    web.pages = {old: answer(304, new, moved_to=new), new: answer(304, new)}
    for _ in range(3):
        app.clock.move(hours=14)
        app.poll()


def test_a_listed_feed_that_moved_is_not_brought_back_by_its_list(app, web):
    listed = ListedFeed("https://old.example/", "Notes", ("vllm",), 0.9)
    app.catalogue = replace(app.catalogue, feeds=(listed,))
    app.load_feeds()
    move(app, web, "https://old.example/", "https://new.example/")
    assert app.load_feeds() == 0
    assert [(feed.url, feed.retired, feed.problem, feed.title, feed.topics) for feed in feeds(app)] == [
        ("https://new.example/", False, "", "Notes", ["vllm"]),
        ("https://old.example/", True, "Moved to https://new.example/", "Notes", ["vllm"]),
    ]


def test_a_feed_may_move_back_to_where_it_was(app, web):
    due(app, "https://old.example/")
    move(app, web, "https://old.example/", "https://new.example/")
    move(app, web, "https://new.example/", "https://old.example/")
    assert [(feed.url, feed.retired) for feed in feeds(app)] == [
        ("https://old.example/", False),
        ("https://new.example/", True),
    ]


def test_a_feed_that_moved_to_one_we_have_is_retired(app, web):
    due(app, "https://old.example/", "https://new.example/")
    moved = answer(200, "https://new.example/", moved_to="https://new.example/", body=RSS.format("").encode())
    web.pages = {"https://old.example/": moved, "https://new.example/": RSS.format("")}
    for _ in range(3):
        app.poll()
        app.clock.move(hours=14)
    old, new = feeds(app)
    assert old.retired
    assert "which we poll already" in old.problem
    assert not new.retired


def test_a_feed_that_moved_to_a_retired_one_stays_where_it_is(app, web):
    due(app, "https://old.example/", "https://new.example/")
    with app.database.write() as session:
        session.scalars(select(Feed).where(Feed.url == "https://new.example/")).one().retired = True
    moved = answer(200, "https://new.example/", moved_to="https://new.example/", body=RSS.format("").encode())
    web.pages = {"https://old.example/": moved}
    for _ in range(4):
        app.poll()
        app.clock.move(hours=14)
    assert not feeds(app)[0].retired
    assert len(web.asked) == 4


def test_what_another_host_wishes_after_a_redirect_binds_no_feed_of_this_one(app, web):
    due(app, "https://a.example/1", "https://a.example/2", "https://a.example/3")
    refused = answer(429, "https://evil.example/", retry_after="604800")
    web.pages = {"https://a.example/1": refused, "https://a.example/2": refused, "https://a.example/3": RSS.format("")}
    app.poll()
    app.clock.move(hours=2)
    app.poll()
    assert [url for url, _ in web.asked].count("https://a.example/3") == 2


def test_a_feed_that_is_gone_is_asked_no_more(app, web):
    due(app, "https://a.example/")
    web.pages["https://a.example/"] = answer(410, "https://a.example/")
    app.poll()
    app.clock.move(days=3)
    app.poll()
    assert len(web.asked) == 1
    assert feeds(app)[0].retired


def test_retry_after_is_obeyed(app, web):
    due(app, "https://a.example/")
    web.pages["https://a.example/"] = answer(429, "https://a.example/", retry_after="172800")
    app.poll()
    assert feeds(app)[0].next_poll_at >= app.clock() + timedelta(days=2)


def test_every_poll_stands_in_the_log(app, web):
    due(app, "https://a.example/")
    web.pages["https://a.example/"] = RSS.format(ITEM.format(guid=1, title="One"))
    app.poll()
    with app.database.read() as session:
        fetch = session.scalars(select(Fetch)).one()
    assert (fetch.status, fetch.new_items, fetch.conditional, fetch.problem) == (200, 1, False, "")
    assert fetch.size > 100


def test_a_link_as_long_as_they_come_is_stored_on_both_databases(app, web):
    due(app, "https://a.example/")
    link = "https://t.example/?q=" + "/".join(str(number % 7919) for number in range(400))[:1900]
    entry = f"<item><guid>1</guid><title>Long</title><link>{link}</link></item>"
    web.pages["https://a.example/"] = RSS.format(entry)
    assert app.poll() == 1


def test_a_feed_whose_items_cannot_be_stored_costs_no_other_feed_its_poll(app, web, monkeypatch):
    due(app, "https://a.example/", "https://a.example/two")
    web.pages = dict.fromkeys(
        ("https://a.example/", "https://a.example/two"), RSS.format(ITEM.format(guid=1, title="x"))
    )
    real = items.add

    def add_to_the_second_only(session, feed_id, new, now):
        if feed_id == feeds(app)[0].id:
            raise ValueError("no room")
        return real(session, feed_id, new, now)

    monkeypatch.setattr(items, "add", add_to_the_second_only)
    assert app.poll() == 1
    assert [feed.problem for feed in feeds(app)] == ["Its items could not be stored; the log says why", ""]


def test_a_feed_removed_while_it_was_polled_costs_no_other_feed_its_poll(app, web):
    due(app, "https://a.example/", "https://b.example/")
    web.pages["https://b.example/"] = RSS.format(ITEM.format(guid=1, title="Well"))
    plain_fetch = web.fetch

    def fetch(url: str, **validators) -> Fetched:
        if url != "https://a.example/":
            return plain_fetch(url, **validators)
        with app.database.write() as session:
            session.execute(delete(Feed).where(Feed.url == url))
        return answer(304, url)

    web.fetch = fetch
    assert app.poll() == 1
    assert [(feed.url, feed.problem) for feed in feeds(app)] == [("https://b.example/", "")]


def test_what_an_editor_changed_while_a_feed_was_polled_stays(app, web):
    due(app, "https://a.example/")

    def fetch(url: str, **_) -> Fetched:
        with app.database.write() as session:
            session.execute(update(Feed).values(retired=True, url="https://new.example/"))
        return answer(304, url)

    web.fetch = fetch
    app.poll()
    assert (feeds(app)[0].url, feeds(app)[0].retired) == ("https://new.example/", True)


def test_an_unforeseen_fault_is_the_feeds_own(app, web):
    due(app, "https://a.example/", "https://b.example/")
    web.pages = {"https://a.example/": ZeroDivisionError(), "https://b.example/": RSS.format("")}
    app.poll()
    assert [feed.problem for feed in feeds(app)] == ["It could not be read; the log says why", ""]


# ---------------------------------------------------------------- rhythm and identity


DATED = "<item><guid>{n}</guid><title>No. {n}</title><pubDate>{date:%a, %d %b %Y %H:%M:%S} GMT</pubDate></item>"


def dated(app, *hours: int) -> str:
    return RSS.format("".join(DATED.format(n=n, date=app.clock() - timedelta(hours=n)) for n in hours))


def test_the_rhythm_of_a_feed_decides_when_it_is_asked_again(app, web):
    due(app, "https://a.example/")
    web.pages["https://a.example/"] = dated(app, 2, 22, 42, 62)
    app.poll()
    feed = feeds(app)[0]
    assert feed.gap_seconds == 20 * 3600
    assert feed.newest_at == app.clock() - timedelta(hours=2)
    assert timedelta(hours=5) <= feed.next_poll_at - app.clock() <= timedelta(hours=5.5)


def test_the_rhythm_outlives_an_unchanged_answer(app, web):
    due(app, "https://a.example/")
    web.pages["https://a.example/"] = dated(app, 2, 22, 42, 62)
    app.poll()
    before = feeds(app)[0].rhythm()
    app.clock.move(hours=14)
    web.pages["https://a.example/"] = answer(304, "https://a.example/")
    app.poll()
    assert feeds(app)[0].rhythm() == before


def test_a_silent_feed_is_asked_less_often_until_something_comes(app, web):
    due(app, "https://a.example/")
    web.pages["https://a.example/"] = dated(app, 2, 6, 10, 14)
    app.poll()
    web.pages["https://a.example/"] = answer(304, "https://a.example/")
    app.clock.move(hours=30)
    app.poll()
    assert timedelta(hours=8) <= feeds(app)[0].next_poll_at - app.clock() <= timedelta(hours=8.8)
    app.clock.move(hours=14)
    web.pages["https://a.example/"] = dated(app, 1, 5, 9, 13)
    app.poll()
    assert feeds(app)[0].next_poll_at - app.clock() <= timedelta(hours=1.1)


@pytest.mark.parametrize("date", ["", "<pubDate>Mon, 01 Jan 0001 00:00:00 GMT</pubDate>"])
def test_a_poll_that_brings_undated_news_does_not_count_as_silence(app, web, date):
    due(app, "https://a.example/")
    web.pages["https://a.example/"] = dated(app, 2, 6, 10, 14)
    app.poll()
    app.clock.move(hours=30)
    web.pages["https://a.example/"] = RSS.format(f"<item><guid>new</guid><title>News</title>{date}</item>")
    app.poll()
    assert feeds(app)[0].next_poll_at - app.clock() <= timedelta(hours=1.1)


def test_undated_news_counts_from_when_it_was_seen(app, web):
    due(app, "https://a.example/")
    web.pages["https://a.example/"] = RSS.format(ITEM.format(guid=1, title="One"))
    app.poll()
    assert feeds(app)[0].newest_at == app.clock()


@pytest.mark.parametrize("said", [{"cache_control": "max-age=18000"}, {"expires": "Sun, 22 Nov 2026 14:30:00 GMT"}])
def test_the_publishers_freshness_is_a_floor(app, web, said):
    due(app, "https://a.example/")
    web.pages["https://a.example/"] = answer(304, "https://a.example/", **said)
    app.poll()
    assert feeds(app)[0].next_poll_at - app.clock() >= timedelta(hours=5)


def test_guids_that_change_on_a_rebuild_store_nothing_twice(app, web):
    due(app, "https://a.example/")
    item = "<item><guid>{build}-{n}</guid><title>No. {n}</title><link>https://t.example/{n}</link></item>"

    def publish(build: str, numbers: range) -> None:
        web.pages["https://a.example/"] = RSS.format("".join(item.format(build=build, n=n) for n in numbers))

    publish("first", range(5))
    assert app.poll() == 5
    for build, numbers in (("second", range(5)), ("third", range(6))):
        app.clock.move(hours=14)
        publish(build, numbers)
        app.poll()
    assert titles(app) == [f"No. {n}" for n in range(6)]
    assert feeds(app)[0].identity == "link"


# ---------------------------------------------------------------- hosts that want no requests


def refusals(app, web, *, refused: int, feeds_of_host: int = 5) -> None:
    """A host of which the first feeds answer 429 and the others would be unchanged."""
    urls = [f"https://a.example/{number}" for number in range(feeds_of_host)]
    due(app, *urls)
    for number, url in enumerate(urls):
        web.pages[url] = answer(429, url, retry_after="7200") if number < refused else answer(304, url)


def test_one_refused_feed_holds_up_no_other_of_its_host(app, web):
    refusals(app, web, refused=1)
    app.poll()
    assert len(web.asked) == 5


def test_after_two_refusals_the_rest_of_the_host_waits_as_long_and_counts_no_failure(app, web):
    refusals(app, web, refused=2)
    due(app, "https://b.example/")
    web.pages["https://b.example/"] = answer(304, "https://b.example/")
    app.poll()
    assert sorted(url for url, _ in web.asked) == ["https://a.example/0", "https://a.example/1", "https://b.example/"]
    *_, last, elsewhere = feeds(app)
    assert last.failures == 0
    assert last.problem == "Not asked, because its host wants no requests until 22 Nov 11:30 UTC"
    assert last.next_poll_at >= app.clock() + timedelta(hours=2)
    assert elsewhere.problem == ""


def test_a_host_refuses_across_passes_too(app, web):
    refusals(app, web, refused=2)
    app.poll()
    with app.database.write() as session:
        session.execute(update(Feed).where(Feed.url == "https://a.example/4").values(next_poll_at=app.clock()))
    app.poll()
    assert len(web.asked) == 2
    app.clock.move(hours=3)
    web.pages = {url: answer(304, url) for url in web.pages}
    app.poll()
    assert len(web.asked) == 7
    assert [feed.problem for feed in feeds(app)] == [""] * 5


# ---------------------------------------------------------------- hosts that do not answer


def asked_of(app, web, *outcomes: object) -> int:
    """How many of a host's feeds are asked in a pass in which they come to this, one after the other."""
    urls = [f"https://a.example/{number}" for number in range(len(outcomes))]
    due(app, *urls)
    web.pages = {url: outcome or answer(304, url) for url, outcome in zip(urls, outcomes, strict=True)}
    app.poll()
    return len(web.asked)


TIMEOUT = NoAnswerError("a.example did not answer in full within 20 seconds: it is tried again later.", "a.example")


def test_after_three_requests_without_an_answer_the_rest_of_the_host_waits_and_counts_no_failure(app, web):
    assert asked_of(app, web, TIMEOUT, TIMEOUT, TIMEOUT, None, None) == 3
    *silent, fourth, fifth = feeds(app)
    assert [feed.failures for feed in silent] == [1, 1, 1]
    for feed in (fourth, fifth):
        assert feed.problem == "Not asked, because its host did not answer 3 requests in a row"
        assert (feed.failures, feed.claimed_until) == (0, None)
        assert timedelta(hours=1) <= feed.next_poll_at - app.clock() <= timedelta(hours=1.1)


def test_an_answer_in_between_shows_that_the_host_is_there(app, web):
    assert asked_of(app, web, TIMEOUT, TIMEOUT, None, TIMEOUT, TIMEOUT, None) == 6


@pytest.mark.parametrize(
    "failure",
    [
        NoAnswerError("b.example did not answer", "b.example"),
        RefusedAddressError("a.example leads to 10.0.0.1"),
        FetchError("a.example sent more than 5 bytes"),
    ],
)
def test_a_failure_that_is_no_silence_of_the_host_itself_holds_up_none_of_its_feeds(app, web, failure):
    assert asked_of(app, web, failure, failure, failure, None) == 4
