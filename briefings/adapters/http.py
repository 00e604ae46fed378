"""The only way a feed is fetched: bounded in bytes, seconds and hops, and from public addresses only."""

from __future__ import annotations

import time
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Protocol

import httpcore
import httpx

from briefings.adapters.network import GuardedNetwork, GuardedTransport, addresses_of
from briefings.adapters.text import plain
from briefings.errors import FetchError, NoAnswerError, RefusedAddressError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

OK = 200
PERMANENT_REDIRECTS = {301, 308}
REDIRECTS = {301, 302, 303, 307, 308}
ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.5"
)
#: For zlib: find out from the first bytes whether it is gzip or zlib; and deflate without any header.
GZIP_OR_ZLIB, BARE_DEFLATE = 47, -15
GZIP_START = b"\x1f"

TIMEOUTS = (httpx.TimeoutException, httpcore.TimeoutException)
FAULTS = (httpx.HTTPError, httpx.InvalidURL, httpcore.NetworkError, httpcore.ProtocolError, zlib.error, OSError)


@dataclass(frozen=True)
class Fetched:
    """What a feed's server answered, whatever the status. The body is decoded, and empty unless status is 200."""

    status: int
    url: str  #: the address that answered, after all redirects
    moved_to: str | None  #: the same, when every redirect on the way was permanent (301, 308); else None
    body: bytes
    content_type: str
    etag: str | None  #: opaque: send back byte for byte
    last_modified: str | None  #: opaque: send back byte for byte
    retry_after: str | None
    cache_control: str | None
    expires: str | None = None


class Fetcher(Protocol):
    """Something that fetches feeds."""

    def fetch(self, url: str, *, etag: str | None = None, last_modified: str | None = None) -> Fetched:
        """Get `url`, unless it is as `etag` and `last_modified` of the last answer say.

        Raises FetchError, whose message names the host and says what happened; NoAnswerError when it did not answer.
        """


@dataclass(kw_only=True)
class HttpFetcher:
    """Fetches over HTTP(S). Thread-safe; keeps no connection, no cookie, and asks no proxy."""

    user_agent: str
    allow_private: bool = False  #: for feeds on this machine: the demo and the tests
    max_bytes: int = 5_000_000  #: after decompression
    max_compressed_bytes: int = 5_000_000  #: as received
    deadline: float = 20.0  #: seconds, for all hops and the body together
    max_redirects: int = 5
    clock: Callable[[], float] = time.monotonic
    resolve: Callable[[str], Sequence[str]] = addresses_of
    network: httpcore.NetworkBackend = field(default_factory=httpcore.SyncBackend)

    def __post_init__(self) -> None:
        guarded = GuardedNetwork(
            allow_private=self.allow_private, resolve=self.resolve, network=self.network, clock=self.clock
        )
        self._client = httpx.Client(
            transport=GuardedTransport(guarded, httpx.create_ssl_context(trust_env=False)),
            trust_env=False,
            follow_redirects=False,
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        )

    def fetch(self, url: str, *, etag: str | None = None, last_modified: str | None = None) -> Fetched:
        """Get `url` and follow its redirects; see `Fetcher.fetch`."""
        until = self.clock() + self.deadline
        headers = self._headers(etag, last_modified)
        hops, statuses = [_checked(url)], list[int]()
        while len(statuses) <= self.max_redirects:
            here = hops[-1]
            with self._answer(here, headers, until) as response:
                if response.status_code not in REDIRECTS:
                    moved = bool(statuses) and PERMANENT_REDIRECTS.issuperset(statuses)
                    return self._fetched(response, here, moved=moved)
                hops.append(_target(here, response))
                statuses.append(response.status_code)
            if hops[-1] in hops[:-1]:
                raise FetchError(f"{here.host} redirects in a circle: look for the feed's present address.")
        message = f"{hops[0].host} redirects more than {self.max_redirects} times: look for the feed's present address."
        raise FetchError(message)

    def _headers(self, etag: str | None, last_modified: str | None) -> list[tuple[bytes, bytes]]:
        headers = {
            "User-Agent": self.user_agent,
            "Accept": ACCEPT,
            "Accept-Encoding": "gzip, deflate",  # what we can decode in bounded steps
            "Connection": "close",
            "If-None-Match": etag,
            "If-Modified-Since": last_modified,
        }
        # Latin-1 is how the bytes of the validators came in, so they go out unchanged.
        return [(name.encode(), value.encode("latin-1", "ignore")) for name, value in headers.items() if value]

    @contextmanager
    def _answer(self, url: httpx.URL, headers: list[tuple[bytes, bytes]], until: float) -> Iterator[httpx.Response]:
        """The answer of one hop; every fault until the block ends becomes a FetchError in words."""
        left = until - self.clock()
        try:
            if left <= 0:
                raise httpcore.ReadTimeout
            with self._client.stream("GET", url, headers=headers, timeout=left) as response:
                yield response
        except TIMEOUTS as error:
            message = f"{url.host} did not answer in full within {self.deadline:g} seconds: it is tried again later."
            raise NoAnswerError(message, url.host) from error
        except FAULTS as error:
            cause = plain(str(error), 200) or type(error).__name__
            message = f"The exchange with {url.host} failed ({cause}): open the feed's address in a browser to compare."
            unreached = isinstance(error, httpcore.NetworkError)
            raise (NoAnswerError(message, url.host) if unreached else FetchError(message)) from error

    def _fetched(self, response: httpx.Response, url: httpx.URL, *, moved: bool) -> Fetched:
        return Fetched(
            status=response.status_code,
            url=str(url),
            moved_to=str(url) if moved else None,
            body=self._body(response, url.host) if response.status_code == OK else b"",
            content_type=_header(response, "content-type") or "",
            etag=_header(response, "etag"),
            last_modified=_header(response, "last-modified"),
            retry_after=_header(response, "retry-after"),
            cache_control=_header(response, "cache-control"),
            expires=_header(response, "expires"),
        )

    def _body(self, response: httpx.Response, host: str) -> bytes:
        """The decoded body. It is inflated in steps, so a bomb is never held in memory beyond `max_bytes`."""
        decoder = _Decoder(_header(response, "content-encoding") or "", host)
        declared = _header(response, "content-length") or ""
        received, body = int(declared) if declared.isdecimal() else 0, bytearray()
        self._check_size(received, self.max_compressed_bytes, host)
        received = 0
        for chunk in response.iter_raw():
            received += len(chunk)
            self._check_size(received, self.max_compressed_bytes, host)
            body += decoder.decode(chunk, self.max_bytes + 1 - len(body))
            self._check_size(len(body), self.max_bytes, host)
        decoder.finish()
        return bytes(body)

    def _check_size(self, size: int, most: int, host: str) -> None:
        if size > most:
            raise FetchError(f"{host} sent more than {most:,} bytes: look for a shorter feed of the same site.")


