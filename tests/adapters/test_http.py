from __future__ import annotations

import gzip
import threading
import time
import tracemalloc
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpcore
import pytest

from briefings.adapters.http import HttpFetcher
from briefings.errors import FetchError, NoAnswerError, RefusedAddressError

FEED = b"<rss version='2.0'><channel><title>T</title></channel></rss>"
ETAG = 'W/"caf\u00e9-1"'
MODIFIED = "Mon, 02 Mar 2026 08:00:00 GMT"
EXPIRES = "Mon, 02 Mar 2026 09:00:00 GMT"


class Site(BaseHTTPRequestHandler):
    """A small site whose pages misbehave as their paths say."""

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers.items())))
        page = getattr(self, "page_" + self.path.partition("?")[0].strip("/").partition("/")[0].replace("-", "_"))
        page(self.path.rpartition("/")[2])

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def page_feed(self, _):
        if self.headers.get("If-None-Match") == ETAG and self.headers.get("If-Modified-Since") == MODIFIED:
            self.answer(304, ETag=ETAG)
        else:
            kind = {"ETag": ETAG, "Last-Modified": MODIFIED, "Content-Type": "application/rss+xml; charset=utf-8"}
            self.answer(200, FEED, Cache_Control="max-age=600", Expires=EXPIRES, **kind)

    def page_status(self, number):
        self.answer(int(number), b"a page about the error", Retry_After="120")

    def page_permanent(self, hops):
        self.answer(301, Location=f"/permanent/{int(hops) - 1}" if int(hops) > 1 else "/feed")

    def page_kept(self, _):
        self.answer(308, Location="/permanent/1")

    def page_mixed(self, _):
        self.answer(302, Location="/permanent/1")

    def page_loop(self, page):
        self.answer(302, Location="/loop/b" if page == "a" else "/loop/a")

    def page_endless(self, number):
        self.answer(302, Location=f"/endless/{int(number) + 1}")

    def page_nowhere(self, _):
        self.answer(302)

    def page_to(self, _):
        self.answer(302, Location=self.server.location)

    def page_cookie(self, _):
        self.answer(200, FEED, Set_Cookie="a=b")

    def page_huge(self, _):
        self.answer(200, Content_Length=str(30_000_000))

    def page_flood(self, _):
        self.send_response(200)
        self.end_headers()
        self.pour(b"x" * 100_000, times=300, pause=0)

    def page_trickle(self, _):
        self.send_response(200)
        self.end_headers()
        self.pour(b"x", times=60, pause=0.05)

    def page_slow_headers(self, _):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        self.pour(b"x", times=60, pause=0.05)

    def pour(self, piece, times, pause):
        try:
            for _ in range(times):
                self.wfile.write(piece)
                time.sleep(pause)
        except OSError:
            self.close_connection = True  # the fetcher has had enough, as it should

    def page_bomb(self, _):
        self.answer(200, self.server.bomb, Content_Encoding="gzip")

    def page_gzip(self, _):
        self.answer(200, gzip.compress(FEED), Content_Encoding="gzip")

    def page_deflate(self, kind):
        self.answer(
            200, zlib.compress(FEED)[2:-4] if kind == "bare" else zlib.compress(FEED), Content_Encoding="deflate"
        )

    def page_half_gzip(self, _):
        self.answer(200, gzip.compress(FEED)[:-12], Content_Encoding="gzip")

    def page_false_gzip(self, _):
        self.answer(200, FEED, Content_Encoding="gzip")

    def page_brotli(self, _):
        self.answer(200, FEED, Content_Encoding="br")

    def page_truncated(self, _):
        self.answer(200, FEED, Content_Length=str(len(FEED) + 100))

    def page_understated(self, _):
        self.answer(200, FEED, Content_Length="10")

    def page_nonsense(self, _):
        self.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    zeros = zlib.compressobj(9, zlib.DEFLATED, 31)
    server.bomb = b"".join(zeros.compress(bytes(10_000_000)) for _ in range(3)) + zeros.flush()
    server.seen = []
    server.location = ""
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def home(site):
    return f"http://127.0.0.1:{site.server_port}"


class Public(httpcore.NetworkBackend):
    """A network on which every address is the small site; it notes the addresses that were dialled."""

    def __init__(self):
        self.dialled = []

    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        self.dialled.append(host)
        return httpcore.SyncBackend().connect_tcp("127.0.0.1", port, timeout)


def fetcher(**options):
    return HttpFetcher(user_agent="Briefings test", **{"allow_private": True, "deadline": 5.0, **options})


# ---------------------------------------------------------------- what is given back


def test_a_feed_comes_with_its_body_and_validators(home):
    got = fetcher().fetch(f"{home}/feed#part")
    assert (got.status, got.url, got.moved_to, got.body) == (200, f"{home}/feed", None, FEED)
    assert got.content_type == "application/rss+xml; charset=utf-8"
    assert (got.etag, got.last_modified) == (ETAG, MODIFIED)
    assert (got.cache_control, got.expires) == ("max-age=600", EXPIRES)
    assert got.retry_after is None


