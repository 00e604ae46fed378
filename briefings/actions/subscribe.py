"""A person comes, confirms, leaves, or thinks better of leaving."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import func, select, update

from briefings.domain import deliveries, planning, tokens, weeks
from briefings.domain.deliveries import State, Step
from briefings.domain.lifecycles import PLAN, SUBSCRIBER, after
from briefings.errors import InputError, NotFoundError
from briefings.store import deliveries as delivery_rows
from briefings.store import issues as issue_rows
from briefings.store import subscribers as subscriber_rows
from briefings.store.base import insert_new
from briefings.store.subscribers import Plan, Subscriber, Suppression

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from briefings.domain.catalogue import Catalogue
    from briefings.domain.links import Links
    from briefings.domain.plans import Profile
    from briefings.store.base import Database

#: An account mail later than this tells its reader nothing.
ACCOUNT_LATEST = timedelta(days=3)
#: No address gets more confirmations than this a day, however often somebody enters it.
CONFIRMS_A_DAY = 3
LONGEST_ADDRESS = 254


@dataclass(frozen=True)
class Subscribing:
    """What the actions of this file need; `key` keys the hashes of addresses."""

    database: Database
    catalogue: Catalogue
    links: Links
    key: bytes

    def sign_up(self, address: str, timezone: str, profile: Profile, now: datetime) -> int:
        """Write down what a person asks for, and queue the mail that asks whether they mean it.

        Nothing that an existing subscriber has is changed before they confirm. Returns the plan's id. Raises
        InputError for an address, a time zone or a profile that cannot be used.
        """
        clean = checked_address(address)
        weeks.zone(timezone)
        made = planning.make_plan(self.catalogue, profile)
        with self.database.write() as session:
            subscriber = self._subscriber(session, clean, timezone, now)
            plan = _proposed(subscriber.id, profile, self.catalogue.version, now)
            session.add(plan)
            session.flush()
            subscriber_rows.add_weeks(session, plan.id, made)
            if _confirms_today(session, subscriber.address_key, now) < CONFIRMS_A_DAY:
                mail = _account_mail("confirm", uuid4().hex, subscriber, clean, now)
                delivery_rows.queue(session, [{**mail, "plan_id": plan.id, "timezone": timezone}], now)
            return plan.id

    def confirm(self, token: str, now: datetime) -> Subscriber:
        """The person means it: the plan starts on the next Monday. A second confirmation changes nothing.

        Raises NotFoundError for a token that is altered or expired, or a plan that another has replaced.
        """
        plan_id, timezone = self.links.read_confirm(token, now)
        with self.database.write() as session:
            plan = session.get(Plan, plan_id)
            # Always the person first, then the plan: composing locks them in the same order.
            subscriber = session.get(Subscriber, plan.subscriber_id, with_for_update=True) if plan else None
            if plan:
                session.refresh(plan, with_for_update=True)
            if plan is None or subscriber is None or plan.state not in {"proposed", "current"}:
                raise NotFoundError("This sign-up has been replaced by a newer one; use the newest mail")
            if plan.state == "proposed":
                self._start(session, subscriber, plan, timezone, now)
            elif subscriber.state == "left":
                raise NotFoundError("You have left since you confirmed this; sign up again to come back")
            return subscriber

    def enrol(
        self,
        address: str,
        timezone: str,
        profile: Profile,
        *,
        confirmed_at: datetime,
        joined_at: datetime,
        weeks_before: int = 0,
    ) -> bool:
        """Take over a person who confirmed elsewhere, with the plan weeks that they had there. Sends nothing.

        `joined_at` is when they came to us: issues whose cut-off was before know nothing of them.

        Returns whether the person is new; one who is here already stays as they are. Raises InputError as `sign_up`.
        """
        clean, where = checked_address(address), weeks.zone(timezone)
        made = planning.make_plan(self.catalogue, profile)
        with self.database.write() as session:
            subscriber = self._subscriber(session, clean, timezone, joined_at)
            if subscriber.state != "pending":
                return False
            plan = _proposed(subscriber.id, profile, self.catalogue.version, confirmed_at)
            plan.state, plan.weeks_before = after(PLAN, plan.state, "confirm"), weeks_before
            plan.starts_on = weeks.first_monday(confirmed_at, where)
            session.add(plan)
            session.flush()
            subscriber_rows.add_weeks(session, plan.id, made)
            subscriber.state = after(SUBSCRIBER, subscriber.state, "confirm")
            subscriber.confirmed_at = confirmed_at
            return True

    def unsubscribe(self, token: str, now: datetime) -> Subscriber:
        """End the mails at once, also those already queued. A second time changes nothing."""
        with self.database.write() as session:
            subscriber = self._of_token(session, token, now)
            # First, so that what a worker is just beginning is begun before we write down that they left.
            for delivery in delivery_rows.of_subscriber(session, subscriber.id, deliveries.WAITING):
                if delivery.kind != "goodbye":
                    _skip(session, delivery, now)
            if subscriber.state != "left":
                before = {"state": subscriber.state}
                subscriber.state, subscriber.left_at = after(SUBSCRIBER, subscriber.state, "leave"), now
                subscriber_rows.suppress(session, subscriber.address_key, "unsubscribed", now)
                said = delivery_rows.Event(at=now, kind="unsubscribed", subscriber_id=subscriber.id, detail=before)
                session.add(said)
            return subscriber

    def say_goodbye(self, subscriber_id: int, now: datetime) -> None:
        """Queue the receipt for somebody who has left on our page; each person gets one, however often they leave.

        Not for the provider's one-click POST (RFC 8058): it promised an end, and a mail after it would break that.
        Nor for who never confirmed, since nobody knows whose address that is.
        """
        with self.database.write() as session:
            subscriber = session.get(Subscriber, subscriber_id, with_for_update=True)
            if subscriber and subscriber.state == "left" and subscriber.address and subscriber.confirmed_at:
                uid = tokens.address_key(self.key, f"goodbye/{subscriber.id}")[:32]
                mail = _account_mail("goodbye", uid, subscriber, subscriber.address, now)
                delivery_rows.queue(session, [mail], now)

    def resubscribe(self, token: str, now: datetime) -> Subscriber:
        """Undo an unsubscription, as long as the person's data is still here."""
        with self.database.write() as session:
            subscriber = self._of_token(session, token, now)
            if subscriber.state == "left" and subscriber.address and subscriber.confirmed_at:
                act = _way_back(session, subscriber.id)
                subscriber.state, subscriber.left_at = after(SUBSCRIBER, subscriber.state, act), None
                subscriber.confirmed_at = now
                _lift(session, subscriber.address_key)
                session.add(delivery_rows.Event(at=now, kind="resubscribed", subscriber_id=subscriber.id, detail={}))
            return subscriber

    def _start(self, session: Session, subscriber: Subscriber, plan: Plan, timezone: str, now: datetime) -> None:
        """Everything that a confirmation changes, at once; the welcome's uid makes a second one impossible."""
        others = update(Plan).where(Plan.subscriber_id == subscriber.id, Plan.id != plan.id, Plan.state != "finished")
        session.execute(others.values(state="replaced"))
        plan.state = after(PLAN, plan.state, "confirm")
        plan.starts_on = weeks.first_monday(now, weeks.zone(timezone))
        if subscriber.state != "active":
            subscriber.confirmed_at = now
        # A person whose address had been forgotten has come back.
        subscriber.address = delivery_rows.confirmed_address(session, plan.id) or subscriber.address
        subscriber.state = after(SUBSCRIBER, subscriber.state, "confirm")
        subscriber.timezone, subscriber.left_at = timezone, None
        _lift(session, subscriber.address_key)
        detail = {"plan": plan.id}
        session.add(delivery_rows.Event(at=now, kind="confirmed", subscriber_id=subscriber.id, detail=detail))
        uid = tokens.address_key(self.key, f"welcome/{plan.id}")[:32]
        delivery_rows.queue(session, [_account_mail("welcome", uid, subscriber, subscriber.address, now)], now)

    def _subscriber(self, session: Session, address: str, timezone: str, now: datetime) -> Subscriber:
        key = tokens.address_key(self.key, address)
        row = {"address": address, "address_key": key, "timezone": timezone, "created_at": now}
        insert_new(session, Subscriber, [row])
        return session.scalars(select(Subscriber).where(Subscriber.address_key == key)).one()

    def _of_token(self, session: Session, token: str, now: datetime) -> Subscriber:
        subscriber = session.get(Subscriber, self.links.read_id("unsubscribe", token, now), with_for_update=True)
        if subscriber is None:
            raise NotFoundError("This subscription has been deleted; there is nothing left to end")
        return subscriber


