from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from briefings.domain import tokens
from briefings.errors import NotFoundError

KEY, OTHER_KEY = b"k" * 40, b"K" * 40
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
TOKEN = tokens.sign(KEY, "plan", "4711")
many = settings(max_examples=200, deadline=None)
subjects = st.text(max_size=60)
URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."


def refused(token: str, purpose: str = "plan", key: bytes = KEY, now: datetime = NOW) -> bool:
    with pytest.raises(NotFoundError):
        tokens.read(key, purpose, token, now)
    return True


@many
@given(subject=subjects, lifetime=st.none() | st.integers(1, 10**8))
def test_what_was_signed_is_read_back(subject, lifetime):
    expires = NOW + timedelta(seconds=lifetime) if lifetime else None
    token = tokens.sign(KEY, "plan", subject, expires)
    assert tokens.read(KEY, "plan", token, NOW) == subject
    assert set(token) <= set(URL_SAFE)


def test_the_same_input_gives_the_same_token():
    assert tokens.sign(KEY, "plan", "4711") == TOKEN


def test_another_key_or_another_purpose_is_refused():
    assert refused(TOKEN, key=OTHER_KEY)
    assert refused(TOKEN, purpose="unsubscribe")
    assert refused(TOKEN, purpose="")


def test_a_purpose_and_a_subject_do_not_run_into_each_other():
    assert tokens.sign(KEY, "ab", "c").partition(".")[2] != tokens.sign(KEY, "a", "bc").partition(".")[2]


def test_every_single_character_altered_is_refused():
    altered = {
        TOKEN[:place] + char + TOKEN[place + 1 :]
        for place in range(len(TOKEN))
        for char in [*URL_SAFE, "!", "=", " ", "\n", "é"]
    }
    assert all(refused(token) for token in altered - {TOKEN})


def test_anything_put_before_behind_or_into_a_token_is_refused():
    assert all(refused(TOKEN[:place] + char + TOKEN[place:]) for place in range(len(TOKEN) + 1) for char in "A!=. \n")


def test_a_token_cut_short_is_refused():
    assert all(refused(TOKEN[:length]) for length in range(len(TOKEN)))


def test_a_token_holds_until_it_expires():
    token = tokens.sign(KEY, "confirm", "7", NOW)
    assert tokens.read(KEY, "confirm", token, NOW) == "7"
    assert refused(token, "confirm", now=NOW + timedelta(seconds=1))


def test_the_expiry_cannot_be_taken_off():
    expiring = tokens.sign(KEY, "confirm", "7", NOW)
    lasting = tokens.sign(KEY, "confirm", "7")
    assert refused(f"{lasting.partition('.')[0]}.{expiring.partition('.')[2]}", "confirm")


@many
@given(junk=st.text(st.characters(codec=None), max_size=500) | st.text(URL_SAFE + "=!", max_size=500))
def test_junk_is_refused_and_raises_nothing_else(junk):
    assert refused(junk)


def test_an_address_is_known_by_its_letters_and_not_by_their_case():
    assert tokens.address_key(KEY, " Ana@Readers.example ") == tokens.address_key(KEY, "ana@readers.example")
    assert tokens.address_key(KEY, "ana@readers.example") != tokens.address_key(OTHER_KEY, "ana@readers.example")
    assert tokens.address_key(KEY, "ana@readers.example") != tokens.address_key(KEY, "bo@readers.example")
    assert "ana" not in tokens.address_key(KEY, "ana@readers.example")
