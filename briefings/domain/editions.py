"""One issue, composed for one subscriber: frozen, so that what was sent can be shown for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from briefings.domain.catalogue import PLAN_WEEKS, Reading, Task, Tool
from briefings.domain.matching import ON_PLAN, Focus
from briefings.domain.wording import inside, spoken_minutes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from briefings.domain.catalogue import Catalogue
    from briefings.domain.matching import Candidate, Match
    from briefings.domain.plans import PlanWeek

LONGEST_SUBJECT = 50
MOST_TASKS = 3


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


@dataclass(frozen=True)
class Edition:
    """Everything a briefing says."""

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


def compose(
    reader: Reader,
    week: PlanWeek,
    matches: Iterable[Match],
    stories: Mapping[int, Candidate],
    news: News,
    names: Mapping[str, str],
) -> Edition:
    """The edition of a plan week and its matches."""
    told = tuple(_story(match, stories[match.story], names) for match in matches)
    return Edition(
        issue=news.issue,
        week=week.number,
        weeks=PLAN_WEEKS,
        subject=subject(week),
        preheader=_preheader(told, week.minutes, reader.hours),
        opening=_opening(week, names),
        specialization=names.get(reader.specialization, reader.specialization),
        theme=week.theme,
        goal=week.goal,
        tasks=week.tasks[:MOST_TASKS],
        more_tasks=max(0, len(week.tasks) - MOST_TASKS),
        minutes=week.minutes,
        hours=reader.hours,
        tool=week.tool,
        skills=tuple(names.get(skill, skill) for skill in week.focus_skills),
        stories=told,
        items_read=news.items_read,
        feeds_read=news.feeds_read,
        note=news.note,
        reading=week.reading,
    )


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
    names: Mapping[str, str],
) -> Edition:
    """The edition of somebody who has finished a plan and follows the field: stories, and no tasks."""
    told = tuple(_story(match, stories[match.story], names) for match in matches)
    field = names.get(reader.specialization, reader.specialization)
    return Edition(
        issue=news.issue,
        week=number,
        weeks=PLAN_WEEKS,
        subject=f"Your field this week: {len(told)} {'story' if len(told) == 1 else 'stories'}",
        preheader=told[0].title if told else "",
        opening=f"This is what changed this week in {field}.",
        specialization=field,
        theme="Your field this week",
        goal="",
        tasks=(),
        more_tasks=0,
        minutes=0,
        hours=reader.hours,
        tool=None,
        skills=(),
        stories=told,
        items_read=news.items_read,
        feeds_read=news.feeds_read,
        note=news.note,
    )


def subject(week: PlanWeek) -> str:
    """`Week 5 of 12: raise tokens per GPU hour`, at most 50 characters."""
    whole = f"Week {week.number} of {PLAN_WEEKS}: {week.headline}"
    return whole if len(whole) <= LONGEST_SUBJECT else f"Week {week.number} of {PLAN_WEEKS} of your plan"


def _preheader(stories: tuple[EditionStory, ...], minutes: int, hours: int) -> str:
    on_plan = sum(story.rung in ON_PLAN for story in stories)
    if not stories:
        news = "A quiet week in your field"
    elif on_plan:
        news = "1 change touches your plan" if on_plan == 1 else f"{on_plan} changes touch your plan"
    else:
        news = "News of your field"
    return f"{news}. {spoken_minutes(minutes)} of your {hours} h."


def _opening(week: PlanWeek, names: Mapping[str, str]) -> str:
    first = "; ".join(task.title for task in week.tasks[:2])
    skill = names.get(week.focus_skills[0], week.focus_skills[0])
    adopt = f"Adopt {inside(week.tool.name)}; practise" if week.tool else "Practise"
    return f"You are in week {week.number} of {PLAN_WEEKS}. This week: {first}. {adopt} {skill}."


def _story(match: Match, candidate: Candidate, names: Mapping[str, str]) -> EditionStory:
    return EditionStory(
        story=match.story,
        item=match.item,
        title=candidate.title or "Untitled",
        summary=candidate.summary,
        url=candidate.url,
        source=candidate.source,
        published=_day(candidate.published),
        rung=match.rung,
        reasons=match.reasons,
        skills=tuple(names.get(skill, skill) for skill in match.skills),
        also=candidate.sources,
    )


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b}"
