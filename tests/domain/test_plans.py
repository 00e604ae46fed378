from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from briefings.domain.catalogue import LEVELS, PLAN_WEEKS
from briefings.domain.plans import HOURS, Profile, make_plan, profile
from briefings.errors import InputError

MLOPS = "mlops-ai-infrastructure"


def person(**answers) -> Profile:
    return Profile(**({"specialization": MLOPS, "level": "practitioner", "hours": 4} | answers))


def skills_of(spec) -> list[str]:
    return sorted({skill for week in spec.plan.weeks for task in week.tasks for skill in task.skills})


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"specialization": "alchemy"}, "choose one from the list"),
        ({"specialization": "applied-ml"}, "still being written"),
        ({"level": "wizard"}, "choose one of starter, practitioner, expert"),
        ({"hours": 0}, "choose between 1 and 12"),
        ({"hours": 13}, "choose between 1 and 12"),
    ],
)
def test_an_answer_that_cannot_be_used_says_what_to_choose(catalogue, answers, words):
    with pytest.raises(InputError, match=words):
        make_plan(catalogue, person(**answers))


def test_a_skill_that_nobody_knows_is_no_skill(catalogue):
    assert profile(catalogue, MLOPS, "expert", 4, ["vllm", "<script>"]).known == {"vllm"}


# ---------------------------------------------------------------- plans


def test_a_person_without_time_gets_shorter_weeks_than_one_with_it(catalogue):
    short, long = (make_plan(catalogue, person(hours=hours)) for hours in (1, 12))
    assert sum(week.minutes for week in short) < sum(week.minutes for week in long)


def test_a_task_whose_every_skill_is_known_is_left_out_and_that_is_said(catalogue):
    task = catalogue.specialization[MLOPS].plan.weeks[4].tasks[0]
    week = make_plan(catalogue, person(hours=12, known=frozenset(task.skills)))[4]
    assert task not in week.tasks
    assert any(change.startswith(f"Skipped “{task.title}”: you already know ") for change in week.changes)


def test_a_task_of_which_one_skill_is_new_stays(catalogue):
    task = next(task for task in catalogue.specialization[MLOPS].plan.weeks[4].tasks if len(task.skills) > 1)
    assert task in make_plan(catalogue, person(hours=12, known=frozenset(task.skills[1:])))[4].tasks


def test_a_person_who_knows_everything_still_has_work(catalogue):
    known = frozenset(catalogue.skill)
    assert make_plan(catalogue, person(hours=12, known=known)) == make_plan(catalogue, person(hours=12))


def test_when_the_only_new_task_does_not_fit_the_hours_known_work_fills_the_week(catalogue):
    template = catalogue.specialization[MLOPS].plan.weeks[4]
    short = replace(template.tasks[0], minutes=45, skills=("vllm",), levels=LEVELS)
    long = replace(template.tasks[1], minutes=75, levels=LEVELS)
    week = replace(template, tasks=(short, long))
    spec = catalogue.specialization[MLOPS]
    plan = replace(spec.plan, weeks=(*spec.plan.weeks[:4], week, *spec.plan.weeks[5:]))
    role = replace(catalogue.role_of[MLOPS], specializations=(replace(spec, plan=plan),))

    made = make_plan(replace(catalogue, roles=(role,)), person(hours=1, known=frozenset({"vllm"})))[4]

    assert made.tasks == (short,)
    assert made.changes == (f"Left out “{long.title}” (75 min): it does not fit 1 h a week.",)


@st.composite
def people(draw, catalogue) -> Profile:
    spec = draw(st.sampled_from(catalogue.enrollable()))
    known = draw(st.frozensets(st.sampled_from(skills_of(spec))) | st.just(frozenset(skills_of(spec))))
    return Profile(spec.id, draw(st.sampled_from(LEVELS)), draw(st.sampled_from(HOURS) | st.just(1)), known)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_plan_keeps_to_the_hours_leaves_no_week_empty_and_says_what_it_left_out(catalogue, data):
    someone = data.draw(people(catalogue))
    plan = make_plan(catalogue, someone)

    assert [week.number for week in plan] == list(range(1, PLAN_WEEKS + 1))
    for week, template in zip(plan, catalogue.specialization[someone.specialization].plan.weeks, strict=True):
        suited = [task for task in template.tasks if someone.level in task.levels]
        left_out = [task for task in suited if task not in week.tasks]
        assert week.tasks
        assert week.minutes <= someone.hours * 60
        assert [task for task in suited if task in week.tasks] == list(week.tasks)
        assert all(any(f"“{task.title}”" in change for change in week.changes) for task in left_out)
        assert len(week.changes) == len(left_out)
    assert make_plan(catalogue, someone) == plan


def test_every_plan_without_known_skills_leaves_no_week_empty(catalogue):
    for spec in catalogue.enrollable():
        for level in LEVELS:
            for hours in HOURS:
                plan = make_plan(catalogue, Profile(spec.id, level, hours))
                assert all(week.tasks and week.minutes <= hours * 60 for week in plan), (spec.id, level, hours)
