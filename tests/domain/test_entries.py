from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from briefings.domain.entries import (
    Entry,
    StoredItem,
    canonical_url,
    guids_changed,
    item_key,
    page_key,
    plan,
    settled_date,
    text_digest,
)

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
many = settings(max_examples=200, deadline=None)


def entry(guid: str = "", url: str = "https://a.example/1", title: str = "News", summary: str = "") -> Entry:
    return Entry(guid, url, title, summary, NOW)


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "written",
    [
        "https://a.example/news?id=7",
        "https://a.example/news/?id=7",
        "HTTPS://A.Example/news?id=7",
        "https://a.example:443/news?id=7",
        "https://a.example/news?id=7#comments",
        "https://a.example/news?utm_source=rss&id=7&fbclid=x&UTM_Medium=feed",
        "https://a.example/news?%75tm_source=rss&id=7",
    ],
)
def test_one_page_has_one_identity_however_its_address_is_written(written):
    assert canonical_url(written) == "https://a.example/news?id=7"


@pytest.mark.parametrize(
    "other",
    [
        "http://a.example/news?id=7",
        "https://a.example:8443/news?id=7",
        "https://a.example/News?id=7",
        "https://a.example/news?id=8",
        "https://a.example/news?id=",
        "https://b.example/news?id=7",
    ],
)
def test_another_page_has_another_identity(other):
    assert canonical_url(other) != canonical_url("https://a.example/news?id=7")


@pytest.mark.parametrize(
    "weird", ["", "http://[", "http://a:b/", "http://a:99999/", "https://", "mailto:a@b.example", "//x", "http://a]/"]
)
def test_what_is_no_web_address_identifies_itself(weird):
    assert canonical_url(weird) == weird


PARTS = st.sampled_from(
    [
        *(
            "http",
            "https",
            "ftp",
            "://",
            ":",
            "/",
            "//",
            "?",
            "#",
            "&",
            "=",
            "[",
            "]",
            "@",
            "%",
            "%7",
            "%ff",
            ":80",
            ":443",
        ),
        *("a.example", "A", "utm_source=x", "ref", " ", "\n", "\t", "\u2100", "ß", "\ud800", "+", ";", "."),
    ]
)
ADDRESSES = st.text(st.characters(codec=None), max_size=40) | st.lists(PARTS, max_size=12).map("".join)
WEB = st.builds("{}://{}".format, st.sampled_from(["http", "https", "HTTP"]), ADDRESSES)


@settings(max_examples=400, deadline=None)
@given(address=ADDRESSES | WEB)
def test_any_text_has_an_identity_that_is_its_own_identity(address):
    assert canonical_url(canonical_url(address)) == canonical_url(address)


# ---------------------------------------------------------------- keys and dates


def test_an_entry_is_known_by_its_guid_else_its_address_else_its_text():
    assert item_key(entry("g")) == item_key(entry("g", "https://a.example/2", "Other news"))
    assert item_key(entry()) == item_key(entry(url="https://a.example/1/?utm_source=x", title="Other news"))
    assert item_key(entry(url="")) == item_key(entry(url=""))
    assert item_key(entry(url="")) != item_key(entry(url="", title="Other news"))


def test_a_guid_is_never_taken_for_an_address():
    assert item_key(entry("https://a.example/1")) != item_key(entry(url="https://a.example/1"))


def test_an_edit_shows_and_a_tracking_parameter_does_not():
    first = entry("g")
    assert text_digest(first) != text_digest(entry("g", summary="Corrected."))
    assert text_digest(first) != text_digest(entry("g", url="https://a.example/moved"))
    assert text_digest(first) == text_digest(entry("g", url="https://a.example/1?utm_campaign=x"))


@pytest.mark.parametrize(
    ("said", "settled"),
    [
        (None, NOW),
        (datetime(1, 1, 1, tzinfo=UTC), NOW),
        (datetime(1970, 1, 1, tzinfo=UTC), NOW),
        (NOW + timedelta(days=400), NOW),
        (NOW - timedelta(days=3), NOW - timedelta(days=3)),
    ],
)
def test_an_item_is_never_from_the_future_nor_from_a_blank_date(said, settled):
    assert settled_date(said, NOW) == settled


