from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
import week
from sqlalchemy import select, update
from week import MONDAY_EVENING

from briefings.errors import InputError, NotFoundError
from briefings.store.deliveries import Delivery, Event, ticked_tasks
from briefings.store.issues import Edition
from briefings.store.subscribers import Plan, Subscriber, candidates, newest_plan, weeks


def plan_of(app, subscriber: int) -> Plan:
    with app.database.read() as session:
        return newest_plan(session, subscriber)


def weeks_of(app, subscriber: int) -> dict:
    with app.database.read() as session:
        plan = newest_plan(session, subscriber)
        return weeks(session, [plan.id])[plan.id]


def state(app, subscriber: int) -> str:
    with app.database.read() as session:
        return session.get(Subscriber, subscriber).state


def next_issue(app) -> int:
    """A week passes; the next issue is composed and sent."""
    app.clock.now = MONDAY_EVENING - timedelta(days=1, hours=10) + timedelta(weeks=next_issue.count)
    next_issue.count += 1
    decided = app.compose()
    app.clock.move(days=1, hours=10)
    app.deliver()
    return decided


@pytest.fixture(autouse=True)
def _first_issue():
    next_issue.count = 0


def reasons(app, subscriber: int) -> list[str | None]:
    with app.database.read() as session:
        found = select(Edition.skip_reason).where(Edition.subscriber_id == subscriber).order_by(Edition.id)
        return list(session.scalars(found))


# ---------------------------------------------------------------- tasks


def test_tasks_are_ticked_and_unticked(app):
    subscriber = week.enrol(app)
    first, second = (task.id for task in weeks_of(app, subscriber)[1].tasks[:2])
    app.adjusting.tick(subscriber, first, done=True, now=app.clock())
    app.adjusting.tick(subscriber, second, done=True, now=app.clock())
    app.adjusting.tick(subscriber, first, done=False, now=app.clock())
    with app.database.read() as session:
        plan = newest_plan(session, subscriber)
        assert ticked_tasks(session, subscriber, plan.id) == {second}
        assert ticked_tasks(session, subscriber, plan.id + 1) == set()
    with pytest.raises(InputError, match="take the tick back"):
        app.adjusting.exchange(subscriber, 1, second, "", app.clock())
    with pytest.raises(InputError, match="not in your plan"):
        app.adjusting.tick(subscriber, "somebody-elses-task", done=True, now=app.clock())


def test_a_task_put_away_is_gone_and_stays_away_when_the_pace_changes(app):
    subscriber = week.enrol(app)
    out = weeks_of(app, subscriber)[6].tasks[1].id
    app.adjusting.exchange(subscriber, 6, out, "", app.clock())
    assert out not in {task.id for task in weeks_of(app, subscriber)[6].tasks}

    app.adjusting.pace(subscriber, 12, (), app.clock())
    assert out not in {task.id for one in weeks_of(app, subscriber).values() for task in one.tasks}


def test_a_task_is_exchanged_for_another_of_its_week_and_that_survives_a_change_of_pace(app):
    subscriber = week.enrol(app, hours=12)
    template = app.catalogue.specialization[week.MLOPS].plan.weeks[5]
    made = weeks_of(app, subscriber)
    inside = {task.id for one in made.values() for task in one.tasks}
    other = next(task for task in template.tasks if task.id not in inside)
    out = made[6].tasks[1].id

    app.adjusting.exchange(subscriber, 6, out, other.id, app.clock())
    assert other.id in {task.id for task in weeks_of(app, subscriber)[6].tasks}

    app.adjusting.pace(subscriber, 8, (), app.clock())
    again = {task.id for task in weeks_of(app, subscriber)[6].tasks}
    assert other.id in again
    assert out not in again


