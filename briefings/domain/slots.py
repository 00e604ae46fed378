"""Which runs of scheduled work were done, which are overdue, and which nobody ever did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from briefings.domain.wording import spoken_moment

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A run that is due, or was seen, for so long and is not done needs somebody.
OVERDUE = timedelta(minutes=15)
#: How far back missed runs are named.
LOOK_BACK = timedelta(weeks=5)


@dataclass(frozen=True)
class Run:
    """One due run: when somebody first saw it, when it was done, and what came of it (moments in UTC)."""

    due_at: datetime
    seen_at: datetime | None = None
    done_at: datetime | None = None
    result: str = ""


@dataclass(frozen=True)
class Job:
    """Scheduled work: when its newest run was due, how far apart its runs are, and how long one may wait."""

    name: str
    due_at: datetime
    every: timedelta
    may_wait: timedelta = timedelta()


@dataclass(frozen=True)
class Account:
    """A job's newest run, whether it should have been done by now, and the runs before it that never were."""

    job: str
    newest: Run
    overdue: bool
    missed: tuple[datetime, ...]

    @property
    def words(self) -> str:
        """The newest run in a line."""
        run = self.newest
        seen = f"seen {_span(run.seen_at - run.due_at)} later" if run.seen_at else "not seen yet"
        done = f"done at {spoken_moment(run.done_at)}" if run.done_at else "not done"
        return f"due at {spoken_moment(run.due_at)}, {seen}, {done}" + (f": {run.result}" if run.result else "")

    @property
    def fault(self) -> str:
        """What to do about an overdue run; empty when it is not."""
        if not self.overdue:
            return ""
        return f"{self.job} is overdue ({self.words}): is a worker running for it, and what does its log say?"


def account(job: Job, runs: Mapping[datetime, Run], since: datetime | None, now: datetime) -> Account:
    """The account of a job; `runs` by due time. What was due before `since`, when work began, or None, is not asked."""
    newest = runs.get(job.due_at, Run(job.due_at))
    waits_since = newest.seen_at or (job.due_at if since and since < job.due_at else now)
    overdue = newest.done_at is None and now - waits_since > OVERDUE + job.may_wait
    missed, due = [], job.due_at - job.every
    while since and due > max(since, now - LOOK_BACK):
        if due not in runs or runs[due].done_at is None:
            missed.append(due)
        due -= job.every
    return Account(job.name, newest, overdue, tuple(reversed(missed)))


def _span(time: timedelta) -> str:
    """A span in its largest units, without what is less than a second: `2 days, 3:04:05`."""
    return str(time - time % timedelta(seconds=1))
