"""A small sound catalogue as values; each test breaks the part that it is about."""

from __future__ import annotations

from dataclasses import replace

from briefings.domain.catalogue import (
    PLAN_WEEKS,
    Assessment,
    Catalogue,
    ListedFeed,
    Opportunity,
    PlanTemplate,
    Role,
    Skill,
    SkillToLearn,
    Specialization,
    Task,
    TemplateWeek,
    Tool,
)

TOOL = Tool("vLLM", "It is fast.", "SGLang", "Free", "Skip if you have another.", skill="vllm")
SKILLS = (
    Skill("vllm", "vLLM", "tool", ("vLLM",)),
    Skill("kv-cache", "KV cache", "technical", ("KV cache",)),
    Skill("communication", "Communication", "human"),
)
FEED = ListedFeed("https://a.example/rss", "A", ("vllm", "engineer", "serving"), 1.0)
LEARN = (
    SkillToLearn("ai-tools", "vllm", "w"),
    SkillToLearn("technical", "kv-cache", "w"),
    SkillToLearn("human", "communication", "w"),
)
ASSESSMENT = Assessment(
    risk="low",
    why="w",
    summary="s",
    automating=("a",) * 5,
    augmenting=("a",) * 5,
    next_two_years="n",
    three_to_five_years="t",
    positioning="p",
    portfolio=("p",),
    learn=LEARN,
    opportunities=(Opportunity("t", "w"),) * 3,
)


def task(number: int, **values) -> Task:
    defaults = {
        "title": f"Do {number}",
        "minutes": 45,
        "done_when": "Done",
        "first_step": "Go",
        "skills": ("vllm", "kv-cache"),
        "artefact": "a",
    }
    return Task(**({"id": f"task-{number}"} | defaults | values))


def tasks(week: int) -> tuple[Task, ...]:
    """Three regular tasks and one for whoever has time, numbered by their week."""
    return (
        task(week * 10 + 1),
        task(week * 10 + 2, skills=("kv-cache",)),
        task(week * 10 + 3, skills=("communication",)),
        task(week * 10 + 4, minutes=60, stretch=True),
    )


def week(number: int, **values) -> TemplateWeek:
    defaults = {"theme": "T", "headline": "h", "goal": "G", "focus_skills": ("vllm", "kv-cache"), "tool": TOOL}
    return TemplateWeek(**({"week": number, "tasks": tasks(number)} | defaults | values))


PLAN = PlanTemplate("Promise", 4, tuple(week(number) for number in range(1, PLAN_WEEKS + 1)))
SPEC = Specialization("serving", "Serving", ("kv-cache",), ASSESSMENT, PLAN)


def catalogue(spec: Specialization = SPEC, **values) -> Catalogue:
    role = Role("engineer", "Engineer", "AI", ASSESSMENT, (spec,))
    files = {"serving": "roles/engineer/serving.toml", "engineer": "roles/engineer/role.toml"}
    return Catalogue(**({"roles": (role,), "skills": SKILLS, "feeds": (FEED,), "files": files} | values))


def with_first_week(**values) -> Catalogue:
    return catalogue(replace(SPEC, plan=replace(PLAN, weeks=(week(1, **values), *PLAN.weeks[1:]))))


def with_assessment(**values) -> Catalogue:
    return catalogue(replace(SPEC, assessment=replace(ASSESSMENT, **values)))
