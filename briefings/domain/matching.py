"""Which stories belong in one person's briefing this week, and why each of them does."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from math import log2, prod
from typing import TYPE_CHECKING, NamedTuple

from briefings.domain import story_signals
from briefings.domain.catalogue import PLAN_WEEKS
from briefings.domain.story_signals import MODEL_FAMILIES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

#: The parts of a score and what each weighs; they sum to 1 with the best of all.
WEIGHTS = {
    "focus": 0.35,
    "role": 0.25,
    "recency": 0.12,
    "novelty": 0.10,
    "authority": 0.08,
    "size": 0.05,
    "depth": 0.05,
}
HALF_LIFE_DAYS = 3.5
#: A release or a law is as new as on its first day for so long.
LASTING_DAYS = 7
#: How much a plan term counts, by what it is to this week.
FOCUS, TOOL, BUILT, NEIGHBOUR, CORE = 1.0, 0.9, 0.6, 0.35, 0.25
#: The ladder, nearest to the plan first; a briefing tells its stories in this order.
RUNGS = ("focus", "tool", "tasks", "near", "field", "role", "editor")
#: Rungs whose stories touch this very week.
ON_WEEK = frozenset({"focus", "tool", "tasks"})
#: Rungs whose stories touch the plan itself.
ON_PLAN = ON_WEEK | {"near"}
DIVERSITY = 0.15
MOST_STORIES = 5
#: How many stories one source, one host or one vendor may have in a briefing.
MOST_PER_SOURCE = 2
#: So many skills of the week's focus have a story, when there is news of them.
FOCUS_SKILLS = 2
#: A story must reach at least this to be worth a place; fewer honest stories beat filler.
WORTH = 0.48
#: Stories that touch neither plan nor field must be at least so many, or the briefing is the plan only.
FEWEST_BESIDE_PLAN = 2
#: Of so many of the best stories the few are chosen; what scores lower is not reached in practice.
CONSIDERED = 120
ENOUGH_CORE = 0.12


@dataclass(frozen=True)
class Candidate:
    """A story of the news window, seen through its leading item."""

    story: int
    item: int
    title: str
    summary: str
    url: str
    source: str
    authority: float
    published: datetime
    topics: Mapping[str, float]  #: topic id -> score
    words: Mapping[str, tuple[str, ...]]  #: skill id -> the words found
    sources: tuple[str, ...] = ()  #: other feeds that tell it
    pinned: bool = False
    retells: frozenset[int] = frozenset()  #: older stories that its feed told under the same title

    def is_new_to(self, seen: Collection[int]) -> bool:
        """Whether a person who got these stories has read neither this one nor the same under the same title."""
        return self.story not in seen and self.retells.isdisjoint(seen)

    def tells_again(self, other: Candidate) -> bool:
        """Whether who has one of the two has read the other: it retells it, or has its address or its title."""
        retold = other.story in self.retells or self.story in other.retells
        return retold or not self.marks.isdisjoint(other.marks)

    @cached_property
    def marks(self) -> frozenset[object]:
        """By what a reader would know a story again: itself, its address, its title."""
        return frozenset({self.story, self.url, self.title.casefold()} - {""})

    @cached_property
    def skills(self) -> frozenset[str]:
        """The skills that it is about."""
        return frozenset(self.words)

    @cached_property
    def title_words(self) -> frozenset[str]:
        """See `story_signals.title_words`."""
        return story_signals.title_words(self.title)

    @cached_property
    def speakers(self) -> frozenset[str]:
        """See `story_signals.speakers`."""
        return story_signals.speakers(self.source, self.url, self.topics)

    @cached_property
    def is_lasting(self) -> bool:
        """See `story_signals.is_lasting`."""
        return story_signals.is_lasting(self.title)

    @cached_property
    def leaning(self) -> int:
        """See `story_signals.leaning`."""
        return story_signals.leaning(self.title)


@dataclass(frozen=True)
class Focus:
    """What matters to one person this week."""

    week: int
    specialization: str
    role: str
    focus_skills: tuple[str, ...]
    tool_skill: str
    built_skills: tuple[str, ...]
    neighbour_skills: tuple[str, ...]
    core_skills: tuple[str, ...]

    def weights(self) -> dict[str, float]:
        """Every skill that counts this week, with how much: the strongest of its reasons."""
        return {skill: weight for _, weight, skills, _ in reversed(self.ladder()) for skill in skills}

    def ladder(self) -> tuple[tuple[str, float, tuple[str, ...], str], ...]:
        """Rung, weight, skills and the reason in words, nearest to the plan first."""
        return (
            ("focus", FOCUS, self._of_plan(self.focus_skills), "week {week} of your plan builds {skill}"),
            ("tool", TOOL, (self.tool_skill,) if self.tool_skill else (), "{skill} is your tool of week {week}"),
            ("tasks", BUILT, self._of_plan(self.built_skills), "your tasks of week {week} need {skill}"),
            ("near", NEIGHBOUR, self._of_plan(self.neighbour_skills), "the weeks around week {week} build {skill}"),
            ("field", CORE, self.core_skills, "{skill} is part of {specialization}"),
        )

    def skills_on(self, rungs: Collection[str]) -> frozenset[str]:
        """The skills by which a story comes to stand on one of the rungs."""
        return frozenset(chain.from_iterable(skills for rung, _, skills, _ in self.ladder() if rung in rungs))

    def _of_plan(self, skills: tuple[str, ...]) -> tuple[str, ...]:
        """News of a model family is of the plan only while that is the tool: one story in five names one."""
        return tuple(skill for skill in skills if skill not in MODEL_FAMILIES or skill == self.tool_skill)


@dataclass(frozen=True)
class Match:
    """A story chosen for a person: its score, the rung it stands on, and the reasons."""

    story: int
    item: int
    score: float
    rung: str
    reasons: tuple[str, ...]
    skills: tuple[str, ...]


Scored = tuple[float, Candidate]


class _Left(NamedTuple):
    """A story that may still be chosen."""

    pair: Scored
    step: int  #: how far from the plan
    nearest: float = 0.0  #: how much it resembles the one most alike of those chosen


def rank(
    candidates: Iterable[Candidate], focus: Focus, seen: Collection[int], at: datetime, names: Mapping[str, str]
) -> list[Match]:
    """The best stories for a person at the cut-off `at`, at most five, nearest to the plan first.

    `seen` are stories that the person already got: never again, and what resembles those of this window counts
    less. `names` are the names of topics. The same input gives the same matches, and none at all when all that is
    left is a single story for the whole role.
    """
    chosen = _diverse(worthwhile(candidates, focus, seen, at), focus)
    matches = sorted(
        (match_of(candidate, score, focus, names) for score, candidate in chosen),
        key=lambda match: (RUNGS.index(match.rung), -match.score, match.story),
    )
    only_beside = all(match.rung == "role" for match in matches)
    return [] if only_beside and len(matches) < FEWEST_BESIDE_PLAN else matches


def concerns(candidate: Candidate, focus: Focus) -> bool:
    """Whether a story touches the person's plan or role at all, or an editor pinned it."""
    return candidate.pinned or max(_focus_part(candidate, focus.weights()), _role_part(candidate, focus)) >= ENOUGH_CORE


