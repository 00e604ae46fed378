from collections import Counter
from dataclasses import replace
from itertools import product

import catalogue_samples as samples
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from briefings.domain.catalogue import LEVELS, PLAN_WEEKS, SHORTEST_WEEK_MINUTES, Reading
from briefings.domain.plans import (
    HOURS,
    MOST_TASKS,
    PlanWeek,
    Profile,
    Wishes,
    alternatives,
    exchange,
    make_plan,
    profile,
    summary,
)
from briefings.errors import InputError

MLOPS = "mlops-ai-infrastructure"
CHOSEN_HOURS = (1, 2, 4, 8, 12)
LEAST = "there is room, and of what fits it builds what the plan has least of so far, "


def person(**answers) -> Profile:
    return Profile(**({"specialization": "serving", "level": "practitioner", "hours": 4} | answers))


def first_week(tasks=None, **answers) -> PlanWeek:
    """Week 1 of the sample plan, or of one whose first week has these tasks."""
    made = samples.with_first_week(tasks=tasks) if tasks else samples.catalogue()
    return make_plan(made, person(**answers))[0]


def ids(week: PlanWeek) -> list[str]:
    return [task.id for task in week.tasks]


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"specialization": "alchemy"}, "choose one from the list"),
        ({"level": "wizard"}, "choose one of starter, practitioner, expert"),
        ({"hours": 0}, "choose between 1 and 12"),
        ({"hours": 13}, "choose between 1 and 12"),
        ({"goal": "x" * 201}, "longer than 200 characters"),
    ],
)
def test_an_answer_that_cannot_be_used_says_what_to_choose(answers, words):
    with pytest.raises(InputError, match=words):
        make_plan(samples.catalogue(), person(**answers))


def test_a_skill_that_nobody_knows_is_no_skill():
    assert profile(samples.catalogue(), "serving", "expert", 4, ["vllm", "<script>"]).known == {"vllm"}


def test_a_goal_is_one_line():
    assert profile(samples.catalogue(), "serving", "expert", 4, goal=" Lead\n\x00\u202e it ").goal == "Lead it"


# ---------------------------------------------------------------- hours


def test_tasks_are_taken_in_the_order_of_their_importance_while_they_fit():
    week = first_week(hours=1)
    assert ids(week) == ["task-11"]
    assert week.changes[:2] == (
        "Left out “Do 12” (45 min): no room in 1 h a week.",
        "Left out “Do 13” (45 min): no room in 1 h a week.",
    )


def test_work_without_room_comes_back_before_the_next_checkpoint_and_the_week_says_so():
    tasks = (*samples.tasks(1)[:2], samples.task(13, minutes=15))
    made = make_plan(samples.with_first_week(tasks=tasks), person(hours=1))
    assert ids(made[0]) == ["task-11", "task-13"]
    small = replace(samples.week(2), tasks=(samples.task(21, minutes=15), *samples.tasks(2)[1:3]))
    plan = replace(
        samples.PLAN, weeks=(replace(samples.week(1), tasks=samples.tasks(1)[:3]), small, *samples.PLAN.weeks[2:])
    )
    made = make_plan(samples.catalogue(replace(samples.SPEC, plan=plan)), person(hours=1))
    assert ids(made[1]) == ["task-21", "task-22"]
    plan = replace(plan, weeks=(plan.weeks[0], replace(small, tasks=small.tasks[:1]), *plan.weeks[2:]))
    made = make_plan(samples.catalogue(replace(samples.SPEC, plan=plan)), person(hours=1))
    assert ids(made[1]) == ["task-21", "task-13"]
    assert "Left out “Do 13” (45 min): no room in 1 h a week; it comes in week 2." in made[0].changes
    assert made[1].changes == (f"Added “Do 13” from week 1: {LEAST}Communication.",)


def test_work_that_found_no_room_before_a_checkpoint_does_not_come_back_after_it():
    short = tuple(replace(samples.week(n), tasks=samples.tasks(n)[:1]) for n in range(5, 13))
    weeks = (*(replace(samples.week(n), tasks=samples.tasks(n)[:3]) for n in range(1, 5)), *short)
    made = make_plan(samples.catalogue(replace(samples.SPEC, plan=replace(samples.PLAN, weeks=weeks))), person(hours=2))
    assert all(ids(week) == [f"task-{week.number * 10 + 1}"] for week in made[4:])


