from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_samples import briefing_mail

from briefings.adapters.letters import write
from briefings.adapters.mailer import SmtpMailer
from briefings.domain.deliveries import Attempt, Outcome
from briefings.domain.mails import Letter, Rendered, Sender, letter
from briefings.embedded import free_port
from briefings.errors import InputError
from briefings.settings import Relay

SENDER = Sender("Weekly", "briefing@b.example", "account@b.example", "editors@b.example", "b.example")
RETURN_PATH = "b+8f1c@b.example"


def hand(mailer: SmtpMailer, letter: Letter) -> Attempt:
    """Write a letter and hand it over."""
    return mailer.send(write(letter), RETURN_PATH, letter.recipient)


def made(
    text: str = "Hello",
    html: str = "<p>Hello</p>",
    *,
    subject: str = "Week 5",
    to: str = "ana@r.example",
    name: str = "Weekly",
) -> Letter:
    return letter(
        Rendered(subject, text, html),
        sender=replace(SENDER, name=name),
        recipient=to,
        uid="8f1c",
        dated=datetime(2026, 11, 23, 6, 0, tzinfo=UTC),
        briefing=briefing_mail(),
    )


def forged(**headers: str) -> Letter:
    """A letter that no `mails.letter` would make."""
    return replace(made(), headers=tuple({**dict(made().headers), **headers}.items()))


def parsed(one: Letter):
    return message_from_bytes(write(one), policy=policy.default)


def body(one: Letter, kind: str) -> str:
    return parsed(one).get_body((kind,)).get_content().replace("\r\n", "\n").removesuffix("\n")


@pytest.fixture
def mailer(relay):
    mailer = SmtpMailer(Relay("127.0.0.1", relay.port, "none"), "b.example")
    yield mailer
    mailer.close()


# ---------------------------------------------------------------- bytes


def test_the_same_letter_gives_the_same_bytes():
    assert write(made()) == write(made())
    assert write(made()) != write(made(text="Hello again"))


def test_both_bodies_arrive_as_they_were_written():
    text, html = "Grüße\n\n.dot\nFrom me\n", '<p title="a=b">Grüße …</p>'
    assert body(made(text, html), "plain") == text.removesuffix("\n")
    assert body(made(text, html), "html") == html
    assert parsed(made(text, html)).defects == []


def test_every_line_ends_in_crlf_and_none_is_too_long():
    content = write(made("word " * 900 + "x" * 5000, "<p>" + "é" * 5000 + "</p>", subject="ü" * 150, name="ö" * 150))
    lines = content.split(b"\r\n")
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")
    assert max(map(len, lines)) <= 998
    assert max(len(line) for line in content.partition(b"\r\n\r\n")[2].split(b"\r\n")) <= 78


@pytest.mark.parametrize(
    "name",
    ["Weekly, Inc.", "Weekly (AI)", 'The "Weekly"', "Back\\slash", "we@ekly", "<script>", "Wöchentlich", "a: b;"],
)
def test_any_sender_name_is_a_name_and_never_an_address(name):
    sender = parsed(made(name=name))["From"].addresses
    assert [(one.display_name, one.addr_spec) for one in sender] == [(name, "briefing@b.example")]


def test_a_subject_in_any_language_arrives():
    assert parsed(made(subject="Woche 5: größer, 更多 🎉"))["Subject"] == "Woche 5: größer, 更多 🎉"


# ---------------------------------------------------------------- hostile headers


HEADERS = parsed(made()).keys()
HOSTILE = [
    "\r",
    "\n",
    "\r\n\r\n",
    "\u2028",
    "Bcc: x@x.example",
    "=?utf-8?q?=0D=0ABcc:_x?=",
    "=??Q?=0A",
    "=",
    "?",
    '"',
    "é",
]
WORDS = st.text(max_size=40) | st.lists(st.sampled_from(HOSTILE), max_size=6).map("".join)


@settings(max_examples=100, deadline=None)
@given(subject=WORDS, name=WORDS)
def test_no_subject_and_no_name_can_add_a_header_or_begin_the_body(subject, name):
    mail = parsed(made(subject=subject, name=name))
    assert mail.keys() == HEADERS
    assert [one.addr_spec for one in mail["From"].addresses] == ["briefing@b.example"]
    assert mail.get_body(("plain",)).get_content().strip() == "Hello"


@pytest.mark.parametrize("field", ["subject", "name"])
def test_an_encoded_word_is_shown_as_it_stands_and_never_decoded_to_a_line_break(field):
    content = write(made(**{field: "=?utf-8?q?Hi=0D=0ABcc:_all=40x.example=0D=0A=0D=0A?="}))
    assert b"\r\nBcc" not in content
    assert b"\nBcc" not in content
    assert b"= ?utf-8?q?Hi=0D=0ABcc:_all=40x.example" in content


def test_a_forged_subject_with_a_line_break_is_not_written_at_all():
    with pytest.raises(ValueError, match="linefeed or carriage return"):
        write(forged(Subject="Hi\r\nBcc: all@x.example"))


