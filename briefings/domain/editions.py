"""One issue, composed for one subscriber: frozen, so that what was sent can be shown for ever."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeVar

from briefings.domain import phrases
from briefings.domain.catalogue import PLAN_WEEKS, Reading, Task, Tool
from briefings.domain.matching import ON_PLAN, Focus
from briefings.domain.planning import CHECKPOINT
from briefings.domain.pulse import Move, moves
from briefings.domain.wording import count, in_letters, in_words, inside, listed, reading_minutes, spoken_minutes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from briefings.domain.catalogue import Catalogue
    from briefings.domain.matching import Candidate, Match
    from briefings.domain.plans import PlanWeek

LONGEST_SUBJECT = 50
#: Programs that sum a mail up read about so many characters of it.
LONGEST_OPENING = 200
MOST_TASKS = 3
#: A briefing has at most so many words above its footer.
MOST_WORDS = 650
#: What the templates say by themselves: headings, labels, the button and the end; and of each task and story.
FRAME_WORDS, TASK_FRAME, STORY_FRAME = 90, 6, 10
NOTE_WORDS = 60
#: So many stories come whatever there is to say of the week.
FEWEST_STORIES = 3
#: How many words a summary has.
SUMMARY_WORDS = range(14, 46)
#: How many other sources of a story are named.
MOST_ALSO = 3
MOST_PORTFOLIO = 3
LONGEST_TITLE = 140
#: What an editor puts before the name under a note.
DASHES = "-\u2013\u2014 "

Pattern = Literal["start", "regular", "checkpoint", "last", "field"]
Timed = TypeVar("Timed", "Task", "Reading", "EditionStory")


@dataclass(frozen=True)
class EditionStory:
    """A matched story as the mail shows it."""

    story: int
    item: int
    title: str
    summary: str
    url: str
    source: str
    published: str  #: such as `20 Nov`
    rung: str
    reasons: tuple[str, ...]
    skills: tuple[str, ...]  #: names
    also: tuple[str, ...]  #: other sources that tell it
    minutes: int = 0  #: to read what the mail says of it
    beyond: bool = False  #: whether the reader's hours have no room for it


@dataclass(frozen=True)
class Edition:
    """Everything a briefing says. `minutes` is all that it asks for: tasks, reading and stories within the hours."""

    issue: str
    week: int
    weeks: int
    subject: str
    preheader: str
    opening: str
    specialization: str
    theme: str
    goal: str
    tasks: tuple[Task, ...]
    more_tasks: int  #: how many stand on the plan page only
    minutes: int
    hours: int
    tool: Tool | None  #: none beyond the plan, as there are no tasks
    skills: tuple[str, ...]
    stories: tuple[EditionStory, ...]
    items_read: int
    feeds_read: int
    note: str = ""  #: the editor's, of this issue
    reading: tuple[Reading, ...] = ()
    then: str = ""  #: the first of the tasks that stand on the plan page only, with its minutes
    editor: str = ""  #: who signed the note
    pulse: tuple[Move, ...] = ()
    portfolio: tuple[str, ...] = ()  #: what a portfolio of the field shows; in the last week

    @property
    def pattern(self) -> Pattern:
        """Which kind of week this is."""
        return pattern(self.week)

    @property
    def news_minutes(self) -> int:
        """How much of the minutes the stories take."""
        return sum(story.minutes for story in self.stories if not story.beyond)


@dataclass(frozen=True)
class Reader:
    """What composing needs to know of a subscriber."""

    subscriber: int
    state: str
    specialization: str
    hours: int


@dataclass(frozen=True)
class News:
    """What the issue's run knows, the same for all readers."""

    issue: str
    items_read: int
    feeds_read: int
    note: str = ""
    counts: tuple[Mapping[str, int], ...] = ()  #: items by topic and week, this week first


def skip_reason(reader: Reader | None, week: int | str, catalogue: Catalogue) -> str | None:
    """The word for why a candidate gets no edition, or None when one is due."""
    if reader is None:
        return "no-plan"
    if reader.state != "active":
        return reader.state
    if isinstance(week, str):
        return week
    if reader.specialization not in catalogue.specialization:
        return "role-left-catalogue"
    return None


