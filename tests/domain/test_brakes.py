from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from briefings.domain.brakes import (
    CANARY_REST,
    MOST_PAUSE,
    SPREAD,
    Brakes,
    CanaryStep,
    Health,
    On,
    Pause,
    Trial,
    asks_for_patience,
    canary,
    domain_of,
    enough,
    learn,
)
from briefings.domain.deliveries import Attempt, Outcome

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
ACCEPTED = Attempt(Outcome.ACCEPTED, "250 taken")
POLICY = Attempt(Outcome.POLICY, "550 5.7.1 no")
PATIENCE = Attempt(Outcome.REFUSED_FOR_NOW, "421 4.7.0 too many messages")


def after(*attempts: Attempt, before: Brakes | None = None, now: datetime = NOW) -> Brakes:
    return learn(before or Brakes(), [("mail.example", attempt) for attempt in attempts], now)


# ---------------------------------------------------------------- refusals of us


def test_three_refusals_in_a_row_open_the_breaker_and_say_why():
    opened = after(POLICY, POLICY, POLICY).breaker
    assert opened == On("3 mails in a row were refused: 550 5.7.1 no", "", NOW)


def test_refusals_with_an_acceptance_in_between_do_not():
    assert after(POLICY, POLICY, ACCEPTED, POLICY, POLICY).breaker is None


def test_the_row_goes_on_over_windows():
    assert after(POLICY, before=after(POLICY, POLICY)).breaker


@given(st.lists(st.sampled_from([ACCEPTED, POLICY, PATIENCE]), max_size=30), st.integers(0, 30))
def test_it_does_not_matter_how_attempts_are_cut_into_windows(attempts, cut):
    assert after(*attempts[cut:], before=after(*attempts[:cut])) == after(*attempts)


def test_what_goes_well_changes_nothing():
    assert after(ACCEPTED, ACCEPTED) == Brakes()


def test_a_stop_holds_everything_and_an_open_breaker_holds_briefings():
    on = On("why", "ana", NOW)
    assert [Brakes(stop=on).word(kind) for kind in ("briefing", "confirm")] == ["stopped", "stopped"]
    assert [Brakes(breaker=on).word(kind) for kind in ("briefing", "confirm")] == ["breaker", ""]


# ---------------------------------------------------------------- domains


@pytest.mark.parametrize(
    ("reply", "asks"),
    [
        ("421 4.7.28 our system has detected an unusual rate", True),
        ("450 4.2.1 receiving mail at a rate that prevents", True),
        ("451 4.7.650 the mail server has been temporarily rate limited", True),
        ("421 Too many concurrent connections", True),
        ("452 4.5.3 too many recipients", True),
        ("451 4.3.0 the corporate server is out of order", False),
        ("450 4.2.0 greylisted", False),
        ("4510 too many", False),
        ("552 5.2.2 mailbox full", False),
    ],
)
def test_a_reply_asks_for_patience_by_its_code_and_its_words(reply, asks):
    assert asks_for_patience(Attempt(Outcome.REFUSED_FOR_NOW, reply)) == asks


def test_an_accepted_mail_never_asks_for_patience():
    assert not asks_for_patience(Attempt(Outcome.ACCEPTED, "250 450 4.7.1 too many"))


