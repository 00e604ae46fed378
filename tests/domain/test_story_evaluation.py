from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from briefings.domain.stories import Telling
from briefings.domain.story_evaluation import Judged, Pair, by_day, by_kind, measure, parts, told_by_day

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NEWS = "Northwind halves KV cache memory on Blackwell"


def telling(item: int, title: str, days: float = 0) -> Telling:
    return Telling(item, title, "", f"https://outlet-{item}.example/", NOW + timedelta(days=days), 0.7)


def judged(*, same: bool, together: bool, kind: str = "press", hard: bool = False) -> Judged:
    return Judged(Pair(1, 2, same, kind, hard), together)


def test_items_meet_the_stories_of_the_days_before_but_not_of_last_week():
    told = [telling(1, NEWS), telling(2, f"{NEWS} cards", 1), telling(3, "Acme sues"), telling(4, NEWS, 9)]
    days = list(told_by_day(reversed(told)))
    assert [set(day) for day in days] == [{1, 3}, {2}, {4}]
    home = {item: story for day in days for item, story in day.items()}
    assert home[1] == home[2]
    assert len({home[1], home[3], home[4]}) == 3


def test_items_meet_all_members_of_a_story_and_the_pages_of_long_ago():
    page = "https://guide.example/"
    told = [
        replace(telling(1, NEWS), canonical_url=page),
        telling(2, f"{NEWS} cards", 3),
        telling(3, f"{NEWS} cards", 5),
        replace(telling(4, f"Updated: {NEWS}", 60), canonical_url=page),
    ]
    home = {item: story for day in told_by_day(told) for item, story in day.items()}
    assert home[1] == home[2] == home[4]
    assert home[3] != home[1]


def test_a_day_may_begin_at_another_hour():
    told = [telling(1, NEWS), telling(2, NEWS, 0.4)]
    assert list(map(len, by_day(told))) == [2]
    assert list(map(len, by_day(told, timedelta(hours=20)))) == [1, 1]


def test_precision_and_recall_are_of_the_pairs_put_together():
    sample = [
        *[judged(same=True, together=True)] * 3,
        judged(same=False, together=True, hard=True),
        *[judged(same=True, together=False, hard=True)] * 2,
        judged(same=False, together=False),
    ]
    values = {name: estimate.value for name, estimate in measure(sample).items()}
    assert values["precision, all pairs"] == pytest.approx(3 / 4)
    assert values["recall, all pairs"] == pytest.approx(3 / 5)
    assert values["F1, all pairs"] == pytest.approx(2 / (4 / 3 + 5 / 3))
    assert values["precision, hard pairs"] == values["recall, hard pairs"] == values["F1, hard pairs"] == 0


def test_where_nothing_was_said_there_is_nothing_wrong():
    values = {name: estimate.value for name, estimate in measure([judged(same=False, together=False)]).items()}
    assert values == {"precision, all pairs": 1, "recall, all pairs": 1, "F1, all pairs": 1}


def test_each_kind_tells_how_many_were_right():
    sample = [judged(same=True, together=True), judged(same=True, together=False), judged(same=False, together=False)]
    assert by_kind(sample) == [("press", True, 2, 1), ("press", False, 1, 1)]


def test_what_spoke_for_a_pair_is_told_with_the_words_of_its_days():
    told = {one.item: one for one in (telling(1, NEWS), telling(2, NEWS), telling(3, NEWS, 30))}
    assert parts(Pair(1, 2, same=True, kind="", hard=False), told)["words"] == pytest.approx(1)
