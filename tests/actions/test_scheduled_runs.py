from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import week
from sqlalchemy import select
from week import MONDAY_EVENING, SUNDAY

from briefings.actions import account
from briefings.store.deliveries import Event
from briefings.store.issues import Edition, Slot

SCHEDULERS = 3


def test_three_schedulers_at_once_do_each_run_once(app):
    people = [week.enrol(app, f"p{number}@readers.example") for number in range(30)]
    start = Barrier(SCHEDULERS)

    def together(act):
        start.wait()
        return act()

    with ThreadPoolExecutor(SCHEDULERS) as pool:
        tidied = list(pool.map(together, [app.tidy] * SCHEDULERS))
        composed = list(pool.map(together, [app.compose] * SCHEDULERS))
    assert sorted(tidied) == [False, False, True]
    assert sum(composed) == len(people)
    assert sorted(one.subscriber_id for one in week.deliveries(app)) == people
    with app.database.read() as session:
        slots = {slot.job: slot.result for slot in session.scalars(select(Slot))}
        assert len(session.scalars(select(Event).where(Event.kind == "tidied")).all()) == 1
    assert slots == {"tidy": "", "compose": "30 candidates decided"}


@pytest.mark.parametrize(
    ("slept_until", "sent", "weeks"), [(MONDAY_EVENING, 1, [1]), (SUNDAY + timedelta(days=4), 0, [None])]
)
def test_an_issue_is_composed_after_its_cut_off_was_slept_over_and_sent_if_it_is_not_too_late(
    app, relay, slept_until, sent, weeks
):
    week.enrol(app)
    app.clock.now = slept_until
    assert app.compose() == 1
    assert app.deliver() == sent
    with app.database.read() as session:
        assert session.scalars(select(Edition.week_number)).all() == weeks


def test_of_days_that_were_slept_over_the_newest_run_is_done_and_the_others_are_told_as_missed(app):
    app.tidy()
    app.clock.move(days=4)
    compose, tidy = account.runs(app.database, app.clock())
    assert (tidy.overdue, compose.overdue) == (True, False)
    assert app.due_queues() == ["compose", "tidy"]
    app.tidy()
    _, tidy = account.runs(app.database, app.clock())
    assert not tidy.overdue
    assert [f"{due:%a %H:%M}" for due in tidy.missed] == ["Mon 03:00", "Tue 03:00", "Wed 03:00"]
    assert "due at 2026-11-26 03:00 UTC, seen 6:30:00 later, done at 2026-11-26 09:30 UTC" in tidy.words


def test_a_slept_over_week_is_told_and_the_newest_issue_alone_is_composed(app):
    week.enrol(app)
    app.compose()
    app.clock.move(weeks=2)
    assert app.compose() == 1
    compose, _ = account.runs(app.database, app.clock())
    assert [f"{due:%Y-%m-%d}" for due in compose.missed] == ["2026-11-29"]
