"""The catalogue: roles, specializations, skills, assessments and plan templates, as plain values."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Kind = Literal["technical", "tool", "human"]
Risk = Literal["low", "medium", "high"]
Level = Literal["starter", "practitioner", "expert"]
LEVELS: tuple[Level, ...] = ("starter", "practitioner", "expert")
PLAN_WEEKS = 12
MINUTES = range(10, 241)
#: The least that a person can give to a week; each week has something that fits it.
SHORTEST_WEEK_MINUTES = 60
#: `Week 12 of 12: ` and a headline of this length fit a subject of 50 characters.
HEADLINE_LENGTH = 35

#: Read by the adapter that turns files into these values: a key that nobody knows is a typing error, not a feature.
STRICT: dict[str, Any] = {"extra": "forbid"}


@dataclass(frozen=True)
class Skill:
    """Something to learn. Its aliases are the words by which the tagger finds it."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    name: str
    kind: Kind
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """One piece of work of a week, with an end that somebody else can check."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    title: str
    minutes: int
    done_when: str
    first_step: str
    skills: tuple[str, ...]
    artefact: str
    levels: tuple[Level, ...] = LEVELS


@dataclass(frozen=True)
class Tool:
    """The tool to adopt in a week; `skill` names it in the catalogue when it is a skill there."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    name: str
    why: str
    alternative: str
    cost: str
    skip_when: str
    skill: str = ""


@dataclass(frozen=True)
class Reading:
    """A page that stays true: official documentation or a standard."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    title: str
    url: str
    minutes: int


@dataclass(frozen=True)
class TemplateWeek:
    """One week of a plan template, before a person's level and hours are known."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    week: int
    theme: str
    headline: str
    goal: str
    focus_skills: tuple[str, ...]
    tool: Tool
    tasks: tuple[Task, ...]
    reading: tuple[Reading, ...] = ()


@dataclass(frozen=True)
class PlanTemplate:
    """The twelve weeks of a specialization."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    promise: str
    weeks: tuple[TemplateWeek, ...]


@dataclass(frozen=True)
class SkillToLearn:
    """A skill worth learning, and why."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    group: Literal["ai-tools", "technical", "human"]
    skill: str
    why: str


@dataclass(frozen=True)
class Opportunity:
    """A title that is emerging, and what it does."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    title: str
    why: str


@dataclass(frozen=True)
class Assessment:
    """What we say of a specialization in the age of AI."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    risk: Risk
    why: str
    summary: str
    automating: tuple[str, ...]
    augmenting: tuple[str, ...]
    next_two_years: str
    three_to_five_years: str
    positioning: str
    portfolio: tuple[str, ...]
    learn: tuple[SkillToLearn, ...]
    opportunities: tuple[Opportunity, ...]


@dataclass(frozen=True)
class Specialization:
    """A way to practise a role. Without a plan it cannot be enrolled in yet."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    name: str
    core_skills: tuple[str, ...]
    assessment: Assessment | None = None
    plan: PlanTemplate | None = None


@dataclass(frozen=True)
class Role:
    """A job, with its specializations."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    name: str
    category: str
    specializations: tuple[Specialization, ...]


