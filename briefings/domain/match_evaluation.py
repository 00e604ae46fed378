"""How good matches are over weeks of real items, beside simpler ways to choose; and which plan weeks lack news.

What a story touches is read from its tags, for our ranking and for the others alike: the figures say how well the
news there is gets used, and not whether a reader would agree. Each specialization is one person, who goes through
the plan from its first week, so that what was sent once is known later.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from statistics import fmean
from typing import TYPE_CHECKING, Any, Protocol

from briefings.domain import matching, stories
from briefings.domain.bootstrap import Estimate, estimate
from briefings.domain.editions import focus_of
from briefings.domain.matching import MOST_STORIES, ON_PLAN, ON_WEEK, Candidate, concerns, match_of, used_up
from briefings.domain.planning import make_plan
from briefings.domain.plans import Profile
from briefings.domain.stories import Group
from briefings.domain.story_evaluation import told_by_day
from briefings.domain.weeks import CUTOFF, NEWS_WINDOW, issue_at
from briefings.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from briefings.domain.catalogue import Catalogue, Level, ListedFeed
    from briefings.domain.matching import Focus, Match
    from briefings.domain.stories import Telling
    from briefings.domain.tagging import Tag

LEVEL: Level = "practitioner"
HOURS = 4
WEEK = timedelta(weeks=1)
CUT_OFF = timedelta(hours=CUTOFF.hour, minutes=CUTOFF.minute)
#: A plan week with fewer stories than this in the time looked at starves, and so does a skill.
ENOUGH_STORIES = 3


@dataclass(frozen=True)
class TaggedItem:
    """An item as a feed told it, with its tags."""

    telling: Telling
    url: str
    source: str
    tags: tuple[Tag, ...]


@dataclass(frozen=True)
class Cell:
    """What one way to choose gave one person in one week. The counts are of stories, but for `focus_skills`."""

    way: str
    specialization: str
    week: int
    available: int  #: on the week, not had yet
    chosen: int
    on_week: int  #: rung 0: of the week's focus, tool or tasks
    on_plan: int
    sources: int  #: distinct
    focus_skills: int  #: distinct
    repeats: int  #: had before, in this briefing or an earlier one: the story, its address or its title

    @property
    def is_empty(self) -> bool:
        """Whether the briefing is the plan only."""
        return self.chosen == 0


@dataclass(frozen=True)
class Supply:
    """The stories there are for one plan week: of each of its skills, and of any of them."""

    specialization: str
    week: int
    stories: int
    skills: Mapping[str, int]

    @property
    def is_starving(self) -> bool:
        """Whether there is too little news for it."""
        return self.stories < ENOUGH_STORIES


class Way(Protocol):
    """A way to choose stories for a person."""

    def __call__(
        self, candidates: Sequence[Candidate], focus: Focus, seen: Collection[int], at: datetime, /
    ) -> list[Match]:
        """The stories chosen at the cut-off `at`, without those `seen`."""


# ------------------------------------------------------------------ the weeks, their news and the plans


def densest_weeks(published: Iterable[datetime], number: int) -> list[datetime]:
    """The cut-offs of the `number` consecutive weeks that have the most items, the earliest of equals.

    Raises InputError when there is no item.
    """
    counts = Counter(issue_at(moment).cutoff + WEEK for moment in published)
    if not counts:
        raise InputError("There is no item with a date; give lines of JSON with title, link, source and date")
    runs = [[start + WEEK * week for week in range(number)] for start in sorted(counts)]
    return max(runs, key=lambda run: sum(counts[cutoff] for cutoff in run))


def plan_foci(catalogue: Catalogue) -> dict[str, list[Focus]]:
    """What each week of each specialization's plan makes of the news, for a practitioner of 4 h a week."""
    return {spec: list(_foci(catalogue, spec)) for spec in catalogue.specialization}


def groups_as_told(tellings: Iterable[Telling]) -> list[Group]:
    """The stories that grouping made as the items came; none knows what came after its issue's cut-off."""
    members: dict[int, list[int]] = defaultdict(list)
    for day in told_by_day(tellings, CUT_OFF):
        for item, story in day.items():
            members[story].append(item)
    return [Group(story, tuple(items)) for story, items in members.items()]


