from dataclasses import replace

import pytest

from briefings.domain.catalogue import (
    LEVELS,
    PLAN_WEEKS,
    Catalogue,
    ListedFeed,
    PlanTemplate,
    Role,
    Skill,
    Specialization,
    Task,
    TemplateWeek,
    Tool,
    faults,
)

TOOL = Tool("vLLM", "It is fast.", "SGLang", "Free", "You have another.", skill="vllm")
SKILLS = (Skill("vllm", "vLLM", "tool", ("vLLM",)), Skill("kv-cache", "KV cache", "technical", ("KV cache",)))
FEED = ListedFeed("https://a.example/rss", "A", ("vllm", "engineer", "serving"), 1.0)


def task(number: int, **values) -> Task:
    defaults = {
        "title": "Do",
        "minutes": 45,
        "done_when": "Done",
        "first_step": "Go",
        "skills": ("vllm",),
        "artefact": "a",
    }
    return Task(**({"id": f"task-{number}"} | defaults | values))


def week(number: int, **values) -> TemplateWeek:
    defaults = {"theme": "T", "headline": "h", "goal": "G", "focus_skills": ("vllm",), "tool": TOOL}
    return TemplateWeek(**({"week": number, "tasks": (task(number),)} | defaults | values))


PLAN = PlanTemplate("Promise", tuple(week(number) for number in range(1, PLAN_WEEKS + 1)))
SPEC = Specialization("serving", "Serving", ("kv-cache",), plan=PLAN)


def catalogue(spec: Specialization = SPEC, **values) -> Catalogue:
    role = Role("engineer", "Engineer", "AI", (spec,))
    return Catalogue(
        **({"roles": (role,), "skills": SKILLS, "feeds": (FEED,), "files": {"serving": "roles/e/s.toml"}} | values)
    )


def with_first_week(**values) -> Catalogue:
    return catalogue(replace(SPEC, plan=replace(PLAN, weeks=(week(1, **values), *PLAN.weeks[1:]))))


def test_the_bundled_catalogue_has_no_fault(catalogue):
    assert faults(catalogue) == []


def test_a_sound_catalogue_has_no_fault():
    assert faults(catalogue()) == []


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (catalogue(skills=(*SKILLS, SKILLS[0])), "?: vllm: this id stands 2 times"),
        (catalogue(skills=(*SKILLS, Skill("serving", "S", "tool"))), "roles/e/s.toml: serving: this id stands 2 times"),
        (
            catalogue(skills=(*SKILLS, Skill("x", "X", "tool", ("VLLM",)))),
            "skills.toml: x: the alias 'VLLM' belongs to",
        ),
        (catalogue(feeds=(replace(FEED, topics=("vlm",)),)), "feeds.toml: https://a.example/rss: unknown topic 'vlm'"),
        (
            catalogue(replace(SPEC, core_skills=("vlm",))),
            "roles/e/s.toml: vlm: unknown skill; use an id of skills.toml",
        ),
        (with_first_week(tool=replace(TOOL, skill="vlm")), "roles/e/s.toml: vlm: unknown skill"),
        (with_first_week(tasks=(task(1, skills=("vllm", "vlm")),)), "roles/e/s.toml: vlm: unknown skill"),
        (with_first_week(tasks=(task(1), task(2))), "roles/: task-2: this task id stands 2 times"),
        (with_first_week(headline="x" * 36), "roles/e/s.toml: plan.weeks[1].headline: longer than 35 characters"),
        (
            with_first_week(focus_skills=("kv-cache",)),
            "plan.weeks[1].focus_skills: no task of the week builds kv-cache",
        ),
        (with_first_week(focus_skills=()), "plan.weeks[1].focus_skills: empty; name at least one skill"),
        (
            with_first_week(tasks=(task(1, minutes=9), task(99))),
            "roles/e/s.toml: task-1: 9 minutes; a task takes 10 to 240",
        ),
        (with_first_week(tasks=(task(1, minutes=241), task(99))), "task-1: 241 minutes; a task takes 10 to 240"),
        (with_first_week(tasks=(task(1, levels=LEVELS[:2]),)), "plan.weeks[1].tasks: nothing of at most 60 minutes"),
        (
            with_first_week(tasks=(task(1, minutes=61),)),
            "nothing of at most 60 minutes for the level starter; add a task",
        ),
        (catalogue(replace(SPEC, plan=replace(PLAN, weeks=PLAN.weeks[:-1]))), "plan.weeks: the weeks are [1, 2, 3"),
        (catalogue(replace(SPEC, plan=replace(PLAN, weeks=PLAN.weeks[::-1]))), "plan.weeks: the weeks are [12, 11"),
    ],
)
def test_each_fault_names_the_file_the_key_and_what_to_do(broken, words):
    assert [fault for fault in map(str, faults(broken)) if words in fault]


def test_all_faults_are_told_at_once():
    broken = with_first_week(headline="x" * 36, tasks=(task(1, minutes=9), task(99)))
    assert len(faults(broken)) == 2


def test_a_specialization_without_a_plan_is_sound_but_nobody_can_enrol():
    planless = catalogue(replace(SPEC, plan=None))
    assert faults(planless) == []
    assert planless.enrollable() == ()
    assert catalogue().enrollable() == (SPEC,)


def test_topics_are_roles_specializations_and_skills():
    made = catalogue()
    assert made.topic_names == {"engineer": "Engineer", "serving": "Serving", "vllm": "vLLM", "kv-cache": "KV cache"}
    assert made.role_of["serving"].id == "engineer"


def test_the_version_changes_with_skills_and_plans_and_not_with_feeds():
    made = catalogue()
    assert made.version == catalogue(feeds=()).version
    assert made.version != catalogue(skills=SKILLS[::-1]).version
    assert made.version != with_first_week(goal="Another").version
