from dataclasses import replace
from datetime import timedelta

import week
from sqlalchemy import select
from test_subscribe import sign_up

from briefings.store.deliveries import Delivery, Event, event_at, mark
from briefings.store.feeds import Fetch
from briefings.store.subscribers import Plan, Subscriber, Suppression, WeekContent, replace_weeks, weeks


def test_tidying_is_done_once_a_day(app):
    assert (app.tidy(), app.tidy()) == (True, False)
    app.clock.move(days=1)
    assert app.tidy()


def test_who_never_confirmed_is_forgotten_after_eight_days(app):
    sign_up(app)
    app.clock.move(days=7)
    app.tidy()
    with app.database.read() as session:
        assert len(session.scalars(select(Subscriber)).all()) == 1
    app.clock.move(days=2)
    app.tidy()
    with app.database.read() as session:
        assert session.scalars(select(Subscriber)).all() == []
        assert session.scalars(select(Plan)).all() == []


def test_the_address_of_who_left_is_forgotten_after_thirty_days_and_the_suppression_stays(app):
    subscriber = week.enrol(app)
    app.subscribing.unsubscribe(app.links.unsubscribe(subscriber).rpartition("/")[2], app.clock())
    app.clock.move(days=31)
    app.tidy()
    with app.database.read() as session:
        assert session.scalars(select(Subscriber.address)).all() == [""]
        assert session.scalars(select(Suppression.reason)).all() == ["unsubscribed"]


def test_old_fetches_go(app):
    feed = week.add_feed(app)
    with app.database.write() as session:
        for days in (1, 31):
            at = app.clock() - timedelta(days=days)
            session.add(Fetch(feed_id=feed, at=at, conditional=False, milliseconds=1, size=1))
    app.tidy()
    with app.database.read() as session:
        assert len(session.scalars(select(Fetch)).all()) == 1


def test_a_new_sign_up_of_an_old_pending_person_is_kept(app):
    sign_up(app)
    app.clock.move(days=8)
    sign_up(app)
    app.clock.move(hours=4)
    app.tidy()
    app.clock.move(days=1)
    app.tidy()
    with app.database.read() as session:
        assert len(session.scalars(select(Plan)).all()) == 1


def test_nothing_of_a_forgotten_address_stays_in_mails_and_replies(app, relay):
    subscriber = week.enrol(app)
    app.compose()
    app.clock.now = week.MONDAY_EVENING
    relay.answers["RCPT"] = "451 4.2.1 ana@readers.example is busy"
    app.deliver()
    app.subscribing.unsubscribe(app.links.unsubscribe(subscriber).rpartition("/")[2], app.clock())
    app.clock.move(days=32)
    app.tidy()
    with app.database.read() as session:
        everything = [*session.scalars(select(Delivery.address)), *session.scalars(select(Subscriber.address))]
        everything += [str(detail) for detail in session.scalars(select(Event.detail))]
    assert "ana@readers.example" not in " ".join(everything)


def test_what_no_plan_says_any_more_is_forgotten_and_what_others_still_say_stays(app):
    ana, _ = (week.enrol(app, f"{name}@readers.example") for name in ("ana", "ben"))
    with app.database.write() as session:
        plan = session.scalars(select(Plan).where(Plan.subscriber_id == ana)).one()
        replace_weeks(session, plan.id, [replace(weeks(session, [plan.id])[plan.id][5], theme="Her own theme")])
        assert len(session.scalars(select(WeekContent)).all()) == 13
        session.delete(plan)
    app.tidy()
    with app.database.read() as session:
        assert len(session.scalars(select(WeekContent)).all()) == 12


def test_the_newest_event_is_never_deleted_so_that_witnesses_know_the_database_by_its_number(app):
    app.compose()
    sign_up(app)
    with app.database.read() as session:
        before = mark(session)
    app.clock.move(days=9)
    app.tidy()
    with app.database.read() as session:
        assert event_at(session, before.event) is None
        assert mark(session).event > before.event
