"""A relay to which no mail may be given: it waits, and whoever looks is told why, without the password."""

import socket
import traceback
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import services
import week
from services import Porter
from week import MONDAY_EVENING

from briefings.adapters import mailer
from briefings.chaos import certificates
from briefings.errors import DependencyError
from briefings.settings import Relay

PASSWORD = "canary-of-a-password"
LONG_AGO = datetime.now(UTC) - timedelta(days=400)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def waiting(app):
    """A briefing is due."""
    week.enrol(app)
    app.compose()
    app.clock.now = MONDAY_EVENING
    return app


@pytest.fixture
def secured(tmp_path, monkeypatch):
    """Makes the TLS of a relay, whose certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    return lambda start=None: certificates.server(tmp_path, start)


@contextmanager
def relay_of(app, tls, *, user="ana", host="127.0.0.1", **options):
    """A relay that the app is to use."""
    relay = services.Relay(**options).start()
    app.settings = replace(app.settings, relays=(Relay(host, relay.port, tls, user, PASSWORD if user else ""),))
    try:
        yield relay
    finally:
        relay.stop()


def assert_it_waits(app, words: str) -> None:
    """Nothing was tried; the log's words and doctor's say why, and not with which password."""
    with pytest.raises(DependencyError, match=words) as refusal:
        app.deliver()
    (delivery,) = week.deliveries(app)
    assert (delivery.state, delivery.attempts, delivery.epoch) == ("queued", 0, 0)
    assert app.relay_words() == [str(refusal.value)]
    assert PASSWORD not in "".join(traceback.format_exception(refusal.value))


def test_a_relay_that_is_as_it_should_be_gets_the_mail(waiting, secured):
    porter = Porter(lets_in=True)
    with relay_of(waiting, "starttls", tls_context=secured(), authenticator=porter) as relay:
        assert waiting.relay_words() == [f"The relay 127.0.0.1:{relay.port} answers"]
        assert waiting.deliver() == 1
    assert (len(relay.accepted), set(porter.told)) == (1, {f"ana:{PASSWORD}"})


@pytest.mark.parametrize("tls", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("host", "start", "words"),
    [
        ("127.0.0.1", LONG_AGO, "certificate has expired"),
        ("localhost", None, "not valid for 'localhost'"),
        ("127.0.0.1", None, "self-signed certificate"),
    ],
    ids=["expired", "another-host", "nobody-vouches"],
)
def test_a_certificate_that_is_not_right_gets_nothing(waiting, secured, monkeypatch, tls, host, start, words):
    porter, context = Porter(lets_in=True), secured(start)
    if words == "self-signed certificate":
        monkeypatch.delenv("SSL_CERT_FILE")
    options = {"ssl_context": context} if tls == "tls" else {"tls_context": context}
    with relay_of(waiting, tls, host=host, authenticator=porter, **options) as relay:
        assert_it_waits(waiting, words)
    assert (relay.accepted, porter.told) == ([], [])


@pytest.mark.parametrize("user", ["", "ana"])
def test_a_relay_whose_starttls_was_stripped_hears_neither_mail_nor_password(waiting, user):
    porter = Porter(lets_in=True)
    with relay_of(waiting, "starttls", user=user, authenticator=porter, auth_require_tls=False) as relay:
        assert_it_waits(waiting, "STARTTLS extension not supported")
    assert (relay.accepted, porter.told) == ([], [])


def test_a_login_that_is_refused_is_told_without_what_the_relay_says_of_it(waiting, secured):
    porter = Porter(lets_in=False)
    with relay_of(waiting, "starttls", tls_context=secured(), authenticator=porter) as relay:
        assert_it_waits(waiting, "refused user name and password")
    assert relay.accepted == []
    assert porter.told


def test_a_relay_whose_banner_does_not_come_is_left_after_a_while(waiting, monkeypatch):
    monkeypatch.setattr(mailer, "COMMAND_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        waiting.settings = replace(waiting.settings, relays=(Relay("127.0.0.1", silent.getsockname()[1], "none"),))
        assert_it_waits(waiting, "timed out")
