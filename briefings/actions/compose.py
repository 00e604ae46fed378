"""Tag -> match -> edition: at the weekly cut-off, decide for every subscriber, and put the mails in the outbox."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from pydantic import ValidationError

from briefings.domain import editions, matching, weeks
from briefings.domain.editions import News, Reader
from briefings.domain.lifecycles import PLAN, SUBSCRIBER, after
from briefings.domain.pulse import WEEKS_BEFORE
from briefings.errors import InputError, NotFoundError
from briefings.store import deliveries as delivery_rows
from briefings.store import feeds as feed_rows
from briefings.store import issues as issue_rows
from briefings.store import items as item_rows
from briefings.store import subscribers as subscriber_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from sqlalchemy.orm import Session

    from briefings.actions.render import Writer
    from briefings.clock import Clock
    from briefings.domain.catalogue import Catalogue
    from briefings.domain.mails import Letter
    from briefings.domain.matching import Candidate, Focus, Match
    from briefings.domain.plans import PlanWeek
    from briefings.domain.weeks import IssueWeek
    from briefings.store.base import Database
    from briefings.store.subscribers import Enrolment

log = logging.getLogger(__name__)

JOB = "compose"
BATCH = 200
#: So many editions are kept for the next readers.
MOST_MADE = 5000
#: A cut-off waits this long for feeds that were never read and items that are not ready yet.
PATIENCE = timedelta(minutes=15)


@dataclass(frozen=True)
class _Run:
    """What one issue's run knows, the same for all readers."""

    catalogue: Catalogue
    week: IssueWeek
    issue_id: int
    news: News
    stories: Mapping[int, Candidate]
    namespace: UUID
    latest: timedelta
    _texts: dict[str, str] = field(default_factory=dict)
    _made: dict[tuple[object, ...], editions.Edition] = field(default_factory=dict)

    @cached_property
    def told(self) -> frozenset[int]:
        """The stories that decide whether a person has read one of this issue's."""
        return frozenset(self.stories).union(*(story.retells for story in self.stories.values()))

    def read_weeks(self, session: Session, digests: Collection[str]) -> None:
        """Read what plan weeks say, as far as it is not known yet."""
        new = set(digests).difference(self._texts)
        if len(self._texts) + len(new) > MOST_MADE:
            self._texts.clear()
            new = set(digests)
        self._texts.update(subscriber_rows.week_texts(session, new))

    def edition(self, reader: Reader, number: int, digests: tuple[str, ...], seen: Collection[int]) -> editions.Edition:
        """The edition of a plan week, made once for all who have the same weeks and have read the same.

        `digests` are those of the week and of its neighbours. Raises ValidationError or KeyError for a broken plan.
        """
        read = self.told.intersection(seen)
        key = (reader.specialization, reader.hours, number, digests, read)
        if key not in self._made:
            if len(self._made) >= MOST_MADE:
                self._made.clear()
            weeks_around = subscriber_rows.read_weeks(self._texts[digest] for digest in digests)
            self._made[key] = _edition(self, reader, number, weeks_around, read)
        return self._made[key]

    def matches(self, focus: Focus, seen: Collection[int]) -> list[Match]:
        """What suits a person best."""
        return matching.rank(self.stories.values(), focus, seen, self.week.cutoff, self.catalogue.topic_names)


def compose(
    database: Database, catalogue: Catalogue, tagger_version: str, namespace: UUID, latest: timedelta, clock: Clock
) -> int:
    """Compose the issue whose cut-off has come, if it is not composed yet. Returns how many candidates were decided.

    `namespace` makes the deliveries' uids, the same on a second try; `latest` is how late a mail may still be sent.
    """
    now = clock()
    week = weeks.issue_at(now)
    with database.write() as session:
        slot = issue_rows.take_slot(session, JOB, week.cutoff, now)
        if slot is None or _waits_for_news(session, tagger_version, slot.seen_at, now):
            return 0
        issue = issue_rows.open_issue(session, week, now)
    run = _prepare(database, catalogue, week, issue, namespace, latest)
    decided = _decide_everybody(database, run, clock)
    _finish(database, run, clock())
    return decided


def preview(
    database: Database, catalogue: Catalogue, writer: Writer, subscriber_id: int, number: int, clock: Clock
) -> Letter:
    """The mail of a plan week: the one that was made if there is one, else the one that would be made now.

    Changes nothing. Raises NotFoundError for an unknown subscriber or one without a plan, and InputError with the
    reason when the week would bring no edition.
    """
    now = clock()
    run = _prepare(
        database, catalogue, weeks.issue_at(now), issue_rows.Issue(id=0, note=""), NAMESPACE_URL, timedelta()
    )
    with database.trial() as session:
        made = issue_rows.edition_of_week(session, subscriber_id, number)
        if made is None:
            made = _try(session, run, subscriber_id, number, now)
        delivery = delivery_rows.of_edition(session, made.id)
        return writer.letter(session, delivery)