def test_validators_go_back_byte_for_byte_and_an_unchanged_feed_is_a_304(home):
    first = fetcher().fetch(f"{home}/feed")
    again = fetcher().fetch(f"{home}/feed", etag=first.etag, last_modified=first.last_modified)
    assert (again.status, again.body, again.etag) == (304, b"", ETAG)


def test_the_request_says_who_asks_and_for_what(home, site):
    fetcher().fetch(f"{home}/feed?headers")
    headers = next(headers for path, headers in reversed(site.seen) if path == "/feed?headers")
    assert headers["User-Agent"] == "Briefings test"
    assert "application/atom+xml" in headers["Accept"]
    assert headers["Accept-Encoding"] == "gzip, deflate"
    assert "If-None-Match" not in headers


@pytest.mark.parametrize("status", [404, 410, 429, 500, 503])
def test_any_status_is_an_answer_without_a_body(home, status):
    got = fetcher().fetch(f"{home}/status/{status}")
    assert (got.status, got.body, got.retry_after) == (status, b"", "120")


def test_no_cookie_is_kept(home, site):
    client = fetcher()
    client.fetch(f"{home}/cookie")
    client.fetch(f"{home}/cookie")
    assert "Cookie" not in site.seen[-1][1]


# ---------------------------------------------------------------- redirects


@pytest.mark.parametrize("page", ["permanent/3", "kept"])
def test_permanent_redirects_tell_where_the_feed_moved(home, page):
    got = fetcher().fetch(f"{home}/{page}")
    assert (got.status, got.url, got.moved_to) == (200, f"{home}/feed", f"{home}/feed")


def test_one_temporary_redirect_means_that_the_feed_has_not_moved(home):
    got = fetcher().fetch(f"{home}/mixed")
    assert (got.url, got.moved_to, got.body) == (f"{home}/feed", None, FEED)


def test_a_circle_of_redirects_ends(home):
    with pytest.raises(FetchError, match=r"127.0.0.1 redirects in a circle"):
        fetcher().fetch(f"{home}/loop/a")


def test_too_many_redirects_end(home, site):
    site.seen.clear()
    with pytest.raises(FetchError, match="more than 5 times"):
        fetcher().fetch(f"{home}/endless/0")
    assert len(site.seen) == 6


def test_a_redirect_to_nowhere_is_an_error_in_words(home):
    with pytest.raises(FetchError, match="without saying where to"):
        fetcher().fetch(f"{home}/nowhere")


def redirected(site, location, **options):
    site.location = location
    network = Public()
    names = {"feed.example": ["93.184.216.34"], "inner.example": ["10.0.0.7"]}
    client = fetcher(allow_private=False, network=network, resolve=names.__getitem__, **options)
    return client, network, f"http://feed.example:{site.server_port}/to"


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://inner.example/",
        "//127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://127.0.0.1./",
        "file:///etc/passwd",
        "ftp://feed.example/",
        "http://user:secret@feed.example/",
        "http://[::1",
    ],
)
def test_a_redirect_from_a_public_host_to_anything_inner_or_odd_is_refused(site, location):
    client, network, url = redirected(site, location)
    with pytest.raises(FetchError):
        client.fetch(url)
    assert network.dialled == ["93.184.216.34"]


def test_a_refusal_names_the_host_and_the_remedy(site):
    client, _, url = redirected(site, "http://inner.example/")
    with pytest.raises(RefusedAddressError, match=r"inner.example leads to 10.0.0.7, which is not public: use"):
        client.fetch(url)


def test_a_redirect_from_https_to_http_is_refused():
    answer = b"HTTP/1.1 301 Moved\r\nLocation: http://feed.example/\r\nContent-Length: 0\r\n\r\n"
    client = fetcher(network=httpcore.MockBackend([answer]), resolve=lambda _: ["93.184.216.34"])
    with pytest.raises(RefusedAddressError, match=r"from https to the unprotected feed.example"):
        client.fetch("https://feed.example/")


# ---------------------------------------------------------------- addresses


def test_a_name_that_changes_its_address_is_dialled_where_it_was_checked(site):
    answers = [["93.184.216.34"], ["127.0.0.1"]]
    network = Public()
    client = fetcher(allow_private=False, network=network, resolve=lambda _: answers.pop(0))
    assert client.fetch(f"http://feed.example:{site.server_port}/feed").body == FEED
    assert network.dialled == ["93.184.216.34"]
    with pytest.raises(RefusedAddressError, match=r"127.0.0.1, which is not public"):
        client.fetch(f"http://feed.example:{site.server_port}/feed")


def test_the_site_is_asked_by_its_name_though_dialled_by_its_address(site):
    client, _, _ = redirected(site, "")
    client.fetch(f"http://feed.example:{site.server_port}/feed")
    assert site.seen[-1][1]["Host"] == f"feed.example:{site.server_port}"