def test_minutes_to_spare_go_to_a_stretch_task():
    week = first_week(hours=4)
    assert ids(week) == ["task-11", "task-12", "task-13", "task-14"]
    assert week.changes == (f"Added “Do 14”: {LEAST}vLLM.",)


def test_nobody_misses_a_stretch_task_that_does_not_fit():
    week = first_week(hours=3)
    assert ids(week) == ["task-11", "task-12", "task-13"]
    assert week.changes == ()


def test_reading_that_does_not_fit_is_said_to_be_left_out():
    pages = (Reading("Short", "https://a.example", 10), Reading("Long", "https://b.example", 90))
    week = make_plan(samples.with_first_week(reading=pages), person(hours=3))[0]
    assert week.reading == pages[:1]
    assert week.changes == ("Left out the reading “Long” (90 min): no room in 3 h a week.",)


# ---------------------------------------------------------------- levels and known skills


def test_the_level_picks_the_variant():
    easy = samples.task(18, levels=("starter",))
    hard = samples.task(19, levels=("practitioner", "expert"))
    tasks = (*samples.tasks(1)[:2], easy, hard)
    assert "task-18" in ids(first_week(tasks, level="starter"))
    assert ids(first_week(tasks, level="expert")) == ["task-11", "task-12", "task-19"]


def test_a_task_whose_every_skill_is_known_is_skipped_and_its_time_goes_to_the_weakest_skill():
    week = first_week(hours=3, known=frozenset({"kv-cache"}))
    assert ids(week) == ["task-11", "task-13", "task-14"]
    assert week.changes == (
        "Skipped “Do 12”: you already know KV cache.",
        "Shortened “Do 11” from 45 to 35 min: you already know KV cache.",
        f"Added “Do 14”: {LEAST}vLLM. It is shortened from 60 to 45 min: you already know KV cache.",
    )


def test_a_task_of_which_one_skill_is_new_is_shortened_by_what_the_other_saves():
    week = first_week(hours=3, known=frozenset({"vllm"}))
    assert week.tasks[0].minutes == 35
    assert week.changes[0] == "Shortened “Do 11” from 45 to 35 min: you already know vLLM."


def test_the_first_task_of_a_week_is_shortened_and_not_skipped_because_later_weeks_need_it():
    week = first_week(hours=3, known=frozenset({"vllm", "kv-cache"}))
    assert ids(week) == ["task-11", "task-13"]
    assert week.tasks[0].minutes == 25
    assert week.changes[1] == (
        "Shortened “Do 11” from 45 to 25 min: you already know vLLM, KV cache, and later weeks need what it leaves."
    )


# ---------------------------------------------------------------- wishes


def test_a_task_put_away_stays_away_when_the_plan_is_made_again():
    wishes = Wishes(put_away=frozenset({"task-12"}))
    week = make_plan(samples.catalogue(), person(), wishes)[0]
    assert "task-12" not in ids(week)
    assert "Put away “Do 12”: your choice." in week.changes


def test_a_task_taken_in_comes_before_all_others_whatever_its_level():
    tasks = (*samples.tasks(1)[:3], samples.task(19, levels=("expert",)))
    wishes = Wishes(taken_in=frozenset({"task-19"}))
    week = make_plan(samples.with_first_week(tasks=tasks), person(hours=1, level="starter"), wishes)[0]
    assert ids(week) == ["task-19"]


def test_putting_everything_away_leaves_no_week_empty():
    every = frozenset(task.id for week in samples.PLAN.weeks for task in week.tasks)
    assert all(week.tasks for week in make_plan(samples.catalogue(), person(), Wishes(put_away=every)))


def test_delivered_weeks_stay_and_ticked_tasks_survive_a_slower_pace():
    before = make_plan(samples.catalogue(), person())
    wishes = Wishes(ticked=frozenset({"task-52", "task-53"}))
    after = make_plan(samples.catalogue(), person(hours=1), wishes, before[:4])
    assert after[:4] == before[:4]
    assert {"task-52", "task-53"} <= set(ids(after[4]))
    assert all(week.minutes <= 60 for week in after[5:])


def test_a_task_put_away_in_a_delivered_week_does_not_come_back_in_a_later_one():
    delivered = [exchange(make_plan(samples.catalogue(), person())[0], "task-12", None, 4)]
    made = make_plan(samples.catalogue(), person(hours=12), Wishes(put_away=frozenset({"task-12"})), delivered)
    assert "task-12" not in {task.id for week in made for task in week.tasks}