# ---------------------------------------------------------------- what becomes of a feed


def test_the_first_of_two_entries_with_one_key_wins():
    new, edits = plan([entry("g", title="First"), entry("g", title="Second")], {}, NOW)
    assert [item.entry.title for item in new] == ["First"]
    assert edits == []


def test_an_entry_that_tells_nothing_is_dropped_and_takes_nobodys_place():
    new, _ = plan([entry("g", title=""), entry("g", title="Told")], {}, NOW)
    assert [item.entry.title for item in new] == ["Told"]


def test_a_changed_text_is_an_edit_of_the_item_we_have():
    changed = entry("g", title="Corrected")
    new, edits = plan([changed], {item_key(changed): StoredItem(7, text_digest(entry("g")))}, NOW)
    assert new == []
    assert [(edit.item_id, edit.entry.title) for edit in edits] == [(7, "Corrected")]


SOME = st.text("ab", max_size=2)
LINKS = st.sampled_from(["", "https://a.example", "https://a.example/?utm_source=x", "https://b.example", "http://["])
ENTRIES = st.lists(st.builds(Entry, SOME, LINKS, SOME, SOME, st.none() | st.just(NOW)), max_size=12)


@many
@given(entries=ENTRIES)
def test_no_key_comes_twice_and_a_second_look_finds_nothing_new(entries):
    new, _ = plan(entries, {}, NOW)
    keys = [item.key for item in new]
    assert len(set(keys)) == len(keys)
    assert set(keys) == {item_key(one) for one in entries if one.title or one.summary}
    stored = {item.key: StoredItem(number, item.digest) for number, item in enumerate(new)}
    assert plan(entries, stored, NOW + timedelta(hours=1)) == ([], [])


@many
@given(before=ENTRIES, after=ENTRIES)
def test_every_known_entry_is_edited_or_left_and_never_new(before, after):
    stored = {item.key: StoredItem(number, item.digest) for number, item in enumerate(plan(before, {}, NOW)[0])}
    new, edits = plan(after, stored, NOW)
    assert not stored.keys() & {item.key for item in new}
    for edit in edits:
        was = stored[item_key(edit.entry)]
        assert (was.id, True) == (edit.item_id, was.digest != edit.digest)


# ---------------------------------------------------------------- guids that do not last


def numbered(prefix: str, *numbers: int) -> list[Entry]:
    return [entry(f"{prefix}{number}", f"https://a.example/{number}", f"News {number}") for number in numbers]


def changed(entries: list[Entry], before: list[Entry]) -> bool:
    return guids_changed(entries, {item_key(one) for one in before}, {page_key(one.url) for one in before})


BEFORE = numbered("old-", 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (numbered("new-", 1, 2, 3, 4), True),
        (numbered("new-", 1, 2, 3) + numbered("new-", 8, 9), True),
        (numbered("new-", 1, 2, 3) + numbered("new-", 7, 8, 9), False),
        (numbered("new-", 1, 2), False),
        (BEFORE + numbered("new-", 9), False),
        (numbered("new-", 7, 8, 9), False),
        ([], False),
    ],
)
def test_guids_have_changed_when_most_known_pages_come_under_new_ones(now, verdict):
    assert changed(now, BEFORE) is verdict


def test_a_changelog_whose_entries_link_to_one_page_keeps_its_guids():
    releases = [entry(f"v{number}", "https://a.example/changelog#v", f"Version {number}") for number in range(9)]
    assert not changed(releases[4:], releases[:4])


def test_a_feed_told_apart_by_links_stores_no_page_twice():
    pages = {page_key(one.url): StoredItem(number, text_digest(one)) for number, one in enumerate(BEFORE)}
    fresh, again = numbered("new-", 9)[0], numbered("other-", 9)[0]
    new, edits = plan([*numbered("new-", 1, 2, 3, 4), fresh, again], {}, NOW, pages)
    assert [item.entry for item in new] == [fresh]
    assert edits == []


def test_entries_without_a_link_are_still_told_apart_by_their_guids():
    new, _ = plan([entry("a", url=""), entry("b", url=""), entry("a", url="")], {}, NOW, pages={})
    assert [item.entry.guid for item in new] == ["a", "b"]