def test_the_goal_and_tool_of_a_week_follow_what_is_put_away_also_when_it_is_delivered(app):
    subscriber = week.enrol(app, week=9)
    next_issue(app)
    template = app.catalogue.specialization[week.MLOPS].plan.weeks[8]
    before = weeks_of(app, subscriber)[9]
    out = next(task.id for task in before.tasks[1:] if task.id in template.goal_needs)
    app.adjusting.exchange(subscriber, 9, out, "", app.clock())
    after = weeks_of(app, subscriber)[9]
    assert (before.goal, after.goal == template.goal) == (template.goal, False)
    assert "Fitted the goal to the tasks that you have." in after.changes


def test_the_only_task_of_a_week_cannot_be_put_away(app):
    subscriber = week.enrol(app, hours=1)
    before = weeks_of(app, subscriber)
    with pytest.raises(InputError, match="The week would be empty"):
        app.adjusting.exchange(subscriber, 9, before[9].tasks[0].id, "", app.clock())
    assert weeks_of(app, subscriber) == before
    assert plan_of(app, subscriber).put_away == []


def test_a_task_put_away_is_taken_in_again_and_stays_when_the_pace_changes(app):
    subscriber = week.enrol(app)
    out = weeks_of(app, subscriber)[6].tasks[1]
    app.adjusting.exchange(subscriber, 6, out.id, "", app.clock())
    app.adjusting.exchange(subscriber, 6, "", out.id, app.clock())
    assert out.id in {task.id for task in weeks_of(app, subscriber)[6].tasks}
    app.adjusting.pace(subscriber, 5, (), app.clock())
    assert out.id in {task.id for task in weeks_of(app, subscriber)[6].tasks}
    plan = plan_of(app, subscriber)
    assert (plan.put_away, plan.taken_in) == ([], [out.id])


@pytest.mark.parametrize(("number", "into"), [(6, "safety-01-anything"), (13, "")])
def test_a_task_or_week_that_the_plan_does_not_have_cannot_be_chosen(app, number, into):
    subscriber = week.enrol(app)
    with pytest.raises(InputError, match="open the plan page anew"):
        app.adjusting.exchange(subscriber, number, weeks_of(app, subscriber)[6].tasks[0].id, into, app.clock())


# ---------------------------------------------------------------- pace


def test_another_pace_changes_only_the_weeks_to_come_and_keeps_what_was_ticked(app):
    subscriber = week.enrol(app, week=3, hours=5)
    next_issue(app)
    before = weeks_of(app, subscriber)
    ticked = before[5].tasks[2]
    app.adjusting.tick(subscriber, ticked.id, done=True, now=app.clock())

    app.adjusting.pace(subscriber, 1, ["docker"], app.clock())

    after = weeks_of(app, subscriber)
    assert [after[number] for number in (1, 2, 3)] == [before[number] for number in (1, 2, 3)]
    assert all(after[number].minutes <= 60 for number in (4, 6, 7, 8, 9, 10, 11, 12))
    assert ticked in after[5].tasks
    plan = plan_of(app, subscriber)
    assert (plan.hours, plan.known) == (1, ["docker"])


def test_a_pace_that_nobody_can_choose_changes_nothing(app):
    subscriber = week.enrol(app)
    before = weeks_of(app, subscriber)
    with pytest.raises(InputError, match="choose between 1 and 12"):
        app.adjusting.pace(subscriber, 99, (), app.clock())
    assert weeks_of(app, subscriber) == before
    assert plan_of(app, subscriber).hours == 4


# ---------------------------------------------------------------- start and pause


def test_a_start_is_shifted_and_nothing_comes_before_it(app):
    subscriber = week.enrol(app)
    later = date(2026, 12, 7)
    app.adjusting.start_on(subscriber, later, app.clock())
    assert next_issue(app) == 1
    assert next_issue(app) == 1
    assert reasons(app, subscriber) == ["not-started", "not-started"]
    assert next_issue(app) == 1
    assert reasons(app, subscriber)[2] is None
    assert len(week.deliveries(app, kind="briefing")) == 1


@pytest.mark.parametrize("day", [date(2026, 12, 8), date(2026, 11, 16), date(2027, 11, 1)])
def test_a_start_on_another_day_in_the_past_or_far_away_is_refused(app, day):
    subscriber = week.enrol(app)
    with pytest.raises(InputError, match="not one of the next 12 Mondays"):
        app.adjusting.start_on(subscriber, day, app.clock())


