from dataclasses import replace

import pytest
from catalogue_samples import (
    ASSESSMENT,
    FEED,
    LEARN,
    PLAN,
    SKILLS,
    SPEC,
    TOOL,
    catalogue,
    task,
    tasks,
    week,
    with_assessment,
    with_first_week,
)

from briefings.domain.catalogue import LEVELS, Reading, Skill
from briefings.domain.catalogue_faults import faults

SENTENCE = "Write the three numbers on one line of the page."


def first_of_week(**values):
    """A first week whose first task is different."""
    return with_first_week(tasks=(task(11, **values), *tasks(1)[1:]))


def second_week(**values):
    """A second week whose first task is different."""
    second = week(2, tasks=(task(21, **values), *tasks(2)[1:]))
    return catalogue(replace(SPEC, plan=replace(PLAN, weeks=(PLAN.weeks[0], second, *PLAN.weeks[2:]))))


def later_in_week(**values):
    """A first week whose last regular task is different, after a stretch task and one for starters."""
    first, second, third, stretch = tasks(1)
    starters = task(15, minutes=10, levels=LEVELS[:1])
    return with_first_week(tasks=(first, second, stretch, starters, replace(third, **values)))


def both(weeks):
    return catalogue(replace(SPEC, plan=replace(PLAN, weeks=weeks)))


def test_the_bundled_catalogue_has_no_fault(catalogue):
    assert faults(catalogue) == []