def candidates_at(
    cutoff: datetime, items: Mapping[int, TaggedItem], groups: Sequence[Group], skills: Collection[str]
) -> list[Candidate]:
    """The stories of the news window that ends at the cut-off, as they were known then. `skills` are all skill ids."""
    found = []
    told: dict[tuple[str, str], list[tuple[datetime, int]]] = defaultdict(list)
    for number, group in enumerate(groups, 1):
        known = [items[item] for item in group.items if items[item].telling.published <= cutoff]
        for one in known:
            told[one.source, one.telling.title].append((one.telling.published, number))
        if known:
            lead = items[stories.lead(one.telling for one in known).item]
            if lead.tags and lead.telling.published >= cutoff - NEWS_WINDOW:
                found.append(_candidate(number, lead, {one.source for one in known}, skills))
    return [replace(one, retells=_earlier(one, told[one.source, one.title])) for one in found]


def _earlier(candidate: Candidate, told: Iterable[tuple[datetime, int]]) -> frozenset[int]:
    return frozenset(story for published, story in told if published < candidate.published and story != candidate.story)


def _foci(catalogue: Catalogue, spec: str) -> Iterator[Focus]:
    weeks = make_plan(catalogue, Profile(spec, LEVEL, HOURS))
    for week in weeks:
        yield focus_of(week, [near for near in weeks if abs(near.number - week.number) == 1], spec, catalogue)


def _candidate(number: int, lead: TaggedItem, sources: set[str], skills: Collection[str]) -> Candidate:
    telling = lead.telling
    return Candidate(
        story=number,
        item=telling.item,
        title=telling.title,
        summary=telling.summary,
        url=lead.url,
        source=lead.source,
        authority=telling.authority,
        published=telling.published,
        topics={tag.topic: tag.score for tag in lead.tags},
        words={tag.topic: tag.evidence for tag in lead.tags if tag.topic in skills},
        sources=tuple(sorted(sources - {lead.source})),
    )


# ------------------------------------------------------------------ ways to choose


def _ours(candidates: Sequence[Candidate], focus: Focus, seen: Collection[int], at: datetime) -> list[Match]:
    return matching.rank(candidates, focus, seen, at, {})


def _first_by(key: Callable[[Candidate, Focus], Any]) -> Way:
    """Those that come first by the key, the newest of equals, within our caps, out of all that touch plan or role.

    Our score takes no part: not in what is worth a place, and not in what tells the same again.
    """

    def choose(candidates: Sequence[Candidate], focus: Focus, seen: Collection[int], _: datetime) -> list[Match]:
        pool = [one for one in candidates if one.is_new_to(seen) and concerns(one, focus)]
        pool.sort(key=lambda one: (key(one, focus), one.published, one.story), reverse=True)
        chosen: list[Candidate] = []
        for candidate in pool:
            if len(chosen) < MOST_STORIES and used_up(chosen).isdisjoint(candidate.speakers):
                chosen.append(candidate)
        return [match_of(candidate, 0.0, focus, {}) for candidate in chosen]

    return choose


OURS = "ours"
WAYS: Mapping[str, Way] = {
    OURS: _ours,
    "recency": _first_by(lambda one, _: one.published),
    "popularity": _first_by(lambda one, _: len(one.sources)),
    "tag count": _first_by(lambda one, focus: len(focus.weights().keys() & one.topics.keys())),
}


# ------------------------------------------------------------------ the simulation


def simulate(foci: Sequence[Focus], news: Sequence[tuple[datetime, Sequence[Candidate]]]) -> Iterator[Cell]:
    """What each way gives one person: the n-th week of the plan meets the n-th cut-off with its candidates."""
    for name, way in WAYS.items():
        had: list[Candidate] = []
        for focus, (cutoff, candidates) in zip(foci, news, strict=False):
            seen = {one.story for one in had}
            by_story = {candidate.story: candidate for candidate in candidates}
            available = sum(_is_on_week(one, focus) for one in candidates if one.is_new_to(seen))
            matches = way(candidates, focus, seen, cutoff)
            chosen = [by_story[match.story] for match in matches]
            yield _cell(name, focus, available, matches, chosen, had)
            had += chosen


