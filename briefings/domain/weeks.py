"""The plan-week clock: calendar weeks (issues), plan weeks, and each reader's own Monday morning."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from briefings.domain.catalogue import PLAN_WEEKS
from briefings.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection

#: News is cut off, and editions are composed, at this moment of the Sunday before (UTC): earlier than the first
#: midnight of Monday anywhere on earth (UTC+14, Sunday 10:00 UTC).
CUTOFF = time(9, 0, tzinfo=UTC)
#: Names in the time zone database that are no place: they mean something else on every machine.
NOWHERE = {"localtime", "Factory"}
#: Whoever joins this shortly before a cut-off belongs to the next issue: their row may be committed after it.
JOIN_MARGIN = timedelta(minutes=5)
#: How far back a story may lie and still be this week's news.
NEWS_WINDOW = timedelta(days=10)


@dataclass(frozen=True, order=True)
class IssueWeek:
    """One calendar week's run, named by its Monday."""

    monday: date

    @property
    def key(self) -> str:
        """The ISO 8601 week, such as `2026-W48`."""
        year, week, _ = self.monday.isocalendar()
        return f"{year}-W{week:02d}"

    @property
    def joined_before(self) -> datetime:
        """Until when a person must have joined to be a candidate (UTC)."""
        return self.cutoff - JOIN_MARGIN

    @property
    def cutoff(self) -> datetime:
        """When its news ends and its editions are composed (UTC)."""
        return datetime.combine(self.monday - timedelta(days=1), CUTOFF)


def issue_at(now: datetime) -> IssueWeek:
    """The newest issue whose cut-off has come at `now`."""
    this_monday = monday_of(now.astimezone(UTC).date())
    following = IssueWeek(this_monday + timedelta(weeks=1))
    return following if following.cutoff <= now else IssueWeek(this_monday)


def monday_of(day: date) -> date:
    """The Monday of the week in which `day` lies."""
    return day - timedelta(days=day.weekday())


def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises InputError when there is none of that name."""
    if name not in _zones():
        raise InputError(f"There is no time zone {name[:60]!r}; choose one such as Europe/Berlin from the list")
    return ZoneInfo(name)


@cache
def _zones() -> frozenset[str]:
    """Finding them reads a folder of six hundred files."""
    return frozenset(available_timezones() - NOWHERE)


def send_at(issue: IssueWeek, where: ZoneInfo, weekday: int = 0, hour: int = 7) -> datetime:
    """The moment (UTC) of a reader's own hour in the issue's week; weekday 0 is Monday.

    An hour that the clock jumps over in spring means the first hour that exists after it; an hour that comes
    twice in autumn means the first of the two.
    """
    local = datetime.combine(issue.monday + timedelta(days=weekday), time(hour), tzinfo=where)
    return local.astimezone(UTC)


def first_monday(now: datetime, where: ZoneInfo) -> date:
    """The Monday on which a plan starts that is confirmed at `now`: the first whose cut-off is yet to come."""
    local_next = monday_of(now.astimezone(where).date()) + timedelta(weeks=1)
    return local_next if IssueWeek(local_next).joined_before > now else local_next + timedelta(weeks=1)


def plan_week(starts_on: date, issue: IssueWeek, held: Collection[int], weeks_before: int = 0) -> int | str:
    """The plan week (1-12) that an issue brings, or the reason why it brings none.

    `held` are the weeks that an edition was sent for, or may yet be; `weeks_before` how many the person had
    before coming to us. The week number counts weeks delivered,
    not weeks elapsed: a pause freezes it, and a week that never arrived comes again.
    """
    if issue.monday < starts_on:
        return "not-started"
    return next((week for week in range(weeks_before + 1, PLAN_WEEKS + 1) if week not in held), "finished")


def last_weeks(end: datetime, number: int) -> list[tuple[datetime, datetime]]:
    """The seven days up to a moment, and as many times the seven before: beginnings and ends, the newest first."""
    ends = [end - timedelta(weeks=back) for back in range(number)]
    return [(one - timedelta(weeks=1), one) for one in ends]


def field_week(held: Collection[int]) -> int:
    """The number of the next briefing beyond a plan: 13 and on, so that what arrived can be told from what did not."""
    return max(PLAN_WEEKS, *held) + 1 if held else PLAN_WEEKS + 1
