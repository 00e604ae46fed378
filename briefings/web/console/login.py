"""Coming in and going out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from briefings.actions import staff
from briefings.web.sessions import close_session, open_session, own_site
from briefings.web.views import Briefings, View

#: The only routes of the console that need no session.
routes = APIRouter(prefix="/console")
changes = APIRouter(prefix="/console")

WRONG = "Name or password is wrong, or the account is locked for 15 minutes after five failures."


@routes.get("/login")
def login_page(view: View) -> HTMLResponse:
    """The form."""
    return view.page("console/login.html", problem="", name="")


@routes.post("/login", dependencies=[Depends(own_site)])
def login(
    app: Briefings, view: View, name: Annotated[str, Form()] = "", password: Annotated[str, Form()] = ""
) -> Response:
    """Let somebody in. Wrong name, wrong password and locked account look the same."""
    found = staff.log_in(app.database, name, password, app.clock())
    if found is None:
        return view.page("console/login.html", 403, problem=WRONG, name=name)
    answer = RedirectResponse("/console", 303)
    open_session(app, found, answer)
    return answer


@changes.post("/logout")
def logout() -> RedirectResponse:
    """Go out."""
    answer = RedirectResponse("/console/login", 303)
    close_session(answer)
    return answer