def _try(session: Session, run: _Run, subscriber_id: int, number: int, now: datetime) -> issue_rows.Edition:
    """Compose a plan week for real, in a transaction that will not be kept."""
    person = subscriber_rows.enrolment(session, subscriber_id)
    if person is None or person.plan is None:
        raise NotFoundError("There is no subscriber of that number or address who has confirmed a plan")
    issue = issue_rows.open_issue(session, run.week, now)
    issue_rows.forget(session, issue.id, subscriber_id)
    person.plan.starts_on, person.plan.weeks_before = min(person.plan.starts_on, run.week.monday), 0
    seen = issue_rows.seen_stories(session, [subscriber_id])
    trial = replace(run, issue_id=issue.id)
    number_now = _number(person.plan, run.week, range(1, number))
    digests = subscriber_rows.week_digests(session, _around(person.plan.id, number_now))[person.plan.id]
    trial.read_weeks(session, digests)
    edition = _make(trial, person, number_now, digests, seen.get(subscriber_id, set()))
    if isinstance(edition, str):
        raise InputError(f"Week {number} would bring no briefing: {edition}")
    _keep(session, trial, [(person, edition)], now)
    made = issue_rows.edition_of_week(session, subscriber_id, edition.week)
    if made is None:
        raise NotFoundError("This issue was decided for the subscriber in the same moment; ask again")
    return made


def _waits_for_news(session: Session, tagger_version: str, since: datetime, now: datetime) -> bool:
    if now - since >= PATIENCE:
        return False
    return bool(feed_rows.never_polled(session)) or item_rows.waiting(session, tagger_version)


def _prepare(
    database: Database,
    catalogue: Catalogue,
    week: IssueWeek,
    issue: issue_rows.Issue,
    namespace: UUID,
    latest: timedelta,
) -> _Run:
    start = week.cutoff - weeks.NEWS_WINDOW
    with database.read() as session:
        found = item_rows.candidates(session, start, week.cutoff, catalogue)
        items_read, feeds_read = item_rows.read_between(session, start, week.cutoff)
        counts = item_rows.topic_counts(session, weeks.last_weeks(week.cutoff, WEEKS_BEFORE + 1))
    news = News(week.key, items_read, feeds_read, issue.note, counts)
    return _Run(catalogue, week, issue.id, news, {story.story: story for story in found}, namespace, latest)


def _decide_everybody(database: Database, run: _Run, clock: Clock) -> int:
    """Keyset batches, a transaction each: an interruption costs one batch, and a second run goes on after it."""
    decided, last = 0, 0
    while True:
        with database.write() as session:
            people = subscriber_rows.candidates(session, last, BATCH, run.week.joined_before)
            if not people:
                return decided
            last = people[-1].subscriber.id
            decided += _decide_batch(session, run, people, clock())


def _decide_batch(session: Session, run: _Run, people: list[Enrolment], now: datetime) -> int:
    ids = [person.subscriber.id for person in people]
    done = issue_rows.decided(session, run.issue_id, ids)
    plan_ids = [person.plan.id for person in people if person.plan]
    held = issue_rows.held_weeks(session, plan_ids)
    numbers = {one.plan.id: _number(one.plan, run.week, held.get(one.plan.id, set())) for one in people if one.plan}
    digests = subscriber_rows.week_digests(session, [pair for plan in numbers.items() for pair in _around(*plan)])
    run.read_weeks(session, {digest for of_plan in digests.values() for digest in of_plan})
    seen = issue_rows.seen_stories(session, ids)
    under_way = delivery_rows.plans_under_way(session, plan_ids)
    decided = []
    for person in people:
        if person.subscriber.id not in done:
            plan_id = person.plan.id if person.plan else 0
            number = numbers.get(plan_id, "no-plan")
            made = _make(run, person, number, digests[plan_id], seen.get(person.subscriber.id, set()))
            if made == "finished" and plan_id in under_way:
                made = "last-week-under-way"  # it may yet be given back; the plan finishes when it has arrived
            decided.append((person, made))
    return _keep(session, run, decided, now)


def _around(plan_id: int, number: int | str) -> list[tuple[int, int]]:
    """The weeks of a plan that an edition of this number looks at."""
    return [(plan_id, number + step) for step in (-1, 0, 1)] if isinstance(number, int) else []


