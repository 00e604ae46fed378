"""Items in files, a line of JSON each: id, title, summary, link, source and date, as far as they are known."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from briefings.adapters.text import plain
from briefings.domain.entries import canonical_url
from briefings.domain.feeds import source_of
from briefings.domain.stories import Telling
from briefings.domain.tagging import Text
from briefings.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LONGEST_TITLE, LONGEST_SUMMARY = 300, 1000
USUAL_AUTHORITY = 0.7
#: No item of news is of another year; near the years 1 and 9999 a date cannot be reckoned with.
EARLIEST, LATEST = 1990, 2100


def lines(file: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The lines of JSON, their id as text.

    Raises InputError with the number of the line that is no object with an id, or after which the text is not UTF-8.
    """
    number = 0
    try:
        for number, line in enumerate(file, 1):
            yield _object(number, line)
    except UnicodeDecodeError as error:
        raise InputError(f"What follows line {number} is not UTF-8 ({error}); save the file as UTF-8") from error


def dated(file: Iterable[str]) -> list[tuple[datetime, dict[str, Any]]]:
    """The lines that have a date (ISO 8601; UTC when it names no zone) of 1990 to 2100, with it.

    Raises InputError as `lines`.
    """
    return [(moment, line) for line in lines(file) if (moment := _moment(line))]


def text_of(item: Mapping[str, Any]) -> Text:
    """What the tagger reads of an item.

    The source is the host of its `link`, else its `source` as given: a host, or the name of a feed.
    """
    link, source = _said(item, "link"), _said(item, "source")
    return Text(*_words(item), source=source_of(link, source))


def telling(number: int, moment: datetime, item: Mapping[str, Any], authority: float = USUAL_AUTHORITY) -> Telling:
    """An item as grouping sees it, with its number for an id."""
    return Telling(number, *_words(item), canonical_url(_said(item, "link")), moment, authority)


def _object(number: int, line: str) -> dict[str, Any]:
    try:
        found = dict(json.loads(line))
        return {**found, "id": str(found["id"])}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f"Line {number} is no JSON object with an id ({error}); correct it") from error


def _words(item: Mapping[str, Any]) -> tuple[str, str]:
    return plain(_said(item, "title"), LONGEST_TITLE), plain(_said(item, "summary"), LONGEST_SUMMARY)


def _said(item: Mapping[str, Any], key: str) -> str:
    return str(item.get(key) or "")


def _moment(item: Mapping[str, Any]) -> datetime | None:
    try:
        moment = datetime.fromisoformat(_said(item, "date"))
    except ValueError:
        return None
    if not EARLIEST <= moment.year <= LATEST:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
