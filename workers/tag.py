"""Ring on `tag`: item -> tag -> story."""

from __future__ import annotations

from briefings.errors import TransientError
from workers.app import app, briefings


@app.task(queue="tag", autoretry_for=(TransientError,), max_retries=3, retry_backoff=False, default_retry_delay=0)
def tag() -> None:
    """Tag what waits, then group it; a composing that waited for it may go on."""
    briefings().tag()
    briefings().group()
    briefings().doorbell.ring("compose")
