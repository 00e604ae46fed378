"""Weeks in which clocks are put forward or back: one briefing a week, at the reader's own hour."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import week
from sqlalchemy import select, update

from briefings.domain.weeks import IssueWeek
from briefings.store.subscribers import Subscriber

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tehran", "Pacific/Kiritimati")
#: Iran's clocks were put forward in the first minute of this Monday: there was no midnight.
WITHOUT_MIDNIGHT = date(2021, 3, 22)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("monday", "issues", "hour"),
    [
        (date(2026, 3, 2), 6, 7),  # New York 8 March, Berlin 29 March, Lord Howe 5 April, by half an hour
        (date(2026, 9, 28), 6, 7),  # Lord Howe 4 October, Berlin 25 October, New York 1 November
        (WITHOUT_MIDNIGHT - timedelta(weeks=1), 2, 0),
    ],
)
def test_there_is_one_briefing_a_week_at_the_readers_own_hour(app, relay, monday, issues, hour):
    mondays = [monday + timedelta(weeks=number) for number in range(issues)]
    app.clock.now = IssueWeek(monday).cutoff - timedelta(days=1)
    for number, name in enumerate(ZONES):
        week.enrol(app, f"p{number}@readers.example", timezone=name)
    with app.database.write() as session:
        session.execute(update(Subscriber).values(hour=hour))
        zones = dict(session.execute(select(Subscriber.address, Subscriber.timezone)).all())
    came = {name: [] for name in ZONES}
    relay.on_data = lambda: came[zones[relay.recipients[-1]]].append(app.clock())
    for issue in mondays:
        app.clock.now = IssueWeek(issue).cutoff
        assert app.compose() == len(ZONES)
        for delivery in sorted(week.deliveries(app, state="queued"), key=lambda one: one.next_at):
            app.clock.now = delivery.next_at - timedelta(seconds=1)
            assert app.deliver() == 0
            app.clock.now = delivery.next_at
            app.deliver()
        assert app.compose() == 0

    assert {one.state for one in week.deliveries(app)} == {"sent"}
    assert came == {name: [_at(issue, hour, name) for issue in mondays] for name in ZONES}


def _at(day: date, hour: int, name: str) -> datetime:
    first = 1 if (name, day) == ("Asia/Tehran", WITHOUT_MIDNIGHT) else hour
    return datetime.combine(day, time(first), tzinfo=ZoneInfo(name)).astimezone(UTC)