def test_a_plan_that_has_begun_is_paused_and_not_shifted(app):
    subscriber = week.enrol(app, week=2)
    with pytest.raises(InputError, match="pause it instead"):
        app.adjusting.start_on(subscriber, date(2026, 12, 7), app.clock())


def test_a_pause_freezes_the_week_number(app):
    subscriber = week.enrol(app, week=5)
    app.adjusting.change_state(subscriber, "pause", app.clock())
    next_issue(app)
    next_issue(app)
    assert reasons(app, subscriber) == ["paused", "paused"]
    app.adjusting.change_state(subscriber, "resume", app.clock())
    next_issue(app)
    with app.database.read() as session:
        assert session.scalars(select(Edition.week_number).order_by(Edition.id.desc()).limit(1)).one() == 5


def test_to_pause_or_go_on_twice_changes_nothing_more(app):
    subscriber = week.enrol(app)
    for act, expected in (("resume", "active"), ("pause", "paused"), ("pause", "paused"), ("resume", "active")):
        app.adjusting.change_state(subscriber, act, app.clock())
        assert state(app, subscriber) == expected


def test_what_is_not_open_to_a_person_is_refused(app):
    subscriber = week.enrol(app)
    with app.database.write() as session:
        session.get(Subscriber, subscriber).state = "finished"
    with pytest.raises(InputError, match="It is finished now, so “pause” is not open to you"):
        app.adjusting.change_state(subscriber, "pause", app.clock())
    with pytest.raises(InputError, match="It is current now, so “follow the field” is not open"):
        app.adjusting.follow_field(subscriber, app.clock())


@pytest.mark.parametrize(
    ("subscriber_state", "plan_state", "words"),
    [("left", "current", "undo that"), ("active", "field", "start a new plan")],
)
def test_who_has_left_or_follows_the_field_has_no_tasks_to_change(app, subscriber_state, plan_state, words):
    subscriber = week.enrol(app)
    task = weeks_of(app, subscriber)[1].tasks[0].id
    with app.database.write() as session:
        newest_plan(session, subscriber).state = plan_state
        session.get(Subscriber, subscriber).state = subscriber_state
    now = app.clock()
    for change in (
        lambda: app.adjusting.tick(subscriber, task, done=True, now=now),
        lambda: app.adjusting.exchange(subscriber, 1, task, "", now),
        lambda: app.adjusting.pace(subscriber, 2, (), now),
        lambda: app.adjusting.start_on(subscriber, date(2026, 12, 7), now),
    ):
        with pytest.raises(InputError, match=words):
            change()


def test_a_person_without_a_plan_can_change_none(app):
    with pytest.raises(NotFoundError, match="start a new one"):
        app.adjusting.pace(999, 3, (), app.clock())
    with pytest.raises(NotFoundError, match="start a new one"):
        app.adjusting.follow_field(999, app.clock())


# ---------------------------------------------------------------- after week 12


def test_after_week_12_a_mail_sums_up_and_the_field_briefing_goes_on_without_tasks(app, relay):
    feed = week.add_feed(app)
    week.add_items(app, feed, "vLLM 1.0 serves twice as fast")
    subscriber = week.enrol(app, week=12)
    last = weeks_of(app, subscriber)[12].tasks[0]
    app.adjusting.tick(subscriber, last.id, done=True, now=app.clock())
    next_issue(app)
    next_issue(app)

    assert (state(app, subscriber), plan_of(app, subscriber).state) == ("finished", "finished")
    assert relay.mails[-1]["Subject"].startswith("Twelve weeks, done: 1 of ")
    text = relay.mails[-1].get_body(("plain",)).get_content()
    assert f"Week 12: {last.artefact}".split()[:6] == text[text.index("Week 12:") :].split()[:6]
    assert relay.mails[-1]["List-Unsubscribe"] is None

    app.adjusting.follow_field(subscriber, app.clock())
    app.clock.move(hours=1)
    week.add_items(app, feed, "vLLM 1.1 halves the KV cache", at=app.clock(), folder="later/")
    assert next_issue(app) == 1

    assert (state(app, subscriber), plan_of(app, subscriber).state) == ("active", "field")
    assert relay.mails[-1]["Subject"] == "Your field this week: read 1 story"
    html = relay.mails[-1].get_body(("html",)).get_content()
    assert "vLLM 1.1 halves the KV cache" in html
    assert "Tool and skill of the week" not in html
    assert "of 12" not in html

    assert next_issue(app) == 1
    assert reasons(app, subscriber)[-1] == "no-match"


