"""A briefing on the web: its frozen edition, in the form that the mail templates have today."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from briefings.domain.links import BRIEFING
from briefings.errors import NotFoundError
from briefings.store.deliveries import Delivery
from briefings.web.security import MAIL_CSP
from briefings.web.views import Briefings

routes = APIRouter()


@routes.get("/b/{token}")
def briefing(token: str, app: Briefings) -> HTMLResponse:
    """The HTML of a briefing's mail."""
    delivery_id = app.links.read_id(BRIEFING, token, app.clock())
    with app.database.read() as session:
        delivery = session.get(Delivery, delivery_id)
        if delivery is None or delivery.kind != "briefing":
            raise NotFoundError("This briefing has been deleted")
        html = app.writer.rendered(session, delivery).html
    return HTMLResponse(html, headers={"Content-Security-Policy": MAIL_CSP})
