"""Once a day: let go of what is no longer needed."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, update

from briefings.store.feeds import Fetch
from briefings.store.issues import take_slot
from briefings.store.subscribers import Plan, Subscriber

if TYPE_CHECKING:
    from briefings.clock import Clock
    from briefings.store.base import Database

JOB = "tidy"
AT = time(3, 0, tzinfo=UTC)
KEEP_FETCHES = timedelta(days=30)
KEEP_UNCONFIRMED = timedelta(days=8)  #: a day longer than a confirmation is valid
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
        session.execute(delete(Fetch).where(Fetch.at < now - KEEP_FETCHES))
        session.execute(delete(Plan).where(Plan.state == "proposed", Plan.created_at < now - KEEP_UNCONFIRMED))
        unconfirmed = delete(Subscriber).where(
            Subscriber.state == "pending", Subscriber.created_at < now - KEEP_UNCONFIRMED
        )
        session.execute(unconfirmed)
        forgotten = update(Subscriber).where(
            Subscriber.state == "left", Subscriber.left_at < now - KEEP_ADDRESS_AFTER_LEAVING
        )
        session.execute(forgotten.values(address=""))
        slot.done_at = now
        return True
