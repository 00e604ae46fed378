from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from briefings.domain import stories
from briefings.domain.likeness import Scale
from briefings.domain.stories import MOST_AT_AN_ADDRESS, WINDOW, Group, Telling, group, lead

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ONE = "vLLM 0.19 halves the KV cache with FP8 on Blackwell"
RETOLD = "vLLM 0.19 with FP8 halves its KV cache on Blackwell cards"
OTHER = "OpenAI opens an office for 200 people in Munich"


def telling(item: int, title: str = ONE, **values) -> Telling:
    defaults = {"summary": "", "canonical_url": f"https://outlet-{item}.example/", "published": NOW, "authority": 0.7}
    return Telling(item=item, title=title, **(defaults | values))


def together(*tellings: Telling, known=()) -> list[set[int]]:
    return sorted((set(one.items) for one in group(tellings, known)), key=min)


# ---------------------------------------------------------------- what belongs together


def test_the_same_news_in_other_words_is_one_story():
    assert together(telling(1), telling(2, RETOLD), telling(3, OTHER)) == [{1, 2}, {3}]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A new model for text", "A new office for people"),
        ("How to serve a model", "How to read a paper"),
        ("OpenAI opens an office in Munich", "OpenAI ships a smaller model"),
    ],
)
def test_news_that_shares_a_capital_and_common_words_is_not(one, other):
    assert together(telling(1, one), telling(2, other)) == [{1}, {2}]


def at_one_address(*titles: str, apart: timedelta) -> list[set[int]]:
    there = {"canonical_url": "https://a.example/x"}
    return together(*(telling(n, title, **there, published=NOW + n * apart) for n, title in enumerate(titles)))


def test_one_address_is_one_story_whatever_is_said_within_the_window():
    assert at_one_address(ONE, OTHER, apart=WINDOW) == [{0, 1}]
    assert at_one_address(ONE, OTHER, apart=WINDOW + timedelta(seconds=1)) == [{0}, {1}]


def test_an_address_that_comes_again_after_weeks_is_one_story_if_it_was_only_retitled():
    assert at_one_address(ONE, f"Updated: {ONE}", apart=5 * WINDOW) == [{0, 1}]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Socks for robots", "Agents may book flights"),
        ("Acme Cloud release notes 1.2", "Acme Cloud release notes 1.3"),
        ("Your week of robots: daily digest", "Your week of robots: daily digest"),
        ("", ""),
    ],
)
def test_a_page_read_entry_by_entry_is_as_many_stories(one, other):
    assert at_one_address(one, other, apart=3 * WINDOW) == [{0}, {1}]


def test_entries_of_a_page_do_not_become_one_story_by_chains():
    assert at_one_address("Socks for robots", OTHER, ONE, apart=WINDOW) == [{0, 1}, {2}]


def test_an_item_joins_the_entry_of_its_page_that_is_nearest_in_time():
    page = {"canonical_url": "https://a.example/x"}
    known = [telling(1, ONE, **page, story=70), telling(2, OTHER, **page, published=NOW + 1.5 * WINDOW, story=71)]
    fresh = telling(3, "Socks for robots", **page, published=NOW + WINDOW)
    assert group([fresh], known) == [Group(71, (3,))]


# ---------------------------------------------------------------- the same title


@pytest.mark.parametrize(
    "title",
    ["Anthropic signs product deals with the EU", "Top 10 universities sue OpenAI", "The best robots of 2026 so far"],
)
def test_one_title_is_one_story_though_it_sounds_like_a_listing(title):
    assert together(telling(1, title), telling(2, title.upper())) == [{1, 2}]


def test_a_title_that_everybody_tells_is_one_story_though_its_words_are_common():
    assert len(together(*(telling(n) for n in range(60)))) == 1


@pytest.mark.parametrize(
    ("title", "other"),
    [
        ("AI news of robots: weekly digest", "AI news of robots: weekly digest"),
        ("Robots at work, part 1", "Robots at work, part 2"),
        ("This is the week", "This is the week"),
    ],
    ids=["a column", "another number", "too few words"],
)
def test_a_title_that_says_too_little_decides_nothing(title, other):
    crowd = [telling(n, f"{title} {n} robots at work part week", canonical_url="") for n in range(100, 200)]
    assert {1, 2} not in together(telling(1, title), telling(2, other), *crowd)


