"""From a plan template and a profile to one person's twelve weeks."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from briefings.domain.catalogue import HOURS, LEVELS, MINUTES, Level, Reading, Task, TemplateWeek, Tool
from briefings.domain.wording import listed, spoken_minutes
from briefings.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from briefings.domain.catalogue import Catalogue

#: Work brought in from elsewhere never makes a week longer than this many tasks.
MOST_TASKS = 6
LONGEST_GOAL = 200
ARTICLE = re.compile(r"^(An?|The)\b")
#: A plan whose fullest week takes less than this share of the hours says so.
SHARE_TAKEN = 0.75
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


def make_plan(
    catalogue: Catalogue,
    person: Profile,
    wishes: Wishes | None = None,
    delivered: Iterable[PlanWeek] = (),
) -> tuple[PlanWeek, ...]:
    """The person's twelve weeks. The same profile, wishes and catalogue give the same plan.

    Weeks in `delivered` stay as they are; the others are made anew around them. Tasks are taken in the template's
    order while they fit the hours and what they need is in the plan. Known skills shorten a task; one whose every
    skill is known is skipped, unless it is the first of its week or a task that stays needs it. Minutes to spare go
    to stretch tasks and to work that found no room since the last checkpoint, whichever builds the skill practised
    least. Ticked tasks stay whatever the hours are.

    Raises InputError when the specialization has left the catalogue.
    """
    checked = profile(catalogue, person.specialization, person.level, person.hours, person.known, person.goal)
    template = catalogue.specialization[checked.specialization].plan
    kept = {week.number: week for week in delivered}
    names = {skill.id: skill.name for skill in catalogue.skills}
    draft = _Draft(checked, wishes or Wishes(), names, template.weeks, kept)
    for week in template.weeks:
        draft.add(week)
    return tuple(draft.finished())


def exchange(week: PlanWeek, out: str, into: Task | None, hours: int) -> PlanWeek:
    """The week without the task `out`, with the task `into`, or both; `out` is "" when nothing leaves.

    Raises InputError when the week has no such task, when it would be left empty, or when `into` does not fit.
    """
    leaving = next((task for task in week.tasks if task.id == out), None)
    if leaving is None and (out or into is None):
        raise InputError("This task is not in that week; open the plan page anew")
    if into is None and len(week.tasks) == 1:
        raise InputError("A week keeps at least one task; choose another in its place instead")
    if into is not None and into.minutes > _room(week, leaving, hours):
        takes = spoken_minutes(into.minutes)
        raise InputError(f"“{into.title}” takes {takes}, which does not fit {hours} h; choose a shorter one")
    place = week.tasks.index(leaving) if leaving else len(week.tasks)
    coming = (into,) if into else ()
    tasks = (*week.tasks[:place], *coming, *week.tasks[place + bool(leaving) :])
    named = [f"“{task.title}”" for task in (leaving, into) if task]
    said = [words for words in week.changes if not any(name in words for name in named)]
    return replace(week, tasks=tasks, changes=(*said, _exchanged_words(leaving, into)))


def alternatives(
    catalogue: Catalogue, person: Profile, weeks: Collection[PlanWeek], week: PlanWeek, out: str = ""
) -> list[Task]:
    """What can come into a week, in place of the task `out` or beside the others: those for the person's level first.

    It is what the template has for that week, the plan does not, and the hours allow.
    """
    spec = catalogue.specialization.get(person.specialization)
    template = spec.plan.weeks if spec else ()
    placed = {task.id for one in weeks for task in one.tasks}
    room = _room(week, next((task for task in week.tasks if task.id == out), None), person.hours)
    own = [task for one in template if one.week == week.number for task in one.tasks]
    offered = [task for task in own if task.id not in placed and task.minutes <= room]
    return sorted(offered, key=lambda task: person.level not in task.levels)


def remark(catalogue: Catalogue, person: Profile, weeks: Collection[PlanWeek]) -> str:
    """What a person should know whose hours are fewer than the plan is written for, or many more; else "".

    A plan of fewer hours keeps less than its promise; one of more has no more work than it has.
    """
    spec = catalogue.specialization.get(person.specialization)
    if spec and person.hours < spec.plan.hours:
        whole = sum(person.level in task.levels and not task.stretch for week in spec.plan.weeks for task in week.tasks)
        yours = sum(len(week.tasks) for week in weeks)
        if yours < whole:
            return _fewer_words(person.hours, spec.plan.hours, yours, whole)
    least, most = min(week.minutes for week in weeks), max(week.minutes for week in weeks)
    return "" if most >= person.hours * 60 * SHARE_TAKEN else _more_words(person, least, most)


def _fewer_words(hours: int, written_for: int, yours: int, whole: int) -> str:
    return (
        f"This plan is written for {written_for} h a week, and so is what it promises. In {hours} h you do {yours} of "
        f"its {whole} tasks: those that the others build on."
    )


def _more_words(person: Profile, least: int, most: int) -> str:
    asks = spoken_minutes(most) if least == most else f"{spoken_minutes(least)} to {spoken_minutes(most)}"
    why = "for what you do not know yet" if person.known else "for your level"
    return (
        f"You give {person.hours} h a week, and the weeks ask for {asks}: that is all the work this plan has {why}. "
        "We do not invent more to fill your hours."
    )


def _room(week: PlanWeek, leaving: Task | None, hours: int) -> int:
    """The minutes that a task may take which comes into a week; who already has more than their hours may keep it."""
    return max(hours * 60, week.minutes if leaving else 0) - week.minutes + (leaving.minutes if leaving else 0)


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
    template: tuple[TemplateWeek, ...]
    delivered: Mapping[int, PlanWeek]
    weeks: list[PlanWeek] = field(default_factory=list)
    left: list[_Left] = field(default_factory=list)
    practised: Counter[str] = field(default_factory=Counter)
    placed: dict[str, int] = field(default_factory=dict)  #: task id -> week number

    def __post_init__(self) -> None:
        self.tasks = {task.id: task for week in self.template for task in week.tasks}
        self.skipped = self._skipped()
        for week in self.delivered.values():
            self._place(week.number, week.tasks)

    def add(self, template: TemplateWeek) -> None:
        """Make the next week, or keep the one that was delivered."""
        offered = self._offered(template)
        kept = self.delivered.get(template.week)
        tasks = [] if kept else self._own_work(template, offered)
        self.weeks.append(kept or self._make(template, tasks))
        self._leave(template.week, [task for task in offered if task.id not in {one.id for one in tasks}])

    def finished(self) -> Iterable[PlanWeek]:
        """The weeks, each saying also what became of the tasks that it had no room for."""
        for week in self.weeks:
            if week.number in self.delivered:
                yield week
                continue
            missing = [one for one in self.left if one.week == week.number and one.why]
            words = [one.why + self._whereto(one.task) for one in missing]
            yield replace(week, changes=(*words, *week.changes))

    def _skipped(self) -> set[str]:
        """The tasks whose every skill is known: not the first of a week, nor those that a task that stays needs."""
        skipped, needed = set(), {opener.id for week in self.template if (opener := self._opener(week))}
        for task in reversed(self.tasks.values()):
            if self.person.level not in task.levels:
                continue
            known = task.skills and self.person.known.issuperset(task.skills)
            if known and task.id not in self.wishes.chosen | needed:
                skipped.add(task.id)
            elif not task.stretch:
                needed.update(task.needs)
        return skipped

    def _offered(self, template: TemplateWeek) -> list[Task]:
        """The tasks of a week that come into question for the person, shortened by what is known."""
        suited = [task for task in template.tasks if self.person.level in task.levels or task.id in self.wishes.chosen]
        out = self.skipped | self.wishes.put_away | self.placed.keys()
        return [self._shortened(task) for task in suited if task.id not in out]

    def _own_work(self, template: TemplateWeek, offered: list[Task]) -> list[Task]:
        """Of the tasks in question those that fit; the first of the week when none does."""
        regular = [task for task in offered if not task.stretch or task.id in self.wishes.chosen]
        chosen: list[Task] = []
        for task in sorted(regular, key=self._precedence):
            if task.id in self.wishes.ticked or self._fits(task, chosen):
                chosen.append(task)
        opener = self._opener(template)
        if not chosen and opener and opener.id not in self.placed:
            chosen = [self._shortened(opener)]
        return [task for task in regular if task in chosen] or chosen

    def _opener(self, template: TemplateWeek) -> Task | None:
        """The first task of a week, after which it is named."""
        return next((task for task in template.tasks if self.person.level in task.levels and not task.stretch), None)

    def _precedence(self, task: Task) -> tuple[bool, bool]:
        return task.id not in self.wishes.ticked, task.id not in self.wishes.taken_in

    def _fits(self, task: Task, chosen: list[Task]) -> bool:
        room = task.minutes + _minutes(chosen) <= self.person.hours * 60
        return room and (task.id in self.wishes.taken_in or not self._missing(task.needs, chosen))

    def _missing(self, needs: Iterable[str], beside: Collection[Task] = ()) -> list[Task]:
        """The tasks needed that are not in the plan so far. Who puts a task away has its result or needs none."""
        had = {task.id for task in beside} | self.placed.keys() | self.wishes.put_away
        needed = [self.tasks[need] for need in needs if need in self.tasks]
        return [task for task in needed if self.person.level in task.levels and task.id not in had]

    def _make(self, template: TemplateWeek, tasks: list[Task]) -> PlanWeek:
        self._place(template.week, tasks)
        changes = self._own_words(template, tasks)
        spare = self.person.hours * 60 - _minutes(tasks)
        reading = self._reading(template, spare)
        changes += [self._reading_words(page) for page in template.reading if page not in reading]
        for brought in self._brought_in(template, len(tasks), spare - _minutes(reading)):
            changes.append(self._brought_words(brought, template.week))
            tasks.append(brought.task)
            self._place(template.week, [brought.task])
        tool, goal = self._missing(template.tool.needs), self._missing(template.goal_needs)
        changes += [f"Left out the tool {template.tool.name}: it serves {_titles(tool)}."] if tool else []
        changes += [f"Fitted the goal to your tasks: the usual one needs {_titles(goal)}."] if goal else []
        return PlanWeek(
            number=template.week,
            theme=template.theme,
            headline=template.headline,
            goal=_smaller_goal(tasks) if goal else template.goal,
            focus_skills=_built_first(template.focus_skills, tasks),
            tool=None if tool else template.tool,
            tasks=tuple(tasks),
            reading=reading,
            changes=tuple(changes),
        )

    def _place(self, number: int, tasks: Iterable[Task]) -> None:
        for task in tasks:
            self.placed[task.id] = number
            self.practised.update(dict.fromkeys(task.skills, task.minutes))

    def _leave(self, number: int, tasks: Iterable[Task]) -> None:
        for task in tasks:
            whole = self.tasks[task.id].minutes
            self.left.append(_Left(task, number, whole, "" if task.stretch else self._left_words(task)))

    def _reading(self, template: TemplateWeek, spare: int) -> tuple[Reading, ...]:
        fitting: list[Reading] = []
        for page in template.reading:
            if page.minutes + _minutes(fitting) <= spare and not self._missing(page.needs):
                fitting.append(page)
        return tuple(fitting)

    def _brought_in(self, template: TemplateWeek, tasks: int, spare: int) -> Iterable[_Left]:
        """What the minutes to spare are given to, the least practised skill first."""
        own = [_Left(task, template.week, self.tasks[task.id].minutes) for task in self._offered(template)]
        waiting = [one for one in self.left if one.task.id not in self.placed] + own
        for ticked in [one for one in waiting if one.task.id in self.wishes.ticked]:
            tasks += 1
            yield ticked
        since = (template.week - 1) // CHECKPOINT * CHECKPOINT
        while fitting := [
            one
            for one in waiting
            if one.week > since
            and one.task.id not in self.placed
            and one.task.minutes <= spare
            and tasks < MOST_TASKS
            and not self._missing(one.task.needs)
        ]:
            best = min(fitting, key=lambda one: (one.task.id not in self.wishes.taken_in, self._practice(one.task)))
            tasks, spare = tasks + 1, spare - best.task.minutes
            yield best

    def _shortened(self, task: Task) -> Task:
        known = len(self.person.known.intersection(task.skills))
        if not known or task.id in self.wishes.taken_in:
            return task
        return replace(task, minutes=_left_of(task.minutes, known, len(task.skills)))

    def _practice(self, task: Task) -> int:
        return self.practised[self._weakest(task)]

    def _weakest(self, task: Task) -> str:
        new = [skill for skill in task.skills if skill not in self.person.known] or list(task.skills)
        return min(new, key=lambda skill: self.practised[skill], default="")

    def _own_words(self, template: TemplateWeek, tasks: list[Task]) -> list[str]:
        """What differs from the template among the week's own tasks, in words."""
        inside = {task.id: task for task in tasks}
        said: list[str] = []
        for task in template.tasks:
            present = inside.get(task.id)
            if present and task.id not in self.wishes.chosen:
                said += self._kept_words(present)
            if present and present != task:
                said.append(self._shortened_words(task, present))
            if not present and task.id in self.wishes.put_away:
                said.append(_away_words(task))
            elif not present and task.id in self.skipped and not task.stretch and task.id not in self.placed:
                said.append(f"Skipped “{task.title}”: you already know {self._known_of(task)}.")
        return said

    def _kept_words(self, task: Task) -> Iterator[str]:
        """Why the first task of a week stands there though it is put away, or needs what is not in the plan."""
        missing = self._missing(task.needs)
        if missing or task.id in self.wishes.put_away:
            uses = f" It uses what {_titles(missing)} leaves." if missing else ""
            yield f"Kept “{task.title}”: nothing else of the week fits {self.person.hours} h.{uses}"

    def _left_words(self, task: Task) -> str:
        missing = self._missing(task.needs)
        why = f"it needs {_titles(missing)}" if missing else f"no room in {self.person.hours} h a week"
        return f"Left out “{task.title}” ({spoken_minutes(task.minutes)}): {why}"

    def _reading_words(self, page: Reading) -> str:
        missing = self._missing(page.needs)
        why = f"it goes with {_titles(missing)}" if missing else f"no room in {self.person.hours} h a week"
        return f"Left out the reading “{page.title}” ({spoken_minutes(page.minutes)}): {why}."

    def _whereto(self, task: Task) -> str:
        moved = self.placed.get(task.id)
        return f"; it comes in week {moved}." if moved else "."

    def _brought_words(self, brought: _Left, number: int) -> str:
        task, origin = brought.task, "" if brought.week == number else f" from week {brought.week}"
        said = f"Added “{task.title}”{origin}: {self._why_brought(task)}."
        if brought.whole == task.minutes:
            return said
        minutes = f"from {spoken_minutes(brought.whole)} to {spoken_minutes(task.minutes)}"
        return f"{said} It is shortened {minutes}: you already know {self._known_of(task)}."

    def _why_brought(self, task: Task) -> str:
        if task.id in self.wishes.chosen:
            return "you ticked it" if task.id in self.wishes.ticked else "your choice"
        weakest = self.names.get(self._weakest(task), "its skill")
        return f"there is room, and of what fits it builds what the plan has least of so far, {weakest}"

    def _shortened_words(self, task: Task, short: Task) -> str:
        needed = "" if set(task.skills) - self.person.known else ", and the rest builds on it"
        minutes = f"from {spoken_minutes(task.minutes)} to {spoken_minutes(short.minutes)}"
        return f"Shortened “{task.title}” {minutes}: you already know {self._known_of(task)}{needed}."

    def _known_of(self, task: Task) -> str:
        return listed([self.names.get(skill, skill) for skill in task.skills if skill in self.person.known])


