"""A person's answers, wishes and weeks, and what is said of a plan as a whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from briefings.domain.catalogue import HOURS, LEVELS, Level, Reading, Task, Tool
from briefings.domain.wording import spoken_minutes
from briefings.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from briefings.domain.catalogue import Catalogue

LONGEST_GOAL = 200
#: A plan whose fullest week takes less than this share of the hours says so.
SHARE_TAKEN = 0.75


@dataclass(frozen=True)
class Profile:
    """A visitor's answers."""

    specialization: str
    level: Level
    hours: int  #: a week
    known: frozenset[str] = frozenset()  #: skill ids
    goal: str = ""  #: in the person's own words


@dataclass(frozen=True)
class Wishes:
    """What a person has decided about single tasks, by id."""

    put_away: frozenset[str] = frozenset()
    taken_in: frozenset[str] = frozenset()
    ticked: frozenset[str] = frozenset()

    @property
    def chosen(self) -> frozenset[str]:
        """The tasks that come before all others."""
        return self.taken_in | self.ticked

    def exchanged(self, out: str, into: str) -> Wishes:
        """The wishes of whoever puts the task `out` away and wants `into`; "" stands for no task."""
        gone, come = frozenset({out} - {""}), frozenset({into} - {""})
        return replace(self, put_away=(self.put_away | gone) - come, taken_in=(self.taken_in | come) - gone)


@dataclass(frozen=True)
class PlanWeek:
    """One week of one person's plan. `changes` says in words what differs from the template, and why."""

    number: int
    theme: str
    headline: str
    goal: str
    focus_skills: tuple[str, ...]
    tool: Tool | None  #: None when it serves a task that is left out
    tasks: tuple[Task, ...]
    reading: tuple[Reading, ...] = ()
    changes: tuple[str, ...] = ()

    @property
    def minutes(self) -> int:
        """What the week asks for: all its tasks and its reading."""
        return sum(task.minutes for task in self.tasks) + sum(page.minutes for page in self.reading)


@dataclass(frozen=True)
class Summary:
    """What came of a plan: the ticked tasks of each week, what they left, and the skills they built."""

    ticked: int
    tasks: int
    minutes: int
    artefacts: tuple[tuple[int, str], ...]  #: week number and artefact
    skills: tuple[tuple[str, int], ...]  #: skill id and minutes, most practised first


def profile(
    catalogue: Catalogue, specialization: str, level: str, hours: int, known: Iterable[str] = (), goal: str = ""
) -> Profile:
    """A checked profile. Raises InputError that names the answer and what to choose instead."""
    spec = catalogue.specialization.get(specialization)
    if spec is None:
        known = ", ".join(sorted(catalogue.specialization))
        raise InputError(f"There is no specialization {specialization[:60]!r}; choose one of {known}")
    if level not in LEVELS:
        raise InputError(f"Experience is {level[:60]!r}; choose one of {', '.join(LEVELS)}")
    if hours not in HOURS:
        raise InputError(f"{hours} hours a week; choose between {HOURS[0]} and {HOURS[-1]}")
    if len(goal) > LONGEST_GOAL:
        raise InputError(f"The goal is longer than {LONGEST_GOAL} characters; say it in one sentence")
    return Profile(specialization, level, hours, frozenset(known) & catalogue.skill.keys(), _one_line(goal))


def remark(catalogue: Catalogue, person: Profile, weeks: Collection[PlanWeek]) -> str:
    """What a person should know whose hours are fewer than the plan is written for, or many more; else "".

    A plan of fewer hours keeps less than its promise; one of more has no more work than it has.
    """
    spec = catalogue.specialization.get(person.specialization)
    if not spec or not weeks:
        return ""
    regular = [
        task for week in spec.plan.weeks for task in week.tasks if person.level in task.levels and not task.stretch
    ]
    placed = {task.id for week in weeks for task in week.tasks}
    fewer = person.hours < spec.plan.hours
    left_out = fewer and any(words.startswith("Left out “") for week in weeks for words in week.changes)
    if left_out:
        yours = sum(task.id in placed for task in regular)
        return _fewer_words(person.hours, spec.plan.hours, yours, len(regular))
    least, most = min(week.minutes for week in weeks), max(week.minutes for week in weeks)
    return "" if most >= person.hours * 60 * SHARE_TAKEN else _more_words(person, least, most)


def _fewer_words(hours: int, written_for: int, yours: int, whole: int) -> str:
    return (
        f"This plan is written for {written_for} h a week, and so is what it promises. In {hours} h you do {yours} of "
        f"its {whole} tasks: those that come first."
    )


def _more_words(person: Profile, least: int, most: int) -> str:
    asks = spoken_minutes(most) if least == most else f"{spoken_minutes(least)} to {spoken_minutes(most)}"
    why = "for what you do not know yet" if person.known else "for your level"
    return (
        f"You give {person.hours} h a week, and the weeks ask for {asks}: that is all the work this plan has {why}. "
        "We do not invent more to fill your hours."
    )


def summary(weeks: Iterable[PlanWeek], ticked: Collection[str]) -> Summary:
    """What a person did of a plan."""
    every = [(week.number, task) for week in weeks for task in week.tasks]
    done = [(number, task) for number, task in every if task.id in ticked]
    skills: Counter[str] = Counter()
    for _, task in done:
        skills.update(dict.fromkeys(task.skills, task.minutes))
    return Summary(
        ticked=len(done),
        tasks=len(every),
        minutes=sum(task.minutes for _, task in done),
        artefacts=tuple((number, task.artefact) for number, task in done),
        skills=tuple(sorted(skills.items(), key=lambda pair: (-pair[1], pair[0]))),
    )


def _one_line(text: str) -> str:
    """Without controls, which no database or page wants."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
