"""What is wrong with a catalogue beyond the shape of its files, each fault with what to do about it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import fields, is_dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from briefings.domain.aliases import meaning
from briefings.domain.catalogue import (
    ENTRY_NAMES,
    HEADLINE_LENGTH,
    HOURS,
    LEVELS,
    MINUTES,
    PLAN_WEEKS,
    SHORTEST_WEEK_MINUTES,
    Assessment,
    Catalogue,
    Fault,
    Reading,
    Tool,
)
from briefings.domain.tagging import Tagger

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from briefings.domain.catalogue import Level, PlanTemplate, Specialization, Task, TemplateWeek

LEARN_GROUPS = ("ai-tools", "technical", "human")
TASKS_A_LEVEL = range(3, 6)
FOCUS_SKILLS = range(2, 5)
MOST_READING = 2
#: How many entries the lists of an assessment have.
LENGTHS = {"automating": range(5, 9), "augmenting": range(5, 9), "opportunities": range(3, 6)}
#: Verbs without an end that somebody else could check.
VAGUE = re.compile(
    r"\b(learn (about|how)|explore|familiari[sz]e|get familiar|get to know|understand|read (about|up)|look into"
    r"|dive into|discover|play (with|around)|keep up with|stay up to date)\b",
    re.IGNORECASE,
)
SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")
#: Shorter than this, the same words may well stand twice.
SENTENCE_WORDS = 6
ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
WEB_ADDRESS = re.compile(r"https?://[^\s/]+\.[^\s/]")
WORD = re.compile(r"\w+")
#: Fields that hold ids, which may well stand in two places.
IDS = {"id", "needs", "goal_needs"}


def faults(catalogue: Catalogue) -> list[Fault]:
    """Everything that the shape of the files cannot show: unknown ids, doubles, weeks that do not hold together."""
    return [
        *_id_faults(catalogue),
        *_blank_faults(catalogue),
        *_alias_faults(catalogue),
        *_feed_faults(catalogue),
        *_role_faults(catalogue),
        *chain.from_iterable(_specialization_faults(catalogue, spec) for spec in catalogue.specialization.values()),
        *_repeated_sentences(catalogue),
    ]


def _id_faults(catalogue: Catalogue) -> Iterator[Fault]:
    topics = [role.id for role in catalogue.roles] + [skill.id for skill in catalogue.skills]
    topics += [spec.id for role in catalogue.roles for spec in role.specializations]
    named = [(catalogue.files.get(topic, "?"), topic) for topic in topics]
    for spec in catalogue.specialization.values():
        named += [(catalogue.files.get(spec.id, "?"), task.id) for task in _tasks(spec)]
    for file, name in dict.fromkeys(named):
        if not ID.fullmatch(name):
            yield Fault(file, name, "this is no id; write small letters, digits and single hyphens between them")
    for topic in _doubles(topics):
        yield Fault(catalogue.files.get(topic, "?"), topic, "this id stands more than once; give each topic its own id")
    everywhere = [task for spec in catalogue.specialization.values() for task in set(_tasks(spec))]
    for task_id in _doubles(task.id for task in set(everywhere)):
        yield Fault("roles/", task_id, "this task id means two tasks; rename one, or share one by `use` and tasks.toml")
    for spec in catalogue.specialization.values():
        for task_id in _doubles(task.id for task in _tasks(spec)):
            yield Fault(catalogue.files.get(spec.id, "?"), task_id, "this task stands twice in the plan; keep one")


def _blank_faults(catalogue: Catalogue) -> Iterator[Fault]:
    """Every text says something, but for the keys that may be left out."""
    for skill in catalogue.skills:
        yield from _blank("skills.toml", f"skills[{skill.id}]", skill)
    for feed in catalogue.feeds:
        yield from _blank("feeds.toml", f"feeds[{feed.url}]", feed)
    for role in catalogue.roles:
        yield from _blank(catalogue.files.get(role.id, "?"), "", replace(role, specializations=()))
        for spec in role.specializations:
            yield from _blank(catalogue.files.get(spec.id, "?"), "", spec)


def _blank(file: str, key: str, content: object) -> Iterator[Fault]:
    if isinstance(content, str) and not content.strip():
        yield Fault(file, key, "nothing is written here; say it, or take the entry out")
    elif isinstance(content, tuple):
        for place, part in enumerate(content, 1):
            name = next((getattr(part, one) for one in ENTRY_NAMES if hasattr(part, one)), "") or place
            yield from _blank(file, f"{key}[{name if is_dataclass(part) else place}]", part)
    elif is_dataclass(content):
        for one in fields(content):
            if getattr(content, one.name) != one.default:
                yield from _blank(file, f"{key}.{one.name}".removeprefix("."), getattr(content, one.name))


def _alias_faults(catalogue: Catalogue) -> Iterator[Fault]:
    tagger = Tagger(catalogue)
    owner: dict[tuple[str, ...], str] = {}
    for skill in catalogue.skills:
        for alias in skill.aliases:
            first = owner.setdefault(meaning(alias), skill.id)
            if first != skill.id:
                yield Fault(
                    "skills.toml", skill.id, f"the alias {alias!r} belongs to {first} already; keep it in one of them"
                )
            elif skill.id not in {hit.skill for hit in tagger.hits(alias)}:
                yield Fault(
                    "skills.toml",
                    skill.id,
                    f"the alias {alias!r} does not find itself; begin it with a letter",
                )


def _feed_faults(catalogue: Catalogue) -> Iterator[Fault]:
    for url in _doubles(feed.url for feed in catalogue.feeds):
        yield Fault("feeds.toml", url, "this feed stands more than once; keep one")
    for feed in catalogue.feeds:
        yield from _address_faults("feeds.toml", feed.url, feed.url)
        if not 0 <= feed.authority <= 1:
            yield Fault("feeds.toml", feed.url, "its authority is not between 0 and 1; 1.0 is a primary source")
        for topic in feed.topics:
            if topic not in catalogue.topic_names and topic not in catalogue.files:
                yield Fault(
                    "feeds.toml", feed.url, f"unknown topic {topic!r}; use an id of a role, specialization or skill"
                )


def _address_faults(file: str, key: str, url: str) -> Iterator[Fault]:
    if not WEB_ADDRESS.match(url):
        yield Fault(file, key, f"{url[:80]!r} is no web address; begin it with https:// and a host")


def _role_faults(catalogue: Catalogue) -> Iterator[Fault]:
    for role in catalogue.roles:
        yield from _assessment_faults(catalogue, catalogue.files.get(role.id, "?"), role.assessment)


def _specialization_faults(catalogue: Catalogue, spec: Specialization) -> Iterator[Fault]:
    file = catalogue.files.get(spec.id, "?")
    yield from _assessment_faults(catalogue, file, spec.assessment)
    named = chain(spec.core_skills, chain.from_iterable(_touched(week) for week in spec.plan.weeks))
    for skill in sorted(set(named) - catalogue.skill.keys()):
        yield Fault(file, skill, "unknown skill; use an id of skills.toml, or add the skill there")
    yield from _plan_faults(catalogue, file, spec)


def _assessment_faults(catalogue: Catalogue, file: str, assessment: Assessment) -> Iterator[Fault]:
    for key, wanted in LENGTHS.items():
        count = len(getattr(assessment, key))
        if count not in wanted:
            yield Fault(file, f"assessment.{key}", f"{count} entries; write {wanted[0]} to {wanted[-1]}")
    for group in LEARN_GROUPS:
        if group not in {entry.group for entry in assessment.learn}:
            yield Fault(file, "assessment.learn", f"nothing in the group {group}; add a skill of that group")
    for entry in assessment.learn:
        skill = catalogue.skill.get(entry.skill)
        if skill is None:
            yield Fault(file, entry.skill, "unknown skill; use an id of skills.toml, or add the skill there")
        elif (skill.kind == "human") != (entry.group == "human"):
            yield Fault(
                file, entry.skill, f"its kind is {skill.kind}; move it to the group it belongs to", about_kinds=True
            )


def _plan_faults(catalogue: Catalogue, file: str, spec: Specialization) -> Iterator[Fault]:
    plan = spec.plan
    numbers = [week.week for week in plan.weeks]
    if numbers != list(range(1, PLAN_WEEKS + 1)):
        yield Fault(
            file, "plan.weeks", f"the weeks are {numbers}; write weeks 1 to {PLAN_WEEKS}, once each and in order"
        )
    if plan.hours not in HOURS:
        yield Fault(file, "plan.hours", f"{plan.hours} hours a week; choose between {HOURS[0]} and {HOURS[-1]}")
    touched = set(chain.from_iterable(_touched(week) for week in plan.weeks))
    for skill in spec.core_skills:
        if skill in catalogue.skill and skill not in touched:
            yield Fault(file, "core_skills", f"no week touches {skill}; build it in a task, or drop it from the core")
    if not any(catalogue.skill[skill].kind == "human" for skill in touched & catalogue.skill.keys()):
        yield Fault(
            file, "plan.weeks", "no week builds a human skill; add one, such as a talk or a decision", about_kinds=True
        )
    for week in plan.weeks:
        yield from _week_faults(file, week, plan)
    yield from _need_faults(file, plan)


def _need_faults(file: str, plan: PlanTemplate) -> Iterator[Fault]:
    """What speaks of a task names it, after it, for every level; with one hour a week the first tasks hold together."""
    before: dict[str, Task] = {}
    first: set[str] = set()
    for week in plan.weeks:
        openers = {level: _opener(week, level) for level in LEVELS}
        for task in week.tasks:
            yield from _unmet(file, task.id, task.needs, before, task.levels)
            yield from _optional(file, task, before)
            named_for = [level for level, opener in openers.items() if opener is task]
            yield from _beyond_first(file, task, named_for, before, first)
            before[task.id] = task
        first |= {task.id for task in openers.values() if task}
        key = f"plan.weeks[{week.week}]"
        spoken = [(f"{key}.goal_needs", week.goal_needs), (f"{key}.tool", week.tool.needs)]
        for where, needs in spoken + [(f"{key}.reading[{page.url}]", page.needs) for page in week.reading]:
            yield from _unmet(file, where, needs, before, LEVELS)


def _opener(week: TemplateWeek, level: Level) -> Task | None:
    return next((task for task in week.tasks if level in task.levels and not task.stretch), None)


def _unmet(
    file: str, key: str, needs: tuple[str, ...], before: Mapping[str, Task], levels: Iterable[Level]
) -> Iterator[Fault]:
    for need in needs:
        if need not in before:
            yield Fault(file, key, f"needs {need!r}, which is no task that comes before; correct the id or the order")
    found = [before[need] for need in needs if need in before]
    for level in levels:
        if found and not any(level in task.levels for task in found):
            yield Fault(file, key, f"needs nothing that the level {level} has; name that level's task as well")


def _optional(file: str, task: Task, before: Mapping[str, Task]) -> Iterator[Fault]:
    for need in task.needs:
        if not task.stretch and need in before and before[need].stretch:
            yield Fault(file, task.id, f"needs {need}, a stretch task that few do; reword it, or make it one too")


def _beyond_first(
    file: str, task: Task, levels: Sequence[Level], before: Mapping[str, Task], first: Collection[str]
) -> Iterator[Fault]:
    for need in task.needs:
        having = [level for level in levels if need in before and level in before[need].levels]
        if having and need not in first:
            yield Fault(
                file,
                task.id,
                f"the first task of its week (level {', '.join(having)}), and needs {need}, the first of none; "
                "with one hour a week nobody has that, so reword it or change the order",
            )


def _week_faults(file: str, week: TemplateWeek, plan: PlanTemplate) -> Iterator[Fault]:
    key = f"plan.weeks[{week.week}]"
    if len(week.headline) > HEADLINE_LENGTH:
        yield Fault(
            file, f"{key}.headline", f"longer than {HEADLINE_LENGTH} characters; it must fit the mail's subject"
        )
    for skill in _doubles(week.focus_skills):
        yield Fault(file, f"{key}.focus_skills", f"{skill} stands twice; name it once")
    if len(week.focus_skills) not in FOCUS_SKILLS:
        yield Fault(file, f"{key}.focus_skills", f"{len(week.focus_skills)} skills; name 2 to 4")
    if not week.tool.skip_when.startswith("Skip"):
        yield Fault(file, f"{key}.tool.skip_when", "begin it with “Skip”: it is printed as a sentence of its own")
    if len(week.reading) > MOST_READING:
        yield Fault(file, f"{key}.reading", f"{len(week.reading)} pages; keep the best two")
    for page in week.reading:
        yield from _address_faults(file, f"{key}.reading[{page.url}]", page.url)
        if page.minutes < 1:
            yield Fault(file, f"{key}.reading[{page.url}]", f"{page.minutes} minutes; say how long it takes to read")
    yield from _levels_faults(file, key, week, plan)
    for name, text in (("goal", week.goal), ("theme", week.theme), ("headline", week.headline)):
        yield from _vague(file, f"{key}.{name}", text)
    for task in week.tasks:
        yield from _task_faults(file, task)


def _levels_faults(file: str, key: str, week: TemplateWeek, plan: PlanTemplate) -> Iterator[Fault]:
    """What is wrong with a week for a level, told once for all the levels that it is wrong for."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for level in LEVELS:
        for where, remedy in _level_faults(key, week, level, plan.hours):
            found[where, remedy].append(level)
    for (where, remedy), levels in found.items():
        named = "" if len(levels) == len(LEVELS) else f" (level {', '.join(levels)})"
        yield Fault(file, where, remedy + named)


