"""Leaving, and thinking better of it. The POST that ends the mails is in `hooks`: it is the mail provider's too."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from briefings.domain.links import UNSUBSCRIBE
from briefings.errors import NotFoundError
from briefings.store.subscribers import Subscriber
from briefings.web.views import Briefings, View

routes = APIRouter()


@routes.get("/u/{token}")
def leave(token: str, app: Briefings, view: View) -> HTMLResponse:
    """The button. Opening the page ends nothing."""
    subscriber_id = app.links.read_id(UNSUBSCRIBE, token, app.clock())
    with app.database.read() as session:
        subscriber = session.get(Subscriber, subscriber_id)
    if subscriber is None:
        raise NotFoundError("This subscription has been deleted; there is nothing left to end")
    if subscriber.state == "left":
        return view.page("left.html", token=token, can_return=bool(subscriber.address))
    return view.page("leave.html", token=token, plan_url=app.links.plan(subscriber_id))


@routes.post("/u/{token}/undo")
def undo(token: str, app: Briefings, view: View) -> HTMLResponse:
    """Go on as before, as long as we still know where to send it."""
    subscriber = app.subscribing.resubscribe(token, app.clock())
    if subscriber.state == "left":
        raise NotFoundError("Your data has been deleted meanwhile; start again on the front page")
    return view.page("returned.html", state=subscriber.state, plan_url=app.links.plan(subscriber.id))
