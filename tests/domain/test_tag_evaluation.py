from random import Random

import pytest

from briefings.domain.tag_evaluation import Label, Prediction, measure, ndcg, per_kind, per_skill, worst


def label(name: str, *skills: str, on: bool = True, optional: tuple[str, ...] = (), **relevance: int) -> Label:
    return Label(name, on, frozenset(skills), frozenset(optional), relevance)


def said(name: str, *skills: str, on: bool = True, **worth: float) -> Prediction:
    return Prediction(name, on, dict.fromkeys(skills, 0.9), worth)


PAIRS = [
    (label("1", "a", "b", ml=3), said("1", "a", ml=0.9)),
    (label("2", "a", optional=("c",), ml=1), said("2", "a", "c", ml=0.5)),
    (label("3", on=False, ml=0), said("3", "b", ml=0.1)),
    (label("4", on=False, ml=0), said("4", on=False, ml=0.0)),
    (label("5", "b", ml=2), said("5", on=False, ml=0.7)),
]


def figures() -> dict[str, float]:
    return {name: figure.value for name, figure in measure(PAIRS).items()}


def test_optional_skills_are_neither_rewarded_nor_punished():
    found = figures()
    assert found["precision of skills"] == pytest.approx(2 / 3)
    assert found["recall of skills"] == pytest.approx(2 / 4)
    assert found["micro-F1 of skills"] == pytest.approx(4 / 7)


def test_what_is_let_through_and_kept_are_shares_of_their_own_kind():
    found = figures()
    assert found["off-topic let through"] == pytest.approx(1 / 2)
    assert found["on-topic kept"] == pytest.approx(2 / 3)


def test_a_perfect_ranking_has_an_ndcg_of_one_and_a_reversed_one_less():
    assert figures()["nDCG@10 ml"] == pytest.approx(1.0)
    relevance = [3, 2, 1, 0] * 20
    scores = [float(value) for value in relevance]
    random = Random(1)  # noqa: S311 - no secret
    assert ndcg(scores, relevance, random) == pytest.approx(1.0)
    assert ndcg([-score for score in scores], relevance, random) < 0.3


def test_an_interval_holds_its_value():
    assert all(figure.low <= figure.value <= figure.high for figure in measure(PAIRS).values())


def test_each_skill_with_enough_labels_has_its_figures():
    assert per_skill(PAIRS, 2) == [("a", 2, 1.0, 1.0, 1.0), ("b", 2, 0.0, 0.0, 0.0)]


def test_each_kind_of_skill_has_its_figures():
    tools, technical = per_kind(PAIRS, {"a": "tool", "b": "technical", "c": "tool"})[::-1]
    assert (tools.name, tools.labels, tools.f1) == ("tool", 2, 1.0)
    assert (technical.name, technical.labels, technical.precision) == ("technical", 2, 0.0)


def test_the_surest_mistakes_come_first():
    assert worst(PAIRS, 9) == [
        ("3", "called on topic"),
        ("5", "called off topic"),
        ("3", "b 0.90 is not what it is about"),
    ]