def test_a_certificate_is_checked_for_the_name_and_not_for_the_address():
    asked = []

    class Stream(httpcore.MockStream):
        def start_tls(self, ssl_context, server_hostname=None, timeout=None):
            asked.append((server_hostname, ssl_context.check_hostname, ssl_context.verify_mode.name))
            return self

    class Secure(Public):
        def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
            self.dialled.append(host)
            return Stream([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"])

    network = Secure()
    client = fetcher(allow_private=False, network=network, resolve=lambda _: ["93.184.216.34"])
    assert client.fetch("https://feed.example/").body == b"ok"
    assert network.dialled == ["93.184.216.34"]
    assert asked == [("feed.example", True, "CERT_REQUIRED")]


def test_a_private_address_is_refused_unless_allowed(home):
    with pytest.raises(RefusedAddressError, match="not public"):
        fetcher(allow_private=False).fetch(f"{home}/feed")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "feed.example",
        "gopher://feed.example/",
        "http://",
        "http://a:b@feed.example/",
        "http://[",
        "http://\x00/",
        "http://127.1/",
        "http://localhost./",
        "file:///etc/passwd",
    ],
)
def test_an_address_that_is_not_plain_http_is_refused_even_where_private_ones_are_allowed(url):
    with pytest.raises(RefusedAddressError):
        fetcher().fetch(url)


def test_a_name_that_does_not_exist_is_an_error_in_words():
    def resolve(host):
        raise OSError(-2, "Name or service not known")

    with pytest.raises(NoAnswerError, match=r"nowhere.example could not be found .* check the spelling") as caught:
        fetcher(resolve=resolve).fetch("http://nowhere.example/")
    assert caught.value.host == "nowhere.example"


# ---------------------------------------------------------------- size


@pytest.mark.parametrize("page", ["huge", "flood"])
def test_a_body_of_thirty_megabytes_is_refused(home, page):
    with pytest.raises(FetchError, match=r"127.0.0.1 sent more than 5,000,000 bytes"):
        fetcher().fetch(f"{home}/{page}")


def test_a_bomb_is_never_unpacked_beyond_the_limit(home, site):
    assert len(site.bomb) < 50_000
    tracemalloc.start()
    with pytest.raises(FetchError, match="sent more than 1,000,000 bytes"):
        fetcher(max_bytes=1_000_000).fetch(f"{home}/bomb")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


def test_a_packed_body_is_limited_as_received(home):
    with pytest.raises(FetchError, match="more than 20 bytes"):
        fetcher(max_compressed_bytes=20).fetch(f"{home}/gzip")


def test_a_body_of_exactly_the_limit_is_accepted(home):
    assert fetcher(max_bytes=len(FEED)).fetch(f"{home}/gzip").body == FEED


@pytest.mark.parametrize("page", ["gzip", "deflate/zlib", "deflate/bare"])
def test_a_packed_body_is_unpacked(home, page):
    assert fetcher().fetch(f"{home}/{page}").body == FEED


@pytest.mark.parametrize(
    ("page", "said"),
    [("half_gzip", "breaks off"), ("false_gzip", "failed"), ("brotli", "br, for which we did not ask")],
)
def test_a_badly_packed_body_is_an_error_in_words(home, page, said):
    with pytest.raises(FetchError, match=said):
        fetcher().fetch(f"{home}/{page}")


# ---------------------------------------------------------------- faults


@pytest.mark.parametrize("page", ["trickle", "slow-headers"])
def test_a_byte_at_a_time_ends_at_the_deadline(home, page):
    started = time.monotonic()
    with pytest.raises(NoAnswerError, match=r"127.0.0.1 did not answer in full within 0.3 seconds") as caught:
        fetcher(deadline=0.3).fetch(f"{home}/{page}")
    assert caught.value.host == "127.0.0.1"
    assert time.monotonic() - started < 1.5


def test_the_deadline_counts_all_hops_together(home):
    ticks = iter(range(100))
    with pytest.raises(FetchError, match="within 9 seconds"):
        fetcher(deadline=9, clock=lambda: float(next(ticks))).fetch(f"{home}/permanent/5")


def test_a_truncated_body_is_an_error_in_words(home):
    with pytest.raises(FetchError, match=r"The exchange with 127.0.0.1 failed") as caught:
        fetcher().fetch(f"{home}/truncated")
    assert not isinstance(caught.value, NoAnswerError)


def test_a_body_longer_than_announced_ends_where_announced(home):
    assert fetcher().fetch(f"{home}/understated").body == FEED[:10]


def test_a_server_that_does_not_speak_http_is_an_error_in_words(home):
    with pytest.raises(FetchError, match="failed"):
        fetcher().fetch(f"{home}/nonsense")


def test_a_closed_port_is_an_error_in_words():
    with pytest.raises(NoAnswerError, match="refused") as caught:
        fetcher().fetch("http://127.0.0.1:1/")
    assert caught.value.host == "127.0.0.1"
