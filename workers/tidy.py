"""Ring on `tidy`: let go of what is no longer needed, and tell staff what became of an issue."""

from __future__ import annotations

from workers.app import RETRY, app, briefings


@app.task(**RETRY)
def tidy() -> None:
    """Tidy, once a day; tell staff, once a week."""
    briefings().tidy()
    briefings().send_digest()