@pytest.mark.parametrize("to", ["ana@r.example\r\nBcc: all@x.example", "ana@r.example, bo@r.example", "", "nobody"])
def test_a_forged_recipient_is_not_written_at_all(to):
    with pytest.raises((InputError, ValueError)):
        write(forged(To=to))


def test_a_forged_envelope_reaches_nobody_else(mailer, relay):
    hostile = replace(made(), recipient="ana@r.example>\r\nRCPT TO:<bo@r.example")
    assert hand(mailer, hostile).outcome is Outcome.CONTENT
    assert relay.recipients == []


# ---------------------------------------------------------------- a relay that takes it


def test_a_letter_arrives_whole_at_its_one_recipient(mailer, relay):
    attempt = hand(mailer, made())
    assert (attempt.outcome, attempt.reply) == (Outcome.ACCEPTED, "250 2.0.0 taken")
    assert relay.accepted == [("ana@r.example", write(made()))]


@pytest.mark.parametrize("text", [".", "..", ".\n.", "a\n.\nQUIT\n", "\n.hidden\n..two\n", "." * 300])
def test_a_dot_at_the_start_of_a_line_neither_ends_the_mail_nor_is_lost(mailer, relay, text):
    assert hand(mailer, made(text, text)).outcome is Outcome.ACCEPTED
    assert relay.accepted == [("ana@r.example", write(made(text, text)))]
    assert hand(mailer, made("next")).outcome is Outcome.ACCEPTED


def test_letters_go_over_one_kept_connection(mailer, relay):
    hand(mailer, made())
    kept = mailer._connection
    hand(mailer, made(to="bo@r.example"))
    assert mailer._connection is kept
    assert relay.recipients == ["ana@r.example", "bo@r.example"]


def test_after_closing_the_next_letter_opens_a_connection_of_its_own(mailer, relay):
    hand(mailer, made())
    mailer.close()
    mailer.close()
    assert hand(mailer, made()).outcome is Outcome.ACCEPTED
    assert len(relay.accepted) == 2


# ---------------------------------------------------------------- a relay that does not


@pytest.mark.parametrize(
    ("verb", "answer", "outcome"),
    [
        ("MAIL", "451 4.3.0 later", Outcome.REFUSED_FOR_NOW),
        ("MAIL", "550 5.1.8 not you", Outcome.POLICY),
        ("RCPT", "450 4.2.1 later", Outcome.REFUSED_FOR_NOW),
        ("RCPT", "550 5.1.1 no such person", Outcome.REFUSED),
        ("RCPT", "550 5.7.1 not allowed", Outcome.POLICY),
        ("DATA", "452 4.3.1 full", Outcome.REFUSED_FOR_NOW),
        ("DATA", "554 5.6.0 unreadable", Outcome.CONTENT),
        ("DATA", "550 5.7.26 not authenticated", Outcome.POLICY),
        ("MAIL", "drop", Outcome.REFUSED_FOR_NOW),
        ("RCPT", "drop", Outcome.REFUSED_FOR_NOW),
        ("DATA", "drop", Outcome.NO_VERDICT),
    ],
)
def test_what_the_relay_answers_decides_the_outcome_and_the_next_letter_is_not_hurt(
    mailer, relay, verb, answer, outcome
):
    relay.answers[verb] = answer
    attempt = hand(mailer, made())
    assert attempt.outcome is outcome
    assert answer in {"drop", attempt.reply}
    assert relay.accepted == []

    relay.answers.clear()
    assert hand(mailer, made()).outcome is Outcome.ACCEPTED


def test_a_connection_that_was_lost_between_two_letters_costs_no_attempt_and_no_duplicate(mailer, relay):
    hand(mailer, made())
    mailer._connection.sock.shutdown(2)
    assert hand(mailer, made()).outcome is Outcome.ACCEPTED
    assert len(relay.accepted) == 2


def test_no_relay_at_all_says_so():
    attempt = hand(SmtpMailer(Relay("127.0.0.1", free_port(), "none"), "b.example"), made())
    assert attempt.outcome is Outcome.NO_RELAY
    assert "ConnectionRefusedError" in attempt.reply


@pytest.mark.parametrize("user", ["", "ana"])
@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_relay_without_tls_gets_neither_the_mail_nor_the_password(relay, tls, user):
    mailer = SmtpMailer(Relay("127.0.0.1", relay.port, tls, user, "hush"), "b.example")
    attempt = hand(mailer, made())
    assert attempt.outcome is Outcome.NO_RELAY
    assert "hush" not in attempt.reply
    assert relay.accepted == []


def test_a_login_that_cannot_be_is_no_relay_and_shows_no_password(relay):
    mailer = SmtpMailer(Relay("127.0.0.1", relay.port, "none", "ana", "hush"), "b.example")
    attempt = hand(mailer, made())
    assert attempt.outcome is Outcome.NO_RELAY
    assert "hush" not in attempt.reply