def worthwhile(
    candidates: Iterable[Candidate], focus: Focus, seen: Collection[int], at: datetime
) -> list[tuple[float, Candidate]]:
    """The stories that the person has not had and that are worth a place, with their scores, best first."""
    weights, pool = focus.weights(), list(candidates)
    had = [candidate for candidate in pool if not candidate.is_new_to(seen)]
    scored = [
        (score, candidate)
        for candidate in pool
        if candidate.is_new_to(seen) and (score := _score(candidate, focus, weights, had, at)) >= WORTH
    ]
    return sorted(scored, key=lambda pair: (-pair[0], pair[1].published, pair[1].story))


def used_up(chosen: Iterable[Candidate]) -> set[str]:
    """The sources, hosts and vendors that have had their share."""
    spoke = Counter(chain.from_iterable(candidate.speakers for candidate in chosen))
    return {speaker for speaker, times in spoke.items() if times >= MOST_PER_SOURCE}


def match_of(candidate: Candidate, score: float, focus: Focus, names: Mapping[str, str]) -> Match:
    """A chosen story with its rung, and its reasons in words; they come from its tags and nowhere else."""
    weights = focus.weights()
    skills = sorted(
        candidate.skills & weights.keys(),
        key=lambda skill: (-weights[skill] * candidate.topics.get(skill, 0.0), skill),
    )
    rung, because = _rung(candidate, focus, skills, names)
    return Match(candidate.story, candidate.item, score, rung, (because, *_said(candidate, skills)), tuple(skills[:3]))


