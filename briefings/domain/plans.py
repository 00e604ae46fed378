"""From a plan template and a profile to one person's twelve weeks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from briefings.domain.catalogue import HOURS, LEVELS, MINUTES, Level, Reading, Task, TemplateWeek, Tool
from briefings.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from briefings.domain.catalogue import Catalogue

#: Work brought in from elsewhere never makes a week longer than this many tasks.
MOST_TASKS = 6
LONGEST_GOAL = 200
#: Every so many weeks a checkpoint closes; what was left out before it does not come back.
CHECKPOINT = 4


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
        raise InputError(f"There is no specialization {specialization[:60]!r}; choose one from the list")
    if level not in LEVELS:
        raise InputError(f"Experience is {level[:60]!r}; choose one of {', '.join(LEVELS)}")
    if hours not in HOURS:
        raise InputError(f"{hours} hours a week; choose between {HOURS[0]} and {HOURS[-1]}")
    if len(goal) > LONGEST_GOAL:
        raise InputError(f"The goal is longer than {LONGEST_GOAL} characters; say it in one sentence")
    return Profile(specialization, level, hours, frozenset(known) & catalogue.skill.keys(), _one_line(goal))


def make_plan(
    catalogue: Catalogue,
    person: Profile,
    wishes: Wishes | None = None,
    delivered: Iterable[PlanWeek] = (),
) -> tuple[PlanWeek, ...]:
    """The person's twelve weeks. The same profile, wishes and catalogue give the same plan.

    Weeks in `delivered` stay as they are; the others are made anew around them. Tasks are taken in the template's
    order while they fit the hours. Known skills shorten a task; one whose every skill is known is skipped, unless it
    is the first of its week, whose result later weeks need. Minutes to spare go to stretch tasks and to work that
    found no room since the last checkpoint, whichever builds the skill practised least. Ticked tasks stay whatever
    the hours are.

    Raises InputError when the specialization has left the catalogue.
    """
    checked = profile(catalogue, person.specialization, person.level, person.hours, person.known, person.goal)
    template = catalogue.specialization[checked.specialization].plan
    kept = {week.number: week for week in delivered}
    draft = _Draft(checked, wishes or Wishes(), {skill.id: skill.name for skill in catalogue.skills}, kept)
    for week in template.weeks:
        draft.add(week)
    return tuple(draft.finished())


def exchange(week: PlanWeek, out: str, into: Task | None, hours: int) -> PlanWeek:
    """The week without the task `out`, or with the task `into` in its place.

    Raises InputError when the week has no such task, when it would be left empty, or when `into` does not fit.
    """
    leaving = next((task for task in week.tasks if task.id == out), None)
    if leaving is None:
        raise InputError("This task is not in that week; open the plan page anew")
    if into is None and len(week.tasks) == 1:
        raise InputError("A week keeps at least one task; choose another in its place instead")
    tasks = tuple(one for task in week.tasks for one in ([into] if task is leaving else [task]) if one is not None)
    named = [f"“{task.title}”" for task in (leaving, into) if task]
    said = [words for words in week.changes if not any(name in words for name in named)]
    changed = replace(week, tasks=tasks, changes=(*said, _exchanged_words(leaving, into)))
    if into is not None and changed.minutes > max(hours * 60, week.minutes):
        raise InputError(f"“{into.title}” takes {into.minutes} min, which does not fit {hours} h; choose a shorter one")
    return changed


def alternatives(catalogue: Catalogue, person: Profile, weeks: Collection[PlanWeek], number: int) -> list[Task]:
    """The tasks that the template has for a week and the plan does not, those for the person's level first."""
    spec = catalogue.specialization.get(person.specialization)
    template = spec.plan.weeks if spec else ()
    placed = {task.id for week in weeks for task in week.tasks}
    offered = [task for week in template if week.week == number for task in week.tasks if task.id not in placed]
    return sorted(offered, key=lambda task: person.level not in task.levels)


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


@dataclass
class _Left:
    """A task that found no place in its own week."""

    task: Task
    week: int
    whole: int  #: minutes, before known skills shortened it
    why: str = ""  #: nothing for a stretch task, which nobody misses