def test_a_person_who_is_finished_with_a_plan_still_current_stops_composing_for_nobody(app):
    odd, other = week.enrol(app), week.enrol(app, "ben@readers.example")
    with app.database.write() as session:
        session.get(Subscriber, odd).state = "finished"
    assert next_issue(app) == 2
    assert (reasons(app, odd), reasons(app, other)) == (["finished"], [None])
    assert next_issue(app) == 2


def test_week_12_is_not_over_while_its_mail_waits(app):
    subscriber = week.enrol(app, week=12)
    app.compose()
    with app.database.write() as session:
        session.execute(update(Delivery).values(not_after=app.clock() + timedelta(weeks=9)))
    app.clock.move(weeks=1)
    app.compose()
    assert reasons(app, subscriber) == [None, "last-week-under-way"]
    assert (state(app, subscriber), plan_of(app, subscriber).state) == ("active", "current")
    app.deliver()
    app.clock.move(weeks=1)
    app.compose()
    assert (state(app, subscriber), plan_of(app, subscriber).state) == ("finished", "finished")
    assert {delivery.state for delivery in week.deliveries(app, kind="briefing")} == {"sent"}


@pytest.mark.parametrize("stands", ["sending", "unknown"])
def test_week_12_is_not_over_while_nobody_knows_what_became_of_its_mail(app, stands):
    subscriber = week.enrol(app, week=12)
    app.compose()
    with app.database.write() as session:
        session.execute(update(Delivery).values(state=stands))
    app.clock.move(weeks=1)
    app.compose()
    assert reasons(app, subscriber) == [None, "last-week-under-way"]


def test_two_people_who_finish_get_a_mail_each(app, relay):
    for name in ("ana", "ben"):
        week.enrol(app, f"{name}@readers.example", week=12)
    next_issue(app)
    next_issue(app)
    assert len({mail["To"] for mail in relay.mails if mail["Subject"].startswith("Twelve weeks, done")}) == 2


def test_nobody_pauses_while_an_issue_decides_about_them(app):
    subscriber = week.enrol(app)
    with ThreadPoolExecutor() as pool:
        with app.database.write() as session:
            people = candidates(session, 0, 10, app.clock())
            pause = pool.submit(app.adjusting.change_state, subscriber, "pause", app.clock())
            with pytest.raises(TimeoutError):
                pause.result(timeout=0.5)
            assert people[0].subscriber.state == "active"
        pause.result(timeout=30)
    assert state(app, subscriber) == "paused"


def test_the_preview_of_somebody_who_follows_the_field_is_their_field_briefing(app):
    feed = week.add_feed(app)
    week.add_items(app, feed, "vLLM 1.0 serves twice as fast")
    subscriber = week.enrol(app, week=12)
    with app.database.write() as session:
        newest_plan(session, subscriber).state = "field"
    letter = app.preview("ana@readers.example", 3)
    assert dict(letter.headers)["Subject"] == "Your field this week: read 1 story"


def test_every_change_leaves_an_event(app):
    subscriber = week.enrol(app)
    app.adjusting.pace(subscriber, 3, (), app.clock())
    app.adjusting.change_state(subscriber, "pause", app.clock())
    with app.database.read() as session:
        kinds = session.scalars(select(Event.kind).where(Event.subscriber_id == subscriber)).all()
    assert {"pace-changed", "pause"} <= set(kinds)
