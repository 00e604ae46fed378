"""Delivery -> letter: what a delivery says, the same for the mail, the preview and the web copy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from briefings.actions.tidy import KEEP_ADDRESS_AFTER_LEAVING
from briefings.adapters.templates import wrap
from briefings.domain import weeks
from briefings.domain.mails import (
    BriefingMail,
    ConfirmMail,
    FinishedMail,
    GoodbyeMail,
    Letter,
    Rendered,
    WelcomeMail,
    letter,
)
from briefings.domain.phrases import last_week
from briefings.domain.plans import remark, summary
from briefings.errors import NotFoundError
from briefings.store.deliveries import ticked_tasks, ticks_before
from briefings.store.issues import Edition, value_of
from briefings.store.subscribers import Plan, Subscriber, current_plan, newest_plan
from briefings.store.subscribers import weeks as plan_weeks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from briefings.adapters.templates import Templates
    from briefings.domain.catalogue import Catalogue
    from briefings.domain.editions import Edition as EditionValue
    from briefings.domain.links import Links
    from briefings.domain.mails import Mail, Sender
    from briefings.store.deliveries import Delivery, Due

CONFIRM_DAYS = 7
#: What is each reader's own in a briefing.
OWN = ("plan_url", "settings_url", "web_url", "unsubscribe_url", "last_week", "confirmed")


@dataclass(frozen=True)
class Writer:
    """Everything besides the rows that a mail's words depend on."""

    templates: Templates
    catalogue: Catalogue
    links: Links
    sender: Sender
    postal_address: str

    def letter(self, session: Session, delivery: Delivery | Due) -> Letter:
        """The letter of a delivery. Reads rows and changes none. Raises NotFoundError when its person is gone."""
        mail = self.mail(session, delivery)
        briefing = mail if isinstance(mail, BriefingMail) else None
        return letter(
            self.templates.render(mail),
            sender=self.sender,
            recipient=delivery.address,
            uid=delivery.uid,
            dated=delivery.send_at,
            briefing=briefing,
        )

    def rendered(self, session: Session, delivery: Delivery | Due) -> Rendered:
        """The three texts of a delivery."""
        return self.templates.render(self.mail(session, delivery))

    def mail(self, session: Session, delivery: Delivery | Due) -> Mail:
        """The typed context of a delivery's mail."""
        subscriber = session.get(Subscriber, delivery.subscriber_id)
        if subscriber is None:
            raise NotFoundError("The subscriber of this delivery has been deleted; nothing is left to send")
        if delivery.kind == "confirm":
            return self._confirm(session, delivery, subscriber)
        if delivery.kind == "welcome":
            return self._welcome(session, subscriber)
        if delivery.kind == "finished":
            return self._finished(session, delivery, subscriber)
        if delivery.kind == "goodbye":
            return self._goodbye(session, subscriber)
        return self._briefing(session, delivery, subscriber)

    def return_path(self, delivery: Delivery | Due) -> str:
        """The envelope sender, by which a bounce finds its delivery (VERP)."""
        return f"b+{delivery.uid}@{self.sender.domain}"

    def _confirm(self, session: Session, delivery: Delivery | Due, subscriber: Subscriber) -> ConfirmMail:
        plan = session.get(Plan, delivery.plan_id) if delivery.plan_id else None
        if plan is None:
            raise NotFoundError("The plan of this confirmation has been replaced; nothing is left to confirm")
        expires = delivery.send_at + timedelta(days=CONFIRM_DAYS)
        return ConfirmMail(
            sender_name=self.sender.name,
            confirm_url=self.links.confirm(plan.id, delivery.timezone or subscriber.timezone, expires),
            specialization=self._name(plan.specialization),
            days_valid=CONFIRM_DAYS,
            sender_address=self.postal_address,
        )

    def _welcome(self, session: Session, subscriber: Subscriber) -> WelcomeMail:
        plan = current_plan(session, subscriber.id)
        if plan is None:
            raise NotFoundError("This subscriber has no plan any more; there is nothing to welcome to")
        made = plan_weeks(session, [plan.id])[plan.id]
        return WelcomeMail(
            sender_name=self.sender.name,
            specialization=self._name(plan.specialization),
            promise=self.catalogue.specialization[plan.specialization].plan.promise,
            remark=remark(self.catalogue, plan.profile(), made.values()),
            first_briefing=spoken_start(plan, subscriber),
            first_week=made[1].theme,
            weeks=tuple(week.theme for week in made.values()),
            plan_url=self.links.plan(subscriber.id),
            unsubscribe_url=self.links.unsubscribe(subscriber.id),
            sender_address=self.postal_address,
        )

    def _finished(self, session: Session, delivery: Delivery | Due, subscriber: Subscriber) -> FinishedMail:
        plan = session.get(Plan, delivery.plan_id) if delivery.plan_id else None
        if plan is None:
            raise NotFoundError("The plan that was finished has been deleted; nothing is left to tell")
        ticked = ticked_tasks(session, subscriber.id, plan.id)
        return FinishedMail(
            sender_name=self.sender.name,
            specialization=self._name(plan.specialization),
            summary=summary(plan_weeks(session, [plan.id])[plan.id].values(), ticked),
            plan_url=self.links.plan(subscriber.id),
            roles_url=self.links.roles(),
            unsubscribe_url=self.links.unsubscribe(subscriber.id),
            sender_address=self.postal_address,
        )

    def _goodbye(self, session: Session, subscriber: Subscriber) -> GoodbyeMail:
        plan = newest_plan(session, subscriber.id)
        return GoodbyeMail(
            sender_name=self.sender.name,
            specialization=self._name(plan.specialization) if plan else "",
            days_kept=KEEP_ADDRESS_AFTER_LEAVING.days,
            undo_url=self.links.unsubscribe(subscriber.id),
            sender_address=self.postal_address,
        )

    def _briefing(self, session: Session, delivery: Delivery | Due, subscriber: Subscriber) -> BriefingMail:
        edition = session.get(Edition, delivery.edition_id) if delivery.edition_id else None
        if edition is None:
            raise NotFoundError("The edition of this delivery has been deleted; nothing is left to send")
        since = subscriber.confirmed_at or subscriber.created_at
        ticks = ticks_before(session, [delivery])[delivery.id]
        return self.briefing(value_of(session, edition), self.own(delivery, since, ticks))

    def briefing(self, edition: EditionValue, own: Mapping[str, str]) -> BriefingMail:
        """The mail of an edition, with what is a reader's own."""
        return BriefingMail(
            edition=edition,
            **own,
            reply_to=self.sender.reply_to,
            sender_name=self.sender.name,
            sender_address=self.postal_address,
        )

    def own(self, delivery: Delivery | Due, since: datetime, ticks: int) -> dict[str, str]:
        """What is each reader's own in a briefing: OWN, with values.

        `since` is when they asked for it, `ticks` how many tasks they ticked in the week before.
        """
        plan_url = self.links.plan(delivery.subscriber_id)
        return {
            "plan_url": plan_url,
            "settings_url": f"{plan_url}#settings",
            "web_url": self.links.briefing(delivery.id),
            "unsubscribe_url": self.links.unsubscribe(delivery.subscriber_id),
            "last_week": wrap(last_week(ticks)),
            "confirmed": f"{since.day} {since:%B %Y}",
        }

    def _name(self, topic: str) -> str:
        return self.catalogue.topic_names.get(topic, topic)


def spoken_start(plan: Plan, subscriber: Subscriber) -> str:
    """The first briefing in the reader's own time: `Monday 30 November, 07:00 (Europe/Berlin)`."""
    where = weeks.zone(subscriber.timezone)
    at = weeks.send_at(weeks.IssueWeek(plan.starts_on), where, subscriber.weekday, subscriber.hour).astimezone(where)
    return f"{at:%A} {at.day} {at:%B}, {at:%H:%M} ({subscriber.timezone})"