@dataclass
class _Draft:
    """The weeks made so far, what they practise, and the work that waits for room."""

    person: Profile
    wishes: Wishes
    names: Mapping[str, str]
    delivered: Mapping[int, PlanWeek]
    weeks: list[PlanWeek] = field(default_factory=list)
    left: list[_Left] = field(default_factory=list)
    practised: Counter[str] = field(default_factory=Counter)
    placed: dict[str, int] = field(default_factory=dict)  #: task id -> week number

    def __post_init__(self) -> None:
        for week in self.delivered.values():
            self._place(week.number, week.tasks)

    def add(self, template: TemplateWeek) -> None:
        """Make the next week, or keep the one that was delivered."""
        kept = self.delivered.get(template.week)
        if kept:
            self._leave(template, self._without_known(template, self.wishes.put_away)[1])
            self.weeks.append(kept)
            return
        changes, offered, tasks = self._own_work(template)
        self._leave(template, [task for task in offered if task not in tasks])
        self.weeks.append(self._make(template, tasks, changes))

    def _make(self, template: TemplateWeek, tasks: list[Task], changes: list[str]) -> PlanWeek:
        self._place(template.week, tasks)
        spare = self.person.hours * 60 - _minutes(tasks)
        reading = tuple(_reading_that_fits(template.reading, spare))
        changes += [_reading_words(page, self.person.hours) for page in template.reading if page not in reading]
        for brought in self._brought_in(template.week, len(tasks), spare - _minutes(reading)):
            changes.append(self._brought_words(brought, template.week))
            tasks.append(brought.task)
            self._place(template.week, [brought.task])
        return PlanWeek(
            number=template.week,
            theme=template.theme,
            headline=template.headline,
            goal=template.goal,
            focus_skills=template.focus_skills,
            tool=template.tool,
            tasks=tuple(tasks),
            reading=reading,
            changes=tuple(changes),
        )

    def finished(self) -> Iterable[PlanWeek]:
        """The weeks, each saying also what became of the tasks that it had no room for."""
        for week in self.weeks:
            if week.number in self.delivered:
                yield week
                continue
            missing = [one for one in self.left if one.week == week.number and one.why]
            words = [one.why + self._whereto(one.task) for one in missing]
            yield replace(week, changes=(*words, *week.changes))

    def _own_work(self, template: TemplateWeek) -> tuple[list[str], list[Task], list[Task]]:
        """Of the template's week: words for what changes, the tasks that come into question, those that fit."""
        away = [task for task in template.tasks if task.id in self.wishes.put_away]
        skipped, offered = self._without_known(template, self.wishes.put_away)
        tasks = self._fitting(offered)
        kept_anyway = [] if tasks else self._fitting(self._without_known(template, ())[1])[:1]
        tasks = tasks or kept_anyway
        whole = {task.id: task for task in template.tasks}
        words = [self._anyway_words(task) for task in kept_anyway]
        words += [_away_words(task) for task in away if task.id not in {one.id for one in kept_anyway}]
        words += skipped
        words += [self._shortened_words(whole[task.id], task) for task in tasks if task != whole[task.id]]
        return words, offered, tasks

    def _fitting(self, offered: list[Task]) -> list[Task]:
        regular = [task for task in offered if not task.stretch or task.id in self.wishes.chosen]
        return _fit(regular, self.wishes, self.person.hours * 60)

    def _without_known(self, template: TemplateWeek, put_away: Collection[str]) -> tuple[list[str], list[Task]]:
        """Words for the tasks that are skipped, and the others that stand nowhere yet, shortened by what is known."""
        suited = [task for task in template.tasks if self.person.level in task.levels or task.id in self.wishes.chosen]
        suited = [task for task in suited if task.id not in put_away]
        core = next((task for task in suited if not task.stretch), None)
        skipped, offered = [], []
        for task in (task for task in suited if task.id not in self.placed):
            known = len(self.person.known.intersection(task.skills))
            if not known or task.id in self.wishes.taken_in:
                offered.append(task)
            elif known < len(task.skills) or task is core or task.id in self.wishes.ticked:
                offered.append(replace(task, minutes=_left_of(task.minutes, known, len(task.skills))))
            elif not task.stretch:
                skipped.append(f"Skipped “{task.title}”: you already know {self._known_of(task)}.")
        return skipped, offered

    def _place(self, number: int, tasks: Iterable[Task]) -> None:
        for task in tasks:
            self.placed[task.id] = number
            self.practised.update(dict.fromkeys(task.skills, task.minutes))

    def _leave(self, template: TemplateWeek, tasks: Iterable[Task]) -> None:
        whole = {task.id: task.minutes for task in template.tasks}
        for task in tasks:
            why = "" if task.stretch else f"Left out “{task.title}” ({task.minutes} min): no room in"
            why = why and f"{why} {self.person.hours} h a week"
            self.left.append(_Left(task, template.week, whole[task.id], why))

    def _brought_in(self, number: int, tasks: int, spare: int) -> Iterable[_Left]:
        """What the minutes to spare are given to, the least practised skill first."""
        ticked = [one for one in self._waiting() if one.task.id in self.wishes.ticked]
        yield from ticked
        tasks += len(ticked)
        since = (number - 1) // CHECKPOINT * CHECKPOINT
        while fitting := [
            one for one in self._waiting() if one.week > since and one.task.minutes <= spare and tasks < MOST_TASKS
        ]:
            best = min(fitting, key=lambda one: (one.task.id not in self.wishes.taken_in, self._practice(one.task)))
            tasks, spare = tasks + 1, spare - best.task.minutes
            yield best

    def _waiting(self) -> list[_Left]:
        return [one for one in self.left if one.task.id not in self.placed]

    def _practice(self, task: Task) -> int:
        return self.practised[self._weakest(task)]

    def _weakest(self, task: Task) -> str:
        new = [skill for skill in task.skills if skill not in self.person.known] or list(task.skills)
        return min(new, key=lambda skill: self.practised[skill], default="")

    def _whereto(self, task: Task) -> str:
        moved = self.placed.get(task.id)
        return f"; it comes in week {moved}." if moved else "."

    def _brought_words(self, brought: _Left, number: int) -> str:
        task, origin = brought.task, "" if brought.week == number else f" from week {brought.week}"
        said = f"Added “{task.title}”{origin}: {self._why_brought(task)}."
        if brought.whole == task.minutes:
            return said
        minutes = f"from {brought.whole} to {task.minutes} min"
        return f"{said} It is shortened {minutes}: you already know {self._known_of(task)}."

    def _why_brought(self, task: Task) -> str:
        if task.id in self.wishes.chosen:
            return "you ticked it" if task.id in self.wishes.ticked else "your choice"
        weakest = self.names.get(self._weakest(task), "its skill")
        return f"there is room, and of what fits it builds what the plan has least of so far, {weakest}"

    def _anyway_words(self, task: Task) -> str:
        return f"Kept “{task.title}”: nothing else of the week fits {self.person.hours} h."

    def _shortened_words(self, task: Task, short: Task) -> str:
        needed = "" if set(task.skills) - self.person.known else ", and later weeks need what it leaves"
        minutes = f"from {task.minutes} to {short.minutes} min"
        return f"Shortened “{task.title}” {minutes}: you already know {self._known_of(task)}{needed}."

    def _known_of(self, task: Task) -> str:
        return ", ".join(self.names.get(skill, skill) for skill in task.skills if skill in self.person.known)