def test_a_ticked_task_that_was_moved_is_kept_with_its_own_reason():
    delivered = make_plan(samples.catalogue(), person(hours=1))[:1]
    made = make_plan(samples.catalogue(), person(hours=1), Wishes(ticked=frozenset({"task-13"})), delivered)
    assert "Added “Do 13” from week 1: you ticked it." in made[1].changes


def test_when_wishes_would_leave_a_week_empty_its_first_task_stays_and_the_week_says_why():
    wishes = Wishes(put_away=frozenset({"task-11", "task-12", "task-13"}))
    week = make_plan(samples.catalogue(), person(hours=1), wishes)[0]
    assert ids(week) == ["task-11"]
    assert "Kept “Do 11”: nothing else of the week fits 1 h." in week.changes
    assert "Put away “Do 12”: your choice." in week.changes


def test_the_first_task_is_that_of_the_template_also_beside_delivered_weeks():
    delivered = make_plan(samples.catalogue(), person(hours=1))[:1]
    made = make_plan(samples.catalogue(), person(hours=12, known=frozenset({"kv-cache"})), Wishes(), delivered)
    assert "task-12" not in {task.id for week in made for task in week.tasks}


def test_a_ticked_task_keeps_its_shortened_minutes_when_the_pace_changes():
    someone = person(known=frozenset({"vllm"}))
    before = make_plan(samples.catalogue(), someone)
    after = make_plan(samples.catalogue(), replace(someone, hours=2), Wishes(ticked=frozenset({"task-21"})), before[:1])
    assert after[1].tasks[0] == before[1].tasks[0]


def test_ticked_work_counts_among_the_most_tasks_of_a_week():
    delivered = make_plan(samples.catalogue(), person(hours=1))[:3]
    ticked = frozenset({"task-12", "task-13", "task-22"})
    week = make_plan(samples.catalogue(), person(hours=12), Wishes(ticked=ticked), delivered)[3]
    assert ticked < set(ids(week))
    assert len(week.tasks) == max(MOST_TASKS, len(ticked) + 3)


def test_an_exchange_takes_back_what_was_said_of_the_task_that_comes_in():
    week = make_plan(samples.catalogue(), person(hours=1))[0]
    assert any("Do 13" in words for words in week.changes)
    changed = exchange(week, "task-11", samples.tasks(1)[2], 1)
    assert [words for words in changed.changes if "Do 13" in words] == ["“Do 13” in place of “Do 11”: your choice."]


def test_an_exchange_keeps_the_place_and_says_that_it_was_a_choice():
    week = make_plan(samples.catalogue(), person())[0]
    other = samples.task(77)
    assert ids(exchange(week, "task-12", other, 4)) == ["task-11", "task-77", "task-13", "task-14"]
    assert exchange(week, "task-12", other, 4).changes[-1] == "“Do 77” in place of “Do 12”: your choice."
    assert ids(exchange(week, "task-12", None, 4)) == ["task-11", "task-13", "task-14"]


@pytest.mark.parametrize(
    ("out", "into", "words"),
    [
        ("task-99", None, "not in that week"),
        ("task-11", None, "keeps at least one task"),
        ("task-11", samples.task(77, minutes=90), "does not fit 1 h"),
    ],
)
def test_an_exchange_that_is_no_use_is_refused_in_words(out, into, words):
    week = make_plan(samples.catalogue(), person(hours=1))[0]
    with pytest.raises(InputError, match=words):
        exchange(week, out, into, 1)


def test_what_can_be_chosen_instead_is_of_the_same_week_and_not_in_the_plan_yet():
    tasks = (*samples.tasks(1)[:3], samples.task(18, levels=("expert",)), samples.task(19, levels=LEVELS[:2]))
    made = samples.with_first_week(tasks=tasks)
    plan = make_plan(made, person(hours=2))
    assert [task.id for task in alternatives(made, person(hours=2), plan, 1)] == ["task-13", "task-19", "task-18"]


def test_the_summary_tells_what_was_ticked_and_what_it_left():
    plan = make_plan(samples.catalogue(), person(hours=3))
    came = summary(plan, {"task-11", "task-23", "no-longer-there"})
    assert (came.ticked, came.tasks, came.minutes) == (2, 36, 90)
    assert came.artefacts == ((1, "a"), (2, "a"))
    assert came.skills == (("communication", 45), ("kv-cache", 45), ("vllm", 45))


