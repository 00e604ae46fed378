from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from briefings.domain.feeds import (
    HOPS_TO_BELIEVE,
    JITTER,
    LAST_CALL,
    LONGEST,
    LONGEST_BACK_OFF,
    SHORTEST,
    UNANSWERED,
    USUAL,
    Answer,
    FeedFacts,
    Rhythm,
    after_answer,
    after_failure,
    freshness,
    host_busy_until,
    host_of,
    next_poll,
    retry_after,
    rhythm,
    source_of,
    spread,
    while_busy,
    while_silent,
)

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
FEED = FeedFacts("https://feed.example/rss", etag='"1"', failures=3, problem="The host answered 503")
WEEK = timedelta(days=7)
NOTHING = timedelta()
HOUR = timedelta(hours=1)
CUTOFF = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)


def wait(poll) -> timedelta:
    return poll.at - NOW


def near(interval: timedelta, about: timedelta) -> bool:
    return about <= interval <= about * (1 + JITTER)


# ---------------------------------------------------------------- answers


def test_a_success_is_remembered_and_clears_the_failures():
    poll = after_answer(FEED, Answer(200, etag='"2"', last_modified="today", body_digest="d"), NOW)
    assert poll.facts == FeedFacts(FEED.url, etag='"2"', last_modified="today", body_digest="d", read_at=NOW)
    assert near(wait(poll), USUAL)


def test_an_unchanged_feed_keeps_its_validators_and_is_healthy():
    poll = after_answer(FEED, Answer(304), NOW)
    assert (poll.facts.etag, poll.facts.failures, poll.facts.problem) == ('"1"', 0, "")
    assert near(wait(poll), USUAL)


def test_an_unchanged_answer_may_renew_the_validators_of_the_same_body():
    before = FeedFacts(FEED.url, etag='"1"', last_modified="Monday", body_digest="d")
    facts = after_answer(before, Answer(304, etag='"2"'), NOW).facts
    assert (facts.etag, facts.last_modified, facts.body_digest) == ('"2"', "Monday", "d")
    assert after_answer(before, Answer(304, last_modified="Tuesday"), NOW).facts.last_modified == "Tuesday"


def test_a_feed_that_has_ended_is_retired():
    poll = after_answer(FEED, Answer(410), NOW)
    assert poll.facts.retired
    assert "410 Gone" in poll.facts.problem


@pytest.mark.parametrize(("status", "words"), [(404, "404 Not Found"), (503, "503 Service Unavailable"), (599, "599")])
def test_any_other_answer_backs_off_and_says_why(status, words):
    poll = after_answer(FeedFacts(FEED.url), Answer(status), NOW)
    assert poll.facts.problem == f"The host answered {words}"
    assert poll.facts.failures == 1
    assert not poll.facts.retired


def test_a_host_that_asks_for_patience_gets_it():
    poll = after_answer(FeedFacts(FEED.url), Answer(429, retry_after="172800"), NOW)
    assert near(wait(poll), timedelta(days=2))


def test_a_host_that_asks_for_less_than_our_back_off_does_not_shorten_it():
    poll = after_answer(FEED, Answer(503, retry_after="1"), NOW)
    assert near(wait(poll), SHORTEST * 16)


# ---------------------------------------------------------------- back-off


def test_the_back_off_doubles_to_a_day_and_never_stops():
    facts, waits = FeedFacts(FEED.url), []
    for _ in range(40):
        poll = after_failure(facts, "No answer", NOW)
        facts = poll.facts
        waits.append(wait(poll))
    assert near(waits[0], timedelta(hours=1))
    assert near(waits[1], timedelta(hours=2))
    assert all(near(later, LONGEST_BACK_OFF) for later in waits[5:])
    assert facts.failures == 40


def test_the_interval_is_the_same_for_the_same_feed_and_moment_and_differs_between_feeds():
    assert spread(USUAL, "a", NOW) == spread(USUAL, "a", NOW)
    assert len({spread(USUAL, f"feed {number}", NOW) for number in range(20)}) == 20


