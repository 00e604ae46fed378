"""Event -> suppression: what the world tells us about mail that we sent."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import select

from briefings.domain import bounces, deliveries
from briefings.domain.deliveries import State, Step
from briefings.errors import InputError, NotFoundError
from briefings.store import deliveries as delivery_rows
from briefings.store import issues as issue_rows
from briefings.store import subscribers as subscriber_rows

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from briefings.domain.bounces import Bounce
    from briefings.store.base import Database

log = logging.getLogger(__name__)

STATES = {"bounced": State.BOUNCED, "complained": State.COMPLAINED, "delivered": State.DELIVERED}


def record_bounce(database: Database, raw: bytes, now: datetime) -> str:
    """Take a bounce mail into account. Returns in one word what it was: its kind, `not-a-bounce` or `not-ours`.

    A notice that comes twice changes nothing the second time.
    """
    bounce = bounces.read(raw)
    if bounce is None:
        return "not-a-bounce"
    uid = bounce.message_id.strip("<>").partition("@")[0]
    with database.write() as session:
        delivery = session.scalar(select(delivery_rows.Delivery).where(delivery_rows.Delivery.uid == uid))
        if delivery is None:
            return "not-ours"
        return _apply(session, delivery, bounce, now)


def settle(database: Database, delivery_id: int, verdict: str, now: datetime) -> None:
    """The operator's word on a delivery that is unknown or dead: `sent`, `resend` or `dead`.

    Raises NotFoundError, or InputError when the delivery is in another state.
    """
    after = {"sent": State.SENT, "resend": State.QUEUED, "dead": State.DEAD}[verdict]
    with database.write() as session:
        delivery = session.get(delivery_rows.Delivery, delivery_id)
        if delivery is None:
            raise NotFoundError(f"There is no delivery {delivery_id}; doctor and the console show their numbers")
        before = State(delivery.state)
        if before not in {State.UNKNOWN, State.DEAD} or not deliveries.may_follow(before, after):
            raise InputError(f"Delivery {delivery_id} is {before}; only an unknown or dead one can be settled so")
        delivery_rows.change(session, delivery, before, Step(after, "operator", now), now)
        if after is State.DEAD and delivery.edition_id:
            issue_rows.give_week_back(session, [delivery.edition_id])


def _apply(session: Session, delivery: delivery_rows.Delivery, bounce: Bounce, now: datetime) -> str:
    after = STATES.get(bounce.kind)
    before = State(delivery.state)
    if after is None or not deliveries.may_follow(before, after):
        return bounce.kind
    detail = {"status": bounce.status, "words": bounce.words}
    delivery_rows.change(session, delivery, before, Step(after, bounce.kind), now, detail=detail)
    if after is State.COMPLAINED or (after is State.BOUNCED and deliveries.speaks_of_address(bounce.status)):
        subscriber_rows.suppress(session, delivery.address_key, after.value, now)
    if after is State.BOUNCED and delivery.edition_id:
        issue_rows.give_week_back(session, [delivery.edition_id])
    return bounce.kind
