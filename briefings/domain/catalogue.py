"""The catalogue: roles, specializations, skills, assessments and plan templates, as plain values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["technical", "tool", "human"]
Risk = Literal["low", "medium", "high"]
Level = Literal["starter", "practitioner", "expert"]
LEVELS: tuple[Level, ...] = ("starter", "practitioner", "expert")
PLAN_WEEKS = 12
#: How many hours a week people may give.
HOURS = range(1, 13)
#: How long a task may take.
MINUTES = range(10, 241)
#: The least that a person can give to a week, so the first task of each week fits it.
SHORTEST_WEEK_MINUTES = 60
#: `Week 12 of 12: ` and a headline of this length fit a subject of 50 characters.
HEADLINE_LENGTH = 35

#: The keys by which an entry of a list is known to its author, the first that it has.
ENTRY_NAMES = ("id", "week", "url", "skill", "title")

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
    """One piece of work of a week, with an end that somebody else can check.

    `needs` names the earlier tasks whose result it uses; of these the ones for the person's level count. Tools,
    readings and goals have needs as well: what speaks of a task stands in a plan only while the task does.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    title: str
    minutes: int
    done_when: str
    first_step: str
    skills: tuple[str, ...]
    artefact: str
    levels: tuple[Level, ...] = LEVELS
    stretch: bool = False  #: for whoever has minutes to spare
    needs: tuple[str, ...] = ()  #: task ids


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
    needs: tuple[str, ...] = ()  #: task ids


@dataclass(frozen=True)
class Reading:
    """A page that stays true: official documentation or a standard."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    title: str
    url: str
    minutes: int
    needs: tuple[str, ...] = ()  #: task ids


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
    goal_needs: tuple[str, ...] = ()  #: task ids


@dataclass(frozen=True)
class PlanTemplate:
    """The twelve weeks of a specialization."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    promise: str
    hours: int  #: a week, for which it is written
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
    """What we say of a role or a specialization in the age of AI."""

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
    """A way to practise a role."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    name: str
    core_skills: tuple[str, ...]
    assessment: Assessment
    plan: PlanTemplate


@dataclass(frozen=True)
class Role:
    """A job, with its specializations."""

    __pydantic_config__: ClassVar[dict[str, Any]] = STRICT
    id: str
    name: str
    category: str
    assessment: Assessment
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
    about_kinds: bool = False  #: whether it follows from the kinds of skills

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