def _left_of(minutes: int, known: int, skills: int) -> int:
    """What a task still takes: each skill that is known saves half of its share of the minutes, in steps of five."""
    exact = minutes * (2 * skills - known) / (2 * skills)
    return max(MINUTES[0], -(-int(exact) // 5) * 5)


def _one_line(text: str) -> str:
    """Without controls, which no database or page wants."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _minutes(parts: Iterable[Task | Reading]) -> int:
    return sum(part.minutes for part in parts)


def _titles(tasks: Iterable[Task]) -> str:
    return listed([f"“{task.title}”" for task in tasks])


def _built_first(skills: tuple[str, ...], tasks: list[Task]) -> tuple[str, ...]:
    built = {skill for task in tasks for skill in task.skills}
    return tuple(sorted(skills, key=lambda skill: skill not in built))


def _smaller_goal(tasks: list[Task]) -> str:
    """What the tasks at hand leave, for a week whose usual goal is out of reach."""
    leaves = [ARTICLE.sub(lambda found: found.group().lower(), task.artefact) for task in tasks]
    return f"The week leaves {'; '.join(leaves)}."


def _away_words(task: Task) -> str:
    return f"Put away “{task.title}”: your choice."


def _exchanged_words(leaving: Task | None, into: Task | None) -> str:
    if leaving is None or into is None:
        return _away_words(leaving) if leaving else f"Added “{into.title}”: your choice." if into else ""
    return f"“{into.title}” in place of “{leaving.title}”: your choice."
