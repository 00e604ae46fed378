from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def test_one_address_is_one_story_whatever_is_said_and_however_late():
    first = telling(1, canonical_url="https://a.example/x")
    late = telling(2, OTHER, canonical_url="https://a.example/x", published=NOW + 5 * WINDOW)
    assert together(first, late) == [{1, 2}]


def test_an_address_that_many_items_have_is_a_list_of_news():
    titles = ["Acme sues Northwind", "Socks for robots", "A phone that sings", "Munich gets an office", "Rain tomorrow"]
    changelog = [telling(n, title, canonical_url="https://a.example/log") for n, title in enumerate(titles)]
    assert len(together(*changelog)) == 5
    assert len(together(*changelog[:4])) == 1


def test_two_items_without_an_address_do_not_share_one():
    assert together(telling(1, canonical_url=""), telling(2, OTHER, canonical_url="")) == [{1}, {2}]


@pytest.mark.parametrize(("apart", "stories"), [(WINDOW, 1), (WINDOW + timedelta(seconds=1), 2)])
def test_the_same_words_after_the_window_are_new_news(apart, stories):
    assert len(together(telling(1), telling(2, published=NOW + apart))) == stories


def test_a_chain_of_half_alike_items_does_not_grow_into_one_story():
    words = [f"Alpha{n} Beta{n} Gamma{n} Delta{n} Epsilon{n} Zeta{n}" for n in range(7)]
    chain = [telling(n, f"{words[n]} {words[n + 1]}", published=NOW + timedelta(hours=n)) for n in range(6)]
    stories = together(*chain)
    assert max(len(story) for story in stories) == 2
    assert not any(
        {first.item, last.item} <= story for story in stories for first, last in zip(chain, chain[2:], strict=False)
    )


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
    stories = group(tellings, ())
    by_item = {one.item: one for one in tellings}
    at = Counter(one.canonical_url for one in tellings if one.canonical_url)
    home = {item: number for number, story in enumerate(stories) for item in story.items}

    assert sorted(item for story in stories for item in story.items) == sorted(by_item)
    for one, other in combinations(tellings, 2):
        if one.canonical_url == other.canonical_url and 0 < at[one.canonical_url] <= MOST_AT_AN_ADDRESS:
            assert home[one.item] == home[other.item]
    for story in stories:
        told = [by_item[item] for item in story.items]
        if not any(0 < at[one.canonical_url] <= MOST_AT_AN_ADDRESS and at[one.canonical_url] > 1 for one in told):
            assert max(one.published for one in told) - min(one.published for one in told) <= WINDOW
    assert group(data.draw(st.permutations(tellings)), ()) == stories


@settings(max_examples=100, deadline=None)
@given(known=TELLINGS, fresh=TELLINGS, data=st.data())
def test_known_stories_take_the_same_items_in_whatever_order_they_are_given(known, fresh, data):
    told = [Telling(**(vars(one) | {"item": one.item + 1000, "story": 1 + one.item % 4})) for one in known]
    stories = group(fresh, told)
    assert {story.story for story in stories} <= {None, 1, 2, 3, 4}
    assert group(data.draw(st.permutations(fresh)), data.draw(st.permutations(told))) == stories
