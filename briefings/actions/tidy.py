"""Once a day: let go of what is no longer needed."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from briefings.store import brakes, subscribers
from briefings.store.deliveries import Delivery, Event
from briefings.store.feeds import Fetch
from briefings.store.issues import take_slot
from briefings.store.subscribers import Plan, Subscriber

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from briefings.clock import Clock
    from briefings.store.base import Database

JOB = "tidy"
AT = time(3, 0, tzinfo=UTC)
KEEP_FETCHES = timedelta(days=30)
KEEP_UNCONFIRMED = timedelta(days=8)  #: a day longer than a confirmation is valid
KEEP_BUCKETS = timedelta(days=2)  #: by then the slowest is full again
KEEP_ADDRESS_AFTER_LEAVING = timedelta(days=30)


def due_at(now: datetime) -> datetime:
    """The newest moment at which tidying was due."""
    today = datetime.combine(now.astimezone(UTC).date(), AT)
    return today if today <= now else today - timedelta(days=1)


def tidy(database: Database, clock: Clock) -> bool:
    """Tidy, if the newest due run is not done. Returns whether this call did it."""
    now = clock()
    with database.write() as session:
        slot = take_slot(session, JOB, due_at(now), now)
        if slot is None:
            return False
        # The newest event is never one that is deleted: witnesses know the database by its number (domain.marks).
        session.add(Event(at=now, kind="tidied", detail={}))
        session.execute(delete(Fetch).where(Fetch.at < now - KEEP_FETCHES))
        session.execute(delete(Plan).where(Plan.state == "proposed", Plan.created_at < now - KEEP_UNCONFIRMED))
        hopeful = select(Plan.subscriber_id).where(Plan.state == "proposed")
        nobody = delete(Subscriber).where(
            Subscriber.state == "pending",
            Subscriber.created_at < now - KEEP_UNCONFIRMED,
            Subscriber.id.not_in(hopeful),
        )
        session.execute(nobody)
        subscribers.forget_weeks(session)
        brakes.forget(session, now - KEEP_BUCKETS)
        _forget_addresses(session, now - KEEP_ADDRESS_AFTER_LEAVING)
        slot.done_at = now
        return True


def _forget_addresses(session: Session, left_before: datetime) -> None:
    """Of people who left long ago nothing stays but the keyed hash: not in their row, not in mails, not in replies."""
    gone = select(Subscriber.id).where(Subscriber.state == "left", Subscriber.left_at < left_before)
    # Not the mail that asks somebody who has just come back.
    mails = select(Delivery.id).where(
        Delivery.subscriber_id.in_(gone), Delivery.address != "", Delivery.send_at < left_before
    )
    session.execute(update(Event).where(Event.delivery_id.in_(mails)).values(detail={}))
    session.execute(update(Delivery).where(Delivery.id.in_(mails)).values(address=""))
    session.execute(update(Subscriber).where(Subscriber.id.in_(gone)).values(address=""))
