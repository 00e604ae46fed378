from datetime import timedelta

import pytest
import week
from sqlalchemy import select, update

from briefings.adapters.http import Fetched
from briefings.errors import FetchError
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


def test_the_same_guid_fifty_times_is_one_item(app, web):
    due(app, "https://a.example/")
    web.pages["https://a.example/"] = RSS.format("".join(ITEM.format(guid=1, title=f"No. {n}") for n in range(50)))
    assert app.poll() == 1
    app.clock.move(hours=3)
    web.pages["https://a.example/"] += " "
    assert app.poll() == 0
    assert titles(app) == ["No. 0"]


def test_an_edit_of_the_publisher_updates_the_item_and_asks_for_new_tags(app, web):
    due(app, "https://a.example/")
    web.pages["https://a.example/"] = RSS.format(ITEM.format(guid=1, title="vLLM is fast"))
    app.poll()
    app.tag()
    web.pages["https://a.example/"] = RSS.format(ITEM.format(guid=1, title="vLLM is faster"))
    app.clock.move(hours=3)
    assert app.poll() == 0
    assert titles(app) == ["vLLM is faster"]
    assert app.tag() == 1


def test_validators_are_sent_back_as_they_came(app, web):
    due(app, "https://a.example/")
    etag = 'W/"strange  etag"'
    web.pages["https://a.example/"] = answer(200, "https://a.example/", body=RSS.format("").encode(), etag=etag)
    app.poll()
    app.clock.move(hours=3)
    web.pages["https://a.example/"] = answer(304, "https://a.example/")
    app.poll()
    app.clock.move(hours=3)
    app.poll()
    assert [etag for _, etag in web.asked] == [None, etag, etag]


def test_an_unchanged_body_costs_no_parse(app, web, monkeypatch):
    due(app, "https://a.example/")
    web.pages["https://a.example/"] = RSS.format(ITEM.format(guid=1, title="One"))
    app.poll()
    app.clock.move(hours=3)
    monkeypatch.setattr("briefings.adapters.feed_parser.parse", lambda *_, **__: pytest.fail("parsed again"))
    assert app.poll() == 0


def test_a_permanent_redirect_is_believed_at_the_third_time(app, web):
    due(app, "https://old.example/")
    moved = answer(200, "https://new.example/", moved_to="https://new.example/", body=RSS.format("").encode())
    web.pages = {"https://old.example/": moved, "https://new.example/": RSS.format("")}
    for _ in range(3):
        assert feeds(app)[0].url == "https://old.example/"
        app.poll()
        app.clock.move(hours=3)
    assert feeds(app)[0].url == "https://new.example/"


def test_a_feed_that_moved_to_one_we_have_is_retired(app, web):
    due(app, "https://old.example/", "https://new.example/")
    moved = answer(200, "https://new.example/", moved_to="https://new.example/", body=RSS.format("").encode())
    web.pages = {"https://old.example/": moved, "https://new.example/": RSS.format("")}
    for _ in range(3):
        app.poll()
        app.clock.move(hours=3)
    old, new = feeds(app)
    assert old.retired
    assert "which we poll already" in old.problem
    assert not new.retired


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
