from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from briefings.domain.catalogue import PLAN_WEEKS
from briefings.domain.weeks import IssueWeek, field_week, first_monday, issue_at, monday_of, plan_week, send_at, zone
from briefings.errors import InputError

ZONES = sorted(name for name in available_timezones() if "/" in name)
BERLIN = ZoneInfo("Europe/Berlin")
zones = st.sampled_from(ZONES).map(ZoneInfo)
days = st.dates(date(2024, 1, 1), date(2045, 12, 31))
issues = days.map(lambda day: IssueWeek(monday_of(day)))
moments = st.datetimes(datetime(2024, 1, 1), datetime(2045, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
weekdays, hours = st.integers(0, 6), st.integers(0, 23)
many = settings(max_examples=150, deadline=None)


def test_a_zone_that_means_something_else_on_another_machine_is_none():
    for name in ("localtime", "Factory"):
        with pytest.raises(InputError, match="no time zone"):
            zone(name)


# ---------------------------------------------------------------- issues


def test_an_issue_is_named_by_its_iso_week():
    assert IssueWeek(date(2026, 11, 23)).key == "2026-W48"


@pytest.mark.parametrize(("key", "monday"), [("2026-W53", date(2026, 12, 28)), ("2020-W53", date(2020, 12, 28))])
def test_a_year_may_have_53_weeks(key, monday):
    assert IssueWeek(monday).key == key
    assert issue_at(IssueWeek(monday).cutoff).key == key


@many
@given(issue=issues)
def test_an_issue_comes_with_its_cutoff_and_not_a_moment_before(issue):
    assert issue_at(issue.cutoff) == issue
    assert issue_at(issue.cutoff - timedelta(microseconds=1)) == IssueWeek(issue.monday - timedelta(weeks=1))


@many
@given(now=moments)
def test_the_newest_issue_is_the_last_one_cut_off(now):
    issue = issue_at(now)
    assert issue.cutoff <= now < issue.cutoff + timedelta(weeks=1)


# ---------------------------------------------------------------- sending


def test_a_reader_gets_the_mail_at_seven_of_their_own_clock():
    issue = IssueWeek(date(2026, 11, 23))
    assert send_at(issue, BERLIN) == datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert send_at(issue, ZoneInfo("Pacific/Kiritimati")) == datetime(2026, 11, 22, 17, tzinfo=UTC)
    assert send_at(issue, BERLIN, weekday=4, hour=18) == datetime(2026, 11, 27, 17, tzinfo=UTC)


def test_an_hour_that_the_clock_jumps_over_means_the_first_hour_after_it():
    spring = IssueWeek(date(2026, 3, 23))
    assert send_at(spring, BERLIN, weekday=6, hour=2) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert send_at(spring, BERLIN, weekday=6, hour=2).astimezone(BERLIN).hour == 3


def test_an_hour_that_comes_twice_means_the_first_of_the_two():
    autumn = IssueWeek(date(2026, 10, 19))
    assert send_at(autumn, BERLIN, weekday=6, hour=2) == datetime(2026, 10, 25, 0, tzinfo=UTC)


@many
@given(issue=issues, where=zones, weekday=weekdays, hour=hours)
def test_every_reader_gets_the_mail_on_their_own_day_at_their_own_hour(issue, where, weekday, hour):
    wanted = datetime.combine(issue.monday + timedelta(days=weekday), time(hour))
    local = send_at(issue, where, weekday, hour).astimezone(where).replace(tzinfo=None)
    before = datetime.combine(issue.monday, time(), tzinfo=UTC) - timedelta(days=2)
    assert before < send_at(issue, where, weekday, hour)
    if local != wanted:
        assert is_jumped_over(wanted, where)
        assert wanted < local <= wanted + timedelta(hours=2)


def is_jumped_over(wall: datetime, where: ZoneInfo) -> bool:
    return wall.replace(tzinfo=where).astimezone(UTC).astimezone(where).replace(tzinfo=None) != wall


@many
@given(issue=issues, where=zones, weekday=weekdays, hour=hours)
def test_no_hour_of_the_week_comes_before_the_cutoff_anywhere_on_earth(issue, where, weekday, hour):
    assert issue.cutoff < send_at(issue, where, weekday, hour)


def test_the_cutoff_precedes_the_first_monday_midnight_in_every_zone_there_is():
    issue = IssueWeek(date(2026, 11, 23))
    assert all(issue.cutoff < send_at(issue, ZoneInfo(name), 0, 0) for name in ZONES)


# ---------------------------------------------------------------- the first Monday


def test_a_plan_confirmed_in_the_week_starts_on_the_next_monday():
    assert first_monday(datetime(2026, 11, 18, 12, tzinfo=UTC), BERLIN) == date(2026, 11, 23)


def test_a_plan_confirmed_after_the_cutoff_starts_a_week_later():
    assert first_monday(datetime(2026, 11, 22, 9, tzinfo=UTC), BERLIN) == date(2026, 11, 30)


@many
@given(now=moments, where=zones)
def test_a_plan_starts_with_an_issue_that_is_not_yet_cut_off_and_within_a_fortnight(now, where):
    monday = first_monday(now, where)
    assert monday.weekday() == 0
    assert now < IssueWeek(monday).cutoff
    assert monday - now.astimezone(where).date() <= timedelta(days=14)


def test_a_time_zone_that_does_not_exist_is_refused():
    assert zone("Asia/Tokyo") == ZoneInfo("Asia/Tokyo")
    with pytest.raises(InputError, match="choose one such as Europe/Berlin"):
        zone("../../etc/passwd")


# ---------------------------------------------------------------- the plan week

START = IssueWeek(date(2026, 11, 23))


def test_no_week_comes_before_the_plan_starts():
    assert plan_week(START.monday, IssueWeek(date(2026, 11, 16)), ()) == "not-started"
    assert plan_week(START.monday, START, ()) == 1


def test_a_person_who_comes_from_elsewhere_goes_on_where_they_were():
    assert plan_week(START.monday, START, (), weeks_before=4) == 5
    assert plan_week(START.monday, START, (5, 6), weeks_before=4) == 7
    assert plan_week(START.monday, START, (), weeks_before=PLAN_WEEKS) == "finished"


def test_a_week_that_never_arrived_comes_again_before_the_next():
    assert plan_week(START.monday, START, {1, 2, 4}) == 3


@many
@given(calendar=st.lists(st.sampled_from(["sent", "paused", "gave-back"]), max_size=40))
def test_a_pause_freezes_the_week_and_no_week_that_is_held_comes_twice(calendar):
    held: list[int] = []
    for elapsed, what in enumerate(calendar):
        issue = IssueWeek(START.monday + timedelta(weeks=elapsed))
        week = plan_week(START.monday, issue, held)
        if len(held) == PLAN_WEEKS:
            assert week == "finished"
        else:
            assert week == len(held) + 1
        if what == "sent" and isinstance(week, int):
            held.append(week)
    assert len(set(held)) == len(held)


@many
@given(held=st.sets(st.integers(1, PLAN_WEEKS)), before=st.integers(0, PLAN_WEEKS))
def test_the_week_is_the_first_that_is_not_held(held, before):
    week = plan_week(START.monday, START, held, before)
    if week == "finished":
        assert set(range(before + 1, PLAN_WEEKS + 1)) <= held
    else:
        assert before < week <= PLAN_WEEKS
        assert week not in held
        assert set(range(before + 1, week)) <= held


@pytest.mark.parametrize(
    ("held", "number"),
    [(set(), 13), ({*range(1, 13)}, 13), ({11, 12}, 13), ({12, 13}, 14), ({13, 15}, 16)],
)
def test_a_briefing_beyond_the_plan_counts_on_from_13(held, number):
    assert field_week(held) == number
