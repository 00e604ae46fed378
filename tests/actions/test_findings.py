"""Each invariant, broken by hand in the rows of a week that was delivered."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import week
from sqlalchemy import delete, insert, select, update
from week import MONDAY_EVENING

from briefings.actions import account
from briefings.domain import invariants
from briefings.store import deliveries
from briefings.store import invariants as rows
from briefings.store.deliveries import Delivery, Event
from briefings.store.issues import Edition


@pytest.fixture
def delivered(app, relay):
    """Three people's briefings: sent, bounced, and unsubscribed after it had been sent."""
    for number in range(3):
        week.enrol(app, f"p{number}@readers.example")
    app.compose()
    app.clock.now = MONDAY_EVENING
    relay.answers["RCPT p1@readers.example"] = "550 5.1.1 no such person"
    assert app.deliver() == 2
    leave(app, week.deliveries(app)[2].subscriber_id)
    return app


def leave(app, subscriber: int) -> None:
    app.clock.move(minutes=1)
    app.subscribing.unsubscribe(app.links.unsubscribe(subscriber).rpartition("/")[2], app.clock())


def broken(app, **how) -> dict[str, tuple[int, ...]]:
    found = account.findings(app.database, app.clock(), **how)
    assert all((finding.count > 0) == bool(finding.words) for finding in found)
    return {finding.invariant.name: finding.ids for finding in found if finding.count}


def change(app, *statements) -> None:
    with app.database.write() as session:
        for statement in statements:
            session.execute(statement)


def begin_all(app) -> None:
    with app.database.write() as session:
        window = deliveries.lock_due(session, MONDAY_EVENING, 100)
        deliveries.begin(session, window, "w", app.clock(), timedelta(minutes=1))


def events(app) -> list[Event]:
    with app.database.read() as session:
        return list(session.scalars(select(Event).order_by(Event.id)))


def set_(delivery, **values):
    return update(Delivery).where(Delivery.id == delivery.id).values(**values)


def happened(delivery, kind: str, at) -> object:
    return insert(Event).values(delivery_id=delivery.id, kind=kind, at=at, detail={})


def test_a_week_that_went_well_breaks_none_and_each_is_looked_at(delivered):
    named = {value.name for value in vars(invariants).values() if isinstance(value, invariants.Invariant)}
    assert {one.invariant.name for one in account.findings(delivered.database, delivered.clock())} == named
    assert broken(delivered) == broken(delivered, everything=True) == {}


def test_a_mail_that_went_out_and_gave_its_week_back_and_one_that_never_did_and_kept_it(delivered):
    sent, bounced, _ = week.deliveries(delivered)
    change(
        delivered,
        update(Edition).where(Edition.id == sent.edition_id).values(week_number=None),
        update(Edition).where(Edition.id == bounced.edition_id).values(week_number=1),
    )
    assert broken(delivered) == {"one-per-week": (sent.id, bounced.id)}


def test_a_candidate_about_whom_nothing_was_decided(delivered):
    first = week.deliveries(delivered)[0]
    change(delivered, delete(Edition).where(Edition.id == first.edition_id))
    assert broken(delivered) == {"everyone-decided": (first.subscriber_id,)}


def test_an_edition_without_a_mail_and_a_skipped_one_with_one(delivered):
    first, second, _ = week.deliveries(delivered)
    change(
        delivered,
        delete(Delivery).where(Delivery.id == first.id),
        update(Edition).where(Edition.id == second.edition_id).values(skip_reason="paused"),
    )
    assert broken(delivered) == {"each-edition-one-mail": (first.edition_id, second.edition_id)}


def test_a_mail_that_is_held_for_too_long_or_without_an_end(app):
    for number in range(3):
        week.enrol(app, f"p{number}@readers.example")
    app.compose()
    begin_all(app)
    first, second, third = week.deliveries(app)
    over, fresh = app.clock() - timedelta(minutes=4), app.clock() - timedelta(minutes=2)
    change(
        app,
        set_(first, lease_until=over),
        set_(second, lease_until=None),
        set_(third, lease_until=fresh),
    )
    assert broken(app) == {"none-past-lease": (first.id, second.id)}