def _score(
    candidate: Candidate, focus: Focus, weights: Mapping[str, float], had: Sequence[Candidate], at: datetime
) -> float:
    on_focus, role = _focus_part(candidate, weights), _role_part(candidate, focus)
    if not candidate.pinned and on_focus < ENOUGH_CORE and role < ENOUGH_CORE:
        return 0.0
    parts = {
        "focus": on_focus,
        "role": role,
        "recency": _recency(candidate, at),
        "novelty": 1 - max((_overlap(candidate.title_words, one.title_words) for one in had), default=0.0),
        "authority": candidate.authority,
        "size": min(1.0, log2(2 + len(candidate.sources)) / 3),
        "depth": 0.5 + candidate.leaning * (min(focus.week, PLAN_WEEKS) / PLAN_WEEKS - 0.5),
    }
    return round(sum(WEIGHTS[name] * part for name, part in parts.items()) + (1.0 if candidate.pinned else 0.0), 6)


def _focus_part(candidate: Candidate, weights: Mapping[str, float]) -> float:
    """Noisy-or over the plan's terms: any one strong term is enough, several weak ones add up."""
    return 1 - prod(1 - weights[topic] * score for topic, score in candidate.topics.items() if topic in weights)


def _role_part(candidate: Candidate, focus: Focus) -> float:
    return max(candidate.topics.get(focus.specialization, 0.0), 0.6 * candidate.topics.get(focus.role, 0.0))


def _recency(candidate: Candidate, at: datetime) -> float:
    age_days = (at - candidate.published).total_seconds() / 86400 - (LASTING_DAYS if candidate.is_lasting else 0)
    return float(2 ** (-max(0.0, age_days) / HALF_LIFE_DAYS))


def _diverse(scored: Sequence[Scored], focus: Focus) -> list[Scored]:
    """Greedy choice, step by step away from the plan: what stands further fills only places that are left.

    Of one step, a story is liked less the more it resembles one chosen; nobody speaks too often, and nothing is told
    twice.
    """
    chosen: list[Scored] = []
    left = [_Left(pair, _step(pair[1], focus)) for pair in scored[:CONSIDERED]]
    while left and len(chosen) < MOST_STORIES:
        best = max(_due(left, chosen, focus), key=lambda one: one.pair[0] - DIVERSITY * one.nearest).pair
        chosen.append(best)
        full = used_up(candidate for _, candidate in chosen)
        left = [
            one._replace(nearest=max(one.nearest, _likeness(one.pair[1], best[1])))
            for one in left
            if not one.pair[1].tells_again(best[1]) and full.isdisjoint(one.pair[1].speakers)
        ]
    return chosen


def _step(candidate: Candidate, focus: Focus) -> int:
    """0 for this very week and what an editor pinned, 1 for the weeks around it, 2 for the rest of the field."""
    if candidate.pinned or candidate.skills & focus.skills_on(ON_WEEK):
        return 0
    return 1 if candidate.skills & focus.skills_on(ON_PLAN) else 2


def _due(left: Sequence[_Left], chosen: Sequence[Scored], focus: Focus) -> Sequence[_Left]:
    """Those of the nearest step; towards the end only of focus skills that have no story yet, if there are some."""
    step = min(one.step for one in left)
    near = [one for one in left if one.step == step]
    wanted = focus.skills_on({"focus"})
    told = {skill for _, candidate in chosen for skill in candidate.skills & wanted}
    if FOCUS_SKILLS - len(told) < MOST_STORIES - len(chosen):
        return near
    return [one for one in near if one.pair[1].skills & (wanted - told)] or near


def _likeness(one: Candidate, other: Candidate) -> float:
    return max(_overlap(one.skills, other.skills), _overlap(one.title_words, other.title_words))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    common = len(one & other)
    return common / (len(one) + len(other) - common) if common else 0.0


def _rung(candidate: Candidate, focus: Focus, skills: list[str], names: Mapping[str, str]) -> tuple[str, str]:
    """The rung of the ladder on which a story stands, and the reason in words."""
    for rung, _, wanted, words in focus.ladder():
        skill = next((skill for skill in skills if skill in wanted), None)
        if skill:
            named = {"skill": names.get(skill, skill), "specialization": names.get(focus.specialization, "your field")}
            return rung, words.format(week=focus.week, **named)
    if candidate.pinned:
        return "editor", "our editor thinks that everybody should see it"
    return "role", f"it is news for every {names.get(focus.role, 'reader of your field')}"


def _said(candidate: Candidate, skills: list[str]) -> list[str]:
    words = [word for skill in skills[:2] for word in candidate.words[skill][:1]]
    return [f"it speaks of {' and '.join(f'“{word}”' for word in dict.fromkeys(words))}"] if words else []
