"""Ring on `poll`: feed -> item."""

from __future__ import annotations

from briefings.errors import TransientError
from workers.app import app, briefings


@app.task(queue="poll", autoretry_for=(TransientError,), max_retries=3, retry_backoff=False, default_retry_delay=0)
def poll() -> None:
    """Poll the due feeds; new items ring for their tags."""
    if briefings().poll():
        briefings().doorbell.ring("tag")