def test_a_sound_catalogue_has_no_fault():
    assert faults(catalogue()) == []


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        # ids
        (catalogue(skills=(*SKILLS, SKILLS[0])), "?: vllm: this id stands more than once"),
        (
            catalogue(skills=(*SKILLS, Skill("serving", "S", "tool"))),
            "roles/engineer/serving.toml: serving: this id stands more",
        ),
        (
            catalogue(replace(SPEC, core_skills=("vlm",))),
            "roles/engineer/serving.toml: vlm: unknown skill; use an id of skills",
        ),
        (with_first_week(tool=replace(TOOL, skill="vlm")), "roles/engineer/serving.toml: vlm: unknown skill"),
        (first_of_week(skills=("vllm", "kv-cache", "vlm")), "roles/engineer/serving.toml: vlm: unknown skill"),
        (first_of_week(id="task-21"), "roles/: task-21: this task id means two tasks; rename one"),
        (both((PLAN.weeks[0], replace(PLAN.weeks[0], week=2), *PLAN.weeks[2:])), "task-11: this task stands twice"),
        (
            first_of_week(id="Task 11"),
            "serving.toml: Task 11: this is no id; write small letters, digits and single hy",
        ),
        (catalogue(skills=(*SKILLS, Skill("-x", "X", "tool"))), "-x: this is no id; write small letters"),
        # aliases
        (
            catalogue(
                skills=(
                    *SKILLS,
                    Skill("a", "A", "tool", ("ambient scribe",)),
                    Skill("b", "B", "tool", ("ambient-scribes",)),
                )
            ),
            "skills.toml: b: the alias 'ambient-scribes' belongs to a already",
        ),
        (
            catalogue(skills=(*SKILLS, Skill("x", "X", "tool", ("VLLM",)))),
            "skills.toml: x: the alias 'VLLM' belongs to vllm already",
        ),
        (
            catalogue(skills=(*SKILLS, Skill("x", "X", "tool", ("++",)))),
            "skills.toml: x: the alias '++' does not find itself",
        ),
        # feeds
        (catalogue(feeds=(replace(FEED, topics=("vlm",)),)), "feeds.toml: https://a.example/rss: unknown topic 'vlm'"),
        (catalogue(feeds=(FEED, FEED)), "feeds.toml: https://a.example/rss: this feed stands more than once"),
        (catalogue(feeds=(replace(FEED, url="ftp://a"),)), "feeds.toml: ftp://a: 'ftp://a' is no web address; begin"),
        (catalogue(feeds=(replace(FEED, url="https://"),)), "feeds.toml: https://: 'https://' is no web address"),
        (catalogue(feeds=(replace(FEED, authority=1.5),)), "a.example/rss: its authority is not between 0 and 1"),
        (catalogue(feeds=(replace(FEED, authority=float("nan")),)), "its authority is not between 0 and 1"),
        # texts
        (with_first_week(theme=" "), "serving.toml: plan.weeks[1].theme: nothing is written here; say it, or take"),
        (first_of_week(artefact=""), "plan.weeks[1].tasks[task-11].artefact: nothing is written here"),
        (with_assessment(portfolio=("p", "")), "serving.toml: assessment.portfolio[2]: nothing is written here"),
        (catalogue(feeds=(replace(FEED, title=""),)), "feeds.toml: feeds[https://a.example/rss].title: nothing is"),
        (
            catalogue(roles=(replace(catalogue().roles[0], category=""),)),
            "roles/engineer/role.toml: category: nothing is written here",
        ),
        # assessments
        (
            with_assessment(automating=("a",) * 4),
            "roles/engineer/serving.toml: assessment.automating: 4 entries; write 5 to 8",
        ),
        (
            with_assessment(augmenting=("a",) * 9),
            "roles/engineer/serving.toml: assessment.augmenting: 9 entries; write 5 to 8",
        ),
        (
            with_assessment(opportunities=()),
            "roles/engineer/serving.toml: assessment.opportunities: 0 entries; write 3 to 5",
        ),
        (with_assessment(learn=LEARN[:2]), "assessment.learn: nothing in the group human; add a skill of that group"),
        (
            with_assessment(learn=(*LEARN, replace(LEARN[0], skill="vlm"))),
            "roles/engineer/serving.toml: vlm: unknown skill",
        ),
        (
            with_assessment(learn=(*LEARN, replace(LEARN[0], skill="communication"))),
            "communication: its kind is human; move it to the group it belongs to",
        ),
        (
            catalogue(roles=(replace(catalogue().roles[0], assessment=replace(ASSESSMENT, automating=())),)),
            "roles/engineer/role.toml: assessment.automating: 0 entries",
        ),
        # plans
        (both(PLAN.weeks[:-1]), "plan.weeks: the weeks are [1, 2, 3"),
        (both(PLAN.weeks[::-1]), "plan.weeks: the weeks are [12, 11"),
        (
            catalogue(replace(SPEC, core_skills=("kv-cache", "x")), skills=(*SKILLS, Skill("x", "X", "tool"))),
            "core_skills: no week touches x",
        ),
        (
            both(
                tuple(
                    replace(one, tasks=(one.tasks[0], one.tasks[1], replace(one.tasks[2], skills=("vllm",))))
                    for one in PLAN.weeks
                )
            ),
            "plan.weeks: no week builds a human skill",
        ),
        (
            catalogue(replace(SPEC, plan=replace(PLAN, hours=13))),
            "roles/engineer/serving.toml: plan.hours: 13 hours a week; choose",
        ),
        # weeks
        (
            with_first_week(headline="x" * 36),
            "roles/engineer/serving.toml: plan.weeks[1].headline: longer than 35 characters",
        ),
        (
            with_first_week(focus_skills=("kv-cache", "communication", "x")),
            "plan.weeks[1].focus_skills: no task of the week builds x",
        ),
        (with_first_week(focus_skills=("kv-cache",)), "plan.weeks[1].focus_skills: 1 skills; name 2 to 4"),
        (with_first_week(reading=(Reading("R", "https://r.example", 5),) * 3), "plan.weeks[1].reading: 3 pages"),
        (with_first_week(goal="Explore the field"), "plan.weeks[1].goal: “Explore” has no end that can be checked"),
        (
            first_of_week(levels=LEVELS[:2]),
            "plan.weeks[1].tasks: 2 tasks; write 3 to 5, beside stretch tasks (level expert)",
        ),
        (
            with_first_week(tasks=(*tasks(1)[:3], *(task(n) for n in (15, 16, 17)))),
            "plan.weeks[1].tasks: 6 tasks; write 3 to 5, beside stretch tasks",
        ),
        (
            with_first_week(tasks=(*tasks(1)[:3], task(15, minutes=120))),
            "plan.weeks[1].tasks: 255 minutes with reading, over the plan's 4 hours; make one a stretch task",
        ),
        (
            with_first_week(focus_skills=("vllm", "kv-cache", "vllm")),
            "plan.weeks[1].focus_skills: vllm stands twice; name it once",
        ),
        (
            with_first_week(
                tasks=(*tasks(1), task(15, minutes=10, skills=("kv-cache",), levels=LEVELS[:1])),
                focus_skills=("vllm", "x"),
            ),
            "plan.weeks[1].focus_skills: no task of the week builds x; name it in a task or drop it",
        ),
        (
            with_first_week(
                tasks=(task(11, skills=("kv-cache",)), *tasks(1)[1:3], task(15, minutes=10, levels=LEVELS[:1]))
            ),
            "plan.weeks[1].focus_skills: no task of the week builds vllm; name it in a task or drop it (level practiti",
        ),
        (
            with_first_week(reading=(Reading("R", "r.example", 5),)),
            "plan.weeks[1].reading[r.example]: 'r.example' is no web address",
        ),
        (
            with_first_week(reading=(Reading("R", "https://r.example", 0),)),
            "plan.weeks[1].reading[https://r.example]: 0 minutes; say how long it takes to read",
        ),
        (
            with_first_week(tool=replace(TOOL, skip_when="You may.")),
            "plan.weeks[1].tool.skip_when: begin it with “Skip”",
        ),
        # needs
        (first_of_week(needs=("task-99",)), "task-11: needs 'task-99', which is no task that comes before; correct"),
        (first_of_week(needs=("task-12",)), "task-11: needs 'task-12', which is no task that comes before; correct"),
        (
            second_week(needs=("task-12",)),
            "task-21: the first task of its week (level starter, practitioner, expert), and needs task-12",
        ),
        (later_in_week(needs=("task-14",)), "task-13: needs task-14, a stretch task that few do"),
        (later_in_week(needs=("task-15",)), "task-13: needs nothing that the level expert has; name that level's task"),
        (
            with_first_week(goal_needs=("task-21",)),
            "plan.weeks[1].goal_needs: needs 'task-21', which is no task that c",
        ),
        (with_first_week(tool=replace(TOOL, needs=("task-21",))), "plan.weeks[1].tool: needs 'task-21'"),
        (
            with_first_week(reading=(Reading("R", "https://r.example", 5, ("task-21",)),)),
            "plan.weeks[1].reading[https://r.example]: needs 'task-21'",
        ),
        # tasks
        (first_of_week(skills=()), "roles/engineer/serving.toml: task-11: no skill; name at least one that it builds"),
        (first_of_week(minutes=9), "roles/engineer/serving.toml: task-11: 9 minutes; a task takes 10 to 240"),
        (first_of_week(minutes=241), "task-11: 241 minutes; a task takes 10 to 240"),
        (first_of_week(minutes=61), "task-11: the first task of the week, and longer than 60 minutes; begin"),
        (first_of_week(title="Learn about caches"), "task-11: “Learn about” has no end that can be checked"),
        (first_of_week(done_when="You understand it"), "task-11: “understand” has no end that can be checked"),
        # sentences
        (
            both((*PLAN.weeks[:11], week(12, goal=SENTENCE, tool=replace(TOOL, why=SENTENCE)))),
            "“write the three numbers on one line of the page”: stands also in roles/engineer/serving.toml",
        ),
    ],
)
def test_each_fault_names_the_file_the_key_and_what_to_do(broken, words):
    assert [fault for fault in map(str, faults(broken)) if words in fault], "\n".join(map(str, faults(broken)))


