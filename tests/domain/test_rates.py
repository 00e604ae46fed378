from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from briefings.domain.rates import Bucket, Rate, Rates, read_domain_rates, read_rates, room, take

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
TEN = Rate(10, 1)
DOMAINS = st.sampled_from(["gmail.com", "mail.example", "other.example"])
RATES = st.builds(Rate, st.floats(0.1, 500), st.sampled_from([1, 60, 3600]))
#: Moments at which somebody asks for so many tokens, in seconds after the start; not in order, like clocks.
ASKED = st.lists(st.tuples(st.floats(0, 50), st.integers(1, 40)), min_size=1, max_size=30)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def given_out(rate: Rate, asked: list[tuple[float, int]]) -> int:
    """How many tokens one bucket gives when it is asked at these moments, one after the other."""
    buckets, given = {"a": Bucket.full(rate, NOW)}, 0
    for at, number in asked:
        buckets, waits = take(buckets, [{"a": rate}] * number, NOW + seconds(at))
        given += waits.count(None)
    return given


@given(rate=RATES, asked=ASKED)
def test_a_bucket_never_gives_more_than_rate_times_time_and_a_burst(rate, asked):
    in_order = sorted(asked)
    assert given_out(rate, in_order) <= rate.burst + rate.per_second * in_order[-1][0] + 0.01


@given(rate=RATES, asked=ASKED)
def test_a_clock_that_jumps_to_and_fro_gives_no_more_than_the_time_it_spans(rate, asked):
    assert given_out(rate, asked) <= rate.burst + rate.per_second * max(at for at, _ in asked) + 0.01


@given(domains=st.lists(DOMAINS, max_size=60), data=st.data())
def test_how_many_may_go_does_not_depend_on_the_order(domains, data):
    rates = Rates((Rate(20, 1),), {"gmail.com": Rate(5, 1), "*": Rate(12, 1)})
    shuffled = data.draw(st.permutations(domains))
    counts = [take({}, [rates.of(one) for one in order], NOW)[1].count(None) for order in (domains, shuffled)]
    assert counts[0] == counts[1]


@given(domains=st.lists(DOMAINS, max_size=60))
def test_a_message_that_may_not_go_takes_no_token_anywhere(domains):
    rates = Rates((Rate(20, 1),), {"gmail.com": Rate(5, 1)})
    buckets, waits = take({}, [rates.of(one) for one in domains], NOW)
    gone = Counter(domain for domain, wait in zip(domains, waits, strict=True) if wait is None)
    assert all(bucket.tokens >= -0.001 for bucket in buckets.values())
    if domains:
        assert buckets["all/1s"].tokens == 20 - gone.total()


def test_those_that_must_wait_come_back_one_after_the_other_and_each_finds_its_token():
    buckets, waits = take({}, [{"a": TEN}] * 110, NOW)
    later = [wait for wait in waits if wait]
    assert waits[:10] == [None] * 10
    assert later == sorted(later)
    assert max(Counter(later).values()) <= 10
    for moment, number in sorted(Counter(later).items()):
        buckets, again = take(buckets, [{"a": TEN}] * number, moment)
        assert again == [None] * number


def test_who_comes_while_others_wait_stands_behind_them():
    buckets, _ = take({}, [{"a": TEN}] * 110, NOW)
    _, (wait,) = take(buckets, [{"a": TEN}], NOW)
    assert wait == NOW + seconds(11)


def test_a_clock_that_was_wrong_by_a_year_does_not_stop_the_bucket():
    buckets, _ = take({}, [{"a": TEN}] * 30, NOW + timedelta(days=365))
    buckets, waits = take(buckets, [{"a": TEN}], NOW)
    assert waits == [NOW + seconds(1)]
    assert take(buckets, [{"a": TEN}], NOW + seconds(1))[1] == [None]


def test_a_rate_below_one_a_second_has_room_for_one():
    slow = Rate(6, 60)
    buckets, waits = take({}, [{"a": slow}] * 3, NOW)
    assert waits == [None, NOW + seconds(10), NOW + seconds(20)]
    assert room(buckets, {"a": slow}, NOW + seconds(4)) == (0, NOW + seconds(10))
    assert room(buckets, {"a": slow}, NOW + seconds(10)) == (1, NOW + seconds(10))


def test_a_rate_that_was_lowered_counts_at_once():
    assert room({"a": Bucket(500, NOW, NOW)}, {"a": TEN}, NOW)[0] == 10


def test_each_domain_has_its_own_bucket_and_without_a_rate_there_is_none():
    rates = Rates((), {"gmail.com": TEN})
    assert set(rates.of("gmail.com")) == {"domain gmail.com"}
    assert rates.of("mail.example") == {}
    assert set(Rates((TEN,), {"*": TEN}).of("mail.example")) == {"all/1s", "domain mail.example"}
    assert not Rates()


def test_rates_are_read_from_words():
    assert read_rates("100/s, 20000/h") == (Rate(100, 1), Rate(20000, 3600))
    assert read_rates("") == ()
    assert read_domain_rates("Gmail.com=20/s, *=0.5/m") == {"gmail.com": Rate(20, 1), "*": Rate(0.5, 60)}


@pytest.mark.parametrize("words", ["100", "100/w", "0/s", "-1/s", "nan/s", "inf/s", "many/s", "1/s, 2/s"])
def test_what_is_no_rate_is_refused(words):
    with pytest.raises(ValueError, match=r"."):
        read_rates(words)


@pytest.mark.parametrize("words", ["5/s", "=5/s", "gmail.com", "gmail.com=5"])
def test_what_is_no_rate_of_a_domain_is_refused(words):
    with pytest.raises(ValueError, match=r"."):
        read_domain_rates(words)