def test_the_pause_of_a_domain_doubles_from_a_minute_to_an_hour():
    brakes, now, lengths = Brakes(), NOW, []
    for _ in range(9):
        brakes = after(PATIENCE, PATIENCE, before=brakes, now=now)
        lengths.append((brakes.pauses["mail.example"].until - now) // timedelta(minutes=1))
        now = brakes.pauses["mail.example"].until
    assert lengths == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_an_accepted_mail_ends_the_doubling_but_one_sent_before_the_pause_does_not():
    paused = after(PATIENCE, ACCEPTED)
    assert paused.pauses
    assert after(ACCEPTED, before=paused, now=NOW + timedelta(minutes=1)).pauses == {}


def test_a_domain_that_was_left_alone_for_hours_is_asked_as_if_for_the_first_time():
    paused = Brakes(pauses={"mail.example": Pause(NOW, 7)})
    assert after(PATIENCE, before=paused, now=NOW + timedelta(hours=7)).pauses["mail.example"].times == 1


def test_only_the_domain_that_asked_is_left_alone():
    paused = after(PATIENCE)
    assert paused.step("mail.example", 1, NOW).reason == "domain-paused"
    assert paused.step("other.example", 1, NOW) is None
    assert paused.step("mail.example", 1, NOW + timedelta(minutes=1)) is None


@given(times=st.integers(1, 1000), number=st.integers(1, 10**9))
def test_what_waits_for_a_domain_comes_back_after_its_pause_and_within_hours(times, number):
    pause = Pause(NOW + Pause(NOW, times).length, times)
    step = Brakes(pauses={"mail.example": pause}).step("mail.example", number, NOW)
    assert pause.until <= step.next_at <= pause.until + SPREAD * MOST_PAUSE


def test_what_waits_for_a_domain_does_not_come_back_at_once():
    paused = Brakes(pauses={"mail.example": Pause(NOW + MOST_PAUSE, 7)})
    moments = [paused.step("mail.example", number, NOW).next_at for number in range(240)]
    assert len(set(moments)) == 240
    assert max(moments) - min(moments) > timedelta(hours=3)


def test_a_pause_that_a_wrong_clock_set_holds_nothing():
    paused = Brakes(pauses={"mail.example": Pause(NOW + timedelta(days=365), 1)})
    assert paused.step("mail.example", 1, NOW) is None


def test_the_domain_of_an_address_is_small_letters():
    assert domain_of("Ana@Mail.Example") == "mail.example"


# ---------------------------------------------------------------- health


@pytest.mark.parametrize(
    ("health", "fault"),
    [
        (Health(200, 16, 0), ""),
        (Health(200, 17, 0), "17 of 200 briefings bounced"),
        (Health(49, 49, 0), ""),
        (Health(50, 5, 0), "5 of 50 briefings bounced"),
        (Health(200, 0, 1), ""),
        (Health(200, 0, 2), "2 of 200 briefings were called spam"),
        (Health(1000, 0, 3), ""),
        (Health(1000, 0, 4), "4 of 1000 briefings were called spam"),
    ],
)
def test_too_many_bounces_or_complaints_are_a_fault(health, fault):
    assert health.fault() == fault


@given(bounced=st.integers(0, 500), complained=st.integers(0, 500))
def test_no_more_outcomes_are_counted_than_make_a_fault_none(bounced, complained):
    assert Health(enough(bounced, complained), bounced, complained).fault() == ""


# ---------------------------------------------------------------- canary

ENDED = NOW - CANARY_REST


@pytest.mark.parametrize(
    ("trial", "step"),
    [
        (Trial(1000, 0, 0, 0, 0, None), CanaryStep(50)),
        (Trial(1000, 30, 30, 0, 0, None), CanaryStep(20)),
        (Trial(100, 0, 0, 0, 0, None), CanaryStep(20)),
        (Trial(1000, 50, 50, 0, 0, None), CanaryStep(0)),
        (Trial(1000, 50, 6, 0, 0, ENDED), CanaryStep(0)),
        (Trial(1000, 50, 5, 0, 0, ENDED), CanaryStep(None)),
        (Trial(1000, 50, 0, 4, 1, ENDED), CanaryStep(None)),
        (Trial(1000, 50, 0, 0, 0, ENDED + timedelta(seconds=1)), CanaryStep(0)),
        (Trial(1000, 50, 0, 5, 0, ENDED), CanaryStep(0, "of those sent first, 5 of 50 briefings bounced")),
    ],
)
def test_the_rest_of_an_issue_follows_a_canary_that_is_well_for_ten_minutes(trial, step):
    assert canary(5, trial, None, NOW) == step


def test_what_the_operator_saw_is_not_held_against_the_rest():
    sick = Trial(1000, 50, 0, 5, 0, ENDED)
    assert canary(5, sick, ENDED + timedelta(minutes=1), NOW) == CanaryStep(None)
    assert canary(5, sick, ENDED - timedelta(minutes=1), NOW).fault
