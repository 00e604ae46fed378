"""Subscribers, their plans, and the addresses we do not mail."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, cast

from pydantic import TypeAdapter
from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    Index,
    UniqueConstraint,
    and_,
    delete,
    false,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from briefings.domain.lifecycles import FOLLOWED
from briefings.domain.notices import Verdict, outweighs
from briefings.domain.plans import PlanWeek as PlanWeekValue
from briefings.domain.plans import Profile
from briefings.store.base import Base, Id, alone, insert_new
from briefings.store.issues import Edition

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy.orm import Session

    from briefings.domain.catalogue import Level

WEEK = TypeAdapter(PlanWeekValue)
#: One transaction at a time adds week contents, or forgets some.
WEEK_CONTENTS = "week contents"
#: People of whom every issue gives account: with an edition, or with the word for why there is none.
CANDIDATE_STATES = ("active", "paused", "finished")


class Subscriber(Base):
    """A person: pending, active, paused, finished or left."""

    __tablename__ = "subscribers"
    __table_args__ = (Index("ix_subscribers_state_id", "state", "id"),)
    id: Mapped[Id]
    address: Mapped[str]
    address_key: Mapped[str] = mapped_column(unique=True)  #: keyed hash, outlives the person
    state: Mapped[str] = mapped_column(default="pending")
    timezone: Mapped[str]
    weekday: Mapped[int] = mapped_column(default=0)  #: 0 is Monday
    hour: Mapped[int] = mapped_column(default=7)
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]


class Plan(Base):
    """A subscriber's own twelve weeks."""

    __tablename__ = "plans"
    id: Mapped[Id]
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"), index=True)
    specialization: Mapped[str]
    level: Mapped[str]
    hours: Mapped[int]
    known: Mapped[list[str]] = mapped_column(default=list)
    goal: Mapped[str] = mapped_column(default="")  #: in the person's own words
    put_away: Mapped[list[str]] = mapped_column(default=list)  #: ids of tasks that the person does not want
    taken_in: Mapped[list[str]] = mapped_column(default=list)  #: ids of tasks that the person chose instead
    state: Mapped[str] = mapped_column(default="current")  #: see domain.lifecycles.PLAN
    starts_on: Mapped[date]
    weeks_before: Mapped[int] = mapped_column(default=0)  #: weeks that the person had before coming to us
    catalogue_version: Mapped[str]
    created_at: Mapped[datetime]

    def profile(self) -> Profile:
        """The answers that the plan was made from."""
        return Profile(self.specialization, cast("Level", self.level), self.hours, frozenset(self.known), self.goal)


class WeekContent(Base):
    """What a plan week says, shared by all plans whose week says the same."""

    __tablename__ = "week_contents"
    digest: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]  #: JSON


class PlanWeek(Base):
    """One week of a plan, made from the template; what it says may be changed for one person."""

    __tablename__ = "plan_weeks"
    __table_args__ = (UniqueConstraint("plan_id", "number"),)
    id: Mapped[Id]
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id", ondelete="CASCADE"), index=True)
    number: Mapped[int]
    content_digest: Mapped[str]


class Suppression(Base):
    """An address that we do not mail, and why. It outlives the person."""

    __tablename__ = "suppressions"
    address_key: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]  #: unsubscribed, bounced or complained
    at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Enrolment:
    """A subscriber with the current plan, if there is one."""

    subscriber: Subscriber
    plan: Plan | None


def by_address_key(session: Session, address_key: str) -> Subscriber | None:
    """The person behind a keyed hash."""
    return session.scalar(select(Subscriber).where(Subscriber.address_key == address_key))


def candidates(session: Session, after_id: int, limit: int, joined_before: datetime) -> list[Enrolment]:
    """The next people, by id, of whom an issue must give account: everybody confirmed who has not left.

    Their rows are locked, so that nobody pauses, leaves or confirms while they are decided.
    """
    rows = session.execute(
        select(Subscriber, Plan)
        .outerjoin(Plan, (Plan.subscriber_id == Subscriber.id) & Plan.state.in_(FOLLOWED))
        .where(
            Subscriber.id > after_id,
            accountable(joined_before),
        )
        .order_by(Subscriber.id)
        .limit(limit)
        .with_for_update(of=Subscriber)
    )
    return [Enrolment(subscriber, plan) for subscriber, plan in rows]


def enrolment(session: Session, subscriber_id: int) -> Enrolment | None:
    """A person with the plan that they follow now."""
    subscriber = session.get(Subscriber, subscriber_id)
    return Enrolment(subscriber, current_plan(session, subscriber_id)) if subscriber else None


def count_accountable(session: Session, issue_id: int, joined_before: datetime) -> int:
    """Of how many people an issue must give account: today's candidates, and whoever was decided before they left."""
    decided = select(Edition.subscriber_id).where(Edition.issue_id == issue_id)
    return session.scalar(select(func.count()).where(accountable(joined_before) | Subscriber.id.in_(decided))) or 0


def accountable(joined_before: datetime) -> ColumnElement[bool]:
    """The people of whom an issue gives account when they joined before a moment (UTC)."""
    joined = (Subscriber.confirmed_at <= joined_before) & (Subscriber.created_at <= joined_before)
    return Subscriber.state.in_(CANDIDATE_STATES) & joined


