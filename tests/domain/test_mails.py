from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail_samples import briefing_mail

from briefings.domain.mails import Letter, Rendered, Sender, is_plain_address, letter, message_id, one_line
from briefings.errors import InputError

MONDAY = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
SENDER = Sender(
    "Weekly Briefing",
    "briefing@briefings.example",
    "account@briefings.example",
    "editors@briefings.example",
    "briefings.example",
)
MAIL = Rendered("Week 5 of 12", "Hello", "<p>Hello</p>")
ACCOUNT_HEADERS = {
    "From": '"Weekly Briefing" <account@briefings.example>',
    "To": "ana@readers.example",
    "Reply-To": "editors@briefings.example",
    "Subject": "Week 5 of 12",
    "Date": "Mon, 23 Nov 2026 06:00:00 +0000",
    "Message-ID": "<8f1c@briefings.example>",
    "Auto-Submitted": "auto-generated",
    "X-Auto-Response-Suppress": "OOF, AutoReply",
    "Content-Language": "en",
}


def made(mail: Rendered = MAIL, recipient: str = "ana@readers.example", sender: Sender = SENDER, **values) -> Letter:
    return letter(mail, sender=sender, recipient=recipient, uid="8f1c", dated=MONDAY, **values)


# ---------------------------------------------------------------- headers


def test_account_mail_has_these_headers_and_nothing_to_unsubscribe_from():
    assert dict(made().headers) == ACCOUNT_HEADERS


def test_a_briefing_says_to_which_list_it_belongs_and_how_to_leave():
    mail = briefing_mail()
    headers = dict(made(briefing=mail).headers)
    assert headers["From"] == '"Weekly Briefing" <briefing@briefings.example>'
    assert headers.items() - ACCOUNT_HEADERS.items() == {
        ("From", '"Weekly Briefing" <briefing@briefings.example>'),
        ("List-ID", '"Weekly Briefing" <weekly.briefings.example>'),
        ("List-Unsubscribe", f"<{mail.unsubscribe_url}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("List-Archive", f"<{mail.web_url}>"),
        ("Feedback-ID", "2026-w48:wk05:weekly:briefbrf1"),
    }


def test_no_header_comes_twice():
    names = [name for name, _ in made(briefing=briefing_mail()).headers]
    assert len(set(names)) == len(names)


def test_the_same_delivery_gives_the_same_letter_and_another_has_another_id():
    other = letter(MAIL, sender=SENDER, recipient="ana@readers.example", uid="77aa", dated=MONDAY)
    assert made() == made() != other
    assert message_id("8f1c", "briefings.example") == "<8f1c@briefings.example>"


# ---------------------------------------------------------------- hostile values


def test_a_subject_cannot_bring_headers_of_its_own():
    headers = made(replace(MAIL, subject="Hi\r\nBcc: all@x.example\u2028X: y\x00")).headers
    assert dict(headers)["Subject"] == "Hi Bcc: all@x.example X: y"
    assert "Bcc" not in dict(headers)


@pytest.mark.parametrize(
    "recipient",
    [
        "ana@readers.example\r\nBcc: all@x.example",
        "ana@readers.example\n",
        "ana@readers.example, bo@readers.example",
        "Ana <ana@readers.example>",
        "ana@readers.example>",
        '"ana bo"@readers.example',
        "ana..bo@readers.example",
        "änä@readers.example",
        "ana@[127.0.0.1]",
        "ana@",
        "@readers.example",
        "ana",
        "",
    ],
)
def test_a_recipient_that_is_not_one_plain_address_is_refused_before_any_mail_is_written(recipient):
    with pytest.raises(InputError, match="The recipient of this mail is not one plain address"):
        made(recipient=recipient)


def test_a_refused_address_does_not_reach_the_log():
    with pytest.raises(InputError) as refusal:
        made(recipient="ana@readers.example, bo@readers.example")
    assert "ana" not in str(refusal.value)


@pytest.mark.parametrize("field", ["account", "reply_to"])
def test_an_address_of_ours_is_looked_at_too(field):
    with pytest.raises(InputError, match="correct it where it was entered"):
        made(sender=replace(SENDER, **{field: "Editors <editors@briefings.example>"}))


@pytest.mark.parametrize("address", ["a@b", "o'hara+news@mail.readers.example", "x_y-z@xn--bcher-kva.example"])
def test_ordinary_addresses_are_plain(address):
    assert is_plain_address(address)
    assert dict(made(recipient=address).headers)["To"] == address


@settings(max_examples=150, deadline=None)
@given(subject=st.text(st.characters(codec=None)), name=st.text(st.characters(codec=None)), url=st.text())
def test_whatever_the_words_are_each_header_is_one_short_line(subject, name, url):
    briefing = replace(briefing_mail(), unsubscribe_url=url)
    headers = made(replace(MAIL, subject=subject), sender=replace(SENDER, name=name), briefing=briefing).headers
    assert all(value.isprintable() and len(value) <= 900 for _, value in headers)


def test_one_line_keeps_words_and_drops_what_cannot_be_seen():
    assert one_line("  A\tbriefing\r\n for\u2028Müller\u202e ") == "A briefing for Müller"
    assert one_line("x" * 200) == "x" * 150
    assert one_line("x" * 200, 5) == "xxxxx"