def test_one_title_after_the_window_of_its_story_is_new_news():
    first, then = telling(1, ONE), telling(2, ONE, published=NOW + WINDOW)
    assert together(first, then, telling(3, ONE, published=NOW + WINDOW + timedelta(hours=1))) == [{1, 2}, {3}]


@pytest.mark.parametrize("way", [1, -1], ids=["later", "earlier"])
def test_one_title_joins_no_story_that_began_or_ended_outside_of_its_window(way):
    page = {"canonical_url": "https://a.example/x", "story": 70}
    known = [telling(1, OTHER, **page), telling(2, ONE, **page, published=NOW + way * 0.9 * WINDOW)]
    assert group([telling(3, ONE, published=NOW + way * 1.1 * WINDOW)], known) == [Group(None, (3,))]


def test_one_title_joins_the_story_that_we_have_and_of_two_the_nearer():
    known = [telling(1, story=70), telling(2, published=NOW + timedelta(hours=9), story=71)]
    assert group([telling(3, published=NOW + timedelta(hours=8))], known) == [Group(71, (3,))]


def test_an_address_that_many_items_have_is_a_list_of_news():
    titles = ["Acme sues Northwind", "Socks for robots", "A phone that sings", "Munich gets an office", "Rain tomorrow"]
    changelog = [telling(n, title, canonical_url="https://a.example/log") for n, title in enumerate(titles)]
    assert len(together(*changelog)) == 5
    assert len(together(*changelog[:4])) == 1


def test_items_that_we_have_count_for_a_list_of_news():
    titles = ["Acme sues Northwind", "Socks for robots", "A phone that sings", "Munich gets an office", "Rain tomorrow"]
    log = [telling(n, title, canonical_url="https://a.example/log") for n, title in enumerate(titles)]
    known = [replace(one, story=70 + one.item) for one in log[:3]]
    assert [one.story for one in group(log[3:], known)] == [None, None]


def test_two_items_without_an_address_do_not_share_one():
    assert together(telling(1, canonical_url=""), telling(2, OTHER, canonical_url="")) == [{1}, {2}]


@pytest.mark.parametrize(("apart", "number"), [(WINDOW, 1), (WINDOW + timedelta(seconds=1), 2)])
def test_the_same_words_after_the_window_are_new_news(apart, number):
    assert len(together(telling(1), telling(2, published=NOW + apart))) == number


def test_a_chain_of_half_alike_items_does_not_grow_into_one_story():
    words = [f"Alpha{n} Beta{n} Gamma{n} Delta{n} Epsilon{n} Zeta{n}" for n in range(7)]
    chain = [telling(n, f"{words[n]} {words[n + 1]}", published=NOW + timedelta(hours=n)) for n in range(6)]
    found = together(*chain)
    assert max(len(story) for story in found) == 2
    assert not any(
        {first.item, last.item} <= story for story in found for first, last in zip(chain, chain[2:], strict=False)
    )


def test_stories_that_did_not_fit_are_not_compared_again(monkeypatch):
    compared = Counter()

    class Counting(Scale):
        def likeness(self, one: int, other: int) -> float:
            compared["pairs"] += 1
            return super().likeness(one, other)

    monkeypatch.setattr(stories, "Scale", Counting)
    copies = 16
    early = [telling(n, "Northwind halves caches") for n in range(copies)]
    late = [telling(100 + n, "Northwind halves caches", published=NOW + WINDOW * 0.9) for n in range(copies)]
    too_late = telling(200, "Northwind halves caches", published=NOW + WINDOW * 1.01)
    filler = [telling(1000 + n, f"Filler{n} word{n}", published=NOW + WINDOW / 2, story=1 + n) for n in range(300)]
    assert sorted(map(len, together(*early, *late, too_late, known=filler))) == [copies, copies + 1]
    assert compared["pairs"] < 2 * (2 * copies + 1) ** 2


