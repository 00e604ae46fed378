"""Which stories belong in one person's briefing this week, and why each of them does."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2, prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

#: The parts of a score and what each weighs; they sum to 1 with the best of all.
WEIGHTS = {"focus": 0.40, "role": 0.28, "recency": 0.12, "authority": 0.12, "size": 0.08}
HALF_LIFE_DAYS = 3.5
#: How much a plan term counts, by what it is to this week.
FOCUS, TOOL, BUILT, NEIGHBOUR, CORE = 1.0, 0.9, 0.6, 0.35, 0.25
#: The ladder, nearest to the plan first; a briefing tells its stories in this order.
RUNGS = ("focus", "tool", "tasks", "near", "field", "role", "editor")
#: Rungs whose stories touch the plan itself.
ON_PLAN = frozenset({"focus", "tool", "tasks", "near"})
DIVERSITY = 0.25
MOST_STORIES = 5
MOST_PER_SOURCE = 2
#: A story must reach at least this to be worth a place; fewer honest stories beat filler.
WORTH = 0.3
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
        layers = (
            (CORE, self.core_skills),
            (NEIGHBOUR, self.neighbour_skills),
            (BUILT, self.built_skills),
            (TOOL, (self.tool_skill,) if self.tool_skill else ()),
            (FOCUS, self.focus_skills),
        )
        return {skill: weight for weight, skills in layers for skill in skills}


@dataclass(frozen=True)
class Match:
    """A story chosen for a person: its score, the rung it stands on, and the reasons."""

    story: int
    item: int
    score: float
    rung: str
    reasons: tuple[str, ...]
    skills: tuple[str, ...]


def rank(
    candidates: Iterable[Candidate], focus: Focus, seen: Collection[int], at: datetime, names: Mapping[str, str]
) -> list[Match]:
    """The best stories for a person at the cut-off `at`, at most five, nearest to the plan first.

    `seen` are stories that the person already got: never again. `names` are the names of topics. The same
    input gives the same matches.
    """
    weights = focus.weights()
    scored = [
        (score, candidate)
        for candidate in candidates
        if candidate.story not in seen and (score := _score(candidate, focus, weights, at)) >= WORTH
    ]
    scored.sort(key=lambda pair: (-pair[0], pair[1].published, pair[1].story))
    matches = [_match(score, candidate, focus, weights, names) for score, candidate in _diverse(scored)]
    return sorted(matches, key=lambda match: (RUNGS.index(match.rung), -match.score, match.story))


def _score(candidate: Candidate, focus: Focus, weights: Mapping[str, float], at: datetime) -> float:
    on_focus = _focus_part(candidate, weights)
    role = max(candidate.topics.get(focus.specialization, 0.0), 0.6 * candidate.topics.get(focus.role, 0.0))
    if not candidate.pinned and on_focus < ENOUGH_CORE and role < ENOUGH_CORE:
        return 0.0
    age_days = max(0.0, (at - candidate.published).total_seconds() / 86400)
    parts = {
        "focus": on_focus,
        "role": role,
        "recency": 2 ** (-age_days / HALF_LIFE_DAYS),
        "authority": candidate.authority,
        "size": min(1.0, log2(2 + len(candidate.sources)) / 3),
    }
    return round(sum(WEIGHTS[name] * part for name, part in parts.items()) + (1.0 if candidate.pinned else 0.0), 6)


def _focus_part(candidate: Candidate, weights: Mapping[str, float]) -> float:
    """Noisy-or over the plan's terms: any one strong term is enough, several weak ones add up."""
    return 1 - prod(1 - weights[topic] * score for topic, score in candidate.topics.items() if topic in weights)


def _diverse(scored: Sequence[tuple[float, Candidate]]) -> list[tuple[float, Candidate]]:
    """Greedy choice that likes a story less the more it resembles one chosen, with a cap per source."""
    chosen: list[tuple[float, Candidate]] = []
    left = list(scored[:CONSIDERED])
    while left and len(chosen) < MOST_STORIES:
        best = max(left, key=lambda pair: pair[0] - DIVERSITY * _nearest(pair[1], chosen))
        chosen.append(best)
        full = sum(one.source == best[1].source for _, one in chosen) >= MOST_PER_SOURCE
        left = [pair for pair in left if pair is not best and not (full and pair[1].source == best[1].source)]
    return chosen


def _nearest(candidate: Candidate, chosen: Iterable[tuple[float, Candidate]]) -> float:
    mine = set(candidate.words)
    return max((len(mine & set(one.words)) / (len(mine | set(one.words)) or 1) for _, one in chosen), default=0.0)


def _match(
    score: float, candidate: Candidate, focus: Focus, weights: Mapping[str, float], names: Mapping[str, str]
) -> Match:
    skills = sorted(
        (skill for skill in candidate.words if skill in weights),
        key=lambda skill: (-weights[skill] * candidate.topics.get(skill, 0.0), skill),
    )
    rung, because = _rung(candidate, focus, skills, names)
    reasons = (because, *_said(candidate, skills))
    return Match(candidate.story, candidate.item, score, rung, reasons, tuple(skills[:3]))


def _rung(candidate: Candidate, focus: Focus, skills: list[str], names: Mapping[str, str]) -> tuple[str, str]:
    """The rung of the ladder on which a story stands, and the reason in words."""
    ladder = (
        ("focus", focus.focus_skills, "week {week} of your plan builds {skill}"),
        ("tool", (focus.tool_skill,), "{skill} is your tool of week {week}"),
        ("tasks", focus.built_skills, "your tasks of week {week} need {skill}"),
        ("near", focus.neighbour_skills, "the weeks around week {week} build {skill}"),
        ("field", focus.core_skills, "{skill} is part of {specialization}"),
    )
    for rung, wanted, words in ladder:
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
