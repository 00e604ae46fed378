"""Ring on `compose`: tag -> match -> edition."""

from __future__ import annotations

from workers.app import RETRY, app, briefings


@app.task(**RETRY)
def compose() -> None:
    """Compose the issue whose cut-off has come; its mails ring for delivery."""
    if briefings().compose():
        briefings().doorbell.ring("deliver")
