from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from briefings.domain import stories
from briefings.domain.catalogue import PLAN_WEEKS, ListedFeed
from briefings.domain.match_evaluation import (
    FIGURES,
    OURS,
    WAYS,
    Supply,
    TaggedItem,
    candidates_at,
    compare,
    densest_weeks,
    feeds_that_help,
    groups_as_told,
    plan_foci,
    simulate,
    starving_skills,
    supply,
)
from briefings.domain.matching import MOST_PER_SOURCE, Candidate, Focus
from briefings.domain.stories import Group, Telling
from briefings.domain.tagging import Tag
from briefings.domain.weeks import NEWS_WINDOW
from briefings.errors import InputError

CUTOFF = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
FOCUS = Focus(1, "mlops", "ai-engineer", ("kv-cache",), "vllm", ("quantization",), ("autoscaling",), ("kubernetes",))


def item(number: int, age_days: float, *topics: str, authority: float = 0.7) -> TaggedItem:
    published = CUTOFF - timedelta(days=age_days)
    telling = Telling(number, f"Title {number}", "", f"https://a.example/{number}", published, authority)
    tags = tuple(Tag(topic, 0.9, (topic,), "") for topic in topics)
    return TaggedItem(telling, telling.canonical_url, f"Source {number}", tags)


def story(number: int, *skills: str, age_days: float = 1, **values) -> Candidate:
    defaults = {
        "story": number,
        "item": number,
        "title": f"Title number{number}",
        "summary": "",
        "url": f"https://a{number}.example/",
        "source": f"Source {number}",
        "authority": 0.7,
        "published": CUTOFF - timedelta(days=age_days),
        "topics": dict.fromkeys([*skills, "mlops"], 0.9),
        "words": {skill: (skill,) for skill in skills},
    }
    return Candidate(**(defaults | values))


# ---------------------------------------------------------------- weeks and their news


def test_the_weeks_with_the_most_items_are_found_and_follow_each_other():
    sparse = [CUTOFF - timedelta(weeks=10, hours=1)]
    dense = [CUTOFF - timedelta(weeks=week, hours=hour) for week in (0, 1) for hour in range(1, 4)]
    assert densest_weeks(sparse + dense, 2) == [CUTOFF - timedelta(weeks=1), CUTOFF]


def test_without_an_item_there_are_no_weeks():
    with pytest.raises(InputError, match="no item with a date"):
        densest_weeks([], 12)


def test_a_story_is_seen_as_it_was_known_at_the_cut_off():
    later = item(2, -1, "vllm", authority=1.0)
    items = {1: item(1, 2, "kv-cache", "mlops"), 2: later}
    groups = [Group(None, (1, 2))]
    (before,) = candidates_at(CUTOFF, items, groups, {"kv-cache", "vllm"})
    assert (before.item, before.sources, before.words) == (1, (), {"kv-cache": ("kv-cache",)})
    assert before.topics == {"kv-cache": 0.9, "mlops": 0.9}
    (after,) = candidates_at(CUTOFF + timedelta(weeks=1), items, groups, {"kv-cache", "vllm"})
    assert (after.item, after.sources) == (2, ("Source 1",))


def test_old_stories_and_those_without_a_tag_are_no_candidates():
    items = {1: item(1, 2), 2: item(2, NEWS_WINDOW.days + 1, "vllm"), 3: item(3, -1, "vllm")}
    assert candidates_at(CUTOFF, items, [Group(None, (number,)) for number in items], {"vllm"}) == []


def test_a_candidate_names_the_older_stories_of_its_source_under_its_title():
    titled = replace(item(1, 0, "vllm").telling, title="All about caches")
    old, foreign, new = (
        replace(item(number, age, "vllm"), source=source)
        for number, age, source in ((1, 8, "Guide"), (2, 5, "Other"), (3, 1, "Guide"))
    )
    items = {
        number: replace(one, telling=replace(titled, item=number, published=one.telling.published))
        for number, one in enumerate((old, foreign, new), 1)
    }
    found = candidates_at(CUTOFF, items, [Group(number, (number,)) for number in items], {"vllm"})
    assert [one.retells for one in found] == [frozenset(), frozenset(), frozenset({1})]


def test_stories_are_those_that_were_known_at_the_cut_off():
    words = ["Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel", "India", "Juliett"]
    told = [
        Telling(
            number,
            " ".join(words[start : start + 6]),
            "",
            f"https://outlet-{number}.example/",
            CUTOFF - timedelta(days=age),
            0.7,
        )
        for number, (age, start) in enumerate(((1.8, 0), (0.1, 4), (-0.1, 2)), 1)
    ]
    at_once = stories.group(told, [])
    assert {group.items for group in at_once} == {(1, 2, 3)}
    assert {group.items for group in groups_as_told(reversed(told))} == {(1,), (2, 3)}


def test_every_specialization_has_a_focus_for_each_week_of_its_plan(catalogue):
    foci = plan_foci(catalogue)
    assert foci.keys() == catalogue.specialization.keys()
    assert all([focus.week for focus in own] == list(range(1, PLAN_WEEKS + 1)) for own in foci.values())


# ---------------------------------------------------------------- the simulation


