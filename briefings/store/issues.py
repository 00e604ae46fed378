"""Issues, their editions, and the slots of scheduled work."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ForeignKey, UniqueConstraint, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from briefings.domain.editions import Edition as EditionValue
from briefings.domain.slots import Run
from briefings.errors import NotFoundError
from briefings.store.base import Base, Id, insert_new

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from sqlalchemy.orm import Session

    from briefings.domain.weeks import IssueWeek

CONTENT = TypeAdapter(EditionValue)


class Issue(Base):
    """One calendar week's run, shared by all."""

    __tablename__ = "issues"
    id: Mapped[Id]
    key: Mapped[str] = mapped_column(unique=True)
    monday: Mapped[date]
    cutoff_at: Mapped[datetime]
    opened_at: Mapped[datetime]  #: when a scheduler first saw that it is due
    composed_at: Mapped[datetime | None]  #: when every candidate had been decided
    items_read: Mapped[int] = mapped_column(default=0)
    feeds_read: Mapped[int] = mapped_column(default=0)
    note: Mapped[str] = mapped_column(default="")


class Content(Base):
    """What an edition says, shared by all editions of its issue that say the same."""

    __tablename__ = "edition_contents"
    issue_id: Mapped[Id] = mapped_column(ForeignKey("issues.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(primary_key=True, index=True)
    text: Mapped[str]  #: JSON


class Edition(Base):
    """An issue composed for one subscriber, or the reason why there is none."""

    __tablename__ = "editions"
    __table_args__ = (UniqueConstraint("issue_id", "subscriber_id"), UniqueConstraint("plan_id", "week_number"))
    id: Mapped[Id]
    issue_id: Mapped[int] = mapped_column(ForeignKey("issues.id", ondelete="CASCADE"))
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"), index=True)
    plan_id: Mapped[int | None] = mapped_column(ForeignKey("plans.id", ondelete="SET NULL"))
    week_number: Mapped[int | None]  #: given back (null) when the mail never arrived
    content_digest: Mapped[str | None]
    skip_reason: Mapped[str | None]
    created_at: Mapped[datetime]


class EditionStory(Base):
    """Which stories a person got, so that none comes twice."""

    __tablename__ = "edition_stories"
    edition_id: Mapped[int] = mapped_column(ForeignKey("editions.id", ondelete="CASCADE"), primary_key=True)
    story_id: Mapped[int] = mapped_column(primary_key=True)


class Slot(Base):
    """One due run of a scheduled job."""

    __tablename__ = "slots"
    __table_args__ = (UniqueConstraint("job", "due_at"),)
    id: Mapped[Id]
    job: Mapped[str]
    due_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    result: Mapped[str] = mapped_column(default="")


def open_issue(session: Session, week: IssueWeek, now: datetime) -> Issue:
    """The row of an issue, made when it is not there yet."""
    row = {"key": week.key, "monday": week.monday, "cutoff_at": week.cutoff, "opened_at": now}
    insert_new(session, Issue, [row])
    return session.scalars(select(Issue).where(Issue.key == week.key)).one()


def latest(session: Session) -> Issue | None:
    """The newest issue."""
    return session.scalar(select(Issue).order_by(Issue.monday.desc()).limit(1))


def decided(session: Session, issue_id: int, subscriber_ids: Collection[int]) -> set[int]:
    """Those of the subscribers for whom an issue is decided already."""
    rows = select(Edition.subscriber_id).where(Edition.issue_id == issue_id, Edition.subscriber_id.in_(subscriber_ids))
    return set(session.scalars(rows))


def held_weeks(session: Session, plan_ids: Collection[int]) -> dict[int, set[int]]:
    """The plan weeks that an edition was sent for, or may yet be: plan id -> week numbers."""
    rows = session.execute(
        select(Edition.plan_id, Edition.week_number).where(
            Edition.plan_id.in_(plan_ids), Edition.week_number.is_not(None)
        )
    )
    held: dict[int, set[int]] = defaultdict(set)
    for plan_id, week in rows:
        if plan_id is not None and week is not None:
            held[plan_id].add(week)
    return held


def seen_stories(session: Session, subscriber_ids: Collection[int]) -> dict[int, set[int]]:
    """The stories that each subscriber got: subscriber id -> story ids."""
    rows = session.execute(
        select(Edition.subscriber_id, EditionStory.story_id)
        .join(EditionStory, EditionStory.edition_id == Edition.id)
        .where(Edition.subscriber_id.in_(subscriber_ids), Edition.week_number.is_not(None))
    )
    seen: dict[int, set[int]] = defaultdict(set)
    for subscriber_id, story_id in rows:
        seen[subscriber_id].add(story_id)
    return seen


def add_editions(
    session: Session, issue_id: int, decided: Iterable[tuple[int, int | None, EditionValue | str]], now: datetime
) -> dict[int, Edition]:
    """Freeze editions, or the words for why there are none: (subscriber id, plan id, what was made).

    Returns them by subscriber id, without those that were decided before.
    """
    made = {subscriber_id: value for subscriber_id, _, value in decided}
    digests = _keep_contents(session, issue_id, [value for value in made.values() if isinstance(value, EditionValue)])
    rows = [_row(issue_id, subscriber_id, plan_id, value, digests, now) for subscriber_id, plan_id, value in decided]
    added: list[Edition] = insert_new(session, Edition, rows, returning=Edition)
    told = []
    for edition in added:
        value = made[edition.subscriber_id]
        if isinstance(value, EditionValue):
            told += [{"edition_id": edition.id, "story_id": story.story} for story in value.stories]
    insert_new(session, EditionStory, told)
    return {edition.subscriber_id: edition for edition in added}


def _row(
    issue_id: int,
    subscriber_id: int,
    plan_id: int | None,
    made: EditionValue | str,
    digests: Mapping[int, str],
    now: datetime,
) -> dict[str, Any]:
    value = made if isinstance(made, EditionValue) else None
    return {
        "issue_id": issue_id,
        "subscriber_id": subscriber_id,
        "plan_id": plan_id,
        "week_number": value.week if value else None,
        "content_digest": digests[id(value)] if value else None,
        "skip_reason": None if value else made,
        "created_at": now,
    }


def value_of(session: Session, edition: Edition) -> EditionValue:
    """What an edition says. Raises NotFoundError for a skipped one, pydantic's ValidationError for a broken one."""
    return content(session, edition.content_digest or "")


def content(session: Session, digest: str) -> EditionValue:
    """What the editions of a digest say. Raises NotFoundError, pydantic's ValidationError for what is broken."""
    text = session.scalar(select(Content.text).where(Content.digest == digest).limit(1))
    if text is None:
        raise NotFoundError("This edition says nothing: it was skipped, or its content has been deleted")
    return CONTENT.validate_json(text.replace("\ue000", "").replace("\ue001", ""))  # see domain.mails.GAP


def _keep_contents(session: Session, issue_id: int, made: Iterable[EditionValue]) -> dict[int, str]:
    """Store what editions say, unless it is there. Returns the digest of each, by its Python id."""
    texts = {id(value): CONTENT.dump_json(value) for value in made}
    digests = {key: sha256(text).hexdigest() for key, text in texts.items()}
    rows = {digests[key]: text.decode() for key, text in texts.items()}
    insert_new(session, Content, [{"issue_id": issue_id, "digest": one, "text": text} for one, text in rows.items()])
    return digests


def edition_of_week(session: Session, subscriber_id: int, number: int) -> Edition | None:
    """The edition that a person got, or will get, for a plan week."""
    found = select(Edition).where(Edition.subscriber_id == subscriber_id, Edition.week_number == number)
    return session.scalar(found.order_by(Edition.id.desc()).limit(1))


def forget(session: Session, issue_id: int, subscriber_id: int) -> None:
    """Take back what an issue decided for a person; for trials only."""
    session.execute(delete(Edition).where(Edition.issue_id == issue_id, Edition.subscriber_id == subscriber_id))


def give_week_back(session: Session, edition_ids: Iterable[int]) -> None:
    """Let the plan weeks of editions that never arrived come again."""
    session.execute(update(Edition).where(Edition.id.in_(list(edition_ids))).values(week_number=None))


def take_week(session: Session, edition_id: int) -> bool:
    """Let an edition hold its plan week again. Returns whether it could: no other holds that week by now."""
    edition = session.get_one(Edition, edition_id)
    try:
        number = value_of(session, edition).week
    except (ValidationError, NotFoundError):
        return True  # what cannot be read cannot be sent either, and will say so
    same = select(Edition.id).where(Edition.plan_id == edition.plan_id, Edition.week_number == number)
    if session.scalar(same.where(Edition.id != edition_id)) is not None:
        return False
    edition.week_number = number
    return True


def edition_counts(session: Session, issue_id: int) -> dict[str, int]:
    """How many candidates ended how: skip reason -> count, with `composed` for those who got an edition."""
    rows = session.execute(
        select(func.coalesce(Edition.skip_reason, "composed"), func.count())
        .where(Edition.issue_id == issue_id)
        .group_by(Edition.skip_reason)
    )
    return {reason: count for reason, count in rows}  # noqa: C416 - typed rows


def take_slot(session: Session, job: str, due_at: datetime, now: datetime) -> Slot | None:
    """The slot of a due run, made when nobody has seen it; None when it is done."""
    insert_new(session, Slot, [{"job": job, "due_at": due_at, "seen_at": now}])
    slot = session.scalars(select(Slot).where(Slot.job == job, Slot.due_at == due_at).with_for_update()).one()
    return slot if slot.done_at is None else None


def runs_since(session: Session, job: str, moment: datetime) -> dict[datetime, Run]:
    """The runs of a job that were due at a moment (UTC) or later, and that somebody saw; by when they were due."""
    slots = session.scalars(select(Slot).where(Slot.job == job, Slot.due_at >= moment))
    return {slot.due_at: Run(slot.due_at, slot.seen_at, slot.done_at, slot.result) for slot in slots}


def first_seen(session: Session) -> datetime | None:
    """When the first scheduled run of this database was seen (UTC)."""
    return session.scalar(select(Slot.seen_at).order_by(Slot.id).limit(1))


def slot_done(session: Session, job: str, due_at: datetime) -> bool:
    """Whether a due run was done."""
    found = select(Slot.done_at).where(Slot.job == job, Slot.due_at == due_at)
    return session.scalar(found) is not None
