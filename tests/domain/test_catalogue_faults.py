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
        (catalogue(skills=(*SKILLS, Skill("serving", "S", "tool"))), "roles/e/s.toml: serving: this id stands more"),
        (catalogue(replace(SPEC, core_skills=("vlm",))), "roles/e/s.toml: vlm: unknown skill; use an id of skills"),
        (with_first_week(tool=replace(TOOL, skill="vlm")), "roles/e/s.toml: vlm: unknown skill"),
        (first_of_week(skills=("vllm", "kv-cache", "vlm")), "roles/e/s.toml: vlm: unknown skill"),
        (first_of_week(id="task-21"), "roles/: task-21: this task id means two tasks; rename one"),
        (both((PLAN.weeks[0], replace(PLAN.weeks[0], week=2), *PLAN.weeks[2:])), "task-11: this task stands twice"),
        # aliases
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
        (catalogue(feeds=(replace(FEED, url="ftp://a"),)), "feeds.toml: ftp://a: this is no web address"),
        # assessments
        (with_assessment(automating=("a",) * 4), "roles/e/s.toml: assessment.automating: 4 entries; write 5 to 8"),
        (with_assessment(augmenting=("a",) * 9), "roles/e/s.toml: assessment.augmenting: 9 entries; write 5 to 8"),
        (with_assessment(opportunities=()), "roles/e/s.toml: assessment.opportunities: 0 entries; write 3 to 5"),
        (with_assessment(learn=LEARN[:2]), "assessment.learn: nothing in the group human; add a skill of that group"),
        (with_assessment(learn=(*LEARN, replace(LEARN[0], skill="vlm"))), "roles/e/s.toml: vlm: unknown skill"),
        (
            with_assessment(learn=(*LEARN, replace(LEARN[0], skill="communication"))),
            "communication: its kind is human; move it to the group it belongs to",
        ),
        (
            catalogue(roles=(replace(catalogue().roles[0], assessment=replace(ASSESSMENT, automating=())),)),
            "roles/e/role.toml: assessment.automating: 0 entries",
        ),
        # plans
        (both(PLAN.weeks[:-1]), "plan.weeks: the weeks are [1, 2, 3"),
        (both(PLAN.weeks[::-1]), "plan.weeks: the weeks are [12, 11"),
        (
            catalogue(replace(SPEC, core_skills=("kv-cache", "x")), skills=(*SKILLS, Skill("x", "X", "tool"))),
            "x: no wee",
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
        (catalogue(replace(SPEC, plan=replace(PLAN, hours=13))), "roles/e/s.toml: plan.hours: 13 hours a week; choose"),
        # weeks
        (with_first_week(headline="x" * 36), "roles/e/s.toml: plan.weeks[1].headline: longer than 35 characters"),
        (
            with_first_week(focus_skills=("kv-cache", "communication", "x")),
            "plan.weeks[1].focus_skills: no task of the week builds x",
        ),
        (with_first_week(focus_skills=("kv-cache",)), "plan.weeks[1].focus_skills: 1 skills; name 2 to 4"),
        (with_first_week(reading=(Reading("R", "https://r.example", 5),) * 3), "plan.weeks[1].reading: 3 pages"),
        (with_first_week(goal="Explore the field"), "plan.weeks[1].goal: “Explore” has no end that can be checked"),
        (first_of_week(levels=LEVELS[:2]), "plan.weeks[1].tasks: 2 tasks for the level expert; write 3 to 5"),
        (
            with_first_week(tasks=(*tasks(1)[:3], *(task(n) for n in (15, 16, 17)))),
            "plan.weeks[1].tasks: 6 tasks for the level starter; write 3 to 5",
        ),
        (
            with_first_week(tasks=(*tasks(1)[:3], task(15, minutes=120))),
            "plan.weeks[1].tasks: 255 minutes with reading for the level expert, over the plan's 4 hours",
        ),
        # tasks
        (first_of_week(skills=()), "roles/e/s.toml: task-11: no skill; name at least one that it builds"),
        (first_of_week(minutes=9), "roles/e/s.toml: task-11: 9 minutes; a task takes 10 to 240"),
        (first_of_week(minutes=241), "task-11: 241 minutes; a task takes 10 to 240"),
        (first_of_week(minutes=61), "task-11: the first task of the week for the level starter, and longer than 60"),
        (first_of_week(title="Learn about caches"), "task-11: “Learn about” has no end that can be checked"),
        (first_of_week(done_when="You understand it"), "task-11: “understand” has no end that can be checked"),
        # sentences
        (
            both((*PLAN.weeks[:11], week(12, goal=SENTENCE, tool=replace(TOOL, why=SENTENCE)))),
            "roles/e/s.toml: “write the three numbers on one line of the page”: stands also in roles/e/s.toml",
        ),
    ],
)
def test_each_fault_names_the_file_the_key_and_what_to_do(broken, words):
    assert [fault for fault in map(str, faults(broken)) if words in fault], "\n".join(map(str, faults(broken)))


def test_all_faults_are_told_at_once():
    broken = with_first_week(headline="x" * 36, tasks=(task(11, minutes=9), *tasks(1)[1:]))
    assert len(faults(broken)) == 2


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
