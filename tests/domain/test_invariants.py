import pytest

from briefings.domain.deliveries import State
from briefings.domain.invariants import LATE_SENDS_NOTHING, Finding, begun_silently, fold, is_fold

SENT = ("queued", "sending", "sent")


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ("queued", State.QUEUED),
        ("queued deferred sending deferred sending sent delivered", State.DELIVERED),
        ("queued sending unknown queued sending sent soft-bounced", State.SENT),
        ("queued sending dead queued skipped", State.SKIPPED),
        ("queued sending sent bounced", State.BOUNCED),
    ],
)
def test_events_lead_to_a_state(events, state):
    assert fold(tuple(events.split())) is state


@pytest.mark.parametrize("events", ["", "sending sent", "queued sent", "queued sending sent queued", "queued bounced"])
def test_events_that_cannot_follow_each_other_lead_nowhere(events):
    assert fold(tuple(events.split())) is None


def test_a_mail_is_where_its_events_lead_or_the_ledger_is_broken():
    assert is_fold("sent", SENT)
    assert not is_fold("sending", ("queued",))
    assert not is_fold("queued", SENT)


@pytest.mark.parametrize("between", ["deferred", "unknown queued", "dead queued"])
def test_after_a_failure_or_an_unknown_outcome_the_next_attempt_is_no_secret(between):
    assert not begun_silently(("queued", "sending", *between.split(), "sending"))


@pytest.mark.parametrize("between", ["", "sent", "queued", "unknown sending sent queued"])
def test_an_attempt_after_one_that_may_have_succeeded_is_a_silent_duplicate(between):
    assert begun_silently(("queued", "sending", *between.split(), "sending"))


def test_offenders_are_counted_named_and_told_what_to_do_about():
    assert Finding(LATE_SENDS_NOTHING).words == ""
    assert Finding(LATE_SENDS_NOTHING, 1, (7,)).words.startswith(
        "late-sends-nothing is broken by deliveries 7 (1 in all): stop"
    )
    assert "deliveries 1, 2 ... (12 in all)" in Finding(LATE_SENDS_NOTHING, 12, (1, 2)).words
