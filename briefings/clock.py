"""The only place that asks what time it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: Gives the present moment (UTC).
Clock = Callable[[], datetime]


def shifted(by: timedelta) -> Clock:
    """A clock that runs `by` ahead of the world's; the demo uses one to stand on a Monday."""
    return lambda: datetime.now(UTC) + by


def led(by: timedelta, file: Path) -> Clock:
    """As `shifted`, and further by the seconds that stand in `file` at each look; no such file means none.

    `briefings chaos` leads its workers' clocks so, from outside and while they run.
    """
    return lambda: datetime.now(UTC) + by + _written(file)


def _written(file: Path) -> timedelta:
    try:
        return timedelta(seconds=float(file.read_text("ascii")))
    except FileNotFoundError:
        return timedelta()
