"""The only door to the internet: it resolves a host, checks every address, and connects to what it checked.

Whoever checks a name first and lets a library resolve it again can be shown two different addresses (DNS
rebinding). Here one place does both, below TLS, so certificates are still verified for the host's name.
"""

from __future__ import annotations

import ipaddress
import math
import re
import socket
from typing import TYPE_CHECKING

import httpcore
import httpx

from briefings.adapters.text import plain
from briefings.errors import FetchError, NoAnswerError, RefusedAddressError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: How many of a host's addresses we try; the time that is left is shared among them.
MOST_ADDRESSES = 4
#: IPv6 addresses that carry an IPv4 address to which a gateway may forward.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
#: What a browser reads as an IPv4 address: its last label is a number (`2130706433`, `0x7f.1`, `127.1`).
ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:0x[0-9a-f]*|\d+)", re.IGNORECASE)
HOST_NAME = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?", re.IGNORECASE)


def addresses_of(host: str) -> list[str]:
    """The IP addresses of a host, by the system's resolver (whose own time-out applies). Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, seen through IPv4-in-IPv6 wrappings."""
    ip = _unwrapped(ipaddress.ip_address(address))
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def check_spelling(host: str) -> None:
    """Raise RefusedAddressError unless `host` is a plain host name or a plain IP address."""
    if _is_ip(host):
        return
    if ENDS_IN_NUMBER.fullmatch(host) or not HOST_NAME.fullmatch(host):
        shown = plain(host, 100) or "(none)"
        raise RefusedAddressError(f"The host {shown} is written in a way we do not connect to: use its plain name.")


class GuardedNetwork(httpcore.NetworkBackend):
    """Connects to public addresses only (all, when `allow_private`), each connection with one time budget.

    `resolve` gives a host's addresses; `network` makes the connection itself; `clock` counts seconds.
    """

    def __init__(
        self,
        *,
        allow_private: bool,
        resolve: Callable[[str], Sequence[str]],
        network: httpcore.NetworkBackend,
        clock: Callable[[], float],
    ) -> None:
        self._allow_private = allow_private
        self._resolve = resolve
        self._network = network
        self._clock = clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to a checked address of `host`; `timeout` (seconds) bounds all that the connection does.

        Raises RefusedAddressError, NoAnswerError (no such host), FetchError (no address), or httpcore's own errors.
        """
        until = self._clock() + (math.inf if timeout is None else timeout)
        addresses = self._checked(host)[:MOST_ADDRESSES]
        for untried, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            share = max(until - self._clock(), 0.001) / untried
            try:
                stream = self._network.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if untried == 1:
                    raise
            else:
                return _TimedStream(stream, until, self._clock)
        raise FetchError(f"{host} has no address: check the spelling of the feed's address.")

    def _checked(self, host: str) -> list[str]:
        check_spelling(host)
        try:
            addresses = [host] if _is_ip(host) else list(dict.fromkeys(self._resolve(host)))
        except (OSError, UnicodeError) as error:
            message = f"{host} could not be found ({error}): check the spelling of the feed's address."
            raise NoAnswerError(message, host) from error
        for address in addresses:
            if not (self._allow_private or is_public(address)):
                message = f"{host} leads to {address}, which is not public: use the feed's public address."
                raise RefusedAddressError(message)
        return addresses


class GuardedTransport(httpx.BaseTransport):
    """Carries httpx's requests over a GuardedNetwork, each over a connection of its own.

    Built on public parts only: if an upgrade renames one, this fails; it can never quietly lose the guard.
    Raises httpcore's errors, not httpx's.
    """

    def __init__(self, network: GuardedNetwork, ssl_context: ssl.SSLContext) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context,
            max_connections=None,
            max_keepalive_connections=0,  # a kept connection would outlive the check of its address
            network_backend=network,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and give its answer, the body unread."""
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer))


class _Body(httpx.SyncByteStream):
    """An answer's body, as it arrives."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _TimedStream(httpcore.NetworkStream):
    """A connection that ends at `until`, however many small reads it is asked for."""

    def __init__(self, stream: httpcore.NetworkStream, until: float, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._until = until
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - our budget is stricter
        return self._stream.read(max_bytes, self._left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - our budget is stricter
        self._stream.write(buffer, self._left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - our budget is stricter
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._left())
        return _TimedStream(secured, self._until, self._clock)

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)

    def _left(self) -> float | None:
        left = self._until - self._clock()
        if left <= 0:
            raise httpcore.ReadTimeout
        return None if math.isinf(left) else left


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _unwrapped(ip: Address) -> Address:
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip
