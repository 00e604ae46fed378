import week
from sqlalchemy import select
from week import MONDAY_EVENING

from briefings.store.deliveries import Event
from briefings.store.issues import Edition
from briefings.store.subscribers import Suppression

DSN = """\
From: MAILER-DAEMON@mx.example
To: b+{uid}@briefings.example
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

Sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; ana@readers.example
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such person

--b
Content-Type: message/rfc822

Message-ID: <{uid}@briefings.example>
Subject: Week 1 of 12

Text
--b--
"""


def sent(app) -> str:
    week.enrol(app)
    app.compose()
    app.clock.now = MONDAY_EVENING
    app.deliver()
    return week.deliveries(app)[0].uid


def test_a_bounce_mail_suppresses_the_address_and_gives_the_week_back(app):
    uid = sent(app)
    assert app.record_bounce(DSN.format(uid=uid, action="failed").encode()) == "bounced"
    assert week.deliveries(app)[0].state == "bounced"
    with app.database.read() as session:
        assert session.scalars(select(Suppression.reason)).all() == ["bounced"]
        assert session.scalars(select(Edition.week_number)).all() == [None]


def test_a_bounce_mail_that_comes_twice_counts_once(app):
    raw = DSN.format(uid=sent(app), action="failed").encode()
    app.record_bounce(raw)
    app.record_bounce(raw)
    with app.database.read() as session:
        assert len(session.scalars(select(Event).where(Event.kind == "bounced")).all()) == 1


def test_a_delay_changes_nothing(app):
    assert app.record_bounce(DSN.format(uid=sent(app), action="delayed").encode()) == "deferred"
    assert week.deliveries(app)[0].state == "sent"


def test_a_bounce_of_somebody_elses_mail_is_not_ours(app):
    sent(app)
    assert app.record_bounce(DSN.format(uid="0" * 32, action="failed").encode()) == "not-ours"


def test_a_letter_from_a_person_is_no_bounce(app):
    assert app.record_bounce(b"From: ana@readers.example\nSubject: Thank you\n\nI liked it.") == "not-a-bounce"


def test_any_bytes_are_read_without_trouble(app):
    for raw in (b"", b"\x00\xff" * 1000, b"Content-Type: multipart/report; boundary=b\n\n--b\n" * 50):
        assert app.record_bounce(raw) == "not-a-bounce"