def test_all_faults_are_told_at_once():
    broken = with_first_week(headline="x" * 36, tasks=(task(11, minutes=9), *tasks(1)[1:]))
    assert len(faults(broken)) == 2


def test_a_fault_of_a_week_is_told_once_for_all_its_levels():
    assert len(faults(with_first_week(tasks=(*tasks(1)[:3], task(15, minutes=120))))) == 1


def test_what_a_task_needs_may_be_one_task_for_each_level():
    easy, hard = task(11, levels=LEVELS[:1]), task(12, levels=LEVELS[1:])
    first = week(1, tasks=(easy, hard, task(13, skills=("communication",)), task(14)))
    second = week(2, tasks=(task(21, needs=("task-11", "task-12")), *tasks(2)[1:]))
    assert faults(both((first, second, *PLAN.weeks[2:]))) == []


def test_a_feed_may_name_a_topic_whose_file_has_a_fault():
    known = {"serving": "roles/engineer/serving.toml", "tuning": "roles/engineer/tuning.toml"}
    assert faults(catalogue(feeds=(replace(FEED, topics=("tuning",)),), files=known)) == []


def test_a_task_that_two_plans_share_is_no_repetition():
    shared = task(99, done_when=SENTENCE)
    first = replace(SPEC, plan=replace(PLAN, weeks=(week(1, tasks=(*tasks(1), shared)), *PLAN.weeks[1:])))
    other_weeks = tuple(
        replace(one, tasks=tuple(replace(part, id=f"other-{part.id}") for part in one.tasks)) for one in PLAN.weeks
    )
    weeks = (replace(other_weeks[0], tasks=(*other_weeks[0].tasks, shared)), *other_weeks[1:])
    second = replace(SPEC, id="tuning", name="Tuning", plan=replace(PLAN, weeks=weeks))
    role = replace(catalogue().roles[0], specializations=(first, second))
    assert faults(catalogue(roles=(role,))) == []


def test_words_that_stand_in_a_vague_verb_are_no_vague_verb():
    assert faults(first_of_week(title="Write the unexplored cases down")) == []
