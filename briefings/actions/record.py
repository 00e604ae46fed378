"""Event -> suppression: what the world tells us about mail that we sent."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from briefings.actions import braking, suppressing
from briefings.domain import bounces, deliveries, notices
from briefings.domain.deliveries import State, Step
from briefings.domain.notices import NOT_OURS, NOTHING_NEW, SOFT_BOUNCED, Weight
from briefings.errors import InputError, NotFoundError
from briefings.store import deliveries as delivery_rows
from briefings.store import issues as issue_rows

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy.orm import Session

    from briefings.domain.notices import Notice
    from briefings.store.base import Database
    from briefings.store.deliveries import Delivery

NOT_A_BOUNCE = "not-a-bounce"
#: How many mails to an address are looked back on; more than a year of weeks.
LOOK_BACK = 60


def record(database: Database, notice: Notice, now: datetime) -> str:
    """Take a notice into account: event, state and suppression together or not at all.

    Returns in one word what became of it: its kind, or NOT_OURS, NOTHING_NEW or TOO_EARLY (see domain.notices), which
    change nothing.
    """
    with database.write() as session:
        delivery = delivery_rows.of_uids(session, notice.uids)
        if delivery is None:
            return NOT_OURS
        if delivery_rows.is_told(session, notice.provider_id):
            return NOTHING_NEW
        word = notices.outcome(State(delivery.state), notice)
        if word == notice.kind:
            _apply(session, delivery, notice, now)
        return word


def record_all(database: Database, told: Iterable[Notice], now: datetime) -> Counter[str]:
    """Take notices into account one after the other. Returns how many of which word there were."""
    return Counter(record(database, notice, now) for notice in told)


def record_bounce(database: Database, raw: bytes, domain: str, recipients: Iterable[str], now: datetime) -> str:
    """Take a bounce mail into account: its beginning, our mail domain, and its envelope's recipients if known.

    Returns the word of `record`, or NOT_A_BOUNCE.
    """
    notice = bounces.read(raw, domain, recipients)
    return record(database, notice, now) if notice else NOT_A_BOUNCE


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
        if before is State.DEAD and delivery.edition_id and not issue_rows.take_week(session, delivery.edition_id):
            raise InputError(f"The plan week of delivery {delivery_id} has come with a later issue; leave it dead")
        delivery_rows.change(session, delivery, before, Step(after, "operator", now), now)
        if after is State.DEAD and delivery.edition_id:
            issue_rows.give_week_back(session, [delivery.edition_id])


def _apply(session: Session, delivery: Delivery, notice: Notice, now: datetime) -> None:
    moved = _move(session, delivery, notice, now)
    weighed = notices.weight(notice)
    if weighed is Weight.SOFT:
        told = None if moved else notice.provider_id
        detail = {"status": notice.status, "words": notice.words}
        soft = delivery_rows.Event(at=now, kind=SOFT_BOUNCED, delivery_id=delivery.id, provider_id=told, detail=detail)
        session.add(soft)
    past = delivery_rows.past_of(session, delivery.address_key, LOOK_BACK) if weighed is Weight.SOFT else ()
    verdict = notices.verdict(weighed, past, now)
    if verdict:
        suppressing.suppress(session, delivery, verdict, now)
    if moved and notice.kind in {"bounced", "complained"}:
        braking.judge(session, now)


def _move(session: Session, delivery: Delivery, notice: Notice, now: datetime) -> bool:
    """Change the delivery's state, if the notice does; one that never arrived gives its plan week back."""
    before = State(delivery.state)
    after = notices.next_state(before, notice)
    if after is None:
        return False
    detail = {"status": notice.status, "words": notice.words}
    step = Step(after, "notice" if after is State.SENT else notice.kind)
    delivery_rows.change(session, delivery, before, step, now, detail=detail, provider_id=notice.provider_id)
    if after is State.BOUNCED and delivery.edition_id:
        issue_rows.give_week_back(session, [delivery.edition_id])
    return True
