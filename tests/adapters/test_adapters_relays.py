from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest
import services
from aiosmtpd.smtp import AuthResult

from briefings.adapters.relays import RelaysMailer, Roster, probe
from briefings.chaos import certificates
from briefings.domain.deliveries import Outcome
from briefings.embedded import free_port
from briefings.errors import DependencyError
from briefings.settings import Relay

LETTER = b"Message-ID: <0a1b@b.example>\r\n\r\nHello\r\n"


@pytest.fixture
def other():
    other = services.Relay().start()
    yield other
    other.stop()


@pytest.fixture
def mailing(clock):
    """A mailer over several relays; called again with the same roster, it is another pass of the process."""
    open_mailers = []

    def over(*relays: Relay, roster: Roster | None = None) -> RelaysMailer:
        open_mailers.append(RelaysMailer(roster or Roster(relays, clock), "b.example"))
        return open_mailers[-1]

    yield over
    for mailer in open_mailers:
        mailer.close()


def plain(server: services.Relay, weight: int = 1) -> Relay:
    return Relay("127.0.0.1", server.port, "none", weight=weight)


def nobody() -> Relay:
    return Relay("127.0.0.1", free_port(), "none")


def send(mailer: RelaysMailer, letters: int = 1, first: int = 0) -> list[Outcome]:
    addresses = [f"p{number}@r.example" for number in range(first, first + letters)]
    return [mailer.send(LETTER, "b+0a1b@b.example", address).outcome for address in addresses]


def test_letters_are_shared_by_weight_over_one_kept_connection_each(mailing, relay, other):
    mailer = mailing(plain(relay, 3), plain(other))
    mailer.open()
    send(mailer)
    kept = [one._connection for one in mailer._mailers]
    assert kept[1] is None  # no letter has come to it
    assert send(mailer, 39, first=1) == [Outcome.ACCEPTED] * 39
    assert (len(relay.accepted), len(other.accepted)) == (30, 10)
    assert mailer._mailers[0]._connection is kept[0]


def test_one_that_dies_in_the_middle_rests_and_every_letter_arrives_once_by_the_other(mailing, relay, other):
    mailer = mailing(plain(relay), plain(other))
    relay.on_data = lambda: relay.go_away() if len(relay.accepted) == 5 else None
    assert send(mailer, 30) == [Outcome.ACCEPTED] * 30
    assert len(relay.accepted) == 5
    arrived = Counter(relay.recipients + other.recipients)
    assert arrived == Counter(f"p{number}@r.example" for number in range(30))


@pytest.mark.parametrize(
    ("verb", "answer", "outcome"),
    [
        ("DATA", "accept-and-drop", Outcome.NO_VERDICT),
        ("DATA", "550 5.7.1 looks like spam", Outcome.POLICY),
        ("RCPT", "550 5.1.1 no such person", Outcome.REFUSED),
        ("RCPT", "451 4.3.0 later", Outcome.REFUSED_FOR_NOW),
        ("MAIL", "drop", Outcome.REFUSED_FOR_NOW),
    ],
)
def test_a_letter_that_was_tried_goes_to_no_other_relay(mailing, relay, other, verb, answer, outcome):
    relay.answers[verb] = answer
    assert send(mailing(plain(relay), plain(other))) == [outcome]
    assert other.accepted == []


def test_a_relay_rests_for_all_passes_and_comes_back_after_its_time_and_the_log_says_each_once(
    mailing, other, clock, caplog
):
    away = nobody()
    roster = Roster((away, plain(other)), clock)
    with ThreadPoolExecutor(4) as passes:
        mailers = [mailing(roster=roster) for _ in range(4)]
        outcomes = passes.map(lambda mailer: send(mailer, 10), mailers)
        assert [one for several in outcomes for one in several] == [Outcome.ACCEPTED] * 40
    (said,) = caplog.messages
    assert said.startswith(f"{away}: ConnectionRefusedError: ")
    assert said.endswith(". It rests for 1 min")

    returned = services.Relay()
    returned._controller.port = away.port
    returned.start()
    try:
        send(mailers[0], 4)
        assert returned.accepted == []
        clock.move(seconds=61)
        send(mailers[0], 4)
        assert len(returned.accepted) == 2
    finally:
        returned.stop()
    assert caplog.messages[1:] == [f"{away} is back"]


def test_two_passes_at_once_do_not_take_the_same_turn(clock):
    both = Barrier(2)

    def slow_clock():
        with suppress(BrokenBarrierError):
            both.wait(0.2)
        return clock()

    roster = Roster((nobody(), nobody()), slow_clock)
    with ThreadPoolExecutor(2) as passes:
        assert sorted(passes.map(lambda _: roster.choose(), range(2))) == [0, 1]


def test_when_none_answers_the_error_names_each_and_letters_are_not_tried(mailing):
    relays = nobody(), nobody()
    mailer = mailing(*relays)
    with pytest.raises(DependencyError) as refusal:
        mailer.open()
    for relay in relays:
        assert f"{relay}: ConnectionRefusedError" in str(refusal.value)
    assert mailer.send(LETTER, "b@b.example", "ana@r.example").reply.startswith("every relay rests")


def test_when_all_rest_the_next_pass_does_not_wait_for_one_that_answers_again(mailing, relay, clock):
    relay.answers["MAIL"] = "450 4.3.0 later"
    roster = Roster((nobody(), plain(relay)), clock)
    roster.failed(0, "gone")
    roster.failed(1, "gone")
    mailer = mailing(roster=roster)
    assert send(mailer) == [Outcome.NO_RELAY]
    mailer.open()
    assert send(mailer) == [Outcome.REFUSED_FOR_NOW]


# ---------------------------------------------------------------- passwords


@pytest.fixture
def tls(tmp_path, monkeypatch):
    """The context of a server that our side trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / certificates.TRUSTED))
    return certificates.server(tmp_path)


@pytest.fixture
def logins():
    """What was given as user and password, at any relay that asks for it."""
    return []


@pytest.fixture
def asking(logins):
    """Starts a relay that asks for a password, which is `right`."""
    started = []

    def authenticator(server, session, envelope, mechanism, data):
        logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"right", handled=False)

    def start(**options) -> services.Relay:
        started.append(services.Relay(authenticator=authenticator, **options).start())
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_a_wrong_password_at_one_costs_nothing_but_that_relay(asking, tls, logins, mailing, caplog):
    first, second = asking(tls_context=tls), asking(tls_context=tls)
    relays = [
        Relay("127.0.0.1", one.port, "starttls", "ana", password)
        for one, password in [(first, "hush-wrong"), (second, "right")]
    ]
    assert send(mailing(*relays), 4) == [Outcome.ACCEPTED] * 4
    assert len(second.accepted) == 4
    assert {password for _, password in logins} == {b"hush-wrong", b"right"}
    assert "refused user name and password" in caplog.text
    assert "hush" not in caplog.text
    assert ["hush" in word for word in [probe(relays[0], "b.example"), repr(relays)]] == [False, False]
    assert probe(relays[1], "b.example") == f"{relays[1]} answers"


def test_a_second_relay_that_would_take_the_password_in_the_clear_does_not_get_it(relay, asking, logins, mailing):
    in_the_clear = asking(auth_require_tls=False)  # STARTTLS was stripped from what it offers
    second = Relay("127.0.0.1", in_the_clear.port, "starttls", "ana", "right", weight=9)
    assert send(mailing(plain(relay), second), 4) == [Outcome.ACCEPTED] * 4
    assert logins == in_the_clear.accepted == []
    assert len(relay.accepted) == 4
