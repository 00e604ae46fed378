from datetime import UTC, datetime, timedelta

from briefings.domain.slots import Job, Run, account

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
DUE = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
BORN = DUE - 6 * DAY + timedelta(hours=5)
TIDY = Job("tidy", DUE, DAY)


def runs(*made: Run) -> dict[datetime, Run]:
    return {run.due_at: run for run in made}


def done(due: datetime) -> Run:
    return Run(due, due + timedelta(seconds=12.5), due + MINUTE, "5 candidates decided")


def test_a_run_that_was_done_is_told_with_when_it_was_seen_and_what_came_of_it():
    told = account(TIDY, runs(done(DUE)), DUE - MINUTE, DUE + DAY / 2)
    assert (
        told.words
        == "due at 2026-11-23 03:00 UTC, seen 0:00:12 later, done at 2026-11-23 03:01 UTC: 5 candidates decided"
    )
    assert (told.overdue, told.fault, told.missed) == (False, "", ())


def test_a_run_that_nobody_saw_is_overdue_after_a_quarter_of_an_hour():
    assert not account(TIDY, {}, BORN, DUE + 15 * MINUTE).overdue
    told = account(TIDY, {}, BORN, DUE + 16 * MINUTE)
    assert told.fault.startswith("tidy is overdue (due at 2026-11-23 03:00 UTC, not seen yet, not done): is a worker")


def test_a_run_that_was_seen_late_has_its_quarter_of_an_hour_from_then_and_composing_its_patience_besides():
    seen = runs(Run(DUE, DUE + 2 * DAY))
    assert not account(TIDY, seen, BORN, DUE + 2 * DAY + 15 * MINUTE).overdue
    assert account(TIDY, seen, BORN, DUE + 2 * DAY + 16 * MINUTE).overdue
    assert not account(Job("compose", DUE, DAY, 15 * MINUTE), seen, BORN, DUE + 2 * DAY + 30 * MINUTE).overdue


def test_runs_between_that_nobody_did_are_missed_but_not_those_before_the_first_or_long_ago():
    seen = runs(done(DUE), Run(DUE - 2 * DAY, DUE - 2 * DAY), done(DUE - 4 * DAY))
    assert account(TIDY, seen, BORN, DUE).missed == (DUE - 5 * DAY, DUE - 3 * DAY, DUE - 2 * DAY, DUE - DAY)
    assert len(account(TIDY, {}, DUE - 99 * DAY, DUE).missed) == 34


def test_where_nothing_ever_ran_nothing_is_overdue():
    told = account(TIDY, {}, None, DUE + DAY)
    assert (told.overdue, told.missed) == (False, ())
