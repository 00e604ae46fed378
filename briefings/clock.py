"""The only place that asks what time it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

#: Gives the present moment (UTC).
Clock = Callable[[], datetime]


def shifted(by: timedelta) -> Clock:
    """A clock that runs `by` ahead of the world's; the demo uses one to stand on a Monday."""
    return lambda: datetime.now(UTC) + by
