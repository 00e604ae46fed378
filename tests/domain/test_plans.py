from collections import Counter
from dataclasses import replace
from itertools import product

import catalogue_samples as samples
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from briefings.domain.catalogue import LEVELS, PLAN_WEEKS, SHORTEST_WEEK_MINUTES, Reading, Task
from briefings.domain.planning import MOST_TASKS, alternatives, make_plan
from briefings.domain.plans import HOURS, PlanWeek, Profile, Wishes, profile, remark, summary
from briefings.errors import InputError

MLOPS = "mlops-ai-infrastructure"
CHOSEN_HOURS = (1, 2, 4, 8, 12)
ALL_TASKS: dict[str, list[Task]] = {}
KNOWN = "you already know vLLM and KV cache"
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
        ({"specialization": "alchemy"}, "choose one of serving"),
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
    assert week.changes == ("Left out the reading “Long” (1 h 30): no room in 3 h a week.",)


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
        "Shortened “Do 11” from 45 min to 35 min: you already know KV cache.",
        "Skipped “Do 12”: you already know KV cache.",
        f"Added “Do 14”: {LEAST}vLLM. It is shortened from 1 h to 45 min: you already know KV cache.",
    )


def test_a_task_of_which_one_skill_is_new_is_shortened_by_what_the_other_saves():
    week = first_week(hours=3, known=frozenset({"vllm"}))
    assert week.tasks[0].minutes == 35
    assert week.changes[0] == "Shortened “Do 11” from 45 min to 35 min: you already know vLLM."


def test_the_first_task_of_a_week_and_what_later_ones_need_is_shortened_and_not_skipped():
    needing = samples.task(13, skills=("communication",), needs=("task-12",))
    tasks = (samples.task(11), samples.task(12), samples.task(15), needing)
    week = first_week(tasks, hours=3, known=frozenset({"vllm", "kv-cache"}))
    assert ids(week) == ["task-11", "task-12", "task-13"]
    assert week.tasks[0].minutes == 25
    assert week.changes == (
        f"Shortened “Do 11” from 45 min to 25 min: {KNOWN}, and the rest builds on it.",
        f"Shortened “Do 12” from 45 min to 25 min: {KNOWN}, and the rest builds on it.",
        f"Skipped “Do 15”: {KNOWN}.",
    )


def test_what_only_a_skipped_task_needs_is_skipped_too():
    second, third = samples.task(12), samples.task(13, needs=("task-12",))
    week = first_week((samples.task(11), second, third), known=frozenset({"vllm", "kv-cache"}))
    assert ids(week) == ["task-11"]


# ---------------------------------------------------------------- needs


def needing(**values) -> PlanWeek:
    """Week 1 at 2 hours, where the last of three tasks of 45 minutes has no room."""
    tasks = (*samples.tasks(1)[:2], samples.task(13, skills=("communication",)), samples.task(15, **values))
    return first_week(tasks, hours=2)


def test_a_task_comes_only_with_the_tasks_that_it_needs():
    assert ids(needing(minutes=20, needs=("task-12",))) == ["task-11", "task-12", "task-15"]
    week = needing(minutes=20, needs=("task-13",))
    assert ids(week) == ["task-11", "task-12"]
    assert "Left out “Do 15” (20 min): it needs “Do 13”." in week.changes


def test_a_need_of_another_level_is_no_need():
    tasks = (
        *samples.tasks(1)[:3],
        samples.task(16, levels=("starter",)),
        samples.task(15, needs=("task-11", "task-16")),
    )
    assert "task-15" in ids(first_week(tasks, level="expert"))


def test_a_week_of_which_nothing_has_what_it_needs_keeps_its_first_task_and_says_so():
    second = samples.week(2, tasks=(samples.task(21, needs=("task-11",)), *samples.tasks(2)[1:2]))
    weeks = (samples.PLAN.weeks[0], replace(second, tasks=second.tasks[:1]), *samples.PLAN.weeks[2:])
    made = samples.catalogue(replace(samples.SPEC, plan=replace(samples.PLAN, weeks=weeks)))
    plan = make_plan(made, person(hours=1), Wishes(ticked=frozenset({"task-14"})))
    assert [ids(week) for week in plan[:2]] == [["task-14"], ["task-21"]]
    assert plan[1].changes == ("Kept “Do 21”: the week has nothing else for you. It uses what “Do 11” leaves.",)


