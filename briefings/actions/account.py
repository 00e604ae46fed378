"""Give account: the ledger of an issue, what is stuck, the invariants, the scheduled runs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from briefings.actions import compose, deliver, tidy
from briefings.domain import invariants, slots
from briefings.domain.invariants import Finding
from briefings.domain.ledger import Ledger
from briefings.domain.weeks import IssueWeek, issue_at
from briefings.domain.wording import spoken_moment
from briefings.store import brakes, deliveries, feeds, issues, items, subscribers
from briefings.store import invariants as rows

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from briefings.store.base import Database

#: A delivery that should have moved this long ago is stuck.
STUCK_AFTER = timedelta(minutes=5)
#: An unknown outcome that is this old will be settled by nobody but the operator.
UNSETTLED_AFTER = timedelta(hours=1)
#: Workers look for leases that are over between two passes.
LEASE_GRACE = deliver.PASS + timedelta(minutes=1)


def latest_ledger(database: Database) -> Ledger | None:
    """The ledger of the newest issue, or None before the first."""
    with database.read() as session:
        issue = issues.latest(session)
        return ledger_of(session, issue) if issue else None


def ledger_of(session: Session, issue: issues.Issue) -> Ledger:
    """The ledger of an issue."""
    counts = issues.edition_counts(session, issue.id)
    composed = counts.pop("composed", 0)
    candidates = subscribers.count_accountable(session, issue.id, IssueWeek(issue.monday).joined_before)
    sent = deliveries.counts(session, issue.id)
    return Ledger(issue.key, issue.composed_at is not None, candidates, composed, counts, sent)


def stuck_words(database: Database, now: datetime, *, canary: bool = False) -> list[str]:
    """Each delivery that nothing moves, in a line that says what to do.

    While mail is going out, a long queue is only long; what a brake holds is not stuck. `canary` is whether a share of
    each issue is tried first.
    """
    with database.read() as session:
        moving = deliveries.moved_since(session, now - STUCK_AFTER)
        stuck = [] if moving else deliveries.stuck(session, now - STUCK_AFTER, brakes.free(canary=canary))
        unsettled = deliveries.unsettled(session, now - UNSETTLED_AFTER)
    lines = [f"delivery {one.id} ({one.kind}) is {one.state} since {spoken_moment(one.changed_at)}" for one in stuck]
    return lines + [
        f"delivery {one.id} ({one.kind}) is unknown since {spoken_moment(one.changed_at)}; "
        f"run: briefings settle {one.id}"
        for one in unsettled
    ]


def findings(database: Database, now: datetime, *, everything: bool = False) -> list[Finding]:
    """Each invariant that the database can show, looked at.

    Histories are read of deliveries since the first of the newest issue; of all with `everything`.
    """
    with database.read() as session:
        issue = issues.latest(session)
        looks = {
            invariants.ONE_PER_WEEK: rows.one_per_week(),
            invariants.EACH_EDITION_ONE_MAIL: rows.without_their_mail(),
            invariants.NONE_PAST_LEASE: rows.past_lease(now - LEASE_GRACE),
            invariants.NONE_AFTER_LEAVING: rows.after_leaving(),
            invariants.LATE_SENDS_NOTHING: rows.begun_late(),
        }
        found = [rows.look(session, invariant, offenders) for invariant, offenders in looks.items()]
        decided = Finding(invariants.EVERYONE_DECIDED)
        if issue and issue.composed_at:
            undecided = rows.undecided(issue.id, IssueWeek(issue.monday).joined_before)
            decided = rows.look(session, decided.invariant, undecided)
    since = issue.id if issue and not everything else None
    return [*found, decided, *rows.look_at_histories(database, since)]


def runs(database: Database, now: datetime) -> list[slots.Account]:
    """The account of each scheduled job."""
    jobs = (
        slots.Job(compose.JOB, issue_at(now).cutoff, timedelta(weeks=1), compose.PATIENCE),
        slots.Job(tidy.JOB, tidy.due_at(now), timedelta(days=1)),
    )
    with database.read() as session:
        since = issues.first_seen(session)
        seen = {job: issues.runs_since(session, job.name, now - slots.LOOK_BACK) for job in jobs}
    return [slots.account(job, of_job, since, now) for job, of_job in seen.items()]


def backlog(database: Database, tagger_version: str, now: datetime) -> dict[str, int]:
    """How many rows wait in the database for each queue that works through rows."""
    with database.read() as session:
        return {
            "poll": feeds.count_due(session, now),
            "tag": items.count_waiting(session, tagger_version),
            "deliver": deliveries.count_due(session, now),
        }
