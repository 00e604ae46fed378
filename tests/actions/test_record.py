from datetime import timedelta

import week
from sent_mail import add_sent, bounce, event_kinds, state_of, suppressions
from sqlalchemy import select
from week import MONDAY_EVENING

from briefings.domain.deliveries import State
from briefings.store.deliveries import Event
from briefings.store.issues import Edition
from briefings.store.subscribers import Suppression


def sent(app) -> str:
    week.enrol(app)
    app.compose()
    app.clock.now = MONDAY_EVENING
    app.deliver()
    return week.deliveries(app)[0].uid


def test_a_bounce_mail_suppresses_the_address_and_gives_the_week_back(app):
    uid = sent(app)
    assert app.record_bounce(bounce(uid)) == "bounced"
    assert week.deliveries(app)[0].state == "bounced"
    with app.database.read() as session:
        assert session.scalars(select(Suppression.reason)).all() == ["bounced"]
        assert session.scalars(select(Edition.week_number)).all() == [None]


def test_a_bounce_mail_that_comes_twice_counts_once(app):
    raw = bounce(sent(app))
    assert app.record_bounce(raw) == "bounced"
    assert app.record_bounce(raw) == "nothing-new"
    with app.database.read() as session:
        assert len(session.scalars(select(Event).where(Event.kind == "bounced")).all()) == 1


def test_a_delay_moves_nothing(app):
    assert app.record_bounce(bounce(sent(app), "delayed")) == "deferred"
    assert week.deliveries(app)[0].state == "sent"


def test_a_bounce_of_somebody_elses_mail_is_not_ours(app):
    sent(app)
    assert app.record_bounce(bounce("0" * 32)) == "not-ours"


def test_a_letter_from_a_person_is_no_bounce(app):
    assert app.record_bounce(b"From: ana@readers.example\nSubject: Thank you\n\nI liked it.") == "not-a-bounce"


def test_any_bytes_are_read_without_trouble(app):
    for raw in (b"", b"\x00\xff" * 1000, b"Content-Type: multipart/report; boundary=b\n\n--b\n" * 50):
        assert app.record_bounce(raw) == "not-a-bounce"


def test_the_address_to_which_a_bounce_came_is_believed_before_its_content(app):
    add_sent(app, "aa", "bb")
    assert app.record_bounce(bounce("aa", to="b+bb@briefings.example")) == "bounced"
    assert (state_of(app, "aa"), state_of(app, "bb")) == ("sent", "bounced")


def test_the_returned_message_id_finds_the_delivery_when_the_address_does_not(app):
    add_sent(app, "aa")
    assert app.record_bounce(bounce("aa", to="bounces@briefings.example")) == "bounced"
    assert state_of(app, "aa") == "bounced"


def test_a_forged_bounce_changes_nothing(app):
    add_sent(app, "aa")
    before = event_kinds(app)
    assert app.record_bounce(bounce("ff" * 16)) == "not-ours"
    assert app.record_bounce(bounce("aa\x00")) == "not-a-bounce"
    assert (event_kinds(app), suppressions(app)) == (before, {})


def test_soft_bounces_in_three_weeks_suppress_for_ninety_days(app):
    for number in range(3):
        add_sent(app, f"week{number}", address_key="ana")
        assert app.record_bounce(bounce(f"week{number}", status="5.2.2")) == "bounced"
        assert ("ana" in suppressions(app)) is (number == 2)
        app.clock.move(days=7)
    assert suppressions(app)["ana"] == ("bounced", app.clock() + timedelta(days=90 - 7))


def test_a_mail_that_arrives_in_between_resets_the_count(app):
    for number, status in enumerate(["4.4.7", "4.2.2", "arrives", "4.4.7", "4.4.7"]):
        add_sent(app, f"week{number}", address_key="ana")
        if status != "arrives":
            assert app.record_bounce(bounce(f"week{number}", "delayed", status)) == "deferred"
        app.clock.move(days=7)
    assert suppressions(app) == {}


def test_a_delay_that_comes_twice_counts_once(app):
    add_sent(app, "aa")
    assert app.record_bounce(bounce("aa", "delayed")) == "deferred"
    assert app.record_bounce(bounce("aa", "delayed")) == "nothing-new"
    assert event_kinds(app) == ["sent", "soft-bounced"]


def test_a_suppression_that_is_over_makes_room_for_the_next(app):
    for number in range(6):
        if number == 3:
            app.clock.move(days=91)
            assert suppressions(app)["ana"][1] < app.clock()
        add_sent(app, f"week{number}", address_key="ana")
        app.record_bounce(bounce(f"week{number}", status="5.2.2"))
        app.clock.move(days=7)
    assert suppressions(app)["ana"][1] > app.clock()


def test_a_complaint_outweighs_a_bounce_that_would_pass(app):
    for number in range(3):
        add_sent(app, f"week{number}", address_key="ana")
        app.record_bounce(bounce(f"week{number}", status="5.2.2"))
        app.clock.move(days=7)
    add_sent(app, "last", address_key="ana")
    complaint = bounce("last").replace(b"message/delivery-status", b"message/feedback-report")
    raw = complaint.replace(b"Reporting-MTA: dns; mx.example", b"Feedback-Type: abuse")
    assert app.record_bounce(raw) == "complained"
    assert suppressions(app)["ana"] == ("complained", None)


def test_a_host_that_has_the_mail_settles_an_unknown_outcome(app):
    add_sent(app, "aa", state=State.UNKNOWN)
    assert app.record_bounce(bounce("aa", "delayed")) == "deferred"
    assert state_of(app, "aa") == "sent"


def test_news_of_a_mail_that_is_just_being_sent_changes_nothing_yet(app):
    add_sent(app, "aa", state=State.SENDING)
    assert app.record_bounce(bounce("aa", "delivered")) == "too-early"
    assert event_kinds(app) == ["sending"]