def test_work_comes_back_after_what_it_needs_and_not_before():
    tasks = (samples.task(11), samples.task(12, minutes=60), samples.task(13, minutes=30, needs=("task-12",)))
    small = tuple(replace(samples.week(n), tasks=(samples.task(n * 10 + 1, minutes=20),)) for n in (2, 3, 4))
    weeks = (samples.week(1, tasks=tasks), *small, *samples.PLAN.weeks[4:])
    made = make_plan(samples.catalogue(replace(samples.SPEC, plan=replace(samples.PLAN, weeks=weeks))), person(hours=1))
    assert [ids(week) for week in made[:4]] == [["task-11"], ["task-21"], ["task-31"], ["task-41"]]
    made = make_plan(samples.catalogue(replace(samples.SPEC, plan=replace(samples.PLAN, weeks=weeks))), person(hours=2))
    assert [ids(week) for week in made[:2]] == [["task-11", "task-12"], ["task-21", "task-13"]]


def test_a_goal_a_tool_and_a_reading_stand_while_the_tasks_do_that_they_speak_of():
    values = {
        "goal_needs": ("task-13",),
        "tool": replace(samples.TOOL, needs=("task-13",)),
        "reading": (Reading("R", "https://r.example", 10, ("task-13",)),),
    }
    made = samples.with_first_week(**values)
    whole, small = (make_plan(made, person(hours=hours))[0] for hours in (4, 2))
    assert (whole.goal, whole.tool, len(whole.reading)) == ("G", values["tool"], 1)
    assert (small.goal, small.tool, small.reading) == ("a. a.", None, ())
    assert small.changes == (
        "Left out “Do 13” (45 min): no room in 2 h a week.",
        "Left out the reading “R” (10 min): it goes with “Do 13”.",
        "Left out the tool vLLM: it serves “Do 13”.",
        "Fitted the goal to the tasks that you have.",
    )


def test_a_page_that_goes_with_a_task_brought_in_comes_with_it():
    page = Reading("R", "https://r.example", 10, ("task-14",))
    week = make_plan(samples.with_first_week(reading=(page,)), person(hours=4))[0]
    assert "task-14" in ids(week)
    assert week.reading == (page,)


def test_a_known_task_that_only_a_task_put_away_needs_is_skipped():
    needing = samples.task(13, skills=("communication",), needs=("task-12",))
    tasks = (samples.task(11), samples.task(12), needing, samples.task(15, skills=("communication",)))
    someone = person(known=frozenset({"vllm", "kv-cache"}))
    made = samples.with_first_week(tasks=tasks)
    assert "task-12" in ids(make_plan(made, someone)[0])
    assert "task-12" not in ids(make_plan(made, someone, Wishes(put_away=frozenset({"task-13"})))[0])


def test_a_task_taken_in_from_another_level_comes_before_the_others_and_brings_its_needs():
    hard = samples.task(19, levels=("expert",), minutes=60, needs=("task-13",))
    made = samples.with_first_week(tasks=(*samples.tasks(1)[:3], hard))
    week = make_plan(made, person(hours=1), Wishes(taken_in=frozenset({"task-19"})))[0]
    assert ids(week) == ["task-19"]


def test_the_skill_to_practise_is_one_that_a_task_of_the_week_builds():
    week = make_plan(samples.with_first_week(focus_skills=("communication", "vllm")), person(hours=1))[0]
    assert week.focus_skills == ("vllm", "communication")


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
    away = Wishes(put_away=frozenset({"task-12"}))
    delivered = make_plan(samples.catalogue(), person(), away)[:1]
    made = make_plan(samples.catalogue(), person(hours=12), away, delivered)
    assert "task-12" not in {task.id for week in made for task in week.tasks}


def test_a_ticked_task_that_was_moved_is_kept_with_its_own_reason():
    delivered = make_plan(samples.catalogue(), person(hours=1))[:1]
    made = make_plan(samples.catalogue(), person(hours=1), Wishes(ticked=frozenset({"task-13"})), delivered)
    assert "Added “Do 13” from week 1: you ticked it." in made[1].changes


