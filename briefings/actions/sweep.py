"""Look for work that waits, whether or not anybody rang for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from briefings.actions import compose, tidy
from briefings.domain import weeks
from briefings.store import deliveries, feeds, issues, items

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from briefings.store.base import Database


def due_queues(database: Database, tagger_version: str, unknown_patience: timedelta | None, now: datetime) -> list[str]:
    """The queues that have work in the database at `now`. Changes nothing.

    `unknown_patience` is None when unknown outcomes are held for the operator.
    """
    with database.read() as session:
        waits = {
            "poll": feeds.due(session, now),
            "tag": items.waiting(session, tagger_version),
            "compose": not issues.slot_done(session, compose.JOB, weeks.issue_at(now).cutoff),
            "deliver": deliveries.due(session, now, now - unknown_patience if unknown_patience is not None else None),
            "tidy": not issues.slot_done(session, tidy.JOB, tidy.due_at(now)),
        }
    return [queue for queue, work in waits.items() if work]
