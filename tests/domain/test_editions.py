from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from briefings.domain import phrases
from briefings.domain.catalogue import HEADLINE_LENGTH, HOURS, LEVELS, PLAN_WEEKS, Reading, Task
from briefings.domain.editions import (
    LONGEST_OPENING,
    LONGEST_SUBJECT,
    MOST_TASKS,
    MOST_WORDS,
    News,
    Reader,
    compose,
    compose_field,
    field_focus,
    focus_of,
    pattern,
    signed,
    skip_reason,
    spoken_minutes,
    subject,
)
from briefings.domain.matching import Candidate, Match, rank
from briefings.domain.planning import make_plan
from briefings.domain.plans import PlanWeek, Profile
from briefings.domain.wording import in_words

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
    return compose(READER, weeks[4], matches, {3: story}, NEWS, catalogue)


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
    assert edition.more_tasks == len(week.tasks) - len(edition.tasks)
    assert edition.opening.startswith(f"You are in week 5 of 12. This week: {week.tasks[0].title}")
    assert f"Adopt {week.tool.name}; practise {catalogue.topic_names[week.focus_skills[0]]}." in edition.opening
    assert edition.specialization == "MLOps & AI Infrastructure"
    assert (edition.note, edition.items_read, edition.feeds_read) == ("Look at the cache first.", 312, 41)
    assert edition.minutes == week.minutes + edition.news_minutes <= 4 * 60


def test_a_mail_shows_a_few_tasks_names_the_next_and_counts_the_others(weeks, catalogue):
    first = replace(weeks[4].tasks[0], minutes=40)
    busy = replace(weeks[4], reading=(), tasks=tuple(replace(first, id=f"task-{number}") for number in range(5)))
    made = compose(READER, busy, [], {}, NEWS, catalogue)
    assert [task.id for task in made.tasks] == ["task-0", "task-1", "task-2"]
    assert (made.more_tasks, made.then) == (2, f"{first.title} (40 min)")
    assert phrases.more(made) == f"Then: {first.title} (40 min) and 1 more task, on your plan page."
    assert made.minutes == busy.minutes


def test_a_story_is_shown_with_its_day_its_reasons_and_who_else_tells_it(edition):
    (story,) = edition.stories
    assert (story.published, story.also, story.url) == ("5 Nov", ("Press",), "https://a.example/1")
    assert story.reasons == ("week 5 of your plan builds KV cache management",)
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
    made = compose(READER, weeks[4], matches, told, NEWS, catalogue)
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
    assert (
        subject(replace(weeks[11], headline="x" * (HEADLINE_LENGTH + 2))) == "Week 12 of 12: begin with the first task"
    )


@pytest.mark.parametrize(
    ("minutes", "said"), [(0, "0 min"), (45, "45 min"), (60, "1 h"), (125, "2 h 05"), (200, "3 h 20")]
)
def test_minutes_are_said_as_people_say_them(minutes, said):
    assert spoken_minutes(minutes) == said


# ---------------------------------------------------------------- the reader's time and patience


def five_stories(summary: str = "It says this. " * 60) -> tuple[list[Match], dict[int, Candidate]]:
    told = {
        number: Candidate(
            number, number, f"Story number {number} of five", summary, "", f"Source {number}", 1.0, AT, {}, {}
        )
        for number in range(5)
    }
    return [Match(number, number, 1.0, "focus", ("week 5 builds it",), ()) for number in told], told


TASKS = st.lists(st.integers(1, 240), max_size=7).map(
    lambda found: tuple(
        Task(f"task-{n}", f"Do {n}", m, "Done", "Begin", ("kv-cache",), "A") for n, m in enumerate(found)
    )
)
READINGS = st.lists(st.integers(1, 60), max_size=3).map(
    lambda found: tuple(Reading(f"Page {n}", f"https://a.example/{n}", m) for n, m in enumerate(found))
)


@settings(max_examples=200, deadline=None)
@given(tasks=TASKS, reading=READINGS, hours=st.sampled_from(HOURS), stories=st.integers(0, 5))
def test_tasks_and_reading_never_ask_for_more_than_the_declared_hours(catalogue, tasks, reading, hours, stories):
    week = PlanWeek(5, "Theme", "do it", "Goal", ("kv-cache",), None, tasks, reading)
    matches, told = five_stories()
    made = compose(replace(READER, hours=hours), week, matches[:stories], told, NEWS, catalogue)
    asked = [*made.tasks, *made.reading, *(story for story in made.stories if not story.beyond)]
    assert sum(one.minutes for one in asked) <= made.minutes <= hours * 60
    assert len(made.tasks) + made.more_tasks == len(tasks)
    assert len(made.stories) == stories
    assert phrases.budget(made) == f"{spoken_minutes(made.minutes)} of your {hours} h, reading included"


