"""Ring on `deliver`: delivery -> event."""

from __future__ import annotations

from briefings.errors import TransientError
from workers.app import app, briefings


@app.task(queue="deliver", autoretry_for=(TransientError,), max_retries=3, retry_backoff=False, default_retry_delay=0)
def deliver() -> None:
    """Send what is due."""
    briefings().deliver()