def _make(
    run: _Run, person: Enrolment, number: int | str, digests: tuple[str, ...], seen: Collection[int]
) -> editions.Edition | str:
    """One person's edition, or the word for why there is none; a broken plan is that person's trouble only."""
    plan = person.plan
    reader = _reader(person)
    reason = editions.skip_reason(reader, number, run.catalogue)
    if reason or reader is None or plan is None or isinstance(number, str):
        return reason or "no-plan"
    try:
        weeks.zone(person.subscriber.timezone)
        if plan.state == "field":
            return _field_edition(run, reader, number, seen)
        return run.edition(reader, number, digests, seen)
    except InputError:
        return "no-such-timezone"
    except (ValidationError, LookupError):
        log.exception("Plan %s cannot be read; its reader is skipped", plan.id)
        return "plan-broken"


def _number(plan: subscriber_rows.Plan, week: IssueWeek, held: Collection[int]) -> int | str:
    if plan.state == "field":
        return weeks.field_week(held)
    return weeks.plan_week(plan.starts_on, week, held, plan.weeks_before)


def _reader(person: Enrolment) -> Reader | None:
    subscriber, plan = person.subscriber, person.plan
    if plan is None or subscriber.confirmed_at is None:
        return None
    return Reader(subscriber.id, subscriber.state, plan.specialization, plan.hours)


def _edition(
    run: _Run, reader: Reader, number: int, plan_weeks: Mapping[int, PlanWeek], seen: Collection[int]
) -> editions.Edition:
    week = plan_weeks[number]
    around = [plan_weeks[near] for near in (number - 1, number + 1) if near in plan_weeks]
    focus = editions.focus_of(week, around, reader.specialization, run.catalogue)
    return editions.compose(reader, week, run.matches(focus, seen), run.stories, run.news, run.catalogue)


def _field_edition(run: _Run, reader: Reader, number: int, seen: Collection[int]) -> editions.Edition | str:
    """Without a plan there is nothing to say in a week without news."""
    focus = editions.field_focus(reader.specialization, run.catalogue)
    matches = run.matches(focus, seen)
    if not matches:
        return "no-match"
    return editions.compose_field(reader, number, matches, run.stories, run.news, run.catalogue)


def _keep(
    session: Session, run: _Run, decided: Sequence[tuple[Enrolment, editions.Edition | str]], now: datetime
) -> int:
    """Freeze what was decided and queue its mails, together. Returns how many had not been decided before."""
    rows = [(one.subscriber.id, one.plan.id if one.plan else None, made) for one, made in decided]
    kept = issue_rows.add_editions(session, run.issue_id, rows, now)
    briefings, finished = [], []
    for person, made in decided:
        edition = kept.get(person.subscriber.id)
        if edition and not isinstance(made, str):
            briefings.append(_delivery(run, person.subscriber, edition))
        # A person can be in the state "finished" too; only who follows a plan to its end finishes it.
        if edition and made == "finished" and person.plan and person.subscriber.state == "active":
            person.plan.state = after(PLAN, person.plan.state, "finish")
            person.subscriber.state = after(SUBSCRIBER, person.subscriber.state, "finish")
            finished.append(_finished_mail(run, person.subscriber, person.plan))
    for alike in (briefings, finished):
        delivery_rows.queue(session, alike, now)
    return len(kept)


def _delivery(run: _Run, subscriber: subscriber_rows.Subscriber, edition: issue_rows.Edition) -> dict[str, object]:
    uid = uuid5(run.namespace, f"briefing/{run.week.key}/{subscriber.id}").hex
    of_edition = {"edition_id": edition.id, "content_digest": edition.content_digest}
    return {**_mail(run, subscriber), **of_edition, "uid": uid, "kind": "briefing"}


def _finished_mail(run: _Run, subscriber: subscriber_rows.Subscriber, plan: subscriber_rows.Plan) -> dict[str, object]:
    """What tells a person after week 12 what came of it, and what they can choose next."""
    uid = uuid5(run.namespace, f"finished/{plan.id}").hex
    return {**_mail(run, subscriber), "uid": uid, "kind": "finished", "plan_id": plan.id}


def _mail(run: _Run, subscriber: subscriber_rows.Subscriber) -> dict[str, object]:
    send_at = weeks.send_at(run.week, weeks.zone(subscriber.timezone), subscriber.weekday, subscriber.hour)
    return {
        "subscriber_id": subscriber.id,
        "address": subscriber.address,
        "address_key": subscriber.address_key,
        "send_at": send_at,
        "not_after": send_at + run.latest,
    }


def _finish(database: Database, run: _Run, now: datetime) -> None:
    with database.write() as session:
        issue = session.get_one(issue_rows.Issue, run.issue_id)
        issue.composed_at, issue.items_read, issue.feeds_read = now, run.news.items_read, run.news.feeds_read
        slot = issue_rows.take_slot(session, JOB, run.week.cutoff, now)
        if slot:
            everybody = sum(issue_rows.edition_counts(session, run.issue_id).values())
            slot.done_at, slot.result = now, f"{everybody} candidates decided"