def test_stories_without_room_in_the_hours_are_told_as_lying_beyond_them(catalogue, weeks):
    full = replace(weeks[4], tasks=(replace(weeks[4].tasks[0], minutes=57),), reading=())
    made = compose(replace(READER, hours=1), full, *five_stories(), NEWS, catalogue)
    assert [story.beyond for story in made.stories] == [False, False, False, True, True]
    assert made.minutes == 60
    assert [phrases.beyond(made, place) for place in range(5)] == [""] * 3 + [
        "Beyond your 1 h, for when there is time:",
        "",
    ]


@pytest.mark.parametrize("hours", [1, 5])
def test_however_much_there_is_to_say_the_first_words_are_the_facts_and_there_are_few(catalogue, hours):
    matches, told = five_stories()
    for spec in catalogue.specialization.values():
        for week in make_plan(catalogue, Profile(spec.id, "practitioner", hours)):
            made = compose(Reader(7, "active", spec.id, hours), week, matches, told, NEWS, catalogue)
            assert len(made.opening) <= LONGEST_OPENING
            assert f"eek {week.number} of 12" in made.opening
            assert week.tasks[0].title in made.opening
            assert 40 <= len(made.preheader) <= 90
            assert len(made.tasks) >= 1
            assert 3 <= len(made.stories) <= 5
            said = [made.opening, made.goal, *(story.summary for story in made.stories)]
            said += [words for task in made.tasks for words in (task.title, task.done_when, task.first_step)]
            assert len(" ".join(said).split()) < MOST_WORDS


def test_a_summary_is_told_in_whole_sentences_or_its_beginning():
    assert in_words("One two three. Four five. Six.", 5) == "One two three. Four five."
    assert in_words("One two three four five six.", 4) == "One two three four…"
    assert in_words("", 4) == ""
    assert len(in_words("長" * 900, 20)) <= 160


def test_a_reason_does_not_say_again_what_the_first_one_has_said(catalogue, weeks):
    matches, told = five_stories()
    reasons = ("week 5 of your plan builds KV cache", "it speaks of “KV cache”", "it speaks of “paged attention”")
    made = compose(READER, weeks[4], [replace(matches[0], reasons=reasons)], told, NEWS, catalogue)
    assert made.stories[0].reasons == (reasons[0], reasons[2])


# ---------------------------------------------------------------- kinds of weeks


def test_the_first_week_the_checkpoints_and_the_last_week_are_weeks_of_their_own():
    kinds = [pattern(number) for number in range(1, 15)]
    regular = {number for number, kind in enumerate(kinds, 1) if kind == "regular"}
    assert (kinds[0], kinds[3], kinds[7], kinds[11], kinds[12]) == (
        "start",
        "checkpoint",
        "checkpoint",
        "last",
        "field",
    )
    assert regular == {2, 3, 5, 6, 7, 9, 10, 11}


def test_only_the_last_week_brings_what_a_portfolio_can_hold(catalogue, weeks):
    made = [compose(READER, weeks[place], [], {}, NEWS, catalogue) for place in (10, 11)]
    assert [len(edition.portfolio) for edition in made] == [0, 3]
    assert set(made[1].portfolio) <= set(catalogue.specialization[MLOPS].assessment.portfolio)


def test_a_field_briefing_has_no_tasks_and_says_what_was_read(catalogue):
    matches, told = five_stories()
    made = compose_field(READER, 14, matches, told, NEWS, catalogue)
    assert (made.tasks, made.minutes, made.pattern) == ((), 5, "field")
    assert made.subject == "Your field this week: read 5 stories"
    assert made.preheader == "We read 312 items from 41 sources and kept 5 for you."
    assert made.opening.startswith("This week in MLOps & AI Infrastructure: 5 stories. First: Story number 0")
    assert field_focus(MLOPS, catalogue).week == 13


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ("Look at the cache.\n- Eda Larsen", ("Look at the cache.", "Eda Larsen")),
        ("Look at the cache.\nThen at the code.", ("Look at the cache.\nThen at the code.", "")),
        ("- Eda", ("- Eda", "")),
        ("", ("", "")),
    ],
)
def test_a_note_is_signed_by_its_last_line(note, said):
    assert signed(note) == said