def focus_of(week: PlanWeek, around: Iterable[PlanWeek], specialization: str, catalogue: Catalogue) -> Focus:
    """What a plan week makes of the news: its skills, its tool, its neighbours."""
    return Focus(
        week=week.number,
        specialization=specialization,
        role=catalogue.role_of[specialization].id,
        focus_skills=week.focus_skills,
        tool_skill=week.tool.skill if week.tool else "",
        built_skills=tuple(dict.fromkeys(skill for task in week.tasks for skill in task.skills)),
        neighbour_skills=tuple(skill for near in around for skill in near.focus_skills),
        core_skills=catalogue.specialization[specialization].core_skills,
    )


def pattern(week: int) -> Pattern:
    """Which kind of week a plan week is; those beyond the plan are of the field."""
    if week >= PLAN_WEEKS:
        return "last" if week == PLAN_WEEKS else "field"
    if week == 1:
        return "start"
    return "checkpoint" if week % CHECKPOINT == 0 else "regular"


def compose(
    reader: Reader,
    week: PlanWeek,
    matches: Iterable[Match],
    stories: Mapping[int, Candidate],
    news: News,
    catalogue: Catalogue,
) -> Edition:
    """The edition of a plan week and its matches.

    What it asks for never takes more minutes than the reader's hours have: first come the tasks, then the week's
    reading, then the stories. A story without room is told as one that lies beyond the hours.
    """
    names, spec = catalogue.topic_names, catalogue.specialization[reader.specialization]
    tasks, room = _fitting(week.tasks, reader.hours * 60)
    reading, room = _fitting(week.reading, room)
    note, editor = signed(news.note)
    edition = Edition(
        issue=news.issue,
        week=week.number,
        weeks=PLAN_WEEKS,
        subject=subject(week),
        preheader="",
        opening=_opening(week, names),
        specialization=spec.name,
        theme=week.theme,
        goal=week.goal,
        tasks=tasks,
        more_tasks=0,
        minutes=reader.hours * 60 - room,
        hours=reader.hours,
        tool=week.tool,
        skills=tuple(names.get(skill, skill) for skill in week.focus_skills),
        stories=tuple(_story(match, stories[match.story], names) for match in matches),
        items_read=news.items_read,
        feeds_read=news.feeds_read,
        note=note,
        reading=reading,
        editor=editor,
        pulse=moves(news.counts, (*week.focus_skills, *spec.core_skills), names),
        portfolio=spec.assessment.portfolio[:MOST_PORTFOLIO] if week.number == PLAN_WEEKS else (),
    )
    edition = _fit_words(edition, week.tasks)
    told = _within(edition.stories, room)
    minutes = edition.minutes + sum(story.minutes for story in told if not story.beyond)
    return replace(edition, stories=told, minutes=minutes, preheader=_preheader(told, minutes, reader.hours))


def field_focus(specialization: str, catalogue: Catalogue) -> Focus:
    """What matters to a person who follows the field without a plan."""
    core = catalogue.specialization[specialization].core_skills
    return Focus(PLAN_WEEKS + 1, specialization, catalogue.role_of[specialization].id, (), "", (), (), core)


def compose_field(
    reader: Reader,
    number: int,
    matches: Iterable[Match],
    stories: Mapping[int, Candidate],
    news: News,
    catalogue: Catalogue,
) -> Edition:
    """The edition of somebody who has finished a plan and follows the field: stories, and no tasks."""
    names, spec = catalogue.topic_names, catalogue.specialization[reader.specialization]
    note, editor = signed(news.note)
    edition = Edition(
        issue=news.issue,
        week=number,
        weeks=PLAN_WEEKS,
        subject="",
        preheader="",
        opening="",
        specialization=spec.name,
        theme="Your field this week",
        goal="",
        tasks=(),
        more_tasks=0,
        minutes=0,
        hours=reader.hours,
        tool=None,
        skills=(),
        stories=tuple(_story(match, stories[match.story], names) for match in matches),
        items_read=news.items_read,
        feeds_read=news.feeds_read,
        note=note,
        editor=editor,
        pulse=moves(news.counts, spec.core_skills, names),
    )
    told = _within(_fit_words(edition, ()).stories, reader.hours * 60)
    counted = f"{len(told)} {'story' if len(told) == 1 else 'stories'}"
    first = in_letters(told[0].title, 90) if told else ""
    return replace(
        edition,
        subject=f"Your field this week: read {counted}",
        preheader=f"We read {news.items_read} items from {news.feeds_read} sources and kept {len(told)} for you.",
        opening=in_letters(f"This week in {spec.name}: {counted}. First: {first}.", LONGEST_OPENING),
        stories=told,
        minutes=sum(story.minutes for story in told if not story.beyond),
    )


