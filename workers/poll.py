"""Ring on `poll`: feed -> item."""

from __future__ import annotations

from workers.app import RETRY, app, briefings


@app.task(**RETRY)
def poll() -> None:
    """Poll the due feeds; new items ring for their tags."""
    if briefings().poll():
        briefings().doorbell.ring("tag")