@dataclass(frozen=True)
class ListedFeed:
    """A feed that the catalogue recommends. authority: 1.0 primary source, 0.7 press, 0.4 aggregator."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    url: str
    title: str
    topics: tuple[str, ...]
    authority: float
    language: str = "en"


@dataclass(frozen=True)
class Fault:
    """Something wrong in a catalogue file, with what to do about it."""

    file: str
    key: str
    remedy: str

    def __str__(self) -> str:
        """One line: file, key, remedy."""
        return f"{self.file}: {self.key}: {self.remedy}"


@dataclass(frozen=True)
class Catalogue:
    """Everything the files say. Topics are the ids of roles, specializations and skills."""

    roles: tuple[Role, ...]
    skills: tuple[Skill, ...]
    feeds: tuple[ListedFeed, ...] = ()
    #: Where each id was read, for faults: id -> file name.
    files: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def skill(self) -> dict[str, Skill]:
        """Skills by id."""
        return {skill.id: skill for skill in self.skills}

    @cached_property
    def specialization(self) -> dict[str, Specialization]:
        """Specializations by id."""
        return {spec.id: spec for role in self.roles for spec in role.specializations}

    @cached_property
    def role_of(self) -> dict[str, Role]:
        """The role of each specialization id."""
        return {spec.id: role for role in self.roles for spec in role.specializations}

    @cached_property
    def topic_names(self) -> dict[str, str]:
        """The name of every topic id."""
        named: Iterable[Role | Specialization | Skill] = (*self.roles, *self.specialization.values(), *self.skills)
        return {topic.id: topic.name for topic in named}

    @cached_property
    def version(self) -> str:
        """A fingerprint of everything that decides tags and plans."""
        return hashlib.sha256(repr((self.roles, self.skills)).encode()).hexdigest()[:12]

    def enrollable(self) -> tuple[Specialization, ...]:
        """The specializations that have a plan."""
        return tuple(spec for spec in self.specialization.values() if spec.plan)


def faults(catalogue: Catalogue) -> list[Fault]:
    """Everything that the shape of the files cannot show: unknown ids, doubles, weeks that do not hold together."""
    return [
        *_id_faults(catalogue),
        *_alias_faults(catalogue),
        *_feed_faults(catalogue),
        *_specialization_faults(catalogue),
    ]


def _id_faults(catalogue: Catalogue) -> Iterator[Fault]:
    topics = [role.id for role in catalogue.roles] + [skill.id for skill in catalogue.skills]
    topics += [spec.id for role in catalogue.roles for spec in role.specializations]
    for topic, count in Counter(topics).items():
        if count > 1:
            yield Fault(
                catalogue.files.get(topic, "?"), topic, f"this id stands {count} times; give each topic its own id"
            )
    tasks = [task.id for spec in catalogue.enrollable() for task in _tasks(spec)]
    for task, count in Counter(tasks).items():
        if count > 1:
            yield Fault("roles/", task, f"this task id stands {count} times; task ids are unique over all plans")


def _alias_faults(catalogue: Catalogue) -> Iterator[Fault]:
    owner: dict[str, str] = {}
    for skill in catalogue.skills:
        for alias in skill.aliases:
            first = owner.setdefault(alias.casefold(), skill.id)
            if first != skill.id:
                yield Fault(
                    "skills.toml", skill.id, f"the alias {alias!r} belongs to {first} already; keep it in one of them"
                )


def _feed_faults(catalogue: Catalogue) -> Iterator[Fault]:
    for url, count in Counter(feed.url for feed in catalogue.feeds).items():
        if count > 1:
            yield Fault("feeds.toml", url, f"this feed stands {count} times; keep one")
        if not url.startswith(("https://", "http://")):
            yield Fault("feeds.toml", url, "this is no web address; begin it with https://")
    for feed in catalogue.feeds:
        for topic in feed.topics:
            if topic not in catalogue.topic_names:
                yield Fault(
                    "feeds.toml", feed.url, f"unknown topic {topic!r}; use an id of a role, specialization or skill"
                )


def _specialization_faults(catalogue: Catalogue) -> Iterator[Fault]:
    for spec in catalogue.specialization.values():
        file = catalogue.files.get(spec.id, "?")
        for skill in _skills_named(spec):
            if skill not in catalogue.skill:
                yield Fault(file, skill, "unknown skill; use an id of skills.toml, or add the skill there")
        if spec.plan:
            yield from _plan_faults(file, spec.plan)


def _plan_faults(file: str, plan: PlanTemplate) -> Iterator[Fault]:
    numbers = [week.week for week in plan.weeks]
    if numbers != list(range(1, PLAN_WEEKS + 1)):
        yield Fault(
            file, "plan.weeks", f"the weeks are {numbers}; write weeks 1 to {PLAN_WEEKS}, once each and in order"
        )
    for week in plan.weeks:
        yield from _week_faults(file, week)


def _week_faults(file: str, week: TemplateWeek) -> Iterator[Fault]:
    key = f"plan.weeks[{week.week}]"
    if len(week.headline) > HEADLINE_LENGTH:
        yield Fault(
            file, f"{key}.headline", f"longer than {HEADLINE_LENGTH} characters; it must fit the mail's subject"
        )
    if not week.focus_skills:
        yield Fault(file, f"{key}.focus_skills", "empty; name at least one skill that a task of the week builds")
    built = {skill for task in week.tasks for skill in task.skills}
    for skill in week.focus_skills:
        if skill not in built:
            yield Fault(
                file, f"{key}.focus_skills", f"no task of the week builds {skill}; name it in a task or drop it"
            )
    for level in LEVELS:
        if not any(level in task.levels and task.minutes <= SHORTEST_WEEK_MINUTES for task in week.tasks):
            yield Fault(
                file,
                f"{key}.tasks",
                f"nothing of at most {SHORTEST_WEEK_MINUTES} minutes for the level {level}; add a task that suits it",
            )
    for task in week.tasks:
        if task.minutes not in MINUTES:
            yield Fault(
                file,
                task.id,
                f"{task.minutes} minutes; a task takes {MINUTES[0]} to {MINUTES[-1]}, so split it or merge it",
            )


def _tasks(spec: Specialization) -> Iterator[Task]:
    for week in spec.plan.weeks if spec.plan else ():
        yield from week.tasks


def _skills_named(spec: Specialization) -> list[str]:
    named = [*spec.core_skills, *(skill for task in _tasks(spec) for skill in task.skills)]
    for week in spec.plan.weeks if spec.plan else ():
        named += [*week.focus_skills, *([week.tool.skill] if week.tool.skill else [])]
    named += [entry.skill for entry in spec.assessment.learn] if spec.assessment else []
    return sorted(set(named))
