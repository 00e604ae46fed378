"""What really happened, in its order: what was committed, and what the relay saw."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sqlite3 import Connection

ATTEMPTED, ACCEPTED = "attempted", "accepted"


class Entry(NamedTuple):
    """`what` is an event's kind, ATTEMPTED or ACCEPTED; of a delivery, or of a person."""

    what: str
    delivery_id: int | None
    subscriber_id: int | None
    epoch: int | None
    reason: str | None


class Row(NamedTuple):
    """A delivery as it stands in the end."""

    id: int
    subscriber_id: int
    state: str
    reason: str
    week_number: int | None  #: of its edition; none when it was given back
    suppressed: str | None  #: why its address is not mailed


@dataclass
class Journal:
    """Reads after each commit what is new; nothing that is rolled back ever gets here."""

    database: Connection
    window: int
    entries: list[Entry] = field(default_factory=list)
    too_many: list[str] = field(default_factory=list)  #: workers with more in `sending` than a window
    _last: int = 0  #: event
    _changes: int = 0

    def committed(self) -> None:
        changes = self.database.total_changes
        if changes == self._changes:
            return
        self._changes = changes
        new = self.database.execute(
            "SELECT id, kind, delivery_id, subscriber_id, json_extract(detail, '$.epoch'),"
            " json_extract(detail, '$.reason') FROM events WHERE id > ? ORDER BY id",
            (self._last,),
        ).fetchall()
        for self._last, *entry in new:
            self.entries.append(Entry(*entry))
        full = self.database.execute(
            "SELECT owner || ' has ' || COUNT(*) || ' in sending' FROM deliveries WHERE state = 'sending'"
            " GROUP BY owner HAVING COUNT(*) > ?",
            (self.window,),
        )
        self.too_many += [words for (words,) in full]

    def rows(self) -> list[Row]:
        found = self.database.execute(
            "SELECT d.id, d.subscriber_id, d.state, d.reason, e.week_number, s.reason FROM deliveries d"
            " JOIN editions e ON e.id = d.edition_id LEFT JOIN suppressions s ON s.address_key = d.address_key"
            " ORDER BY d.id"
        )
        return [Row(*row) for row in found]