def signed(note: str) -> tuple[str, str]:
    """An editor's note, of 60 words at most, and who signed it: the name behind a dash in the last line, or ""."""
    words, _, last = note.strip().rpartition("\n")
    is_signed = bool(words) and last[0] in DASHES
    return in_words(words if is_signed else note.strip(), NOTE_WORDS), last.strip(DASHES) if is_signed else ""


def subject(week: PlanWeek) -> str:
    """`Week 5 of 12: raise tokens per GPU hour`, at most 50 characters."""
    whole = f"Week {week.number} of {PLAN_WEEKS}: {week.headline}"
    return whole if len(whole) <= LONGEST_SUBJECT else f"Week {week.number} of {PLAN_WEEKS}: begin with the first task"


def _fitting(parts: Iterable[Timed], room: int) -> tuple[tuple[Timed, ...], int]:
    """Those that fit, one after the other, into so many minutes; and the minutes that are left."""
    fitting = []
    for part in parts:
        if part.minutes <= room:
            fitting.append(part)
            room -= part.minutes
    return tuple(fitting), room


def _within(told: Sequence[EditionStory], room: int) -> tuple[EditionStory, ...]:
    """The stories, from the first that has no room in the minutes on told as lying beyond them."""
    marked = []
    for story in told:
        room -= story.minutes
        marked.append(replace(story, beyond=room < 0))
    return tuple(marked)


def _preheader(stories: tuple[EditionStory, ...], minutes: int, hours: int) -> str:
    on_plan = sum(story.rung in ON_PLAN for story in stories)
    if not stories:
        news = "A quiet week in your field"
    elif on_plan:
        news = "1 change touches your plan" if on_plan == 1 else f"{on_plan} changes touch your plan"
    else:
        news = "News of your field, none of your plan"
    return f"{news}. {spoken_minutes(minutes)} of your {hours} h."


def _opening(week: PlanWeek, names: Mapping[str, str]) -> str:
    """Where the reader is and what the week brings: the longest wording that fits."""
    kind = {"checkpoint": ", a checkpoint", "last": ", the last"}.get(pattern(week.number), "")
    you_are = f"You are in week {week.number} of {PLAN_WEEKS}{kind}."
    first, *others = [task.title for task in week.tasks] or ["what stands on your plan page"]
    skill = names.get(week.focus_skills[0], week.focus_skills[0])
    tool = f"Adopt {inside(week.tool.name)}; practise" if week.tool else "Practise"
    several = f"{len(others)} more {'task' if len(others) == 1 else 'tasks'}" if others else ""
    wordings = (
        f"{you_are} This week: {'; '.join([first, *others[:1]])}. {tool} {skill}.",
        f"{you_are} This week: {first}{several and f', and {several}'}. {tool} {skill}.",
        f"Week {week.number} of {PLAN_WEEKS}: {first}. {tool} {skill}.",
    )
    return next((one for one in wordings if len(one) <= LONGEST_OPENING), in_letters(wordings[-1], LONGEST_OPENING))


