from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from briefings.domain.matching import (
    DIVERSITY,
    MOST_PER_SOURCE,
    MOST_STORIES,
    RUNGS,
    WEIGHTS,
    Candidate,
    Focus,
    rank,
    worthwhile,
)

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
FOCUS = Focus(
    week=5,
    specialization="mlops",
    role="ai-engineer",
    focus_skills=("kv-cache",),
    tool_skill="vllm",
    built_skills=("quantization",),
    neighbour_skills=("autoscaling",),
    core_skills=("kubernetes", "kv-cache"),
)
NAMES = {
    "kv-cache": "KV cache management",
    "vllm": "vLLM",
    "quantization": "Quantization",
    "autoscaling": "Autoscaling",
    "kubernetes": "Kubernetes",
    "mlops": "MLOps",
    "ai-engineer": "AI Engineer",
}


def story(number: int = 1, skill: str = "kv-cache", **values) -> Candidate:
    defaults = {
        "story": number,
        "item": 100 + number,
        "title": f"News {number}",
        "summary": "",
        "url": f"https://a{number}.example/news",
        "source": f"Source {number}",
        "authority": 0.7,
        "published": AT - timedelta(days=1),
        "topics": {skill: 0.9, "mlops": 0.6},
        "words": {skill: (skill,)},
    }
    return Candidate(**(defaults | values))


def ranked(*candidates: Candidate, seen=()) -> list[int]:
    return [match.story for match in rank(candidates, FOCUS, seen, AT, NAMES)]


def test_the_weights_of_a_score_sum_to_one():
    assert sum(WEIGHTS.values()) == pytest.approx(1)


# ---------------------------------------------------------------- who comes in


def test_a_story_that_the_person_got_never_comes_again():
    assert ranked(story(1), story(2), seen={1}) == [2]


def test_a_story_from_outside_the_field_is_not_filled_in():
    assert ranked(story(topics={"cooking": 1.0}, words={"cooking": ("soup",)}, authority=1.0)) == []


def test_a_story_that_an_editor_pinned_comes_whatever_it_is_about():
    (match,) = rank([story(topics={}, words={}, pinned=True)], FOCUS, (), AT, NAMES)
    assert match.rung == "editor"
    assert match.reasons == ("our editor thinks that everybody should see it",)


def test_old_news_gives_way_to_new():
    old = story(1, published=AT - timedelta(days=9))
    new = replace(
        old, story=2, title="Newer", url="https://new.example/", source="Another", published=AT - timedelta(hours=2)
    )
    assert ranked(old, new) == [2, 1]


def test_no_source_takes_more_than_its_share():
    same = [story(number, source="Loud") for number in range(6)]
    assert len(ranked(*same)) == MOST_PER_SOURCE


@pytest.mark.parametrize(
    ("addresses", "topic"),
    [
        ("https://www.loud.example/{}", "kv-cache"),
        ("https://press-{}.example/", "anthropic-claude"),
        ("https://n{}.blog.google/", "kv-cache"),
    ],
)
def test_no_host_and_no_vendor_takes_more_than_its_share(addresses, topic):
    topics = {"kv-cache": 0.9, "mlops": 0.6, topic: 0.9}
    same = [story(number, url=addresses.format(number), topics=topics) for number in range(6)]
    assert len(ranked(*same)) == MOST_PER_SOURCE


def test_a_host_where_everybody_publishes_may_speak_more_often():
    releases = [story(number, url=f"https://github.com/project-{number}/releases") for number in range(5)]
    assert len(ranked(*releases)) == MOST_STORIES


def test_a_single_story_for_the_whole_role_is_no_news_section_but_two_are():
    beside = [story(number, topics={"mlops": 0.9}, words={}) for number in (1, 2)]
    assert ranked(beside[0]) == []
    assert ranked(*beside) == [1, 2]


def test_what_only_touches_the_field_a_little_is_not_filled_in():
    faint = story(topics={"kubernetes": 0.6}, words={"kubernetes": ("k8s",)}, published=AT - timedelta(days=8))
    assert ranked(faint) == []


def test_what_stands_further_from_the_plan_fills_only_places_that_are_left():
    loud = {"authority": 1.0, "sources": tuple("ABCDEFG"), "published": AT}
    field = [story(number, "kubernetes", title=f"Field{number}", **loud) for number in range(1, 6)]
    near = [story(number, title=f"Near{number}", **faint("autoscaling", 0.5)) for number in range(11, 13)]
    week = [story(number, title=f"Week{number}", **faint("kv-cache", 0.4)) for number in range(21, 23)]
    everything = [*field, *near, *week]
    found = scores(*everything)
    assert min(found[one.story] for one in field) > max(found[one.story] for one in [*near, *week])
    assert [match.rung for match in rank(everything, FOCUS, (), AT, NAMES)] == [
        "focus",
        "focus",
        "near",
        "near",
        "field",
    ]


def faint(skill: str, score: float) -> dict[str, object]:
    return {"topics": {skill: score, "mlops": 0.5}, "words": {skill: (skill,)}, "published": AT - timedelta(days=1)}


