"""Ring on `deliver`: delivery -> event."""

from __future__ import annotations

from workers.app import RETRY, app, briefings


@app.task(**RETRY)
def deliver() -> None:
    """Send what is due."""
    briefings().deliver()