def _fit_words(edition: Edition, of_week: Sequence[Task]) -> Edition:
    """The edition in the words that a mail has; `of_week` are all tasks of the week.

    Where a few stories would not fit, the edition becomes leaner; then the further stories go. The summaries share what
    is left.
    """
    stories = list(edition.stories)
    few = sum(map(_fewest_words, stories[:FEWEST_STORIES]))
    leaner = _leaner(edition, of_week)
    edition = next((one for one in leaner if few <= MOST_WORDS - _words(one)), leaner[-1])
    room = MOST_WORDS - _words(edition)
    while len(stories) > FEWEST_STORIES and sum(map(_fewest_words, stories)) > room:
        stories.pop()
    each = (room - sum(map(_story_words, stories))) // max(1, len(stories))
    most = max(SUMMARY_WORDS[0], min(each, SUMMARY_WORDS[-1]))
    told = [_timed(replace(story, summary=in_words(story.summary, most))) for story in stories]
    return replace(edition, stories=tuple(told))


def _leaner(edition: Edition, of_week: Sequence[Task]) -> list[Edition]:
    """The edition, and what is left of it when words are short: the third task goes first, then the field pulse, the
    second task, and what a portfolio can hold besides one thing.
    """
    three, two, one = (_with_tasks(edition, edition.tasks[:most], of_week) for most in (MOST_TASKS, 2, 1))
    bare = replace(one, pulse=())
    return [three, two, replace(two, pulse=()), bare, replace(bare, portfolio=bare.portfolio[:1])]


def _with_tasks(edition: Edition, shown: tuple[Task, ...], of_week: Sequence[Task]) -> Edition:
    """The edition with these tasks; of the others only the first is named."""
    more = [task for task in of_week if task not in shown]
    then = f"{more[0].title} ({spoken_minutes(more[0].minutes)})" if more else ""
    return replace(edition, tasks=shown, more_tasks=len(more), then=then)


def _words(edition: Edition) -> int:
    """The words of an edition that no story has."""
    tool = edition.tool
    said = [edition.opening, edition.theme, edition.goal, edition.note, phrases.skills(edition)]
    said += [phrases.heading(edition), phrases.kind_words(edition), *edition.portfolio, phrases.budget(edition)]
    said += [phrases.more(edition), phrases.moved(edition), phrases.question(edition)]
    said += [f"Read: {page.title} ({spoken_minutes(page.minutes)})" for page in edition.reading]
    said += [tool.name, tool.why, tool.cost, tool.alternative, tool.skip_when] if tool else []
    said += ["From the editor", edition.editor or "The editors"] if edition.note else []
    full = edition.minutes + len(edition.stories) > edition.hours * 60
    said += [phrases.BEYOND.format(edition.hours)] if full else []
    return FRAME_WORDS + count(*said) + sum(map(_task_words, edition.tasks))


def _task_words(task: Task) -> int:
    return TASK_FRAME + count(task.title, task.done_when, task.first_step, spoken_minutes(task.minutes))


def _story_words(story: EditionStory) -> int:
    """What is said of a story besides its summary."""
    also = f"Also in {listed(story.also)}" if story.also else ""
    return STORY_FRAME + count(story.title, story.source, *story.reasons, also)


def _fewest_words(story: EditionStory) -> int:
    return _story_words(story) + min(count(story.summary), SUMMARY_WORDS[0])


def _timed(story: EditionStory) -> EditionStory:
    return replace(story, minutes=reading_minutes(_story_words(story) + count(story.summary)))


def _story(match: Match, candidate: Candidate, names: Mapping[str, str]) -> EditionStory:
    return EditionStory(
        story=match.story,
        item=match.item,
        title=in_letters(candidate.title, LONGEST_TITLE) or "Untitled",
        summary=candidate.summary,
        url=candidate.url,
        source=candidate.source,
        published=_day(candidate.published),
        rung=match.rung,
        reasons=_telling(match.reasons),
        skills=tuple(names.get(skill, skill) for skill in match.skills),
        also=candidate.sources[:MOST_ALSO],
    )


def _telling(reasons: tuple[str, ...]) -> tuple[str, ...]:
    """The reasons without words of the story that the first one has said already."""
    first, *others = reasons or ("",)
    said = first.casefold()
    repeats = (words and all(word in said for word in words) for words in (_quoted(reason) for reason in others))
    return (first, *(reason for reason, repeat in zip(others, repeats, strict=True) if not repeat))


def _quoted(reason: str) -> list[str]:
    return [part.partition("\u201d")[0].casefold() for part in reason.split("\u201c")[1:]]


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b}"