def test_what_an_editor_pinned_is_there_however_much_there_is_of_the_week():
    pinned = story(99, "unknown", topics={}, words={}, pinned=True, authority=0.1)
    assert 99 in ranked(*(story(number, title=f"Title{number}") for number in range(1, 9)), pinned)


def test_nobody_gets_again_what_the_same_feed_told_under_the_same_title():
    again = story(2, retells=frozenset({1}))
    assert rank([again], FOCUS, {1}, AT, NAMES) == []
    assert rank([again], FOCUS, {7}, AT, NAMES) != []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"retells": frozenset({1})}),
        ({"retells": frozenset({2})}, {}),
        ({"url": "https://a.example/"}, {"url": "https://a.example/"}),
        ({"title": "Caches halve"}, {"title": "CACHES halve"}),
    ],
    ids=["retells", "is retold", "address", "title"],
)
def test_nothing_is_told_twice_in_one_briefing(one, other):
    first, again = story(1, published=AT, **one), story(2, **other)
    assert ranked(first, again, story(3)) == [1, 3]


def test_stories_without_an_address_or_a_title_are_not_the_same():
    assert len(ranked(*(story(number, url="", title="") for number in (1, 2)))) == 2


def test_two_skills_of_the_week_get_news_when_there_is_some():
    loud = [story(number, title=f"Unlike{number} others{number}", authority=1.0) for number in range(1, 7)]
    quiet = story(9, **faint("quantization", 0.35))
    both = replace(FOCUS, focus_skills=("kv-cache", "quantization"))
    found = scores(*loud, quiet, focus=both)
    assert found[9] < min(found[one.story] for one in loud) - DIVERSITY
    assert 9 in {match.story for match in rank([*loud, quiet], both, (), AT, NAMES)}


# ---------------------------------------------------------------- what counts


def scores(*candidates: Candidate, seen=(), focus=FOCUS) -> dict[int, float]:
    return {candidate.story: score for score, candidate in worthwhile(candidates, focus, seen, AT)}


def test_a_release_stays_fresh_for_a_week_and_an_opinion_does_not():
    days = [timedelta(days=days) for days in (0, 6, 9)]
    release = scores(*(story(n, title="vLLM v0.12 released", published=AT - age) for n, age in enumerate(days)))
    opinion = scores(*(story(n, title="Caches are hard", published=AT - age) for n, age in enumerate(days)))
    assert release[0] == release[1] > release[2]
    assert opinion[0] > opinion[1] > opinion[2]


def test_what_retells_a_story_that_the_person_just_got_counts_less():
    had = story(1, title="Caches halve their memory")
    again, new = story(2, title="Caches halve their memory again"), story(3, title="Something else entirely")
    assert scores(had, again, new, seen={1}).keys() == {2, 3}
    assert scores(had, again, new, seen={1})[2] < scores(had, again, new, seen={1})[3]
    assert scores(again, new)[2] == scores(again, new)[3]


def test_what_was_told_again_to_a_person_counts_as_had():
    retold = story(2, title="Caches halve their memory", retells=frozenset({1}))
    again, new = story(3, title="Caches halve their memory again"), story(4, title="Something else entirely")
    found = scores(retold, again, new, seen={1})
    assert found.keys() == {3, 4}
    assert found[3] < found[4]


def test_a_tutorial_counts_more_in_the_first_weeks_and_research_in_the_last():
    tutorial, research, unknown = (
        story(n, title=title) for n, title in enumerate(["Cache tutorial", "Cache benchmark", "Caches"])
    )
    early = scores(tutorial, research, unknown, focus=replace(FOCUS, week=1))
    late = scores(tutorial, research, unknown, focus=replace(FOCUS, week=12))
    assert early[0] > early[2] > early[1]
    assert late[1] > late[2] > late[0]
    assert early[2] == late[2]


# ---------------------------------------------------------------- model families

CLAUDE = {"anthropic-claude": 0.9, "mlops": 0.9}


@pytest.mark.parametrize(
    ("tool", "rung"), [("anthropic-claude", "tool"), ("vllm", "role")], ids=["named by the plan", "not named"]
)
def test_news_of_a_model_family_is_of_the_week_only_when_the_plan_names_that_tool(tool, rung):
    week = replace(FOCUS, focus_skills=("kv-cache",), built_skills=("anthropic-claude",), tool_skill=tool)
    told = [story(n, topics=CLAUDE, words={"anthropic-claude": ("Claude",)}) for n in (1, 2)]
    assert {match.rung for match in rank(told, week, (), AT, NAMES)} == {rung}


def test_a_model_family_beside_a_skill_of_the_week_takes_nothing_away():
    words = {"anthropic-claude": ("Claude",), "kv-cache": ("KV cache",)}
    (match,) = rank([story(topics={**CLAUDE, "kv-cache": 0.9}, words=words)], FOCUS, (), AT, NAMES)
    assert (match.rung, match.skills) == ("focus", ("kv-cache",))