# ---------------------------------------------------------------- Retry-After


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        (None, timedelta()),
        ("", timedelta()),
        ("120", timedelta(minutes=2)),
        (" 120 ", timedelta(minutes=2)),
        ("-5", timedelta()),
        ("9999999", WEEK),
        ("9" * 30, WEEK),
        ("soon", timedelta()),
        ("²", timedelta()),
        (format_datetime(NOW + timedelta(hours=3), usegmt=True), timedelta(hours=3)),
        ("Sun, 22 Nov 2026 12:30:00 -0000", timedelta(hours=3)),
        (format_datetime(NOW - timedelta(hours=3), usegmt=True), timedelta()),
        (format_datetime(NOW + timedelta(days=99), usegmt=True), WEEK),
    ],
)
def test_retry_after_is_read_in_both_its_forms(value, asked):
    assert retry_after(value, NOW) == asked


PIECES = st.sampled_from(
    [
        "max-age",
        "=",
        '"',
        "no-cache",
        "Sun",
        ",",
        " ",
        "22",
        "Nov",
        "2026",
        ":",
        "GMT",
        "+",
        "-",
        "(",
        ")",
        "²",
        "-0000",
        "9" * 30,
    ]
)


@settings(max_examples=200, deadline=None)
@given(value=st.text(max_size=30) | st.lists(PIECES, max_size=9).map("".join))
def test_whatever_a_host_says_we_wait_between_nothing_and_a_week(value):
    assert NOTHING <= retry_after(value, NOW) <= WEEK
    assert NOTHING <= freshness(value, value, NOW) <= LONGEST
    assert NOTHING <= freshness(f"max-age={value}", None, NOW) <= LONGEST


# ---------------------------------------------------------------- the publisher's floor


IN_THREE_HOURS = format_datetime(NOW + 3 * HOUR, usegmt=True)


@pytest.mark.parametrize(
    ("cache_control", "expires", "fresh"),
    [
        (None, None, NOTHING),
        ("max-age=7200", None, 2 * HOUR),
        ('public, Max-Age = "7200"', None, 2 * HOUR),
        ("max-age=7200, max-age=9000", None, 2 * HOUR),
        ("max-age=" + "9" * 5000, None, LONGEST),
        ("max-age=-1", IN_THREE_HOURS, NOTHING),
        ("max-age=²", None, NOTHING),
        ("max-age", None, NOTHING),
        ("max-age=7200, no-cache", IN_THREE_HOURS, NOTHING),
        ("no-store", IN_THREE_HOURS, NOTHING),
        ("public", IN_THREE_HOURS, 3 * HOUR),
        ("max-age=60", IN_THREE_HOURS, timedelta(minutes=1)),
        (None, "0", NOTHING),
        (None, "7200", NOTHING),
        (None, format_datetime(NOW - HOUR, usegmt=True), NOTHING),
        (None, format_datetime(NOW + WEEK, usegmt=True), LONGEST),
    ],
)
def test_freshness_is_read_from_max_age_and_else_from_expires(cache_control, expires, fresh):
    assert freshness(cache_control, expires, NOW) == fresh


@pytest.mark.parametrize("status", [200, 304])
def test_an_answer_that_stays_fresh_is_not_asked_for_before(status):
    poll = after_answer(FEED, Answer(status, cache_control="max-age=36000"), NOW, gap=HOUR)
    assert near(wait(poll), 10 * HOUR)


def test_a_short_freshness_does_not_hasten_a_poll():
    assert near(wait(after_answer(FEED, Answer(304, cache_control="max-age=1"), NOW, gap=24 * HOUR)), 6 * HOUR)


# ---------------------------------------------------------------- rhythm


@pytest.mark.parametrize(
    ("gap", "interval"),
    [(None, USUAL), (NOTHING, SHORTEST), (8 * HOUR, 2 * HOUR), (30 * WEEK, LONGEST)],
)
def test_a_feed_is_asked_four_times_between_two_of_its_items(gap, interval):
    assert near(next_poll(FEED.url, gap, NOTHING, NOW) - NOW, interval)