def test_when_wishes_would_leave_a_week_empty_its_first_task_stays_and_the_week_says_why():
    wishes = Wishes(put_away=frozenset({"task-11", "task-12", "task-13"}))
    week = make_plan(samples.catalogue(), person(hours=1), wishes)[0]
    assert ids(week) == ["task-11"]
    assert "Kept “Do 11”: the week has nothing else for you." in week.changes
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


def test_what_can_be_chosen_instead_is_of_the_same_week_not_in_the_plan_yet_and_fits():
    small, hard = samples.task(19, minutes=30, levels=LEVELS[:2]), samples.task(18, levels=("expert",))
    made = samples.with_first_week(tasks=(*samples.tasks(1)[:3], hard, small, samples.task(17, minutes=90)))
    someone = person(hours=2, level="starter")
    plan = make_plan(made, someone)
    assert ids(plan[0]) == ["task-11", "task-12", "task-19"]
    assert [task.id for task in alternatives(made, someone, plan, plan[0], "task-11")] == ["task-13", "task-18"]
    assert alternatives(made, someone, plan, plan[0]) == []
    for task in alternatives(made, someone, plan, plan[0], "task-11"):
        wishes = Wishes().exchanged("task-11", task.id)
        assert task in make_plan(made, someone, wishes, plan[1:])[0].tasks


def test_what_needs_what_the_plan_does_not_have_cannot_be_chosen():
    tasks = (*samples.tasks(1)[:3], samples.task(15, needs=("task-13",)), samples.task(16, needs=("task-11",)))
    made = samples.with_first_week(tasks=tasks)
    plan = make_plan(made, person(hours=2))
    assert [task.id for task in alternatives(made, person(hours=2), plan, plan[0], "task-12")] == ["task-13", "task-16"]
    assert [task.id for task in alternatives(made, person(hours=2), plan, plan[0], "task-11")] == ["task-13"]


def test_what_can_be_chosen_takes_the_minutes_that_it_would_take():
    someone = person(hours=2, known=frozenset({"vllm"}))
    plan = make_plan(samples.catalogue(), someone)
    (offered,) = [
        task for task in alternatives(samples.catalogue(), someone, plan, plan[0], "task-11") if task.id == "task-14"
    ]
    assert offered.minutes == 45


def test_a_week_made_again_with_a_wish_fits_its_goal_tool_and_words_to_it():
    values = {"goal_needs": ("task-12",), "tool": replace(samples.TOOL, needs=("task-12",))}
    made = samples.with_first_week(**values)
    plan = make_plan(made, person(hours=2))
    away = make_plan(made, person(hours=2), Wishes().exchanged("task-12", ""), plan[1:])
    assert ids(away[0]) == ["task-11", "task-13"]
    assert (away[0].goal, away[0].tool) == ("a. a.", None)
    assert away[0].changes[0] == "Put away “Do 12”: your choice."
    assert away[1:] == plan[1:]


def test_a_week_made_again_needs_what_came_before_it_and_not_after():
    tasks = (samples.task(11, minutes=40), samples.task(12), samples.task(13, minutes=20, needs=("task-12",)))
    weeks = (
        samples.week(1, tasks=tasks),
        samples.week(2, tasks=(samples.task(21, minutes=10),)),
        *samples.PLAN.weeks[2:],
    )
    made = samples.catalogue(replace(samples.SPEC, plan=replace(samples.PLAN, weeks=weeks)))
    plan = make_plan(made, person(hours=1))
    assert [ids(week) for week in plan[:2]] == [["task-11"], ["task-21", "task-12"]]
    assert make_plan(made, person(hours=1), Wishes(), plan[1:])[0].tasks == plan[0].tasks


def test_what_was_taken_in_and_is_put_away_is_wanted_no_more():
    wishes = Wishes().exchanged("", "task-14").exchanged("task-14", "")
    assert (wishes.taken_in, wishes.put_away) == (frozenset(), {"task-14"})


def test_wishes_taken_back_leave_the_plan_as_it_was():
    plan = make_plan(samples.catalogue(), person(hours=2))
    wishes = Wishes().exchanged("task-12", "").exchanged("", "task-12")
    assert ids(make_plan(samples.catalogue(), person(hours=2), wishes)[0]) == ids(plan[0])


