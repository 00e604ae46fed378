"""Ring on `tidy`: let go of what is no longer needed."""

from __future__ import annotations

from workers.app import RETRY, app, briefings


@app.task(**RETRY)
def tidy() -> None:
    """Tidy, once a day."""
    briefings().tidy()