@pytest.mark.parametrize(
    ("gap", "silence", "expected"),
    [
        (None, None, None),
        (8 * HOUR, None, 8 * HOUR),
        (8 * HOUR, HOUR, 8 * HOUR),
        (8 * HOUR, 30 * HOUR, 30 * HOUR),
        (None, HOUR, 4 * USUAL),
        (None, WEEK, WEEK),
    ],
)
def test_a_feed_that_is_silent_for_longer_than_usual_goes_by_its_silence(gap, silence, expected):
    newest = None if silence is None else NOW - silence
    assert Rhythm(gap, newest).expected(NOW) == expected


def test_the_rhythm_is_the_median_gap_of_the_last_items():
    dates = [NOW - days * timedelta(days=1) for days in (0, 2, 4, 6, 30)]
    assert rhythm(dates, Rhythm(), NOW) == Rhythm(timedelta(days=2), NOW)


def test_items_that_come_at_once_are_one_beat():
    daily = [NOW - day * timedelta(days=1) + timedelta(minutes=minute) for day in (1, 2, 3) for minute in range(9)]
    assert rhythm(daily, Rhythm(), NOW).gap == timedelta(days=1)


def test_too_few_dates_leave_the_rhythm_as_it_was():
    before = Rhythm(HOUR, NOW - HOUR)
    assert rhythm([NOW - 50 * HOUR, NOW - 2 * HOUR], before, NOW) == before
    assert rhythm([], Rhythm(), NOW) == Rhythm()


def test_blank_and_future_dates_are_no_beat():
    odd = [datetime(1, 1, 1, tzinfo=UTC), NOW + WEEK, datetime(9999, 12, 31, tzinfo=UTC)]
    assert rhythm(odd, Rhythm(), NOW) == Rhythm()


# ---------------------------------------------------------------- the weekly cut-off


URLS = [f"https://feed.example/{number}" for number in range(200)]


def last_polls(start: datetime, gap: timedelta, floor: timedelta = NOTHING) -> list[list[datetime]]:
    """When each feed is polled from `start` until the cut-off."""
    found = []
    for url in URLS:
        polls, at = [], start
        while at <= CUTOFF:
            polls.append(at)
            at = next_poll(url, gap, floor, at)
        found.append(polls)
    return found


@pytest.mark.parametrize("hours", [3, 11, 20])
@pytest.mark.parametrize("gap", [30 * WEEK, 8 * HOUR, NOTHING])
def test_every_feed_is_asked_in_the_last_hours_before_the_cut_off(hours, gap):
    polls = last_polls(CUTOFF - hours * HOUR, gap)
    assert all(CUTOFF - LAST_CALL <= times[-1] <= CUTOFF for times in polls)
    assert all(later - earlier >= SHORTEST for times in polls for earlier, later in pairwise(times))