def checked_address(address: str) -> str:
    """One plain address in ASCII, its domain in IDNA form. Raises InputError in words a person understands."""
    if len(address) > LONGEST_ADDRESS:
        raise InputError("The e-mail address is too long; enter one of at most 254 characters")
    try:
        found = validate_email(address.strip(), check_deliverability=False)
    except EmailNotValidError as error:
        raise InputError(f"The e-mail address cannot be used: {str(error).rstrip('.')}") from error
    if not found.ascii_email:
        raise InputError(
            "The part before the @ has letters that mail servers refuse; enter an address in plain letters"
        )
    return found.ascii_email


def _proposed(subscriber_id: int, profile: Profile, catalogue_version: str, now: datetime) -> Plan:
    return Plan(
        subscriber_id=subscriber_id,
        specialization=profile.specialization,
        level=profile.level,
        hours=profile.hours,
        known=sorted(profile.known),
        goal=profile.goal,
        state="proposed",
        starts_on=weeks.monday_of(now.date()),
        catalogue_version=catalogue_version,
        created_at=now,
    )


def _account_mail(kind: str, uid: str, subscriber: Subscriber, address: str, now: datetime) -> dict[str, object]:
    return {
        "uid": uid,
        "kind": kind,
        "subscriber_id": subscriber.id,
        "address": address,
        "address_key": subscriber.address_key,
        "send_at": now,
        "not_after": now + ACCOUNT_LATEST,
    }


def _confirms_today(session: Session, address_key: str, now: datetime) -> int:
    recent = select(func.count()).where(
        delivery_rows.Delivery.address_key == address_key,
        delivery_rows.Delivery.kind == "confirm",
        delivery_rows.Delivery.send_at > now - timedelta(days=1),
    )
    return session.scalar(recent) or 0


def _way_back(session: Session, subscriber_id: int) -> str:
    """How a person who left comes back: to what they had before."""
    if subscriber_rows.current_plan(session, subscriber_id) is None:
        return "come back finished"
    said = delivery_rows.last_event(session, subscriber_id, "unsubscribed")
    return "come back paused" if said and said.detail.get("state") == "paused" else "come back"


def _lift(session: Session, address_key: str) -> None:
    """A person may take back their own word; a bounce or complaint stays."""
    suppression = session.get(Suppression, address_key)
    if suppression and suppression.reason == "unsubscribed":
        session.delete(suppression)


def _skip(session: Session, delivery: delivery_rows.Delivery, now: datetime) -> None:
    moved = delivery_rows.change(session, delivery, State(delivery.state), Step(State.SKIPPED, "unsubscribed"), now)
    if moved and delivery.edition_id:
        issue_rows.give_week_back(session, [delivery.edition_id])
