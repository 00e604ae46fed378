"""Ring on `compose`: tag -> match -> edition."""

from __future__ import annotations

from briefings.errors import TransientError
from workers.app import app, briefings


@app.task(queue="compose", autoretry_for=(TransientError,), max_retries=3, retry_backoff=False, default_retry_delay=0)
def compose() -> None:
    """Compose the issue whose cut-off has come; its mails ring for delivery."""
    if briefings().compose():
        briefings().doorbell.ring("deliver")
