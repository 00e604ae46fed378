from dataclasses import replace
from datetime import UTC, datetime

import pytest

from briefings.domain.catalogue import HEADLINE_LENGTH, LEVELS, PLAN_WEEKS
from briefings.domain.editions import (
    LONGEST_SUBJECT,
    MOST_TASKS,
    News,
    Reader,
    compose,
    focus_of,
    skip_reason,
    spoken_minutes,
    subject,
)
from briefings.domain.matching import Candidate, rank
from briefings.domain.planning import make_plan
from briefings.domain.plans import Profile

MLOPS = "mlops-ai-infrastructure"
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
READER = Reader(7, "active", MLOPS, 4)
NEWS = News("2026-W48", items_read=312, feeds_read=41, note="Look at the cache first.")


@pytest.fixture(scope="module")
def weeks(catalogue):
    return make_plan(catalogue, Profile(MLOPS, "practitioner", 4))


@pytest.fixture(scope="module")
def edition(catalogue, weeks):
    """Week 5 of a reader, with one story."""
    story = Candidate(
        story=3,
        item=30,
        title="",
        summary="Half the memory.",
        url="https://a.example/1",
        source="Inference Notes",
        authority=1.0,
        published=datetime(2026, 11, 5, 23, 0, tzinfo=UTC),
        topics={"kv-cache": 0.9, MLOPS: 0.8},
        words={"kv-cache": ("KV cache",)},
        sources=("Press",),
    )
    focus = focus_of(weeks[4], (weeks[3], weeks[5]), MLOPS, catalogue)
    matches = rank([story], focus, (), AT, catalogue.topic_names)
    return compose(READER, weeks[4], matches, {3: story}, NEWS, catalogue.topic_names)


# ---------------------------------------------------------------- who gets one


@pytest.mark.parametrize(
    ("reader", "week", "reason"),
    [
        (READER, 5, None),
        (None, 5, "no-plan"),
        (replace(READER, state="paused"), 5, "paused"),
        (replace(READER, state="left"), "finished", "left"),
        (READER, "finished", "finished"),
        (READER, "not-started", "not-started"),
        (replace(READER, specialization="alchemy"), 5, "role-left-catalogue"),
    ],
)
def test_who_gets_no_edition_is_told_why_in_a_word(catalogue, reader, week, reason):
    assert skip_reason(reader, week, catalogue) == reason


# ---------------------------------------------------------------- what it says


def test_an_edition_says_the_week_the_tasks_the_tool_and_the_skill(edition, weeks, catalogue):
    week = weeks[4]
    assert (edition.issue, edition.week, edition.weeks) == ("2026-W48", 5, PLAN_WEEKS)
    assert [task.id for task in edition.tasks] == [task.id for task in week.tasks[:MOST_TASKS]]
    assert edition.more_tasks == max(0, len(week.tasks) - MOST_TASKS)
    assert edition.opening.startswith(f"You are in week 5 of 12. This week: {week.tasks[0].title}")
    assert f"Adopt {week.tool.name}; practise {catalogue.topic_names[week.focus_skills[0]]}." in edition.opening
    assert edition.specialization == "MLOps & AI Infrastructure"
    assert (edition.note, edition.items_read, edition.feeds_read) == ("Look at the cache first.", 312, 41)
    assert edition.minutes == week.minutes <= 4 * 60


def test_a_mail_shows_a_few_tasks_and_counts_the_others(weeks, catalogue):
    first = weeks[4].tasks[0]
    busy = replace(weeks[4], tasks=tuple(replace(first, id=f"task-{number}") for number in range(5)))
    made = compose(READER, busy, [], {}, NEWS, catalogue.topic_names)
    assert [task.id for task in made.tasks] == ["task-0", "task-1", "task-2"]
    assert made.more_tasks == 2
    assert made.minutes == busy.minutes


def test_a_story_is_shown_with_its_day_its_reasons_and_who_else_tells_it(edition):
    (story,) = edition.stories
    assert (story.published, story.also, story.url) == ("5 Nov", ("Press",), "https://a.example/1")
    assert story.reasons == ("week 5 of your plan builds KV cache management", "it speaks of “KV cache”")
    assert story.skills == ("KV cache management",)


def test_a_story_without_a_title_is_still_a_link(edition):
    assert edition.stories[0].title == "Untitled"


@pytest.mark.parametrize(
    ("stories", "says"), [(0, "A quiet week in your field."), (1, "1 change touches"), (2, "2 changes touch")]
)
def test_the_preheader_counts_what_is_in_the_mail(edition, weeks, catalogue, stories, says):
    candidate = Candidate(1, 1, "T", "", "", "S", 1.0, AT, {"kv-cache": 1.0}, {"kv-cache": ("KV cache",)})
    told = {n: replace(candidate, story=n, title=f"T{n}", source=f"S{n}") for n in range(stories)}
    focus = focus_of(weeks[4], (), MLOPS, catalogue)
    matches = rank(told.values(), focus, (), AT, catalogue.topic_names)
    made = compose(READER, weeks[4], matches, told, NEWS, catalogue.topic_names)
    assert made.preheader.startswith(says)
    assert made.preheader.endswith(f"{spoken_minutes(made.minutes)} of your 4 h.")


def test_the_focus_of_a_week_knows_its_neighbours_and_names_no_skill_twice(weeks, catalogue):
    focus = focus_of(weeks[4], (weeks[3], weeks[5]), MLOPS, catalogue)
    assert focus.role == "ai-engineer"
    assert set(weeks[3].focus_skills) | set(weeks[5].focus_skills) == set(focus.neighbour_skills)
    assert len(set(focus.built_skills)) == len(focus.built_skills)


# ---------------------------------------------------------------- subjects and minutes


def test_every_subject_of_every_plan_fits_a_small_screen(catalogue):
    for spec in catalogue.specialization.values():
        for level in LEVELS:
            for week in make_plan(catalogue, Profile(spec.id, level, 4)):
                assert subject(week) == f"Week {week.number} of 12: {week.headline}"
                assert len(subject(week)) <= LONGEST_SUBJECT


def test_a_headline_that_does_not_fit_gives_way_to_a_plain_subject(weeks):
    assert subject(replace(weeks[11], headline="x" * HEADLINE_LENGTH)).endswith("x")
    assert subject(replace(weeks[11], headline="x" * (HEADLINE_LENGTH + 2))) == "Week 12 of 12 of your plan"


@pytest.mark.parametrize(
    ("minutes", "said"), [(0, "0 min"), (45, "45 min"), (60, "1 h"), (125, "2 h 05"), (200, "3 h 20")]
)
def test_minutes_are_said_as_people_say_them(minutes, said):
    assert spoken_minutes(minutes) == said