# ---------------------------------------------------------------- every plan of the catalogue


def known_sets(spec) -> list[frozenset[str]]:
    """Nothing, a little, the core, and everything that the plan builds."""
    built = sorted({skill for week in spec.plan.weeks for task in week.tasks for skill in task.skills})
    return [frozenset(), frozenset(built[::5]), frozenset(spec.core_skills), frozenset(built)]


def assert_sound(catalogue, someone: Profile, wishes: Wishes, plan) -> None:
    """What every plan of every person holds to."""
    template = catalogue.specialization[someone.specialization].plan
    assert [week.number for week in plan] == list(range(1, PLAN_WEEKS + 1))
    placed = Counter(task.id for week in plan for task in week.tasks)
    assert set(placed.values()) == {1}
    for week, original in zip(plan, template.weeks, strict=True):
        to_do = sum(task.minutes for task in week.tasks if task.id not in wishes.ticked)
        assert week.tasks
        assert to_do <= someone.hours * 60
        assert wishes.ticked or week.minutes <= someone.hours * 60
        said = " ".join(week.changes)
        for task in original.tasks:
            if someone.level in task.levels and not task.stretch:
                assert task in week.tasks or f"“{task.title}”" in said, (week.number, task.id)
        missing = [page for page in original.reading if page not in week.reading]
        assert all(f"“{page.title}”" in said for page in missing)
        brought = [task for task in week.tasks if task.id not in {one.id for one in original.tasks}]
        assert all(f"Added “{task.title}”" in said or task.id in wishes.ticked for task in brought)
        assert len(week.tasks) <= max(MOST_TASKS, len(wishes.ticked) + len(original.tasks))
    assert wishes.ticked & {task.id for week in template.weeks for task in week.tasks} <= placed.keys()


def test_every_plan_of_every_level_pace_and_knowledge_holds_together(catalogue):
    for spec in catalogue.specialization.values():
        for level, hours, known in product(LEVELS, CHOSEN_HOURS, known_sets(spec)):
            someone = Profile(spec.id, level, hours, known)
            assert_sound(catalogue, someone, Wishes(), make_plan(catalogue, someone))


def test_every_plan_has_words_that_are_its_own(catalogue):
    titles = Counter(
        task for spec in catalogue.specialization.values() for week in spec.plan.weeks for task in week.tasks
    )
    shared = {task.id for task, count in titles.items() if count > 1}
    assert all(task.startswith("shared-") for task in shared)
    assert all(
        week.minutes >= SHORTEST_WEEK_MINUTES // 2 for week in make_plan(catalogue, person(specialization=MLOPS))
    )


@st.composite
def people(draw, catalogue) -> tuple[Profile, Wishes, int, int]:
    """Answers, wishes, the hours before, and how many weeks were delivered by then."""
    spec = catalogue.specialization[draw(st.sampled_from(sorted(catalogue.specialization)))]
    tasks = sorted({task.id for week in spec.plan.weeks for task in week.tasks})
    skills = sorted({skill for week in spec.plan.weeks for task in week.tasks for skill in task.skills})
    some = st.frozensets(st.sampled_from(tasks), max_size=8)
    someone = Profile(
        spec.id,
        draw(st.sampled_from(LEVELS)),
        draw(st.sampled_from([1, *HOURS])),
        draw(st.sampled_from([frozenset(), frozenset(skills)]) | st.frozensets(st.sampled_from(skills))),
    )
    put_away = draw(some)
    wishes = Wishes(put_away, draw(some) - put_away, draw(some) - put_away)
    return someone, wishes, draw(st.sampled_from(HOURS)), draw(st.integers(0, PLAN_WEEKS))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_change_of_pace_keeps_what_was_delivered_and_ticked_and_never_exceeds_the_hours(catalogue, data):
    someone, wishes, hours, delivered = data.draw(people(catalogue))
    before = make_plan(catalogue, replace(someone, hours=hours))
    after = make_plan(catalogue, someone, wishes, before[:delivered])

    assert after[:delivered] == before[:delivered]
    assert make_plan(catalogue, someone, wishes, before[:delivered]) == after
    if not delivered:
        assert_sound(catalogue, someone, wishes, after)
    for week in after[delivered:]:
        assert week.tasks
        assert sum(task.minutes for task in week.tasks if task.id not in wishes.ticked) <= someone.hours * 60
    every = Counter(task.id for week in after for task in week.tasks)
    assert set(every.values()) == {1}