# ---------------------------------------------------------------- known stories


def test_a_fresh_item_joins_the_story_that_we_have():
    known = [telling(1, story=70), telling(2, OTHER, story=71)]
    assert group([telling(3, RETOLD)], known) == [Group(70, (3,))]


def test_two_known_stories_stay_two_and_the_fresh_item_joins_the_more_alike():
    known = [telling(1, story=70), telling(2, RETOLD, story=71)]
    assert group([telling(3, ONE)], known) == [Group(70, (3,))]


def test_what_is_like_no_story_is_a_new_one():
    assert group([telling(3, OTHER)], [telling(1, story=70)]) == [Group(None, (3,))]


def test_nothing_fresh_decides_nothing():
    assert group([], [telling(1, story=70)]) == []


def test_the_primary_source_leads_then_the_earliest_then_the_first_we_met():
    primary = telling(9, authority=1.0, published=NOW + timedelta(hours=5))
    early, late = telling(5), telling(2, published=NOW + timedelta(hours=1))
    assert lead([late, early, primary]) is primary
    assert lead([late, early]) is early
    assert lead([telling(6), telling(5)]).item == 5


def test_what_an_editor_pinned_leads_and_what_is_hidden_never_while_there_is_another():
    primary, press = telling(1, authority=1.0), telling(2)
    assert lead([replace(primary, state="hidden"), press]) is press
    assert lead([primary, replace(press, state="pinned")]).item == 2
    assert lead([replace(primary, state="hidden")]).item == 1


# ---------------------------------------------------------------- any news at all

TITLES = st.lists(st.sampled_from([*ONE.split(), *RETOLD.split(), *OTHER.split()]), max_size=8).map(" ".join)
TELLINGS = st.lists(
    st.builds(
        Telling,
        item=st.integers(1, 999),
        title=st.sampled_from([ONE, RETOLD, OTHER, ""]) | TITLES,
        summary=st.sampled_from(["", "The engine is out.", OTHER]),
        canonical_url=st.sampled_from(["", "u1", "u2", "u3", "u4", "u5"]),
        published=st.integers(0, 300).map(lambda hours: NOW + timedelta(hours=hours)),
        authority=st.just(0.7),
    ),
    max_size=14,
    unique_by=lambda one: one.item,
)


@settings(max_examples=200, deadline=None)
@given(tellings=TELLINGS, data=st.data())
def test_any_news_is_divided_the_same_in_whatever_order_it_comes(tellings, data):
    found = group(tellings, ())
    by_item = {one.item: one for one in tellings}
    at = Counter(one.canonical_url for one in tellings if one.canonical_url)
    home = {item: number for number, story in enumerate(found) for item in story.items}

    assert sorted(item for story in found for item in story.items) == sorted(by_item)
    for one in tellings:
        page = [other for other in tellings if other.canonical_url == one.canonical_url]
        first = min(page, key=lambda other: (other.published, other.item))
        if 0 < at[one.canonical_url] <= MOST_AT_AN_ADDRESS and one.published - first.published <= WINDOW:
            assert home[one.item] == home[first.item]
    for story in found:
        told = [by_item[item] for item in story.items]
        if not any(0 < at[one.canonical_url] <= MOST_AT_AN_ADDRESS and at[one.canonical_url] > 1 for one in told):
            assert max(one.published for one in told) - min(one.published for one in told) <= WINDOW
    assert group(data.draw(st.permutations(tellings)), ()) == found


@settings(max_examples=100, deadline=None)
@given(known=TELLINGS, fresh=TELLINGS, data=st.data())
def test_known_stories_take_the_same_items_in_whatever_order_they_are_given(known, fresh, data):
    told = [Telling(**(vars(one) | {"item": one.item + 1000, "story": 1 + one.item % 4})) for one in known]
    found = group(fresh, told)
    assert {story.story for story in found} <= {None, 1, 2, 3, 4}
    assert group(data.draw(st.permutations(fresh)), data.draw(st.permutations(told))) == found