def test_a_mail_that_was_begun_again_after_it_was_sent(delivered):
    first = week.deliveries(delivered)[0]
    change(delivered, *(happened(first, kind, delivered.clock()) for kind in ("queued", "sending", "sent")))
    assert broken(delivered) == {"no-silent-duplicate": (first.id,), "state-is-fold-of-events": (first.id,)}


def test_a_mail_that_was_begun_after_its_reader_had_left(app, relay):
    gone, back, asks, before = (week.enrol(app, f"{name}@readers.example") for name in ("a", "b", "c", "d"))
    app.compose()
    of = {one.subscriber_id: one for one in week.deliveries(app)}
    change(app, happened(of[before], "sending", app.clock() + timedelta(hours=1)))
    for person in of:
        leave(app, person)
    app.clock.move(minutes=1)
    token = app.links.unsubscribe(back).rpartition("/")[2]
    app.subscribing.resubscribe(token, app.clock())
    app.clock.move(minutes=1)
    change(
        app,
        *(happened(of[person], "sending", app.clock()) for person in (gone, back, asks)),
        update(Delivery).values(changed_at=app.clock()),
        set_(of[asks], kind="confirm"),
    )
    assert broken(app)["none-after-leaving"] == (of[gone].id,)


def test_a_mail_that_was_begun_after_its_latest_moment(delivered):
    first, second, _ = week.deliveries(delivered)
    change(
        delivered, set_(first, not_after=MONDAY_EVENING - timedelta(seconds=1)), set_(second, not_after=MONDAY_EVENING)
    )
    assert broken(delivered) == {"late-sends-nothing": (first.id,)}


def test_a_state_that_no_event_tells_of(delivered):
    first, second, _ = week.deliveries(delivered)
    change(delivered, set_(first, state="delivered"), delete(Event).where(Event.delivery_id == second.id))
    assert broken(delivered) == {"state-is-fold-of-events": (first.id, second.id)}


def test_old_mails_are_held_against_their_events_only_when_all_are_and_batches_leave_none_out(delivered, monkeypatch):
    monkeypatch.setattr(rows, "BATCH", 2)
    old = week.deliveries(delivered)
    delivered.clock.move(weeks=1)
    delivered.compose()
    new = week.deliveries(delivered)[-1]
    change(delivered, *(set_(one, state="delivered") for one in (*old, new)))
    everything = broken(delivered, everything=True)["state-is-fold-of-events"]
    assert broken(delivered)["state-is-fold-of-events"] == (new.id,)
    assert everything == (*(one.id for one in old), new.id)


def test_who_was_forgotten_long_ago_is_no_false_alarm(delivered):
    delivered.clock.move(days=40)
    delivered.tidy()
    delivered.compose()
    assert "" in {one.address for one in week.deliveries(delivered)}
    assert broken(delivered, everything=True) == {}


def test_at_most_ten_offenders_are_named_and_all_are_counted(app):
    for number in range(12):
        week.enrol(app, f"p{number}@readers.example")
    app.compose()
    begin_all(app)
    change(app, update(Delivery).values(lease_until=None))
    (lease,) = (one for one in account.findings(app.database, app.clock()) if one.count)
    assert (lease.count, lease.ids) == (12, tuple(one.id for one in week.deliveries(app)[:10]))


def test_who_leaves_while_their_mail_is_being_written_has_left_after_it_was_begun(app):
    person = week.enrol(app)
    app.compose()
    (mail,) = week.deliveries(app)
    with ThreadPoolExecutor(1) as pool:
        with app.database.write() as session:
            window = deliveries.lock_due(session, mail.next_at, 1)
            leaving = pool.submit(leave, app, person)
            with pytest.raises(TimeoutError):
                leaving.result(0.3)
            deliveries.begin(session, window, "w", app.clock(), timedelta(minutes=1))
        leaving.result(10)
    kinds = [one.kind for one in events(app) if one.kind in {"sending", "unsubscribed"}]
    assert kinds == ["sending", "unsubscribed"]
