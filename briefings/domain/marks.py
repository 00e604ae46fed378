"""How far a database has come, told to witnesses outside it: one that is older than its witnesses was put back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from briefings.domain.wording import spoken_moment

#: No event has a number of more digits.
MOST_DIGITS = 18


@dataclass(frozen=True)
class Mark:
    """The newest event of a database at a moment."""

    database: datetime  #: by which it is known: when its first scheduled run was seen (UTC)
    event: int
    at: datetime  #: when the event happened (UTC)

    @property
    def words(self) -> str:
        """What `read` reads."""
        return f"{self.event} {self.at.isoformat()} {self.database.isoformat()}"


def read(words: str) -> Mark | None:
    """The mark of its words; None for anything else."""
    try:
        event, at, database = words.split()
        mark = Mark(datetime.fromisoformat(database), int(event), datetime.fromisoformat(at))
    except ValueError:
        return None
    whole = event.isdigit() and len(event) <= MOST_DIGITS and mark.at.tzinfo and mark.database.tzinfo
    return mark if whole else None


def is_missing(told: Mark, newest: Mark, at: datetime | None) -> bool:
    """Whether a database has not got the event that a witness saw in it.

    `newest` is its newest event, `at` when its event of the told number happened: None when it has none. The number of
    an event that was tidied away is not given again. Another database, begun anew, is nobody's concern.
    """
    return told.database == newest.database and (told.event > newest.event or at not in {None, told.at})


def reason(told: Mark, newest: Mark) -> str:
    """Why nothing is sent from a database that has not got what a witness saw."""
    return (
        f"mail was sent until {spoken_moment(told.at)}, and this database does not know of it (its newest event is of "
        f"{spoken_moment(newest.at)}): it was restored from a backup, and would send again what was sent since. See "
        "docs/operating.md, 'After a restore'"
    )
