from email import message_from_bytes, policy
from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from briefings.adapters.letters import Form, header_line
from briefings.domain.mails import gap
from briefings.errors import InputError

NAMES = ("plan_url", "confirmed")
PIECES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\ue000\ue001\r"), max_size=90)
    | st.sampled_from([*map(gap, NAMES), "\n", ".", "\n.", "\n..\n", "=", " ", "\t\n", "é" * 40, "x" * 200])
).map("".join)
VALUES = st.fixed_dictionaries(
    dict.fromkeys(NAMES, st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1))
)


def filled(text: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(gap(name), value)
    return text


@settings(max_examples=300, deadline=None)
@given(text=PIECES, html=PIECES, values=VALUES)
def test_a_filled_form_is_byte_for_byte_the_letter_written_by_itself(text, html, values):
    shared = Form([("Subject", "Week 5")], text, html).fill([("To", "ana@r.example")], values)
    whole = {name: escape(value) for name, value in values.items()}
    alone = Form([("Subject", "Week 5")], filled(text, values), filled(html, whole)).fill([("To", "ana@r.example")], {})
    assert shared == alone


@settings(max_examples=100, deadline=None)
@given(text=PIECES, values=VALUES)
def test_any_letter_is_read_back_as_it_was_written(text, values):
    content = Form([("Subject", "Week 5")], text, "<p>Hello</p>").fill([], values)
    mail = message_from_bytes(content, policy=policy.default)
    body = mail.get_body(("plain",))
    read = body.get_payload(decode=True).decode().replace("\r\n", "\n")
    assert read == filled(text, values).removesuffix("\n")
    assert [part.defects for part in mail.walk()] == [[], [], []]
    lines = content.split(b"\r\n")
    assert not any(line.startswith(b".") for line in lines)
    assert max(map(len, lines)) <= 78


def test_a_gap_without_a_value_is_an_error():
    with pytest.raises(KeyError, match="plan_url"):
        Form([], f"Your plan: {gap('plan_url')}", "").fill([], {})


@pytest.mark.parametrize("value", ["Hi\r\nBcc: all@x.example", "Hi\nthere"])
def test_a_header_never_becomes_two(value):
    with pytest.raises(ValueError, match=r"linefeed|newline"):
        header_line("Subject", value)


def test_a_header_in_any_language_is_encoded_and_one_in_plain_letters_stands_as_it_is():
    assert header_line("Subject", "Week 5") == b"Subject: Week 5\r\n"
    line = header_line("Subject", "Woche 5: größer")
    assert line.isascii()
    assert message_from_bytes(line, policy=policy.default)["Subject"] == "Woche 5: größer"


def test_an_address_header_holds_one_mailbox():
    with pytest.raises(InputError, match="not one plain address"):
        header_line("To", "ana@r.example, bo@r.example")