def test_what_needs_a_task_that_is_put_away_goes_with_it():
    tasks = (*samples.tasks(1)[:3], samples.task(15, needs=("task-13",)))
    week = make_plan(samples.with_first_week(tasks=tasks), person(), Wishes(put_away=frozenset({"task-13"})))[0]
    assert "task-15" not in ids(week)
    assert "Left out “Do 15” (45 min): it needs “Do 13”." in week.changes


def remark_of(**answers) -> str:
    someone = person(**answers)
    return remark(samples.catalogue(), someone, make_plan(samples.catalogue(), someone))


def test_a_plan_for_the_hours_that_it_is_written_for_needs_no_remark():
    assert remark_of(hours=4) == ""


def test_a_plan_that_asks_for_much_less_than_is_given_says_so():
    assert remark_of(hours=9) == (
        "You give 9 h a week, and the weeks ask for 3 h 15: that is all the work this plan has for your level. "
        "We do not invent more to fill your hours."
    )
    assert "what you do not know yet" in remark_of(known=frozenset({"vllm", "kv-cache"}))


def test_known_skills_are_no_lack_of_hours():
    tasks = tuple(
        replace(week, tasks=(*week.tasks[:2], replace(week.tasks[2], minutes=15))) for week in samples.PLAN.weeks
    )
    made = samples.catalogue(replace(samples.SPEC, plan=replace(samples.PLAN, weeks=tasks)))
    someone = person(hours=3, known=frozenset({"kv-cache"}))
    assert "written for" not in remark(made, someone, make_plan(made, someone))
    assert remark(made, someone, ()) == ""


def test_a_plan_of_fewer_hours_than_it_is_written_for_says_what_is_left_of_it():
    assert remark_of(hours=2) == (
        "This plan is written for 4 h a week, and so is what it promises. In 2 h you do 24 of its 36 tasks: those "
        "that come first."
    )


def test_the_summary_tells_what_was_ticked_and_what_it_left():
    plan = make_plan(samples.catalogue(), person(hours=3))
    came = summary(plan, {"task-11", "task-23", "no-longer-there"})
    assert (came.ticked, came.tasks, came.minutes) == (2, 36, 90)
    assert came.artefacts == ((1, "a"), (2, "a"))
    assert came.skills == (("communication", 45), ("kv-cache", 45), ("vllm", 45))


# ---------------------------------------------------------------- every plan of the catalogue


@pytest.fixture(autouse=True, scope="module")
def _tasks_of_every_plan(catalogue):
    for spec in catalogue.specialization.values():
        ALL_TASKS[spec.id] = [task for week in spec.plan.weeks for task in week.tasks]


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
        assert_speaks_of_itself(someone, wishes, plan[: week.number], original)
        missing = [page for page in original.reading if page not in week.reading]
        assert all(f"“{page.title}”" in said for page in missing)
        brought = [task for task in week.tasks if task.id not in {one.id for one in original.tasks}]
        assert all(f"Added “{task.title}”" in said or task.id in wishes.ticked for task in brought)
        assert len(week.tasks) <= max(MOST_TASKS, len(wishes.ticked) + len(original.tasks))
    assert wishes.ticked & {task.id for week in template.weeks for task in week.tasks} <= placed.keys()


def assert_speaks_of_itself(someone: Profile, wishes: Wishes, so_far, original) -> None:
    """Nothing in a week speaks of a task that the plan does not have by then."""
    week = so_far[-1]
    here = {task.id for one in so_far for task in one.tasks}
    suits = {task.id for task in ALL_TASKS[someone.specialization] if someone.level in task.levels}
    chosen = wishes.taken_in | wishes.ticked
    for task in week.tasks:
        kept_anyway = any(words.startswith(f"Kept “{task.title}”") for words in week.changes)
        assert kept_anyway or task.id in chosen or {*task.needs} & suits <= here, (week.number, task.id)
    for page in week.reading:
        assert {*page.needs} & suits <= here, (week.number, page.title)
    assert week.tool is None or {*week.tool.needs} & suits <= here, week.number
    assert week.goal != original.goal or {*original.goal_needs} & suits <= here, week.number


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
