"""Tells witnesses what was sent, and hears from them that this database is older than that."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from briefings.actions import braking
from briefings.domain import marks
from briefings.store import deliveries as delivery_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from briefings.adapters.witnesses import Witness
    from briefings.domain.marks import Mark
    from briefings.store.base import Database

log = logging.getLogger(__name__)

LONG_AGO, ONCE_A_SECOND = datetime.min.replace(tzinfo=UTC), timedelta(seconds=1)


@dataclass
class Witnessing:
    """The witnesses, for one pass."""

    witnesses: Sequence[Witness] = ()
    deaf: list[Witness] = field(default_factory=list)  #: could not be told, and are left alone until the next pass
    told_at: datetime = LONG_AGO

    def is_due(self, now: datetime) -> bool:
        """Whether they are to be told again: once a second is enough, no backup is younger."""
        due = bool(self.witnesses) and abs(now - self.told_at) >= ONCE_A_SECOND
        if due:
            self.told_at = now
        return due

    def tell(self, mark: Mark | None) -> None:
        """Tell all how far the database has come."""
        if mark is None:
            return
        for witness in self.witnesses:
            if witness not in self.deaf and not witness.tell(mark.words):
                self.deaf.append(witness)
                log.warning("%s cannot keep what was sent last", type(witness).__name__)

    def stop_if_restored(self, database: Database, now: datetime) -> bool:
        """Stop sending when a witness saw more than the database holds. The operator is asked once for each mark."""
        told = [mark for mark in (marks.read(witness.told()) for witness in self.witnesses) if mark]
        with database.read() as session:
            newest = delivery_rows.mark(session)
            missing = [mark for mark in told if newest and _is_missing(session, mark, newest)]
        if not newest or not missing:
            return False
        why = marks.reason(max(missing, key=lambda mark: mark.at), newest)
        braking.stop(database, why, "", now, marks=[mark.words for mark in missing])
        log.error("Nothing is sent: %s", why)
        return True


def _is_missing(session: Session, told: Mark, newest: Mark) -> bool:
    if not marks.is_missing(told, newest, delivery_rows.event_at(session, told.event)):
        return False
    stops = delivery_rows.events_after(session, braking.STOPPED, 0)
    return not any(told.words in stop.detail.get("marks", ()) for stop in stops)
