from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from briefings.domain.matching import MOST_PER_SOURCE, MOST_STORIES, RUNGS, WEIGHTS, Candidate, Focus, rank

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
        "title": "News",
        "summary": "",
        "url": f"https://a.example/{number}",
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
    new = replace(old, story=2, source="Another", published=AT - timedelta(hours=2))
    assert ranked(old, new) == [2, 1]


def test_no_source_takes_more_than_its_share():
    same = [story(number, source="Loud") for number in range(6)]
    assert len(ranked(*same)) == MOST_PER_SOURCE


def test_among_equals_the_earlier_and_then_the_first_we_met_comes_in():
    equals = [story(number, title="Same", words={"kv-cache": ("a",)}) for number in range(1, 9)]
    assert ranked(*equals) == ranked(*equals[::-1]) == [1, 2, 3, 4, 5]


def test_a_story_unlike_the_others_is_preferred_to_one_more_of_the_same():
    alike = [story(number) for number in range(1, 7)]
    other = story(9, "vllm", authority=0.6)
    assert 9 in ranked(*alike, other)


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
    (match,) = rank([story(topics={"mlops": 0.9}, words={})], FOCUS, (), AT, NAMES)
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
        title=st.just("News"),
        summary=st.just(""),
        url=st.just(""),
        source=st.sampled_from("ABCDEF"),
        authority=st.sampled_from([0.4, 0.7, 1.0]),
        published=st.integers(-2, 240).map(lambda hours: AT - timedelta(hours=hours)),
        topics=st.dictionaries(TOPICS, st.sampled_from([0.2, 0.6, 0.9, 1.0]), max_size=4),
        words=st.dictionaries(TOPICS, st.just(("word",)), max_size=3),
        sources=st.lists(st.sampled_from("XYZ"), unique=True).map(tuple),
        pinned=st.booleans(),
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
    assert all(match.reasons and all(match.reasons) and match.rung in RUNGS for match in matches)
    assert all(match.item == by_story[match.story].item for match in matches)
    assert [RUNGS.index(match.rung) for match in matches] == sorted(RUNGS.index(match.rung) for match in matches)
    assert rank(data.draw(st.permutations(candidates)), FOCUS, seen, AT, NAMES) == matches
