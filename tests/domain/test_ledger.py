from briefings.domain.deliveries import State
from briefings.domain.ledger import Ledger

BALANCED = Ledger(
    issue="2026-W48",
    composed_at_all=True,
    candidates=14,
    composed=11,
    skipped={"paused": 2, "finished": 1},
    deliveries={"sent": {"": 8}, "deferred": {"policy": 1, "no-relay": 1}, "skipped": {"suppressed": 1}},
)


def changed(**values) -> Ledger:
    return Ledger(**(vars(BALANCED) | values))


def test_a_ledger_in_which_everybody_is_accounted_for_has_nothing_to_say():
    assert BALANCED.imbalances() == []


def test_a_person_of_whom_nothing_was_decided_shows():
    assert changed(candidates=15).imbalances() == ["15 candidates, but 14 decided (editions + skipped)"]


def test_a_person_decided_twice_shows():
    assert changed(candidates=13).imbalances() == ["13 candidates, but 14 decided (editions + skipped)"]


def test_an_edition_without_a_delivery_shows():
    assert changed(deliveries={"sent": {"": 10}}).imbalances() == ["11 editions, but 10 deliveries"]


def test_before_an_issue_is_composed_its_candidates_are_nobodys_fault():
    waiting = changed(composed_at_all=False, composed=0, skipped={}, deliveries={})
    assert waiting.imbalances() == []


def test_deliveries_are_counted_by_state_over_all_reasons():
    assert BALANCED.count(State.DEFERRED) == 2
    assert BALANCED.count(State.SENT, State.SKIPPED) == 9
    assert BALANCED.count(State.BOUNCED) == 0


def test_what_waits_is_still_moving_and_what_has_ended_is_not():
    assert BALANCED.still_moving == 2
    assert changed(deliveries={"unknown": {"no-verdict": 11}}).still_moving == 0
