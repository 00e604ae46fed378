"""Delivering with one thing wrong: each of these mistakes must be found, or the oracle is blind."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest.mock import patch

from sqlalchemy import select, update

from briefings.actions.deliver import Delivering
from briefings.domain import deliveries
from briefings.domain.deliveries import Outcome, State, Step
from briefings.store import deliveries as rows
from briefings.store import issues as issue_rows
from briefings.store.deliveries import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterator

CHANGE_ALL, AFTER, BEGIN_ROWS = rows.change_all, deliveries.after, rows.begin
RECORD, BEGIN, SEND_DUE = Delivering._record, Delivering._begin, Delivering._send_due


@contextmanager
def sending_is_committed_after_the_letter() -> Iterator[None]:
    """`sending` is written together with the verdict."""

    def record(self, session, verdicts):
        BEGIN_ROWS(session, [delivery for delivery, _ in verdicts], "late", self.clock(), self.rules.lease)
        RECORD(self, session, verdicts)

    with patch.object(Delivering, "_record", record), patch.object(rows, "begin", lambda *_: None):
        yield


@contextmanager
def the_fence_knows_no_epoch() -> Iterator[None]:
    """A worker changes a delivery that is another's by now."""

    def change_all(session, those, *args, **kwargs):
        found = select(Delivery.id, Delivery.epoch).where(Delivery.id.in_([one.id for one in those]))
        blind = [SimpleNamespace(id=delivery_id, epoch=epoch) for delivery_id, epoch in session.execute(found)]
        return CHANGE_ALL(session, blind, *args, **kwargs)

    with patch.object(rows, "change_all", change_all):
        yield


@contextmanager
def a_verdict_is_recorded_without_a_fence() -> Iterator[None]:
    """A verdict overwrites whatever has become of the delivery."""

    def record(self, session, verdicts):
        for delivery, _ in verdicts:
            mine = {"state": State.SENDING.value, "epoch": delivery.epoch}
            session.execute(update(Delivery).where(Delivery.id == delivery.id).values(mine))
        RECORD(self, session, verdicts)

    with patch.object(Delivering, "_record", record):
        yield


@contextmanager
def a_crash_while_sending_is_tried_again_at_once() -> Iterator[None]:
    """It is never counted as unknown."""

    with patch.object(deliveries, "AFTER_CRASH", Step(State.DEFERRED, "lease-over")):
        yield


@contextmanager
def no_verdict_is_taken_for_a_refusal() -> Iterator[None]:
    def after(attempt, attempts, now):
        silent = attempt.outcome is Outcome.NO_VERDICT
        return AFTER(replace(attempt, outcome=Outcome.REFUSED_FOR_NOW) if silent else attempt, attempts, now)

    with patch.object(deliveries, "after", after):
        yield


@contextmanager
def no_verdict_is_taken_for_sent() -> Iterator[None]:
    def after(attempt, attempts, now):
        silent = attempt.outcome is Outcome.NO_VERDICT
        return AFTER(replace(attempt, outcome=Outcome.ACCEPTED) if silent else attempt, attempts, now)

    with patch.object(deliveries, "after", after):
        yield


@contextmanager
def nobody_looks_again_whether_the_reader_has_left() -> Iterator[None]:
    with patch.object(deliveries, "before_sending", lambda *_, **__: None):
        yield


@contextmanager
def all_that_is_due_is_begun_at_once() -> Iterator[None]:
    """More can be unknown after a crash than a window."""

    def send_due(self, *args):
        with patch.object(deliveries, "next_window", lambda *_: 100):
            return SEND_DUE(self, *args)

    with patch.object(Delivering, "_send_due", send_due):
        yield


@contextmanager
def the_verdicts_of_a_window_are_forgotten() -> Iterator[None]:
    """Only the last window's are recorded."""
    with patch.object(Delivering, "_begin", lambda self, size, _verdicts: BEGIN(self, size, [])):
        yield


@contextmanager
def a_letter_goes_although_another_worker_has_it() -> Iterator[None]:
    """What is due is looked up in one transaction, and begun in another."""

    def begin(self, size, verdicts):
        with self.database.write() as session:
            window = self._due(session, size)
        with patch.object(Delivering, "_due", lambda *_: window):
            return BEGIN(self, size, verdicts)

    with patch.object(Delivering, "_begin", begin):
        yield


@contextmanager
def nobody_frees_what_a_dead_worker_held() -> Iterator[None]:
    with patch.object(rows, "lease_over", lambda *_: []):
        yield


@contextmanager
def a_claim_takes_what_another_worker_is_sending() -> Iterator[None]:
    with patch.object(rows, "IS_WAITING", "deliveries.state IN ('deferred', 'queued', 'sending')"):
        yield


@contextmanager
def a_lost_mail_keeps_its_plan_week() -> Iterator[None]:
    with patch.object(issue_rows, "give_week_back", lambda *_: None):
        yield


ALL = (
    sending_is_committed_after_the_letter,
    the_fence_knows_no_epoch,
    a_verdict_is_recorded_without_a_fence,
    a_crash_while_sending_is_tried_again_at_once,
    no_verdict_is_taken_for_a_refusal,
    no_verdict_is_taken_for_sent,
    nobody_looks_again_whether_the_reader_has_left,
    all_that_is_due_is_begun_at_once,
    the_verdicts_of_a_window_are_forgotten,
    a_letter_goes_although_another_worker_has_it,
    nobody_frees_what_a_dead_worker_held,
    a_claim_takes_what_another_worker_is_sending,
    a_lost_mail_keeps_its_plan_week,
)
