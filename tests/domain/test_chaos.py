"""Each number of the account can be other than nought: a run with one thing wrong for each."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from briefings.domain import chaos
from briefings.domain.chaos import Row, account, is_settled, leap, moves_at
from briefings.domain.deliveries import State

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PATIENCE = timedelta(seconds=3)
WAIT = timedelta(seconds=5)
SENT = Row(1, "a", State.SENT, next_at=NOON, lease_until=None, changed_at=NOON)
OTHER = replace(SENT, id=2, uid="b")


def of(row: Row, *taken: str) -> chaos.Account:
    """The account of a run in which all went well but with `row`."""
    return account({"a", "b"}, [row, OTHER], [*taken, "b"])


def test_a_run_in_which_all_went_well_passes():
    found = of(SENT, "a")
    assert found == chaos.Account(2, 2, 0, 0, (), (), (), (), ())
    assert found.passed


# ---------------------------------------------------------------- lost


@pytest.mark.parametrize("state", [State.SENT, State.DELIVERED, State.COMPLAINED])
def test_said_to_be_out_and_never_taken_is_lost(state):
    found = of(replace(SENT, state=state))
    assert (found.lost, found.accepted, found.passed) == (("a",), 1, False)


def test_a_row_that_is_gone_is_lost_even_if_the_letter_was_taken():
    found = account({"a", "b"}, [OTHER], ["a", "b"])
    assert (found.lost, found.passed) == (("a",), False)


def test_held_without_a_lease_is_lost_and_not_only_stuck():
    found = of(replace(SENT, state=State.SENDING))
    assert (found.lost, found.stuck) == (("a",), ())


@pytest.mark.parametrize("state", [State.BOUNCED, State.DEAD, State.SKIPPED])
def test_never_taken_and_known_to_have_failed_is_not_lost(state):
    found = of(replace(SENT, state=state))
    assert found.passed
    assert found.accepted == 1


# ---------------------------------------------------------------- duplicates


def test_taken_twice_without_an_unknown_event_is_a_silent_duplicate():
    found = of(SENT, "a", "a")
    assert (found.duplicate, found.silent, found.passed) == (("a",), ("a",), False)


def test_taken_twice_with_an_unknown_event_is_a_duplicate_that_is_not_silent():
    found = of(replace(SENT, unknowns=1, resent=1), "a", "a")
    assert (found.duplicate, found.silent, found.unknown, found.passed) == (("a",), (), 1, True)


def test_one_unknown_event_does_not_explain_three_copies():
    found = of(replace(SENT, unknowns=1), "a", "a", "a")
    assert (found.silent, found.passed) == (("a",), False)


def test_more_duplicates_than_unknowns_do_not_pass():
    found = chaos.Account(2, 2, 0, 0, (), ("a",), (), (), ())
    assert not found.passed


# ---------------------------------------------------------------- denied


@pytest.mark.parametrize("state", [State.BOUNCED, State.DEAD, State.SKIPPED])
def test_taken_and_said_never_to_have_arrived_is_denied(state):
    found = of(replace(SENT, state=state), "a")
    assert (found.denied, found.passed) == (("a",), False)


def test_a_bounce_after_an_unknown_outcome_denies_nothing():
    assert of(replace(SENT, state=State.BOUNCED, unknowns=1), "a").passed


def test_a_letter_that_nobody_planned_is_denied():
    found = of(SENT, "a", "(no Message-ID)")
    assert (found.denied, found.accepted) == (("(no Message-ID)",), 2)


# ---------------------------------------------------------------- stuck


@pytest.mark.parametrize("state", [State.QUEUED, State.DEFERRED])
def test_what_still_waits_at_the_end_is_stuck(state):
    found = of(replace(SENT, state=state))
    assert (found.stuck, found.passed) == (("a",), False)


def test_what_is_still_held_at_the_end_is_stuck():
    found = of(replace(SENT, state=State.SENDING, lease_until=NOON))
    assert (found.stuck, found.lost) == (("a",), ())


def test_an_unknown_outcome_about_which_the_policy_has_not_acted_is_stuck():
    found = of(replace(SENT, state=State.UNKNOWN, unknowns=1), "a")
    assert (found.stuck, found.unknown) == (("a",), 1)


def test_an_outcome_that_is_unknown_for_the_second_time_is_left_to_the_operator():
    found = of(replace(SENT, state=State.UNKNOWN, unknowns=2, resent=1), "a")
    assert (found.stuck, found.unknown, found.passed) == ((), 1, True)


def test_under_the_policy_hold_an_unknown_outcome_is_left_to_the_operator_and_explains_no_duplicate():
    held = replace(SENT, state=State.UNKNOWN, unknowns=1, hold=True)
    assert (of(held, "a").stuck, of(held, "a").passed) == ((), True)
    assert (of(held, "a", "a").silent, of(held, "a", "a").passed) == ((), False)


# ---------------------------------------------------------------- when to leap


def test_every_state_is_either_settled_or_has_a_moment_at_which_it_moves():
    for state in State:
        row = replace(SENT, state=state, lease_until=NOON)
        assert is_settled(row) == (moves_at(row, PATIENCE) is None)


def test_a_row_moves_when_its_time_its_lease_or_the_patience_is_over():
    later, lease = NOON + timedelta(hours=1), NOON + timedelta(seconds=2)
    row = replace(SENT, next_at=later, lease_until=lease)
    assert moves_at(replace(row, state=State.DEFERRED), PATIENCE) == later
    assert moves_at(replace(row, state=State.SENDING), PATIENCE) == lease
    assert moves_at(replace(row, state=State.UNKNOWN), PATIENCE) == NOON + PATIENCE


def test_clocks_leap_to_the_last_moment_when_nothing_happens_for_long():
    waiting = [replace(SENT, state=State.DEFERRED, next_at=NOON + timedelta(minutes=minutes)) for minutes in (5, 1, 60)]
    assert leap(waiting, NOON, PATIENCE, WAIT) == timedelta(minutes=60)


@pytest.mark.parametrize("moment", [NOON - timedelta(hours=1), NOON, NOON + WAIT])
def test_clocks_stay_when_something_happens_soon(moment):
    soon = replace(SENT, state=State.QUEUED, next_at=moment)
    far = replace(SENT, state=State.DEFERRED, next_at=NOON + timedelta(hours=1))
    assert leap([soon, far], NOON, PATIENCE, WAIT) == timedelta()


def test_clocks_stay_when_all_has_settled():
    assert leap([SENT], NOON, PATIENCE, WAIT) == timedelta()
