from __future__ import annotations

import httpcore
import pytest

from briefings.adapters.network import GuardedNetwork, check_spelling, is_public
from briefings.errors import FetchError, RefusedAddressError


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_a_public_address_is_public(address):
    assert is_public(address)


INNER = (
    "127.0.0.1 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 240.0.0.1 255.255.255.255"
    " ::1 :: fe80::1 fe80::1%eth0 fc00::1 ff02::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:169.254.169.254"
    " 64:ff9b::7f00:1 64:ff9b:1::7f00:1 2002:7f00:1:: 2002:a9fe:a9fe:: 2001:db8::1 2001::1"
)


@pytest.mark.parametrize("address", INNER.split())
def test_an_inner_address_is_not_public_however_it_is_wrapped(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0x7f.1",
        "1.2.3",
        "localhost.",
        "a.example.",
        ".a",
        "a b",
        "",
        "127.0.0.1.",
        "a%00.example",
        "a/b",
        "[::1]",
        "a.0x1",
    ],
)
def test_an_odd_spelling_of_a_host_is_refused(host):
    with pytest.raises(RefusedAddressError, match="plain name"):
        check_spelling(host)


@pytest.mark.parametrize(
    "host", ["feeds.example", "localhost", "xn--bcher-kva.example", "a_b.example", "127.0.0.1", "::1"]
)
def test_a_plain_host_is_accepted(host):
    check_spelling(host)  # an odd one would raise


class Dialled(httpcore.NetworkBackend):
    """A network that notes what was dialled and reaches only the addresses in `alive`."""

    def __init__(self, *alive):
        self.alive = alive
        self.calls = []

    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        self.calls.append((host, port))
        if host not in self.alive:
            raise httpcore.ConnectError("no route")
        return httpcore.MockStream([b"x"])


def guarded(network, addresses, *, allow_private=False, clock=lambda: 0.0):
    return GuardedNetwork(allow_private=allow_private, resolve=lambda _: addresses, network=network, clock=clock)


def test_the_checked_address_is_the_one_that_is_dialled():
    network = Dialled("8.8.8.8")
    guarded(network, ["8.8.8.8"]).connect_tcp("feed.example", 443, 1.0)
    assert network.calls == [("8.8.8.8", 443)]


def test_one_private_address_among_public_ones_refuses_the_host():
    network = Dialled("8.8.8.8")
    with pytest.raises(RefusedAddressError, match=r"feed.example leads to 10.0.0.1, which is not public"):
        guarded(network, ["8.8.8.8", "10.0.0.1"]).connect_tcp("feed.example", 80, 1.0)
    assert network.calls == []


def test_an_address_that_does_not_answer_is_followed_by_the_next():
    network = Dialled("8.8.8.8")
    guarded(network, ["2606:4700::1111", "8.8.8.8"]).connect_tcp("feed.example", 80, 1.0)
    assert [host for host, _ in network.calls] == ["2606:4700::1111", "8.8.8.8"]


def test_no_more_than_four_addresses_are_tried():
    network = Dialled()
    with pytest.raises(httpcore.ConnectError):
        guarded(network, [f"8.8.8.{n}" for n in range(9)]).connect_tcp("feed.example", 80, 1.0)
    assert len(network.calls) == 4


def test_a_host_without_addresses_is_an_error_in_words():
    with pytest.raises(FetchError, match=r"feed.example has no address"):
        guarded(Dialled(), []).connect_tcp("feed.example", 80, 1.0)


def test_a_host_name_that_no_resolver_takes_is_an_error_in_words():
    def resolve(host):
        return host.encode("idna")

    network = GuardedNetwork(allow_private=False, resolve=resolve, network=Dialled(), clock=lambda: 0.0)
    with pytest.raises(FetchError, match="could not be found"):
        network.connect_tcp("a" * 70 + ".example", 80, 1.0)


def test_a_connection_ends_with_its_budget():
    now = [0.0]
    stream = guarded(Dialled("8.8.8.8"), ["8.8.8.8"], clock=lambda: now[0]).connect_tcp("feed.example", 80, 5.0)
    now[0] = 4.9
    assert stream.read(10) == b"x"
    now[0] = 5.0
    with pytest.raises(httpcore.ReadTimeout):
        stream.read(10, timeout=60.0)
    with pytest.raises(httpcore.ReadTimeout):
        stream.write(b"y", timeout=60.0)
