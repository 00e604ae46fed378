"""Ring on `tag`: item -> tag -> story."""

from __future__ import annotations

from workers.app import RETRY, app, briefings


@app.task(**RETRY)
def tag() -> None:
    """Tag what waits, then group it; a composing that waited for it may go on."""
    briefings().tag()
    briefings().group()
    briefings().doorbell.ring("compose")
