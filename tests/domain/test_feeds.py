from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from briefings.domain.feeds import (
    HOPS_TO_BELIEVE,
    JITTER,
    LONGEST,
    SHORTEST,
    USUAL,
    Answer,
    FeedFacts,
    after_answer,
    after_failure,
    retry_after,
    spread,
)

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
FEED = FeedFacts("https://feed.example/rss", etag='"1"', failures=3, problem="The host answered 503")
WEEK = timedelta(days=7)


def wait(poll) -> timedelta:
    return poll.at - NOW


def near(interval: timedelta, about: timedelta) -> bool:
    return about <= interval <= about * (1 + JITTER)


# ---------------------------------------------------------------- answers


def test_a_success_is_remembered_and_clears_the_failures():
    poll = after_answer(FEED, Answer(200, etag='"2"', last_modified="today", body_digest="d"), NOW)
    assert poll.facts == FeedFacts(FEED.url, etag='"2"', last_modified="today", body_digest="d")
    assert near(wait(poll), USUAL)


def test_an_unchanged_feed_keeps_its_validators_and_is_healthy():
    poll = after_answer(FEED, Answer(304), NOW)
    assert (poll.facts.etag, poll.facts.failures, poll.facts.problem) == ('"1"', 0, "")
    assert near(wait(poll), USUAL)


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
    assert all(near(later, LONGEST) for later in waits[5:])
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


PIECES = st.sampled_from(["Sun", ",", " ", "22", "Nov", "2026", ":", "GMT", "+", "-", "(", ")", "²", "-0000", "9" * 30])


@settings(max_examples=200, deadline=None)
@given(value=st.text(max_size=30) | st.lists(PIECES, max_size=9).map("".join))
def test_whatever_a_host_says_we_wait_between_nothing_and_a_week(value):
    assert timedelta() <= retry_after(value, NOW) <= WEEK


# ---------------------------------------------------------------- moving


def moved(facts: FeedFacts, where: str | None) -> FeedFacts:
    return after_answer(facts, Answer(200, moved_to=where), NOW).facts


def test_a_move_is_believed_after_it_was_seen_often_enough_in_a_row():
    facts = FeedFacts(FEED.url)
    for seen in range(1, HOPS_TO_BELIEVE):
        facts = moved(facts, "https://new.example/rss")
        assert (facts.url, facts.moved_times) == (FEED.url, seen)
    facts = moved(facts, "https://new.example/rss")
    assert (facts.url, facts.moved_to, facts.moved_times) == ("https://new.example/rss", None, 0)


@pytest.mark.parametrize("interruption", [None, "https://other.example/rss"])
def test_a_move_that_was_not_seen_in_a_row_is_not_believed(interruption):
    facts = FeedFacts(FEED.url)
    for where in ["https://new.example/rss"] * 2 + [interruption] + ["https://new.example/rss"] * 2:
        facts = moved(facts, where)
    assert facts.url == FEED.url