class _Decoder:
    """Undoes a Content-Encoding, a bounded step at a time."""

    def __init__(self, encoding: str, host: str) -> None:
        self._host = host
        self._packed = encoding.strip().lower() in {"gzip", "x-gzip", "deflate"}
        self._zlib: zlib._Decompress | None = None
        if not self._packed and encoding.strip().lower() not in {"", "identity"}:
            shown = plain(encoding, 50)
            raise FetchError(f"{host} packs its feed as {shown}, for which we did not ask: tell its webmaster.")

    def decode(self, chunk: bytes, room: int) -> bytes:
        """At most `room` (at least 1) bytes of content; as many as `room` means that there is too much."""
        if not self._packed or not chunk:
            return chunk
        if self._zlib is None:
            has_header = chunk[:1] == GZIP_START or chunk[0] & 0x0F == zlib.DEFLATED
            self._zlib = zlib.decompressobj(GZIP_OR_ZLIB if has_header else BARE_DEFLATE)
        return self._zlib.decompress(chunk, room)

    def finish(self) -> None:
        """Raise FetchError if the packed content stops before its end."""
        if self._zlib is not None and not self._zlib.eof:
            raise FetchError(f"{self._host} sent a packed feed that breaks off: it is tried again later.")


def _checked(url: str) -> httpx.URL:
    """The address, which is http(s), has a host and no password. Raises RefusedAddressError."""
    try:
        parsed = httpx.URL(url).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError) as error:
        raise RefusedAddressError(f"{plain(url, 200)} is not a web address: correct it.") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise RefusedAddressError(f"{plain(url, 200)} is not an http or https address: use one that is.")
    if parsed.userinfo:
        raise RefusedAddressError(f"The address at {parsed.host} holds a user name or password: use one without.")
    return parsed


def _target(here: httpx.URL, response: httpx.Response) -> httpx.URL:
    """Where a redirect leads. Raises RefusedAddressError, FetchError, or httpx.InvalidURL."""
    location = response.headers.get("location")
    if not location:
        raise FetchError(f"{here.host} redirects without saying where to: look for the feed's present address.")
    target = _checked(str(here.join(location)))
    if here.scheme == "https" and target.scheme == "http":
        message = f"{here.host} redirects from https to the unprotected {target.host}: use an https address."
        raise RefusedAddressError(message)
    return target


def _header(response: httpx.Response, name: str) -> str | None:
    """A header's first value, each byte one character, so that encoding it as Latin-1 gives the same bytes."""
    wanted = name.encode()
    return next((value.decode("latin-1") for key, value in response.headers.raw if key.lower() == wanted), None)
