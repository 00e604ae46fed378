"""The sweep: a thread in every worker and web process that looks for waiting work and rings for it.

It is not a Celery task, because a task can be lost and this is what makes that harmless.
"""

from __future__ import annotations

import logging
from threading import Event, Thread
from typing import TYPE_CHECKING

from briefings.errors import BriefingsError

if TYPE_CHECKING:
    from briefings.bootstrap import App

log = logging.getLogger(__name__)


class Sweeper(Thread):
    """Rings for due work until it is stopped. No trouble of database or broker ends it."""

    def __init__(self, app: App) -> None:
        """`app` may be shared with other threads of the process; the period is a setting."""
        super().__init__(name="sweeper", daemon=True)
        self._app = app
        self._stopped = Event()

    def run(self) -> None:
        """Look, ring, wait."""
        while not self._stopped.wait(self._app.settings.sweep.total_seconds()):
            try:
                self._app.ring_due()
            except BriefingsError as error:
                log.warning("The sweep could not look: %s", error)
            except Exception:  # a sweep that dies would be missed by nobody
                log.exception("The sweep failed and goes on")

    def stop(self) -> None:
        """End after the present look."""
        self._stopped.set()
