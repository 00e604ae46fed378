"""How things stand, on one screen."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from briefings.actions import account
from briefings.adapters.broker import QUEUES
from briefings.store import feeds, subscribers
from briefings.web.sessions import Here
from briefings.web.views import Briefings, View

looks = APIRouter(prefix="/console")


@looks.get("")
def overview(app: Briefings, view: View, here: Here) -> HTMLResponse:
    """The newest issue's ledger, the queues, the feeds that fail."""
    now = app.clock()
    waiting = account.backlog(app.database, app.tagger.version, now)
    with app.database.read() as session:
        failing = feeds.with_problem(session)
        people = subscribers.count_by_state(session)
    return view.page(
        "console/overview.html",
        here=here,
        now=now,
        ledger=app.ledger(),
        queues=[(queue, waiting.get(queue)) for queue in QUEUES],
        due=set(app.due_queues()),
        rings=app.doorbell.depth(),
        stuck=account.stuck_words(app.database, now),
        failing=failing,
        people=people,
    )
