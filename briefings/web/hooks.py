"""What machines call: the one-click unsubscription of RFC 8058."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import PlainTextResponse, Response

from briefings.web.views import Briefings, View

routes = APIRouter()


@routes.post("/u/{token}")
def unsubscribe(
    token: str, app: Briefings, view: View, one_click: Annotated[str, Form(alias="List-Unsubscribe")] = ""
) -> Response:
    """End the mails. The mail provider's POST and the page's button differ only in the answer they get.

    The token is the whole permission: a provider sends no cookie and follows no redirect.
    """
    subscriber = app.subscribing.unsubscribe(token, app.clock())
    if one_click:
        return PlainTextResponse("You are unsubscribed.\n")
    return view.page("left.html", token=token, can_return=bool(subscriber.address))