def test_among_equals_the_earlier_and_then_the_first_we_met_comes_in():
    equals = [story(number, words={"kv-cache": ("a",)}) for number in range(1, 9)]
    assert ranked(*equals) == ranked(*equals[::-1]) == [1, 2, 3, 4, 5]


def test_a_story_unlike_the_others_is_preferred_to_one_more_of_the_same():
    alike = [story(number) for number in range(1, 7)]
    other = story(9, "vllm", title="Another", authority=0.6)
    assert 9 in ranked(*alike, other)


def test_what_is_like_the_first_choice_stays_so_after_others_are_chosen():
    first = story(1, title="Alpha", pinned=True, authority=1.0)
    then = [story(number, "vllm", title=f"Tool{number}", pinned=True) for number in (2, 3, 4)]
    like_first, unlike = story(5, title="Epsilon"), story(6, "quantization", title="Zeta")
    found = scores(like_first, unlike)
    assert 0 < found[5] - found[6] < DIVERSITY
    assert set(ranked(first, *then, like_first, unlike)) == {1, 2, 3, 4, 6}


# ---------------------------------------------------------------- why


@pytest.mark.parametrize(
    ("skill", "rung", "reason"),
    [
        ("kv-cache", "focus", "week 5 of your plan builds KV cache management"),
        ("vllm", "tool", "vLLM is your tool of week 5"),
        ("quantization", "tasks", "your tasks of week 5 need Quantization"),
        ("autoscaling", "near", "the weeks around week 5 build Autoscaling"),
        ("kubernetes", "field", "Kubernetes is part of MLOps"),
    ],
)
def test_every_rung_says_in_words_why_the_story_is_here(skill, rung, reason):
    (match,) = rank([story(skill=skill)], FOCUS, (), AT, NAMES)
    assert (match.rung, match.reasons) == (rung, (reason, f"it speaks of “{skill}”"))


def test_news_for_the_whole_role_says_so():
    beside = [story(number, topics={"mlops": 0.9}, words={}) for number in (1, 2)]
    for match in rank(beside, FOCUS, (), AT, NAMES):
        assert (match.rung, match.reasons) == ("role", ("it is news for every AI Engineer",))


def test_a_word_with_braces_is_only_a_word():
    (match,) = rank([story(words={"kv-cache": ("{week} {0}",)})], FOCUS, (), AT, NAMES)
    assert match.reasons[1] == "it speaks of “{week} {0}”"


def test_a_skill_that_counts_in_two_ways_counts_by_the_stronger():
    assert FOCUS.weights()["kv-cache"] == 1.0


# ---------------------------------------------------------------- any week at all

TOPICS = st.sampled_from([*NAMES, "cooking"])
CANDIDATES = st.lists(
    st.builds(
        Candidate,
        story=st.integers(1, 60),
        item=st.integers(1, 99),
        title=st.sampled_from(["", "News", *"abcdefghijklmnop"]),
        summary=st.just(""),
        url=st.sampled_from(["", "https://a.example/1", "https://openai.com/x", "http://[broken"]),
        source=st.sampled_from("ABCDEF"),
        authority=st.sampled_from([0.4, 0.7, 1.0]),
        published=st.integers(-2, 240).map(lambda hours: AT - timedelta(hours=hours)),
        topics=st.dictionaries(TOPICS, st.sampled_from([0.2, 0.6, 0.9, 1.0]), max_size=4),
        words=st.dictionaries(TOPICS, st.just(("word",)), max_size=3),
        sources=st.lists(st.sampled_from("XYZ"), unique=True).map(tuple),
        pinned=st.booleans(),
        retells=st.frozensets(st.integers(1, 60), max_size=3),
    ),
    max_size=25,
    unique_by=lambda candidate: candidate.story,
)


@settings(max_examples=200, deadline=None)
@given(candidates=CANDIDATES, seen=st.frozensets(st.integers(1, 60), max_size=20), data=st.data())
def test_any_week_gives_a_few_new_stories_each_with_a_reason_in_whatever_order_they_come(candidates, seen, data):
    matches = rank(candidates, FOCUS, seen, AT, NAMES)

    by_story = {candidate.story: candidate for candidate in candidates}
    sources = Counter(by_story[match.story].source for match in matches)
    assert len({match.story for match in matches}) == len(matches) <= MOST_STORIES
    assert max(sources.values(), default=0) <= MOST_PER_SOURCE
    assert not seen & {match.story for match in matches}
    told = [by_story[match.story] for match in matches]
    assert not any(one.tells_again(other) for one, other in combinations(told, 2))
    assert all(match.reasons and all(match.reasons) and match.rung in RUNGS for match in matches)
    assert all(match.item == by_story[match.story].item for match in matches)
    assert [RUNGS.index(match.rung) for match in matches] == sorted(RUNGS.index(match.rung) for match in matches)
    assert rank(data.draw(st.permutations(candidates)), FOCUS, seen, AT, NAMES) == matches
