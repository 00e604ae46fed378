"""Items in files: a line of JSON each, with title, summary, link, source and date."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from briefings.domain.entries import canonical_url
from briefings.domain.stories import Telling
from briefings.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LONGEST_TITLE, LONGEST_SUMMARY = 300, 1000
USUAL_AUTHORITY = 0.7


def lines(file: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The lines of JSON; each has its id as text, or "" when it has none.

    Raises InputError with the number of the line that is no JSON object.
    """
    for number, line in enumerate(file, 1):
        try:
            found = dict(json.loads(line))
        except (ValueError, TypeError, RecursionError) as error:
            raise InputError(f"Line {number} is no JSON object ({error}); correct it") from error
        yield {**found, "id": str(found.get("id") or "")}


def words(line: Mapping[str, Any]) -> tuple[str, str]:
    """Title and summary as plain text."""
    from briefings.adapters.text import plain

    title, summary = (str(line.get(key) or "") for key in ("title", "summary"))
    return plain(title, LONGEST_TITLE), plain(summary, LONGEST_SUMMARY)


def dated(file: Iterable[str]) -> list[tuple[datetime, dict[str, Any]]]:
    """The lines that have a date (ISO 8601; UTC when it names no zone), with it."""
    return [(moment, line) for line in lines(file) if (moment := _moment(line))]


def telling(number: int, moment: datetime, line: Mapping[str, Any], authority: float = USUAL_AUTHORITY) -> Telling:
    """An item as grouping sees it, with its number for an id."""
    return Telling(number, *words(line), canonical_url(str(line.get("link") or "")), moment, authority)


def _moment(line: Mapping[str, Any]) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(line.get("date")))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
