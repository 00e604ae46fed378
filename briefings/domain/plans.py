"""From a plan template and a profile to one person's twelve weeks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from briefings.domain.catalogue import LEVELS, Level, Reading, Task, TemplateWeek, Tool
from briefings.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from briefings.domain.catalogue import Catalogue

HOURS = range(1, 13)


@dataclass(frozen=True)
class Profile:
    """A visitor's answers."""

    specialization: str
    level: Level
    hours: int  #: a week
    known: frozenset[str] = frozenset()  #: skill ids


@dataclass(frozen=True)
class PlanWeek:
    """One week of one person's plan. `changes` says in words what differs from the template, and why."""

    number: int
    theme: str
    headline: str
    goal: str
    focus_skills: tuple[str, ...]
    tool: Tool
    tasks: tuple[Task, ...]
    reading: tuple[Reading, ...] = ()
    changes: tuple[str, ...] = ()

    @property
    def minutes(self) -> int:
        """What the week asks for: all its tasks and its reading."""
        return sum(task.minutes for task in self.tasks) + sum(page.minutes for page in self.reading)


def profile(catalogue: Catalogue, specialization: str, level: str, hours: int, known: Iterable[str] = ()) -> Profile:
    """A checked profile. Raises InputError that names the answer and what to choose instead."""
    spec = catalogue.specialization.get(specialization)
    if spec is None:
        raise InputError(f"There is no specialization {specialization[:60]!r}; choose one from the list")
    if spec.plan is None:
        raise InputError(f"The plan for {spec.name} is still being written; choose another specialization for now")
    if level not in LEVELS:
        raise InputError(f"Experience is {level[:60]!r}; choose one of {', '.join(LEVELS)}")
    if hours not in HOURS:
        raise InputError(f"{hours} hours a week; choose between {HOURS[0]} and {HOURS[-1]}")
    return Profile(specialization, level, hours, frozenset(known) & catalogue.skill.keys())


def make_plan(catalogue: Catalogue, person: Profile) -> tuple[PlanWeek, ...]:
    """The person's twelve weeks. The same profile and catalogue give the same plan.

    Raises InputError when the specialization has no plan, or has left the catalogue.
    """
    checked = profile(catalogue, person.specialization, person.level, person.hours, person.known)
    template = catalogue.specialization[checked.specialization].plan
    names = {skill.id: skill.name for skill in catalogue.skills}
    return tuple(_make_week(week, checked, names) for week in template.weeks) if template else ()


def _make_week(week: TemplateWeek, person: Profile, names: Mapping[str, str]) -> PlanWeek:
    suited = [task for task in week.tasks if person.level in task.levels]
    wanted, known = _without_known(suited, person.known)
    budget = person.hours * 60
    # When only known work fits the hours, practising it beats an empty week.
    chosen = _fit(wanted, week.focus_skills, budget) or _fit(suited, week.focus_skills, budget)
    spare = budget - sum(task.minutes for task in chosen)
    changes = [_known_words(task, names) for task in known if task not in chosen]
    changes += [_no_room_words(task, person.hours) for task in wanted if task not in chosen]
    return PlanWeek(
        number=week.week,
        theme=week.theme,
        headline=week.headline,
        goal=week.goal,
        focus_skills=week.focus_skills,
        tool=week.tool,
        tasks=tuple(chosen),
        reading=tuple(_reading_that_fits(week.reading, spare)),
        changes=tuple(changes),
    )


def _without_known(tasks: list[Task], known: frozenset[str]) -> tuple[list[Task], list[Task]]:
    """Split off the tasks whose every skill the person has; a week never loses all its tasks by that."""
    wanted = [task for task in tasks if not set(task.skills) <= known]
    dropped = [task for task in tasks if task not in wanted]
    return (wanted, dropped) if wanted else (tasks, [])


def _fit(tasks: list[Task], focus: tuple[str, ...], budget: int) -> list[Task]:
    """The tasks that fit the minutes, those that build the most focus skills first, in the template's order."""
    by_worth = sorted(tasks, key=lambda task: -len(set(task.skills) & set(focus)))
    chosen: list[Task] = []
    for task in by_worth:
        if task.minutes + sum(one.minutes for one in chosen) <= budget:
            chosen.append(task)
    return [task for task in tasks if task in chosen]


def _reading_that_fits(reading: tuple[Reading, ...], spare: int) -> Iterable[Reading]:
    for page in reading:
        if page.minutes <= spare:
            spare -= page.minutes
            yield page


def _known_words(task: Task, names: Mapping[str, str]) -> str:
    return f"Skipped “{task.title}”: you already know {', '.join(names.get(skill, skill) for skill in task.skills)}."


def _no_room_words(task: Task, hours: int) -> str:
    return f"Left out “{task.title}” ({task.minutes} min): it does not fit {hours} h a week."