def _level_faults(key: str, week: TemplateWeek, level: Level, hours: int) -> Iterator[tuple[str, str]]:
    regular = [task for task in week.tasks if level in task.levels and not task.stretch]
    built = {skill for task in regular for skill in task.skills}
    for skill in dict.fromkeys(week.focus_skills):
        if skill not in built:
            yield f"{key}.focus_skills", f"no task of the week builds {skill}; name it in a task or drop it"
    if len(regular) not in TASKS_A_LEVEL:
        yield f"{key}.tasks", f"{len(regular)} tasks; write 3 to 5, beside stretch tasks"
    if regular and regular[0].minutes > SHORTEST_WEEK_MINUTES:
        longer = f"longer than {SHORTEST_WEEK_MINUTES} minutes; begin with what fits one hour"
        yield regular[0].id, f"the first task of the week, and {longer}"
    minutes = sum(task.minutes for task in regular) + sum(page.minutes for page in week.reading)
    if minutes > hours * 60:
        over = f"over the plan's {hours} hours; make one a stretch task, or shorten"
        yield f"{key}.tasks", f"{minutes} minutes with reading, {over}"


def _task_faults(file: str, task: Task) -> Iterator[Fault]:
    if task.minutes not in MINUTES:
        yield Fault(
            file,
            task.id,
            f"{task.minutes} minutes; a task takes {MINUTES[0]} to {MINUTES[-1]}, so split it or merge it",
        )
    if not task.skills:
        yield Fault(file, task.id, "no skill; name at least one that it builds")
    for text in (task.title, task.done_when, task.first_step):
        yield from _vague(file, task.id, text)


