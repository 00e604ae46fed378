import smtplib
import tracemalloc

import pytest
from sent_mail import add_sent, bounce, state_of

from briefings.adapters import bounce_listener
from briefings.adapters.bounce_listener import BounceListener
from briefings.embedded import free_port
from briefings.errors import DependencyError
from briefings.settings import Address


@pytest.fixture
def address():
    return Address("127.0.0.1", free_port())


@pytest.fixture
def listener(app, address):
    listener = BounceListener(address, "briefings.example", app.taking_in.one)
    listener.start()
    yield listener
    listener.stop()


@pytest.fixture(params=[smtplib.SMTP, smtplib.LMTP])
def client(request, listener, address):
    with request.param(address.host, address.port) as client:
        yield client


def hand_over(client, raw: bytes, to: str) -> tuple[int, bytes]:
    client.ehlo_or_helo_if_needed()
    client.mail("")
    code, words = client.rcpt(to)
    return client.data(raw) if code == 250 else (code, words)


def test_a_bounce_is_taken_by_the_address_of_its_envelope(app, client):
    add_sent(app, "aa")
    raw = bounce("ff" * 16, to="undisclosed")
    assert hand_over(client, raw, "b+aa@briefings.example") == (250, b"2.0.0 bounced")
    assert state_of(app, "aa") == "bounced"


def test_what_is_no_bounce_goes_to_the_review_box(app, client):
    assert hand_over(client, b"Subject: Thank you\r\n\r\n", "b+aa@briefings.example") == (250, b"2.0.0 not-a-bounce")
    assert app.review.count() == 1


def test_other_domains_are_refused(client):
    assert hand_over(client, bounce("aa"), "ana@readers.example")[0] == 550


def test_a_second_recipient_comes_in_a_mail_of_its_own(client):
    client.ehlo_or_helo_if_needed()
    client.mail("")
    assert client.rcpt("b+aa@briefings.example")[0] == 250
    assert client.rcpt("b+bb@briefings.example")[0] == 452


def test_a_mail_that_is_too_large_is_refused_and_the_next_is_taken(app, client):
    add_sent(app, "aa")
    huge = b"Subject: x\r\n\r\n" + b"y" * 900 + b"\r\n"
    huge += (b"z" * 900 + b"\r\n") * (bounce_listener.LARGEST_MAIL // 902)
    assert hand_over(client, huge, "b+aa@briefings.example")[0] == 552
    assert hand_over(client, bounce("aa"), "b+aa@briefings.example")[0] == 250
    assert state_of(app, "aa") == "bounced"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("ending", "refusal"), [(b"\r\n", 552), (b"", 500)], ids=["lines", "one-line"])
def test_forty_megabytes_are_refused_and_never_in_memory(app, listener, address, ending, refusal):
    add_sent(app, "aa")
    piece = (b"x" * 960 + ending) * 100
    with smtplib.LMTP(address.host, address.port) as client:
        client.ehlo_or_helo_if_needed()
        client.mail("")
        client.rcpt("b+aa@briefings.example")
        client.docmd("DATA")
        tracemalloc.start()
        for _ in range(40_000_000 // len(piece)):
            client.sock.sendall(piece)
        client.sock.sendall(b"\r\n.\r\n")
        assert client.getreply()[0] == refusal
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert hand_over(client, bounce("aa"), "b+aa@briefings.example")[0] == 250
    assert most < 2 * bounce_listener.LARGEST_MAIL


@pytest.mark.parametrize("trouble", [DependencyError("The database does not answer"), OSError("full"), KeyError("x")])
def test_what_cannot_be_written_down_stays_with_its_server(address, trouble):
    def take(mail):
        raise trouble

    listener = BounceListener(address, "briefings.example", take)
    listener.start()
    with smtplib.SMTP(address.host, address.port) as client:
        assert hand_over(client, bounce("aa"), "b+aa@briefings.example")[0] == 451
    listener.stop()