def current_plan(session: Session, subscriber_id: int) -> Plan | None:
    """The plan that a person follows now."""
    found = select(Plan).where(Plan.subscriber_id == subscriber_id, Plan.state.in_(FOLLOWED))
    return session.scalar(found.order_by(Plan.id.desc()).limit(1))


def newest_plan(session: Session, subscriber_id: int) -> Plan | None:
    """The plan that a person follows now, else the one they finished last."""
    found = select(Plan).where(Plan.subscriber_id == subscriber_id, Plan.state.in_((*FOLLOWED, "finished")))
    return session.scalar(found.order_by(Plan.state == "finished", Plan.id.desc()).limit(1))


def weeks(session: Session, plan_ids: Collection[int]) -> dict[int, dict[int, PlanWeekValue]]:
    """The weeks of plans: plan id -> number -> week."""
    found: dict[int, dict[int, PlanWeekValue]] = {plan_id: {} for plan_id in plan_ids}
    says = select(PlanWeek.plan_id, PlanWeek.number, WeekContent.text)
    says = says.join(WeekContent, WeekContent.digest == PlanWeek.content_digest)
    rows = session.execute(says.where(PlanWeek.plan_id.in_(plan_ids)).order_by(PlanWeek.number))
    for plan_id, number, text in rows:
        found[plan_id][number] = WEEK.validate_json(text)
    return found


def week_digests(session: Session, wanted: Collection[tuple[int, int]]) -> dict[int, tuple[str, ...]]:
    """What these weeks of plans say, given by plan id and number: plan id -> digests in the order of their numbers."""
    by_number: dict[int, list[int]] = defaultdict(list)
    for plan_id, number in wanted:
        by_number[number].append(plan_id)
    asked = [and_(PlanWeek.number == number, PlanWeek.plan_id.in_(plans)) for number, plans in by_number.items()]
    found: dict[int, tuple[str, ...]] = defaultdict(tuple)
    columns = select(PlanWeek.plan_id, PlanWeek.content_digest)
    for plan_id, digest in session.execute(columns.where(or_(false(), *asked)).order_by(PlanWeek.number)):
        found[plan_id] += (digest,)
    return found


def week_texts(session: Session, digests: Collection[str]) -> dict[str, str]:
    """What weeks say, as JSON, by digest."""
    rows = session.execute(select(WeekContent.digest, WeekContent.text).where(WeekContent.digest.in_(digests)))
    return {digest: text for digest, text in rows}  # noqa: C416 - typed rows


def read_weeks(texts: Iterable[str]) -> dict[int, PlanWeekValue]:
    """What weeks say: number -> week. Raises pydantic's ValidationError for a broken one."""
    return {week.number: week for week in map(WEEK.validate_json, texts)}


def add_weeks(session: Session, plan_id: int, made: Iterable[PlanWeekValue]) -> None:
    """Put made weeks into a plan."""
    digests = keep_weeks(session, made)
    rows = [{"plan_id": plan_id, "number": number, "content_digest": digest} for number, digest in digests.items()]
    insert_new(session, PlanWeek, rows)


def keep_weeks(session: Session, made: Iterable[PlanWeekValue]) -> dict[int, str]:
    """Store what the weeks of a plan say, unless it is there. Returns number -> digest."""
    alone(session, WEEK_CONTENTS)  # what is there must not be forgotten before the plan's weeks are committed
    texts = {week.number: WEEK.dump_json(week) for week in made}
    digests = {number: sha256(text).hexdigest() for number, text in texts.items()}
    contents = {digests[number]: text.decode() for number, text in texts.items()}
    insert_new(session, WeekContent, [{"digest": digest, "text": text} for digest, text in sorted(contents.items())])
    return digests


def forget_weeks(session: Session) -> None:
    """Let go of what no plan's week says any more."""
    alone(session, WEEK_CONTENTS)
    session.execute(delete(WeekContent).where(WeekContent.digest.not_in(select(PlanWeek.content_digest))))


def replace_weeks(session: Session, plan_id: int, made: Iterable[PlanWeekValue]) -> None:
    """Put changed weeks in the place of those that a plan has."""
    made = list(made)
    numbers = [week.number for week in made]
    session.execute(delete(PlanWeek).where(PlanWeek.plan_id == plan_id, PlanWeek.number.in_(numbers)))
    add_weeks(session, plan_id, made)


def suppress(
    session: Session, address_key: str, reason: str, now: datetime, expires_at: datetime | None = None
) -> bool:
    """Stop mailing an address, for good or until `expires_at` (UTC). Returns whether that changes anything.

    The first reason stays, unless it is over, would end sooner, or is milder (see domain.notices.outweighs).
    """
    row = {"address_key": address_key, "reason": reason, "at": now, "expires_at": expires_at}
    if insert_new(session, Suppression, [row], returning=Suppression.address_key):
        return True
    present = session.get_one(Suppression, address_key, with_for_update=True, populate_existing=True)
    if not outweighs(Verdict(reason, expires_at), Verdict(present.reason, present.expires_at), now):
        return False
    present.reason, present.at, present.expires_at = reason, now, expires_at
    return True


def count_by_state(session: Session) -> dict[str, int]:
    """How many people are in which state."""
    rows = session.execute(select(Subscriber.state, func.count()).group_by(Subscriber.state))
    return {state: count for state, count in rows}  # noqa: C416 - typed rows