def _vague(file: str, key: str, text: str) -> Iterator[Fault]:
    found = VAGUE.search(text)
    if found:
        yield Fault(file, key, f"“{found.group()}” has no end that can be checked; say what is made or measured")


def _repeated_sentences(catalogue: Catalogue) -> Iterator[Fault]:
    """No sentence stands in two plans, or twice in one: a task that is truly the same is shared instead."""
    places: dict[str, list[str]] = defaultdict(list)
    for topic, content in _contents(catalogue):
        for sentence in _sentences(content):
            places[sentence].append(catalogue.files.get(topic, "?"))
    for sentence, files in places.items():
        if len(files) > 1:
            yield Fault(files[-1], f"“{sentence[:60]}”", f"stands also in {files[0]}; say here what is true here")


def _contents(catalogue: Catalogue) -> Iterator[tuple[str, object]]:
    """Everything written, by the topic it is written for; a shared task once."""
    told: set[Task] = set()
    for role in catalogue.roles:
        yield role.id, role.assessment
        for spec in role.specializations:
            yield spec.id, spec.assessment
            yield spec.id, spec.plan.promise
            for week in spec.plan.weeks:
                yield spec.id, replace(week, tasks=tuple(task for task in week.tasks if task not in told))
                told.update(week.tasks)


def _sentences(content: object) -> Iterator[str]:
    for text in _texts(content):
        for sentence in SENTENCE_END.split(text):
            words = WORD.findall(sentence.casefold())
            if len(words) >= SENTENCE_WORDS:
                yield " ".join(words)


def _texts(content: object) -> Iterator[str]:
    """The prose of a value. Titles of pages and names of tools are other people's words."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, tuple):
        for part in content:
            yield from _texts(part)
    elif is_dataclass(content) and not isinstance(content, Reading):
        for one in fields(content):
            if one.name not in IDS and not (isinstance(content, Tool) and one.name == "name"):
                yield from _texts(getattr(content, one.name))


def _touched(week: TemplateWeek) -> Iterator[str]:
    yield from week.focus_skills
    yield from (skill for task in week.tasks for skill in task.skills)
    if week.tool.skill:
        yield week.tool.skill


def _tasks(spec: Specialization) -> Iterator[Task]:
    for week in spec.plan.weeks:
        yield from week.tasks


def _doubles(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
