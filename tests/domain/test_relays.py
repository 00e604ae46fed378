from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from briefings.domain.relays import Standing, answered, choose, failed, order

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
WEIGHTS = st.lists(st.integers(1, 9), min_size=1, max_size=5)


def chosen(standings, letters: int) -> list[int | None]:
    places = []
    for _ in range(letters):
        place, standings = choose(standings, NOW)
        places.append(place)
    return places


def test_three_to_one_is_evenly_spread():
    assert chosen([Standing(3), Standing(1)], 8) == [0, 0, 1, 0, 0, 0, 1, 0]


@given(weights=WEIGHTS, resting=st.sets(st.integers(0, 4)), rounds=st.integers(1, 3))
def test_those_that_do_not_rest_share_by_weight_and_a_resting_relay_gets_nothing(weights, resting, rounds):
    standings = [Standing(weight, until=LATER if at in resting else None) for at, weight in enumerate(weights)]
    shares = {at: weight for at, weight in enumerate(weights) if at not in resting}
    letters = sum(shares.values()) * rounds
    assert Counter(chosen(standings, letters)) == {at: weight * rounds for at, weight in shares.items()}


@given(weights=WEIGHTS)
def test_when_all_rest_there_is_none(weights):
    standings = [Standing(weight, until=LATER) for weight in weights]
    assert choose(standings, NOW) == (None, standings)


@given(data=st.data(), weights=WEIGHTS)
def test_whatever_fails_and_comes_back_no_turn_is_saved_up(data, weights):
    standings, most = [Standing(weight) for weight in weights], sum(weights)
    for at in data.draw(st.lists(st.integers(0, len(weights) - 1), max_size=40)):
        one = standings[at]
        standings[at] = answered(one) if one.rests(NOW) else failed(one, NOW)
        _, standings = choose(standings, NOW)
    assert all(abs(one.turn) <= 2 * most for one in standings)


def test_a_rest_doubles_up_to_a_quarter_of_an_hour_until_there_is_an_answer():
    standing, now, rests = Standing(), NOW, []
    for _ in range(60):
        standing = failed(standing, now)
        rests.append((standing.until - now).seconds // 60)
        assert failed(standing, now) == standing
        now = standing.until
        assert not standing.rests(now)
    assert rests == [1, 2, 4, 8, *[15] * 56]
    assert answered(standing) == Standing()


def test_a_clock_that_went_back_ends_a_rest():
    assert not failed(Standing(), NOW).rests(NOW - timedelta(hours=1))


def test_those_that_rest_are_asked_last():
    resting = replace(Standing(9), until=LATER)
    assert order([resting, Standing(1), Standing(2)], NOW) == [2, 1, 0]
