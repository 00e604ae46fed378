"""How good tags are, against the labels of careful readers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import log2
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from briefings.domain.bootstrap import Estimate, estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

POOL, POOLS, DEPTH = 60, 200, 10
#: Rankings, which draw their own pools, take longer: their intervals come from fewer resamples.
RESAMPLES_OF_A_RANKING = 200


@dataclass(frozen=True)
class Label:
    """What a reader said of an item. Optional skills are neither rewarded nor punished."""

    id: str
    on_topic: bool
    skills: frozenset[str]
    optional: frozenset[str]
    relevance: Mapping[str, int]  #: specialization -> 0..3


@dataclass(frozen=True)
class Prediction:
    """What a tagger said of an item."""

    id: str
    on_topic: bool
    skills: Mapping[str, float]
    specializations: Mapping[str, float]


class Row(NamedTuple):
    """How good the tags of some skills are."""

    name: str
    labels: int
    precision: float
    recall: float
    f1: float


Pair = tuple[Label, Prediction]


def measure(pairs: Sequence[Pair]) -> dict[str, Estimate]:
    """Precision, recall and F1 over skills; what is let through and kept; nDCG@10 for each labelled specialization."""
    specs = sorted({spec for label, _ in pairs for spec in label.relevance})
    return {name: estimate(pairs, figure) for name, figure in FIGURES.items()} | {
        f"nDCG@{DEPTH} {spec}": estimate(pairs, _ranking(spec), RESAMPLES_OF_A_RANKING) for spec in specs
    }


def per_skill(pairs: Sequence[Pair], fewest: int) -> list[Row]:
    """A row for each skill with at least `fewest` labels, the most labels first."""
    labels = Counter(skill for label, _ in pairs for skill in label.skills)
    common = sorted((skill for skill, count in labels.items() if count >= fewest), key=lambda s: (-labels[s], s))
    return [_row(pairs, skill, {skill}) for skill in common]


def per_kind(pairs: Sequence[Pair], kinds: Mapping[str, str]) -> list[Row]:
    """A row for each kind of skill; `kinds` is skill id -> kind."""
    named = sorted(set(kinds.values()))
    return [_row(pairs, kind, {skill for skill, its in kinds.items() if its == kind}) for kind in named]


def worst(pairs: Sequence[Pair], most: int) -> list[tuple[str, str]]:
    """The surest mistakes: item id and what is wrong, the highest wrong score first."""
    found = []
    for label, prediction in pairs:
        if prediction.on_topic != label.on_topic:
            found.append((1.0, label.id, "called on topic" if prediction.on_topic else "called off topic"))
        for skill, score in prediction.skills.items():
            if skill not in label.skills | label.optional:
                found.append((score, label.id, f"{skill} {score:.2f} is not what it is about"))
    return [(item, words) for _, item, words in sorted(found, key=lambda one: (-one[0], one[1]))[:most]]


def ndcg(scores: Sequence[float], relevance: Sequence[int], random: Random) -> float:
    """nDCG@10 with gain 2^relevance - 1, the mean over random pools of 60 items."""
    total = 0.0
    for _ in range(POOLS):
        pool = random.sample(range(len(scores)), min(POOL, len(scores)))
        ranked = sorted(pool, key=lambda one: -scores[one])
        ideal = sorted((relevance[one] for one in pool), reverse=True)
        total += _ratio(_gain([relevance[one] for one in ranked]), _gain(ideal)) if any(ideal) else 1.0
    return total / POOLS


def _gain(relevance: Sequence[int]) -> float:
    return sum(((1 << value) - 1) / log2(place + 2) for place, value in enumerate(relevance[:DEPTH]))


def _row(pairs: Sequence[Pair], name: str, skills: Collection[str]) -> Row:
    right, wrong, missed = _counts(pairs, skills)
    precision, recall = _ratio(right, right + wrong), _ratio(right, right + missed)
    return Row(name, right + missed, precision, recall, _f1(right, wrong, missed))


def _counts(pairs: Sequence[Pair], only: Collection[str] | None = None) -> tuple[int, int, int]:
    """Right, wrong and missed skills, of all or `only` some."""
    right = wrong = missed = 0
    for label, prediction in pairs:
        said, meant = (_counted(skills, label, only) for skills in (prediction.skills, label.skills))
        right, wrong, missed = right + len(said & meant), wrong + len(said - meant), missed + len(meant - said)
    return right, wrong, missed


def _counted(skills: Iterable[str], label: Label, only: Collection[str] | None) -> set[str]:
    return {skill for skill in skills if skill not in label.optional and (only is None or skill in only)}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _f1(right: int, wrong: int, missed: int) -> float:
    return _ratio(2 * right, 2 * right + wrong + missed)


def _precision(pairs: Sequence[Pair]) -> float:
    right, wrong, _ = _counts(pairs)
    return _ratio(right, right + wrong)


def _recall(pairs: Sequence[Pair]) -> float:
    right, _, missed = _counts(pairs)
    return _ratio(right, right + missed)


def _let_through(pairs: Sequence[Pair]) -> float:
    off = [prediction for label, prediction in pairs if not label.on_topic]
    return _ratio(sum(one.on_topic or bool(one.skills) for one in off), len(off))


def _kept(pairs: Sequence[Pair]) -> float:
    on = [prediction for label, prediction in pairs if label.on_topic]
    return _ratio(sum(one.on_topic for one in on), len(on))


FIGURES: dict[str, Callable[[Sequence[Pair]], float]] = {
    "precision of skills": _precision,
    "recall of skills": _recall,
    "micro-F1 of skills": lambda pairs: _f1(*_counts(pairs)),
    "off-topic let through": _let_through,
    "on-topic kept": _kept,
}


def _ranking(spec: str) -> Callable[[Sequence[Pair]], float]:
    def measured(pairs: Sequence[Pair]) -> float:
        scores = [prediction.specializations.get(spec, 0.0) for _, prediction in pairs]
        return ndcg(scores, [label.relevance.get(spec, 0) for label, _ in pairs], Random(1))  # noqa: S311 - no secret

    return measured
