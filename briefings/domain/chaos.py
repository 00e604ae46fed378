"""What a run of `briefings chaos` comes to: the sink's log of what it took, held against the rows and their events.

The words of the account, each a set of deliveries:

- planned: was in the outbox when the run began.
- accepted: the sink took it at least once (it wrote the letter down before it answered).
- LOST: nobody will ever send it, and nobody knows: its row says that it went out (sent, delivered, complained) though
  the sink never took it; or it has no row any more; or its row is held by a worker without a lease, so that no sweep
  finds it.
- DUPLICATE: the sink took it more than once.
- SILENT DUPLICATE: the sink took it more often than its events explain: a first time, and once more for each event
  `unknown`.
- DENIED: the sink took it, and its row says that it never arrived (bounced, dead, skipped) though no event `unknown`
  admits that nobody knows; or the sink took something that was never planned.
- UNKNOWN: has at least one event `unknown`.
- STUCK: at the end of the run it still waits or is held, or its outcome is unknown and the policy has not acted. What
  is unknown for the second time, or under the policy `hold`, has settled: it waits for the operator, who sees it.

The gate: LOST, SILENT DUPLICATE, DENIED and STUCK are empty, and there are no more DUPLICATE than UNKNOWN; under the
policy `hold`, none.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from briefings.domain.deliveries import MOVING, NEVER_ARRIVED, WAITING, State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

#: The row says that the letter left.
WENT_OUT = (State.SENT, State.DELIVERED, State.COMPLAINED)


@dataclass(frozen=True)
class Row:
    """A delivery as the database has it (moments in UTC), with how many of its events are `unknown`."""

    id: int
    uid: str
    state: State
    next_at: datetime
    lease_until: datetime | None
    changed_at: datetime
    resent: int = 0
    unknowns: int = 0
    hold: bool = False  #: whether the policy leaves an unknown outcome to the operator


@dataclass(frozen=True)
class Account:
    """The numbers of a run, and the uids of the offenders, sorted."""

    planned: int
    accepted: int
    unknown: int
    most_duplicates: int  #: more are not explained
    lost: tuple[str, ...]
    duplicate: tuple[str, ...]
    silent: tuple[str, ...]
    denied: tuple[str, ...]
    stuck: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """The gate."""
        return (
            not (self.lost or self.silent or self.denied or self.stuck) and len(self.duplicate) <= self.most_duplicates
        )


def account(planned: Collection[str], rows: Iterable[Row], taken: Iterable[str]) -> Account:
    """Hold the uids that the sink took (a repeat for each time) against what was planned and what the rows say."""
    copies, known = Counter(taken), {row.uid: row for row in rows}
    lost = {uid for uid in planned if uid not in known or is_lost(known[uid], copies[uid])}
    return Account(
        planned=len(planned),
        accepted=len(copies.keys() & set(planned)),
        unknown=sum(row.unknowns > 0 for row in known.values()),
        most_duplicates=sum(row.unknowns > 0 and not row.hold for row in known.values()),
        lost=tuple(sorted(lost)),
        duplicate=tuple(sorted(uid for uid, count in copies.items() if count > 1)),
        silent=tuple(sorted(uid for uid, row in known.items() if copies[uid] > 1 + row.unknowns)),
        denied=tuple(sorted(uid for uid in copies if uid not in planned or _is_denied(known.get(uid)))),
        stuck=tuple(sorted(uid for uid, row in known.items() if uid not in lost and not is_settled(row))),
    )


def is_lost(row: Row, copies: int) -> bool:
    """Whether nobody will ever send this, and nobody knows."""
    if row.state in WENT_OUT:
        return copies == 0
    return row.state is State.SENDING and row.lease_until is None


def is_settled(row: Row) -> bool:
    """Whether this delivery will not change by itself any more."""
    return row.state not in MOVING and (row.state is not State.UNKNOWN or row.hold or row.resent > 0)


def moves_at(row: Row, patience: timedelta) -> datetime | None:
    """When something may be done about this delivery next (UTC), or None when it has settled."""
    if is_settled(row):
        return None
    if row.state in WAITING:
        return row.next_at
    return row.lease_until if row.state is not State.UNKNOWN else row.changed_at + patience


def leap(rows: Iterable[Row], now: datetime, patience: timedelta, longest_wait: timedelta) -> timedelta:
    """By how much all clocks may be put forward, because nothing happens for longer than one wants to wait.

    It leads to the last of the moments at which something may be done: then everything is due at once.
    """
    moments = [moment for row in rows if (moment := moves_at(row, patience)) is not None]
    idle = bool(moments) and min(moments) - now > longest_wait
    return max(moments) - now if idle else timedelta()


def _is_denied(row: Row | None) -> bool:
    return row is not None and row.state in NEVER_ARRIVED and row.unknowns == 0
