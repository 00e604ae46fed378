from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from briefings.domain.deliveries import State, may_follow
from briefings.domain.notices import (
    NOTHING_NEW,
    SOFT_REST,
    STATES,
    TOO_EARLY,
    Notice,
    Past,
    Verdict,
    Weight,
    is_storm,
    next_state,
    outcome,
    outweighs,
    soft_weeks,
    verdict,
    weight,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WEEK = timedelta(weeks=1)


def notice(kind: str, status: str = "") -> Notice:
    return Notice(("8f1c",), kind, "1", status)


def softly(weeks_ago: int, state: State = State.BOUNCED) -> Past:
    return Past(NOW - weeks_ago * WEEK, state, (NOW - weeks_ago * WEEK,))


def quietly(weeks_ago: int, state: State = State.SENT) -> Past:
    return Past(NOW - weeks_ago * WEEK, state)


@pytest.mark.parametrize(
    ("kind", "status", "weighed"),
    [
        ("bounced", "5.1.1", Weight.HARD),
        ("bounced", "5.2.1", Weight.HARD),
        ("bounced", "5.2.2", Weight.SOFT),
        ("bounced", "4.4.7", Weight.SOFT),
        ("bounced", "5.7.1", Weight.NOTHING),
        ("bounced", "", Weight.NOTHING),
        ("deferred", "", Weight.SOFT),
        ("delivered", "2.0.0", Weight.NOTHING),
        ("complained", "", Weight.COMPLAINT),
    ],
)
def test_a_notice_weighs_on_its_address_by_kind_and_status(kind, status, weighed):
    assert weight(notice(kind, status)) is weighed


# ---------------------------------------------------------------- states


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("kind", ["bounced", "deferred", "complained", "delivered"])
def test_a_notice_moves_a_delivery_only_as_the_lifecycle_has_it(state, kind):
    after = next_state(state, notice(kind))
    assert after is None or may_follow(state, after)
    assert outcome(state, notice(kind)) in {kind, NOTHING_NEW, TOO_EARLY}


def test_a_host_that_says_delayed_is_evidence_that_the_relay_took_the_mail():
    assert next_state(State.UNKNOWN, notice("deferred")) is State.SENT


def test_a_delay_of_a_sent_mail_counts_and_moves_nothing():
    assert next_state(State.SENT, notice("deferred")) is None
    assert outcome(State.SENT, notice("deferred")) == "deferred"


def test_news_of_a_mail_that_is_just_being_sent_comes_too_early():
    assert outcome(State.SENDING, notice("delivered")) == TOO_EARLY


@pytest.mark.parametrize("state", [State.QUEUED, State.SKIPPED, State.DEFERRED])
@pytest.mark.parametrize("kind", [*STATES, "deferred"])
def test_news_of_a_mail_that_never_left_is_nothing_new(state, kind):
    assert outcome(state, notice(kind)) == NOTHING_NEW


# ---------------------------------------------------------------- soft bounces


def test_three_weeks_with_soft_bounces_rest_the_address_for_ninety_days():
    assert verdict(Weight.SOFT, [softly(2), softly(1)], NOW) is None
    assert verdict(Weight.SOFT, [softly(2), softly(1), softly(0)], NOW) == Verdict("bounced", NOW + SOFT_REST)


def test_many_soft_bounces_in_one_week_are_one():
    same_week = Past(NOW, State.SENT, (NOW, NOW + timedelta(days=1), NOW + timedelta(days=2)))
    assert soft_weeks([same_week, softly(0)], NOW) == 1


@pytest.mark.parametrize("arrived", [quietly(1), quietly(1, State.DELIVERED), softly(1, State.DELIVERED)])
def test_a_mail_that_arrived_resets_the_count(arrived):
    assert soft_weeks([softly(3), softly(2), arrived, softly(0)], NOW) == 1


@pytest.mark.parametrize("undecided", [quietly(1, State.UNKNOWN), quietly(1, State.SKIPPED), quietly(0)])
def test_a_mail_of_which_nothing_is_known_yet_resets_nothing(undecided):
    assert soft_weeks([softly(3), softly(2), undecided], NOW) == 2


def test_hard_bounces_and_complaints_suppress_for_good():
    assert verdict(Weight.HARD, [], NOW) == Verdict("bounced")
    assert verdict(Weight.COMPLAINT, [], NOW) == Verdict("complained")
    assert verdict(Weight.NOTHING, [softly(2), softly(1), softly(0)], NOW) is None


@given(
    st.lists(st.builds(Past, st.datetimes(timezones=st.just(UTC)), st.sampled_from(State)), max_size=5), st.randoms()
)
def test_the_order_of_the_history_does_not_matter(history, random):
    pasts = {past.send_at: past for past in history}.values()
    shuffled = random.sample(list(pasts), len(pasts))
    assert soft_weeks(shuffled, NOW) == soft_weeks(pasts, NOW)


# ---------------------------------------------------------------- storms and what outweighs what


@pytest.mark.parametrize(
    ("suppressed", "sent", "storm"),
    [(19, 0, False), (20, 0, True), (20, 399, True), (20, 400, False), (5000, 100_000, False), (5001, 100_000, True)],
)
def test_a_storm_is_more_than_five_in_a_hundred_and_at_least_twenty(suppressed, sent, storm):
    assert is_storm(suppressed, sent) is storm


LATER, SOON, OVER = NOW + 2 * SOFT_REST, NOW + SOFT_REST, NOW - WEEK


@pytest.mark.parametrize(
    ("new", "old", "wins"),
    [
        (Verdict("bounced"), Verdict("unsubscribed"), True),
        (Verdict("complained"), Verdict("bounced"), True),
        (Verdict("complained"), Verdict("bounced", SOON), True),
        (Verdict("unsubscribed"), Verdict("bounced", SOON), True),
        (Verdict("unsubscribed"), Verdict("bounced", OVER), True),
        (Verdict("bounced", LATER), Verdict("bounced", SOON), True),
        (Verdict("bounced", SOON), Verdict("bounced", OVER), True),
        (Verdict("bounced", SOON), Verdict("bounced", LATER), False),
        (Verdict("bounced", SOON), Verdict("unsubscribed"), False),
        (Verdict("bounced"), Verdict("complained"), False),
        (Verdict("bounced"), Verdict("bounced"), False),
        (Verdict("unsubscribed"), Verdict("bounced"), False),
    ],
)
def test_what_lasts_longer_or_is_graver_takes_the_place_of_a_suppression(new, old, wins):
    assert outweighs(new, old, NOW) is wins
