"""Mails that were sent, as rows, and what comes back of them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from briefings.domain.deliveries import State
from briefings.store.deliveries import Delivery, Event
from briefings.store.subscribers import Subscriber, Suppression

DSN = """\
From: MAILER-DAEMON@mx.example
To: {to}
Message-ID: <{mark}@mx.example>
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
Status: {status}
Diagnostic-Code: smtp; 550 {status} no such person

--b
Content-Type: message/rfc822

Message-ID: <{uid}@briefings.example>
Subject: Week 1 of 12

Text
--b--
"""


def bounce(uid: str, action: str = "failed", status: str = "5.1.1", mark: str = "", to: str = "") -> bytes:
    """A delivery status notice of one of our mails."""
    words = {"uid": uid, "action": action, "status": status, "mark": mark or f"{uid}-{action}"}
    return DSN.format(to=to or f"b+{uid}@briefings.example", **words).encode()


def add_sent(app, *uids: str, address_key: str = "", state: State = State.SENT, at: datetime | None = None) -> None:
    """Deliveries that the relay took, each to an address of its own unless one is named."""
    now = at or app.clock()
    with app.database.write() as session:
        subscriber = session.scalar(select(Subscriber).limit(1)) or Subscriber(
            address="ana@readers.example", address_key="ana", state="active", timezone="UTC", created_at=now
        )
        session.add(subscriber)
        session.flush()
        for uid in uids:
            delivery = Delivery(
                uid=uid,
                kind="welcome",
                subscriber_id=subscriber.id,
                address=f"{uid}@readers.example",
                address_key=address_key or f"key of {uid}",
                send_at=now,
                not_after=now + timedelta(days=2),
                next_at=now,
                changed_at=now,
                state=state.value,
            )
            session.add(delivery)
            session.flush()
            session.add(Event(at=now, kind=state.value, delivery_id=delivery.id))


def suppressions(app) -> dict[str, tuple[str, datetime | None]]:
    """Address key -> reason and expiry."""
    with app.database.read() as session:
        return {row.address_key: (row.reason, row.expires_at) for row in session.scalars(select(Suppression))}


def state_of(app, uid: str) -> str:
    with app.database.read() as session:
        return session.scalars(select(Delivery.state).where(Delivery.uid == uid)).one()


def event_kinds(app) -> list[str]:
    with app.database.read() as session:
        return list(session.scalars(select(Event.kind).order_by(Event.id)))
