"""How our polls look from the other side: a real server that keeps account of every request."""

import threading
import time
from collections import Counter, defaultdict
from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest
import week
from sqlalchemy import update

from briefings.adapters.http import HttpFetcher
from briefings.store.feeds import Feed

FEED = b"<rss version='2.0'><channel><title>T</title></channel></rss>"
#: As odd as they come: a weak tag with double spaces and a byte that is no ASCII; a date that no parser would write.
ETAG = 'W/"caf\u00e9  1"'
MODIFIED = "Mon, 2 March 2026  8:00:00 +0100"


class Site(BaseHTTPRequestHandler):
    """Answers as the first part of the path says."""

    def do_GET(self):
        host, server = self.headers["Host"].partition(":")[0], self.server
        with server.lock:
            server.open[host] += 1
            server.most[host] = max(server.most[host], server.open[host])
            server.asked[self.path].append(server.clock())
        getattr(self, f"page_{self.path.split('/')[1]}")()

    def answer(self, status, body=b"", **headers):
        with self.server.lock:  # before the answer leaves: with it the next request may come
            self.server.open[self.headers["Host"].partition(":")[0]] -= 1
            self.server.statuses[status] += 1
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def page_unchanged(self):
        same = (self.headers.get("If-None-Match"), self.headers.get("If-Modified-Since")) == (ETAG, MODIFIED)
        self.answer(304 if same else 200, b"" if same else FEED, ETag=ETAG, Last_Modified=MODIFIED)

    def page_slow(self):
        time.sleep(0.01)
        self.answer(304)

    def page_seconds(self):
        self.answer(429, Retry_After="72000")

    def page_date(self):
        self.answer(503, Retry_After=format_datetime(self.server.clock() + timedelta(hours=20), usegmt=True))

    def page_gone(self):
        self.answer(410)

    def page_broken(self):
        self.answer(500)

    def log_message(self, *args):
        pass


@pytest.fixture
def site(app):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.clock, server.lock = app.clock, threading.Lock()
    server.open, server.most, server.statuses, server.asked = Counter(), Counter(), Counter(), defaultdict(list)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    app.fetcher = HttpFetcher(user_agent="tests", allow_private=True, resolve=lambda _: ["127.0.0.1"])
    yield server
    server.shutdown()
    server.server_close()


def follow(app, site, *pages: str) -> None:
    """Feeds at these pages (`host/path`), due at once."""
    for page in pages:
        host, _, path = page.partition("/")
        week.add_feed(app, f"http://{host}.example:{site.server_port}/{path}")
    with app.database.write() as session:
        session.execute(update(Feed).values(next_poll_at=app.clock()))


def live(app, *, days: float, step: timedelta = timedelta(hours=1)) -> None:
    """Let time pass, polling what is due at every step."""
    for _ in range(int(timedelta(days=days) / step)):
        app.poll()
        app.clock.now += step


def waits(moments: list) -> list[timedelta]:
    return [later - earlier for earlier, later in pairwise(moments)]


def test_unchanged_feeds_are_transferred_once(app, site):
    follow(app, site, *(f"host-{number % 3}/unchanged/{number}" for number in range(6)))
    live(app, days=2)
    assert site.statuses[200] == 6
    assert site.statuses[304] / site.statuses.total() > 0.95


def test_one_host_is_asked_one_thing_at_a_time_even_by_two_workers(app, site):
    follow(app, site, *(f"host-{number % 2}/slow/{number}" for number in range(30)))
    workers = [threading.Thread(target=app.poll) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(site.asked) == 30
    assert site.most == {"host-0.example": 1, "host-1.example": 1}


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_kept(app, site, form):
    follow(app, site, f"host/{form}")
    live(app, days=4)
    moments = site.asked[f"/{form}"]
    assert len(moments) >= 3
    assert all(wait >= timedelta(hours=20) for wait in waits(moments))


def test_a_feed_that_is_gone_is_never_asked_again(app, site):
    follow(app, site, "host/gone")
    live(app, days=30, step=timedelta(hours=12))
    assert len(site.asked["/gone"]) == 1


def test_the_back_off_grows_to_a_day_and_never_ends(app, site):
    follow(app, site, "host/broken")
    live(app, days=20, step=timedelta(hours=2))
    pauses = waits(site.asked["/broken"])
    assert pauses[0] <= timedelta(hours=4)
    assert max(pauses) <= timedelta(hours=28)
    assert len([moment for moment in site.asked["/broken"] if moment > app.clock() - timedelta(days=5)]) >= 4


def test_two_refused_feeds_spare_the_host_the_others(app, site):
    follow(app, site, "host/seconds/1", "host/seconds/2", "host/unchanged/1", "host/unchanged/2", "other/unchanged/3")
    live(app, days=0.5)
    assert set(site.asked) == {"/seconds/1", "/seconds/2", "/unchanged/3"}