def _left_of(minutes: int, known: int, skills: int) -> int:
    """What a task still takes: each skill that is known saves half of its share of the minutes, in steps of five."""
    exact = minutes * (2 * skills - known) / (2 * skills)
    return max(MINUTES[0], -(-int(exact) // 5) * 5)


def _one_line(text: str) -> str:
    """Without controls, which no database or page wants."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _fit(tasks: list[Task], wishes: Wishes, budget: int) -> list[Task]:
    """The tasks that fit the minutes, in the template's order: what the person chose first, and ticked ones anyway."""
    chosen: list[Task] = []
    for task in sorted(tasks, key=lambda task: (task.id not in wishes.ticked, task.id not in wishes.taken_in)):
        if task.id in wishes.ticked or task.minutes + _minutes(chosen) <= budget:
            chosen.append(task)
    return [task for task in tasks if task in chosen]


def _minutes(parts: Iterable[Task | Reading]) -> int:
    return sum(part.minutes for part in parts)


def _reading_that_fits(reading: tuple[Reading, ...], spare: int) -> Iterable[Reading]:
    for page in reading:
        if page.minutes <= spare:
            spare -= page.minutes
            yield page


def _reading_words(page: Reading, hours: int) -> str:
    return f"Left out the reading “{page.title}” ({page.minutes} min): no room in {hours} h a week."


def _away_words(task: Task) -> str:
    return f"Put away “{task.title}”: your choice."


def _exchanged_words(leaving: Task, into: Task | None) -> str:
    if into is None:
        return _away_words(leaving)
    return f"“{into.title}” in place of “{leaving.title}”: your choice."
