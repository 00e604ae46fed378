"""Ring on `tidy`: let go of what is no longer needed."""

from __future__ import annotations

from briefings.errors import TransientError
from workers.app import app, briefings


@app.task(queue="tidy", autoretry_for=(TransientError,), max_retries=3, retry_backoff=False, default_retry_delay=0)
def tidy() -> None:
    """Tidy, once a day."""
    briefings().tidy()
