"""What happens after a person has left, and what staff hear of an issue."""

from datetime import timedelta

import pytest
import week
from sqlalchemy import update
from week import MONDAY_EVENING

from briefings.store.issues import Issue
from briefings.store.subscribers import Subscriber

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def leave(app, subscriber: int) -> str:
    """Leave by the button of our page. Returns the token of the link."""
    token = app.links.unsubscribe(subscriber).rpartition("/")[2]
    app.subscribing.say_goodbye(app.subscribing.unsubscribe(token, app.clock()).id, app.clock())
    return token


def test_who_leaves_on_our_page_gets_one_receipt_from_the_account_address(app, relay):
    subscriber = week.enrol(app)
    leave(app, subscriber)
    leave(app, subscriber)

    assert app.deliver() == 1
    (mail,) = relay.mails
    assert mail["Subject"] == "You are unsubscribed"
    assert mail["From"].addresses[0].username == "account"
    assert mail["List-Unsubscribe"] is None
    assert app.links.unsubscribe(subscriber) in mail.get_body(("plain",)).get_content()


def test_who_comes_back_before_the_receipt_goes_gets_none(app, relay):
    token = leave(app, week.enrol(app))
    app.subscribing.resubscribe(token, app.clock())

    assert app.deliver() == 0
    assert [(one.kind, one.state, one.reason) for one in week.deliveries(app)] == [("goodbye", "skipped", "came-back")]


@pytest.mark.parametrize("reason", ["bounced", "complained"])
def test_an_address_that_takes_no_mail_gets_no_receipt(app, reason):
    from briefings.store import subscribers

    subscriber = week.enrol(app)
    with app.database.write() as session:
        subscribers.suppress(session, session.get_one(Subscriber, subscriber).address_key, reason, app.clock())
    leave(app, subscriber)
    assert app.deliver() == 0


def test_who_never_confirmed_gets_no_receipt(app):
    subscriber = week.enrol(app)
    with app.database.write() as session:
        session.execute(update(Subscriber).values(confirmed_at=None))
    leave(app, subscriber)
    assert week.deliveries(app, kind="goodbye") == []


def test_staff_hear_once_of_an_issue_on_the_evening_after_its_monday(app, relay):
    week.enrol(app, week=5)
    paused = week.enrol(app, "paused@readers.example")
    with app.database.write() as session:
        session.execute(update(Subscriber).where(Subscriber.id == paused).values(state="paused"))
    assert app.send_digest() is False  # there is no issue yet
    app.compose()
    app.clock.now = MONDAY_EVENING
    app.deliver()
    assert app.send_digest() is False

    app.clock.now = MONDAY_EVENING + timedelta(days=1)
    assert (app.send_digest(), app.send_digest()) == (True, False)

    mail = relay.mails[-1]
    assert (mail["To"], mail["Subject"]) == ("editors@briefings.example", "2026-W48: 1 of 2 briefings sent")
    assert mail["From"].addresses[0].username == "account"
    assert "1 paused: they have paused; their week waits" in mail.get_body(("plain",)).get_content()
    assert app.ledger().imbalances() == []


def test_a_digest_that_the_relay_refuses_is_tried_again(app, relay):
    app.compose()
    app.clock.now = MONDAY_EVENING + timedelta(days=1)
    relay.answers["RCPT"] = "450 later"
    assert app.send_digest() is False
    del relay.answers["RCPT"]
    assert app.send_digest() is True
    with app.database.read() as session:
        assert session.query(Issue).count() == 1