FIGURES: Mapping[str, Callable[[Cell], float]] = {
    "stories": lambda cell: cell.chosen,
    "rung 0": lambda cell: cell.on_week,
    "on the plan": lambda cell: cell.on_plan,
    "focus skills": lambda cell: cell.focus_skills,
    "sources": lambda cell: cell.sources,
    "repeats": lambda cell: cell.repeats,
    "empty weeks": lambda cell: cell.is_empty,
}


def compare(cells: Iterable[Cell]) -> dict[str, dict[str, tuple[Estimate, Estimate]]]:
    """Way -> figure -> its mean a week, and by how much ours is more: paired by specialization and week."""
    by_way: dict[str, list[Cell]] = {name: [] for name in WAYS}
    for cell in sorted(cells, key=lambda cell: (cell.specialization, cell.week)):
        by_way[cell.way].append(cell)
    return {
        way: {
            name: _figure(list(map(figure, own)), list(map(figure, by_way[OURS]))) for name, figure in FIGURES.items()
        }
        for way, own in by_way.items()
    }


def _figure(values: Sequence[float], ours: Sequence[float]) -> tuple[Estimate, Estimate]:
    more = [mine - value for mine, value in zip(ours, values, strict=True)]
    return estimate(values, fmean), estimate(more, fmean)


def _cell(
    way: str,
    focus: Focus,
    available: int,
    matches: Sequence[Match],
    chosen: Sequence[Candidate],
    had: Sequence[Candidate],
) -> Cell:
    skills = frozenset(chain.from_iterable(one.skills for one in chosen))
    return Cell(
        way=way,
        specialization=focus.specialization,
        week=focus.week,
        available=available,
        chosen=len(matches),
        on_week=sum(match.rung in ON_WEEK for match in matches),
        on_plan=sum(match.rung in ON_PLAN for match in matches),
        sources=len({one.source for one in chosen}),
        focus_skills=len(skills & focus.skills_on({"focus"})),
        repeats=sum(_is_known(one, [*had, *chosen[:place]]) for place, one in enumerate(chosen)),
    )


def _is_known(candidate: Candidate, told: Iterable[Candidate]) -> bool:
    return any(candidate.tells_again(one) for one in told)


# ------------------------------------------------------------------ where news is short


def supply(focus: Focus, candidates: Iterable[Candidate]) -> Supply:
    """How many of the stories touch a plan week, by its focus, its tool or its tasks."""
    wanted, counts, touching = focus.skills_on(ON_WEEK), Counter[str](), 0
    for candidate in candidates:
        counts.update(candidate.skills & wanted)
        touching += _is_on_week(candidate, focus)
    skills = {skill: counts[skill] for skill in sorted(wanted)}
    return Supply(focus.specialization, focus.week, touching, skills)


def starving_skills(supplies: Iterable[Supply]) -> dict[str, list[Supply]]:
    """Skills that have too few stories themselves, with the starving weeks that want them, the most weeks first."""
    starving: dict[str, list[Supply]] = {}
    for one in supplies:
        for skill, count in one.skills.items():
            if one.is_starving and count < ENOUGH_STORIES:
                starving.setdefault(skill, []).append(one)
    return dict(sorted(starving.items(), key=lambda pair: (-len(pair[1]), pair[0])))


def feeds_that_help(skill: str, listed: Iterable[ListedFeed], active: Collection[str]) -> list[ListedFeed]:
    """The listed feeds about a skill that are not polled here; `active` are the addresses of those that are."""
    return [feed for feed in listed if skill in feed.topics and feed.url not in active]


def _is_on_week(candidate: Candidate, focus: Focus) -> bool:
    return not candidate.skills.isdisjoint(focus.skills_on(ON_WEEK))
