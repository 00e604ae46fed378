from datetime import UTC, datetime, timedelta

import pytest

from briefings.adapters import feed_parser
from briefings.domain.feed_health import FIND, LOOK, health, span
from briefings.domain.feeds import Answer, FeedFacts, Rhythm, after_answer, after_failure, while_busy
from briefings.errors import ParseError

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
URL = "https://feed.example/rss"
READ = FeedFacts(URL, read_at=NOW - HOUR)
EVERY_OTHER_DAY = Rhythm(2 * DAY, NOW - 5 * HOUR)


def said(facts: FeedFacts, rhythm: Rhythm = EVERY_OTHER_DAY) -> tuple[str, str]:
    found = health(facts, rhythm, NOW)
    return found.words, found.action


def answered(status: int, read: timedelta | None) -> FeedFacts:
    facts = FeedFacts(URL, read_at=None if read is None else NOW - read)
    return after_answer(facts, Answer(status), NOW).facts


def test_a_healthy_feed_says_how_often_it_posts():
    assert said(READ) == ("posts every 2 days, last 5 hours ago", "")


def test_a_feed_nobody_has_read_says_so():
    assert said(FeedFacts(URL), Rhythm()) == ("never read yet", "")


def test_a_feed_whose_rhythm_is_unknown_is_not_accused():
    assert said(READ, Rhythm()) == ("read, but nothing came yet", "")
    assert said(READ, Rhythm(None, NOW - 6 * DAY)) == ("posts now and then, last 6 days ago", "")


@pytest.mark.parametrize(
    ("gap", "quiet", "silent"),
    [
        (2 * DAY, 11 * DAY, True),
        (2 * DAY, 9 * DAY, False),
        (HOUR, 6 * DAY, False),
        (HOUR, 8 * DAY, True),
        (30 * DAY, 100 * DAY, False),
        (None, 8 * DAY, True),
    ],
)
def test_silence_is_judged_by_the_feeds_own_rhythm(gap, quiet, silent):
    words, action = said(READ, Rhythm(gap, NOW - quiet))
    assert ("silent for" in words, action == LOOK) == (silent, silent)


def test_a_silent_feed_says_what_it_used_to_do():
    words = "posts every 2 days, silent for 11 days"
    assert said(READ, Rhythm(2 * DAY, NOW - 11 * DAY)) == (words, LOOK)


def test_a_feed_that_moved_offers_its_new_address():
    facts = FeedFacts(URL, read_at=NOW, moved_to="https://new.example/rss", moved_times=1)
    assert said(facts) == ("moved to https://new.example/rss", "accept the new address")


def test_html_instead_of_a_feed_asks_for_the_present_address():
    with pytest.raises(ParseError) as caught:
        feed_parser.parse(b"<html><body>Moved</body></html>", url=URL)
    facts = after_failure(READ, str(caught.value), NOW).facts
    assert said(facts) == (f"HTML instead of a feed at {URL}; last read 1 hour ago", FIND)


def test_a_feed_that_ended_asks_for_nothing():
    words, action = said(answered(410, DAY))
    assert "410 Gone" in words
    assert action == ""


@pytest.mark.parametrize(
    ("status", "read", "action"),
    [
        (404, 3 * HOUR, ""),
        (404, 3 * DAY, FIND),
        (404, None, FIND),
        (403, 3 * DAY, "a firewall blocks us"),
        (401, HOUR, "if it wants a password"),
        (503, HOUR, ""),
        (503, 9 * DAY, LOOK),
    ],
)
def test_a_failure_says_since_when_and_what_to_do_when_it_lasts(status, read, action):
    words, proposed = said(answered(status, read))
    assert words.startswith(f"The host answered {status} ")
    assert words.endswith("never read yet" if read is None else f"last read {span(read)} ago")
    assert action in proposed
    assert bool(action) == bool(proposed)


def test_a_feed_that_is_too_large_asks_for_a_shorter_one():
    problem = "feed.example sent more than 5,000,000 bytes: look for a shorter feed of the same site."
    words, action = said(after_failure(READ, problem, NOW).facts)
    assert words == "feed.example sent more than 5,000,000 bytes; last read 1 hour ago"
    assert "shorter feed" in action


def test_a_feed_that_waits_for_its_host_needs_no_help():
    words, action = said(while_busy(READ, NOW + HOUR, NOW).facts)
    assert words == "Not asked, because its host wants no requests until 22 Nov 10:30 UTC; last read 1 hour ago"
    assert action == ""


def test_changing_ids_are_mentioned():
    assert "its ids change" in said(FeedFacts(URL, read_at=NOW, identity="link"))[0]


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (11 * DAY, "11 days"),
        (DAY, "1 day"),
        (90 * timedelta(minutes=1), "2 hours"),
        (40 * timedelta(minutes=1), "40 minutes"),
        (timedelta(), "1 minute"),
    ],
)
def test_a_span_is_told_in_its_largest_unit(time, words):
    assert span(time) == words