def test_the_last_calls_are_spread_evenly():
    quarters = Counter((CUTOFF - times[-1]) // (LAST_CALL / 4) for times in last_polls(CUTOFF - 3 * HOUR, 30 * WEEK))
    assert sum(quarters.values()) == len(URLS)
    assert all(quarters[quarter] > len(URLS) / 8 for quarter in range(4))


def test_a_feed_that_was_asked_at_its_last_call_is_not_asked_again():
    for times in last_polls(CUTOFF - 3 * HOUR, 30 * WEEK):
        assert len(times) == 2


def test_the_publishers_floor_holds_before_the_cut_off_too():
    assert all(len(times) == 1 for times in last_polls(CUTOFF - 3 * HOUR, 30 * WEEK, floor=10 * HOUR))


def test_a_failing_feed_is_not_pulled_forward():
    facts = FeedFacts(FEED.url, failures=9)
    assert after_failure(facts, "No answer", CUTOFF - 3 * HOUR).at > CUTOFF


# ---------------------------------------------------------------- a host that wants no requests


@pytest.mark.parametrize(
    ("status", "header", "asked"),
    [(429, "7200", 2 * HOUR), (503, "7200", 2 * HOUR), (429, None, USUAL), (503, None, NOTHING)],
)
def test_a_refusal_is_remembered_as_long_as_the_host_asked(status, header, asked):
    assert after_answer(FEED, Answer(status, retry_after=header), NOW).facts.busy_until == NOW + asked


def test_one_refused_feed_holds_nobody_else_up():
    assert host_busy_until([NOW + 9 * HOUR, NOW - HOUR], NOW) is None


def test_a_host_is_busy_while_two_of_its_feeds_are():
    assert host_busy_until([NOW + 9 * HOUR, NOW + HOUR, NOW + 2 * HOUR, NOW - HOUR], NOW) == NOW + 2 * HOUR


def test_a_feed_that_waits_for_its_host_has_not_failed():
    poll = while_busy(FeedFacts(FEED.url), NOW + 2 * HOUR, NOW)
    assert near(wait(poll), 2 * HOUR)
    assert poll.facts.failures == 0
    assert poll.facts.problem == "Not asked, because its host wants no requests until 22 Nov 11:30 UTC"


def test_a_feed_that_waits_because_its_host_is_silent_has_not_failed():
    poll = while_silent(FeedFacts(FEED.url), NOW)
    assert near(wait(poll), USUAL)
    assert poll.facts.failures == 0
    assert poll.facts.problem == f"Not asked, because its host did not answer {UNANSWERED} requests in a row"


def test_a_failing_feed_that_waits_keeps_its_problem():
    assert while_busy(FEED, NOW + HOUR, NOW).facts.problem == FEED.problem
    assert while_silent(FEED, NOW).facts.problem == FEED.problem


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Feed.Example/rss", "feed.example"),
        ("http://127.0.0.1:8080/a", "127.0.0.1:8080"),
        ("https://user@feed.example/", "feed.example"),
        ("https://[broken/", ""),
        ("nonsense", ""),
    ],
)
def test_the_host_of_an_address(url, host):
    assert host_of(url) == host


# ---------------------------------------------------------------- moving


def moved(facts: FeedFacts, where: str | None, status: int = 200) -> FeedFacts:
    return after_answer(facts, Answer(status, moved_to=where), NOW).facts


@pytest.mark.parametrize("status", [200, 304])
def test_a_move_is_believed_after_it_was_seen_often_enough_in_a_row(status):
    facts = FeedFacts(FEED.url)
    for seen in range(1, HOPS_TO_BELIEVE):
        facts = moved(facts, "https://new.example/rss", status)
        assert (facts.url, facts.moved_times) == (FEED.url, seen)
    facts = moved(facts, "https://new.example/rss", status)
    assert (facts.url, facts.moved_to, facts.moved_times) == ("https://new.example/rss", None, 0)


@pytest.mark.parametrize("interruption", [None, "https://other.example/rss"])
def test_a_move_that_was_not_seen_in_a_row_is_not_believed(interruption):
    facts = FeedFacts(FEED.url)
    for where in ["https://new.example/rss"] * 2 + [interruption] + ["https://new.example/rss"] * 2:
        facts = moved(facts, where)
    assert facts.url == FEED.url


@pytest.mark.parametrize(
    ("address", "otherwise", "source"),
    [
        ("https://www.TechCrunch.com/2026/11/x", "feed:tc", "techcrunch.com"),
        ("http://reader@blog.example/?p=1", "", "blog.example"),
        ("", " WWW.TechCrunch.com ", "techcrunch.com"),
        ("no address", "feed:feed_the_batch", "feed:feed_the_batch"),
        ("https://[broken", "", ""),
    ],
)
def test_the_source_of_an_item_is_the_host_of_its_address_or_what_else_names_it(address, otherwise, source):
    assert source_of(address, otherwise) == source
