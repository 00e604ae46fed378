"""Notice -> suppression, with a brake: a storm of bounces must not cost us all readers."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from briefings.domain import notices
from briefings.domain.notices import HELD, RESUMED, STORM_LEAST, STORM_SPAN, SUPPRESSED, Verdict
from briefings.errors import InputError
from briefings.store import deliveries as delivery_rows
from briefings.store import subscribers as subscriber_rows
from briefings.store.base import alone
from briefings.store.deliveries import Delivery, Event

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from briefings.store.base import Database

log = logging.getLogger(__name__)

#: One transaction at a time counts, and suppresses or holds.
TURN = "suppressing"


def suppress(session: Session, delivery: Delivery, verdict: Verdict, now: datetime) -> None:
    """Suppress a delivery's address, or only write down that it would be, while the brake is on."""
    alone(session, TURN)
    if _braked(session, now):
        _tell(session, HELD, delivery, verdict, now)
    elif subscriber_rows.suppress(session, delivery.address_key, verdict.reason, now, verdict.expires_at):
        _tell(session, SUPPRESSED, delivery, verdict, now)


def resume(database: Database, now: datetime, *, suppress_held: bool) -> int:
    """The operator's word that ends the brake: suppress those that were held, or spare them. Returns how many.

    Raises InputError when nothing is held.
    """
    with database.write() as session:
        alone(session, TURN)
        held = _held(session)
        if not held:
            raise InputError("No suppression is held; there is nothing to decide")
        if suppress_held:
            for event in held:
                _carry_out(session, event, now)
        session.add(Event(at=now, kind=RESUMED, detail={"held": len(held), "suppressed": suppress_held}))
        return len(held)


def held_words(database: Database) -> list[str]:
    """A line that says what to do when the brake is on; else nothing."""
    with database.read() as session:
        held = _held(session)
    if not held:
        return []
    since = f"{held[0].at:%Y-%m-%d %H:%M} UTC"
    remedy = "see why, then run: briefings bounces resume --suppress, or --spare"
    return [f"{len(held)} suppressions are held since {since}, when too many came in one hour; {remedy}"]


def _braked(session: Session, now: datetime) -> bool:
    """The brake is on when something is held, or when one more suppression would make it a storm."""
    resumed = _resumed(session)
    if delivery_rows.events_after(session, HELD, resumed, limit=1):
        return True
    suppressed = delivery_rows.count_events(session, SUPPRESSED, now - STORM_SPAN, resumed) + 1
    if suppressed < STORM_LEAST:
        return False
    storm = notices.is_storm(suppressed, delivery_rows.count_events(session, "sent", now - STORM_SPAN))
    if storm:
        log.error("Too many suppressions in one hour; further ones are held: see briefings doctor")
    return storm


def _tell(session: Session, kind: str, delivery: Delivery, verdict: Verdict, now: datetime) -> None:
    until = verdict.expires_at.isoformat() if verdict.expires_at else None
    detail = {"reason": verdict.reason, "until": until}
    session.add(Event(at=now, kind=kind, delivery_id=delivery.id, detail=detail))


def _carry_out(session: Session, event: Event, now: datetime) -> None:
    """What was held; of a person who left long ago, the words are gone and nothing is to do."""
    delivery = session.get(Delivery, event.delivery_id)
    reason = event.detail.get("reason")
    if delivery and reason:
        until = event.detail.get("until")
        expires_at = datetime.fromisoformat(until) if until else None
        subscriber_rows.suppress(session, delivery.address_key, reason, now, expires_at)


def _held(session: Session) -> list[Event]:
    return delivery_rows.events_after(session, HELD, _resumed(session))


def _resumed(session: Session) -> int:
    """The event by which the operator last ended the brake."""
    newest = delivery_rows.newest_event(session, RESUMED)
    return newest.id if newest else 0