def simulated(*candidates: Candidate, weeks: int = 2):
    foci = [replace(FOCUS, week=week) for week in range(1, weeks + 1)]
    return list(simulate(foci, [(CUTOFF, candidates)] * weeks))


def test_nobody_gets_a_story_twice_whatever_the_way():
    cells = simulated(*(story(number, "kv-cache") for number in range(7)))
    assert [(cell.way, cell.week, cell.chosen) for cell in cells] == [
        (way, week, chosen) for way in WAYS for week, chosen in ((1, 5), (2, 2))
    ]
    assert [cell.available for cell in cells if cell.way == OURS] == [7, 2]
    assert sum(cell.repeats for cell in cells) == 0


@pytest.mark.parametrize("mark", [{"url": "https://a.example/"}, {"title": "The same words"}])
def test_another_story_that_a_reader_would_know_again_is_a_repeat(mark):
    one, again = story(1, "kv-cache", **mark), story(2, "kv-cache", **mark)
    cells = list(simulate([FOCUS, replace(FOCUS, week=2)], [(CUTOFF, [one]), (CUTOFF, [again])]))
    assert {cell.repeats for cell in cells if cell.week == 2} == {1}


@pytest.mark.parametrize("mark", [{"url": "https://a.example/"}, {"title": "The same words"}])
def test_the_same_twice_in_one_briefing_is_a_repeat_and_we_do_not_send_it(mark):
    told = [story(number, "kv-cache", **mark) for number in (1, 2)]
    cells = {cell.way: (cell.chosen, cell.repeats) for cell in simulated(*told, weeks=1)}
    assert cells == {way: (1, 0) if way == OURS else (2, 1) for way in WAYS}


def test_every_way_keeps_to_the_caps_and_to_what_touches_the_person():
    loud = [story(number, "kv-cache", source="Loud") for number in range(6)]
    cells = simulated(*loud, story(9, "cooking", topics={"cooking": 1.0}), weeks=1)
    assert {cell.chosen for cell in cells} == {MOST_PER_SOURCE}


def test_only_our_own_way_asks_what_is_worth_a_place():
    faint = story(1, "kubernetes", topics={"kubernetes": 0.6}, age_days=8)
    cells = {cell.way: cell.chosen for cell in simulated(faint, weeks=1)}
    assert cells == {way: 0 if way == OURS else 1 for way in WAYS}


def test_each_way_chooses_by_its_own_measure():
    newest = [story(number, "kubernetes", age_days=0.1) for number in range(1, 6)]
    loudest = [story(number, "kubernetes", sources=("A", "B"), age_days=3) for number in range(11, 16)]
    broadest = [story(number, "kubernetes", "autoscaling", age_days=3) for number in range(21, 26)]
    nearest = [story(number, "kv-cache", age_days=2) for number in range(31, 36)]
    cells = {cell.way: cell for cell in simulated(*newest, *loudest, *broadest, *nearest, weeks=1)}
    assert {way: (cell.on_week, cell.on_plan) for way, cell in cells.items()} == {
        OURS: (5, 5),
        "recency": (0, 0),
        "popularity": (0, 0),
        "tag count": (0, 5),
    }
    assert cells[OURS].focus_skills == 1


def test_a_week_without_news_is_empty():
    (cell, *_) = simulated(weeks=1)
    assert cell.is_empty
    assert (cell.available, cell.sources) == (0, 0)


def test_the_comparison_says_by_how_much_ours_is_more():
    cells = simulated(*(story(number, "kubernetes", age_days=0.1) for number in range(5)), story(9, "kv-cache"))
    compared = compare(cells)
    assert compared.keys() == WAYS.keys()
    assert all(figures.keys() == FIGURES.keys() for figures in compared.values())
    for figures in compared.values():
        for name, (own, more) in figures.items():
            assert own.value + more.value == pytest.approx(compared[OURS][name][0].value)


# ---------------------------------------------------------------- where news is short


def test_supply_counts_the_stories_of_a_week_and_of_each_of_its_skills():
    stories = [story(1, "kv-cache", "vllm"), story(2, "vllm"), story(3, "kubernetes")]
    made = supply(FOCUS, stories)
    assert (made.stories, made.skills) == (2, {"kv-cache": 1, "quantization": 0, "vllm": 2})
    assert made.is_starving
    assert not supply(FOCUS, [story(number, "vllm") for number in range(3)]).is_starving


def test_a_skill_starves_where_it_is_rare_and_its_week_has_too_little():
    hungry, hungrier = Supply("mlops", 1, 2, {"vllm": 2, "ray": 0}), Supply("mlops", 2, 0, {"ray": 0})
    fed = Supply("mlops", 3, 9, {"dspy": 0, "kv-cache": 9})
    starving = starving_skills([hungry, hungrier, fed])
    assert list(starving.items()) == [("ray", [hungry, hungrier]), ("vllm", [hungry])]
    assert all(len(before) >= len(after) for before, after in pairwise(starving.values()))


def test_the_listed_feeds_about_a_skill_that_are_not_polled_would_help():
    feeds = [ListedFeed(f"https://{name}.example/", name, ("vllm",), 0.7) for name in ("here", "absent")]
    other = ListedFeed("https://other.example/", "other", ("ray",), 0.7)
    assert feeds_that_help("vllm", [*feeds, other], {"https://here.example/"}) == [feeds[1]]
