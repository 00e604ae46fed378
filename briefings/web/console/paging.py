"""Long lists, fifty rows at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Path, Query

ROWS = 50
#: What one page asks the database for: a row more than it shows tells whether there is a next page.
ASKED = ROWS + 1

T = TypeVar("T")

PageNumber = Annotated[int, Query(ge=1, le=10_000)]
#: An id as the database can hold it.
RowId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list."""

    number: int
    rows: list[T]
    has_next: bool


def offset(number: int) -> int:
    """How many rows come before a page."""
    return (number - 1) * ROWS


def page_of(number: int, found: list[T]) -> Page[T]:
    """The page, from up to `ASKED` rows."""
    return Page(number, found[:ROWS], len(found) > ROWS)
