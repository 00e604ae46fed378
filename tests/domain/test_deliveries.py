from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from briefings.domain.deliveries import (
    AFTER_CRASH,
    BACK_OFF,
    MOST_ATTEMPTS,
    MOVING,
    NEVER_ARRIVED,
    RELAY_DOWN,
    TRANSITIONS,
    WAITING,
    Attempt,
    Outcome,
    State,
    Step,
    after,
    before_sending,
    may_follow,
    next_window,
    settle_unknown,
)

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
PATIENCE = timedelta(minutes=15)
#: No outcome of ours leads out of these; a notice or an operator may lead out of some.
ENDS = {State.SENT, State.BOUNCED, State.DEAD}


def test_every_state_has_its_row_in_the_table():
    assert set(TRANSITIONS) == set(State)


@pytest.mark.parametrize("end", [State.BOUNCED, State.COMPLAINED, State.SKIPPED])
def test_what_has_ended_stays_ended(end):
    assert not any(may_follow(end, state) for state in State)


def test_nothing_is_sent_that_was_not_marked_as_sending_before():
    assert [state for state in State if may_follow(state, State.SENT)] == [State.SENDING, State.UNKNOWN]
    assert [state for state in State if may_follow(state, State.SENDING)] == [State.QUEUED, State.DEFERRED]


def test_what_may_have_left_is_never_skipped_or_sent_straight_away():
    for state in (State.SENDING, State.UNKNOWN, State.SENT):
        assert not may_follow(state, State.SKIPPED)
        assert not may_follow(state, State.SENDING)


def test_every_waiting_state_moves_and_none_that_never_arrived_does():
    assert set(WAITING) < set(MOVING)
    assert not set(NEVER_ARRIVED) & set(MOVING)


# ---------------------------------------------------------------- one attempt


@pytest.mark.parametrize(
    ("outcome", "state", "reason"),
    [
        (Outcome.ACCEPTED, State.SENT, ""),
        (Outcome.REFUSED, State.BOUNCED, "refused"),
        (Outcome.NO_VERDICT, State.UNKNOWN, "no-verdict"),
        (Outcome.REFUSED_FOR_NOW, State.DEFERRED, "refused-for-now"),
        (Outcome.POLICY, State.DEFERRED, "policy"),
        (Outcome.NO_RELAY, State.DEFERRED, "no-relay"),
        (Outcome.STOPPED, State.DEFERRED, "stopped"),
    ],
)
def test_an_outcome_leads_to_its_state(outcome, state, reason):
    step = after(Attempt(outcome), 0, NOW)
    assert (step.state, step.reason) == (state, reason)


def test_each_refusal_waits_longer_than_the_last():
    waits = [after(Attempt(Outcome.REFUSED_FOR_NOW), spent, NOW).next_at - NOW for spent in range(MOST_ATTEMPTS - 1)]
    assert waits == sorted(waits)
    assert waits[0] == BACK_OFF[0]


def test_the_last_attempt_is_not_followed_by_another():
    assert after(Attempt(Outcome.REFUSED_FOR_NOW), MOST_ATTEMPTS - 1, NOW) == Step(State.DEAD, "attempts-spent")


def test_a_relay_that_is_down_costs_no_attempt():
    assert after(Attempt(Outcome.NO_RELAY), MOST_ATTEMPTS - 1, NOW) == Step(
        State.DEFERRED, "no-relay", NOW + RELAY_DOWN, counts=False
    )


# ---------------------------------------------------------------- unknown


def settled(
    *, policy: str = "resend", resent: int = 0, waited: timedelta = PATIENCE, taken: bool = False
) -> Step | None:
    return settle_unknown(policy, NOW, PATIENCE, resent, NOW + waited, taken=taken)


def test_an_unknown_delivery_is_sent_again_once_and_not_before_its_time():
    assert settled().state is State.QUEUED
    assert settled(waited=PATIENCE - timedelta(seconds=1)) is None
    assert settled(resent=1, waited=9 * PATIENCE) is None


def test_with_the_policy_hold_nothing_is_sent_again():
    assert settled(policy="hold", waited=9 * PATIENCE) is None


@pytest.mark.parametrize("policy", ["resend", "hold"])
def test_a_letter_that_the_relay_says_it_took_is_sent_at_once_and_never_again(policy):
    assert settled(policy=policy, waited=timedelta(), taken=True) == Step(State.SENT, "relay-says-so")


# ---------------------------------------------------------------- before sending


@pytest.mark.parametrize(
    ("kind", "suppressed", "subscriber", "late", "reason"),
    [
        ("briefing", None, "active", False, None),
        ("briefing", None, "paused", False, "paused"),
        ("briefing", None, "finished", False, None),
        ("briefing", None, "left", False, "left"),
        ("briefing", None, None, False, "left"),
        ("briefing", None, "active", True, "too-late"),
        ("briefing", "unsubscribed", "active", False, "suppressed"),
        ("confirm", "unsubscribed", "pending", False, None),
        ("confirm", "bounced", "pending", False, "suppressed"),
        ("confirm", "complained", "pending", False, "suppressed"),
        ("confirm", None, "pending", True, "too-late"),
        ("welcome", "unsubscribed", "active", False, "suppressed"),
        ("welcome", None, "active", False, None),
    ],
)
def test_a_mail_goes_only_to_who_still_wants_it(kind, suppressed, subscriber, late, reason):
    assert before_sending(kind, suppressed=suppressed, subscriber=subscriber, late=late) == reason


# ---------------------------------------------------------------- whole lives

HAPPENS = st.sampled_from([*Outcome, "crash"])


@settings(max_examples=300, deadline=None)
@given(life=st.lists(HAPPENS, min_size=1, max_size=40))
def test_a_delivery_only_ever_takes_steps_of_the_table_and_its_attempts_are_bounded(life):
    state, spent, resent = State.QUEUED, 0, 0

    def go(step: Step) -> State:
        assert may_follow(state, step.state), f"{state} -> {step.state}"
        if step.state in WAITING and step.reason != "resend-after-unknown":
            assert step.next_at > NOW
        return step.state

    for what in life:
        if state in ENDS:
            break
        if state is State.UNKNOWN:
            step = settled(resent=resent)
            if step is None:
                break
            state, resent = go(step), resent + 1
        state = go(Step(State.SENDING))
        step = AFTER_CRASH if what == "crash" else after(Attempt(what), spent, NOW)
        spent += step.counts and isinstance(what, Outcome)
        state = go(step)
    assert spent <= MOST_ATTEMPTS
    assert resent <= 1
    assert state is State.DEAD or spent < MOST_ATTEMPTS or state in {State.SENT, State.BOUNCED, State.UNKNOWN}


# ---------------------------------------------------------------- windows

PACE = timedelta(seconds=0.25)


@pytest.mark.parametrize(
    ("size", "seconds", "after"),
    [(1, 0.01, 2), (16, 0.2, 20), (20, 0.25, 20), (20, 0.5, 10), (20, 5, 1), (1, 600, 1), (8, -3600, 1)],
)
def test_a_window_is_what_the_relay_takes_at_its_pace(size, seconds, after):
    assert next_window(size, timedelta(seconds=seconds), PACE, 20) == after


@given(st.integers(1, 20), st.timedeltas(timedelta(hours=-1), timedelta(hours=1)))
def test_a_window_is_never_empty_and_never_larger_than_it_may_be(size, took):
    assert 1 <= next_window(size, took, PACE, 20) <= 20
