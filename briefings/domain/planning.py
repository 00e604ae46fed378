"""From a plan template, a profile and wishes to one person's twelve weeks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from briefings.domain.catalogue import MINUTES, Reading, Task, TemplateWeek
from briefings.domain.plans import PlanWeek, Profile, Wishes, profile
from briefings.domain.wording import listed, spoken_minutes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from briefings.domain.catalogue import Catalogue

#: Work brought in from elsewhere never makes a week longer than this many tasks.
MOST_TASKS = 6
#: Every so many weeks a checkpoint closes; what was left out before it does not come back.
CHECKPOINT = 4


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


def alternatives(
    catalogue: Catalogue,
    person: Profile,
    weeks: Collection[PlanWeek],
    week: PlanWeek,
    out: str = "",
    put_away: Collection[str] = (),
) -> list[Task]:
    """What can come into a week, in place of the task `out` or beside the others: those for the person's level first.

    It is what the template has for that week and the plan does not, where what it needs is in the plan by then and
    the hours allow it. What was `put_away` has made room for something else, so it can always come back.
    """
    spec = catalogue.specialization.get(person.specialization)
    if spec is None:
        return []
    draft = _Draft(person, Wishes(), {}, spec.plan.weeks, {one.number: one for one in weeks})
    draft.now = week.number
    draft.placed.pop(out, None)
    leaving = _minutes(task for task in week.tasks if task.id == out)
    room = max(person.hours * 60, week.minutes if out else 0) - week.minutes + leaving
    own = [task for one in spec.plan.weeks if one.week == week.number for task in one.tasks if task.id != out]
    offered = [draft.shortened(task) for task in own if task.id not in draft.placed and not draft.missing(task.needs)]
    fitting = [task for task in offered if task.minutes <= room or task.id in put_away]
    return sorted(fitting, key=lambda task: person.level not in task.levels)


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
    now: int = 0  #: the week that is made

    def __post_init__(self) -> None:
        self.tasks = {task.id: task for week in self.template for task in week.tasks}
        self.skipped = self._skipped()
        for week in self.delivered.values():
            self._place(week.number, week.tasks)

    def add(self, template: TemplateWeek) -> None:
        """Make the next week, or keep the one that was delivered."""
        self.now = template.week
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
            elif task.id not in self.wishes.put_away and (not task.stretch or task.id in self.wishes.chosen):
                needed.update(task.needs)
        return skipped

    def _offered(self, template: TemplateWeek) -> list[Task]:
        """The tasks of a week that come into question for the person, shortened by what is known."""
        suited = [task for task in template.tasks if self.person.level in task.levels or task.id in self.wishes.chosen]
        out = self.skipped | self.wishes.put_away | self.placed.keys()
        return [self.shortened(task) for task in suited if task.id not in out]

    def _own_work(self, template: TemplateWeek, offered: list[Task]) -> list[Task]:
        """Of the tasks in question those that fit; the first of the week when none does."""
        regular = [task for task in offered if not task.stretch or task.id in self.wishes.chosen]
        chosen: list[Task] = []
        for task in sorted(regular, key=self._precedence):
            if task.id in self.wishes.ticked or self._fits(task, chosen):
                chosen.append(task)
        opener = self._opener(template)
        if not chosen and opener and opener.id not in self.placed:
            chosen = [self.shortened(opener)]
        return [task for task in regular if task in chosen] or chosen

    def _opener(self, template: TemplateWeek) -> Task | None:
        """The first task of a week, after which it is named."""
        return next((task for task in template.tasks if self.person.level in task.levels and not task.stretch), None)

    def _precedence(self, task: Task) -> tuple[bool, bool]:
        return task.id not in self.wishes.ticked, task.id not in self.wishes.taken_in

    def _fits(self, task: Task, chosen: list[Task]) -> bool:
        room = task.minutes + _minutes(chosen) <= self.person.hours * 60
        return room and (task.id in self.wishes.taken_in or not self.missing(task.needs, chosen))

    def missing(self, needs: Iterable[str], beside: Collection[Task] = ()) -> list[Task]:
        """The tasks needed that the plan does not have by this week."""
        had = {task.id for task in beside} | {task for task, week in self.placed.items() if week <= self.now}
        needed = [self.tasks[need] for need in needs if need in self.tasks]
        return [task for task in needed if self.person.level in task.levels and task.id not in had]

    def _make(self, template: TemplateWeek, tasks: list[Task]) -> PlanWeek:
        self._place(template.week, tasks)
        changes = self._own_words(template, tasks)
        spare = self.person.hours * 60 - _minutes(tasks)
        spare -= _minutes(self._reading(template, spare))
        for brought in self._brought_in(template, len(tasks), spare):
            changes.append(self._brought_words(brought, template.week))
            tasks.append(brought.task)
            self._place(template.week, [brought.task])
        # Once more, because a page may go with what was brought in.
        reading = self._reading(template, self.person.hours * 60 - _minutes(tasks))
        changes += [self._reading_words(page) for page in template.reading if page not in reading]
        tool, goal = self.missing(template.tool.needs), self.missing(template.goal_needs)
        changes += [f"Left out the tool {template.tool.name}: it serves {_titles(tool)}."] if tool else []
        changes += ["Fitted the goal to the tasks that you have."] if goal else []
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
            if page.minutes + _minutes(fitting) <= spare and not self.missing(page.needs):
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
            and not self.missing(one.task.needs)
        ]:
            best = min(fitting, key=lambda one: (one.task.id not in self.wishes.taken_in, self._practice(one.task)))
            tasks, spare = tasks + 1, spare - best.task.minutes
            yield best

    def shortened(self, task: Task) -> Task:
        """The task in the minutes that it takes a person who knows some of its skills."""
        known = len(self.person.known.intersection(task.skills))
        return replace(task, minutes=_left_of(task.minutes, known, len(task.skills))) if known else task

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
        missing = self.missing(task.needs)
        if missing or task.id in self.wishes.put_away:
            uses = f" It uses what {_titles(missing)} leaves." if missing else ""
            yield f"Kept “{task.title}”: the week has nothing else for you.{uses}"

    def _left_words(self, task: Task) -> str:
        missing = self.missing(task.needs)
        why = f"it needs {_titles(missing)}" if missing else f"no room in {self.person.hours} h a week"
        return f"Left out “{task.title}” ({spoken_minutes(task.minutes)}): {why}"

    def _reading_words(self, page: Reading) -> str:
        missing = self.missing(page.needs)
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


def _minutes(parts: Iterable[Task | Reading]) -> int:
    return sum(part.minutes for part in parts)


def _titles(tasks: Iterable[Task]) -> str:
    return listed([f"“{task.title}”" for task in tasks])


def _built_first(skills: tuple[str, ...], tasks: list[Task]) -> tuple[str, ...]:
    built = {skill for task in tasks for skill in task.skills}
    return tuple(sorted(skills, key=lambda skill: skill not in built))


def _smaller_goal(tasks: list[Task]) -> str:
    """What the tasks at hand leave, for a week whose usual goal is out of reach."""
    return " ".join(f"{task.artefact.rstrip('.')}." for task in tasks)


def _away_words(task: Task) -> str:
    return f"Put away “{task.title}”: your choice."
