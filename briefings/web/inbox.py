"""The inbox of the mail catcher: what a newcomer looks at first. It exists only where mail is caught."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse

from briefings.adapters import mail_catcher
from briefings.errors import NotFoundError
from briefings.web.security import FRAMED_MAIL_CSP
from briefings.web.views import Briefings, View

routes = APIRouter(prefix="/inbox")

PAGE = 25


def _folder(app: Briefings) -> Path:
    if app.settings.caught_mail is None:
        raise NotFoundError("No mail is caught here; set BRIEFINGS_CAUGHT_MAIL to see an inbox")
    return app.settings.caught_mail


Folder = Annotated[Path, Depends(_folder)]


@dataclass(frozen=True)
class Place:
    """Where a mail stands among all."""

    number: int
    total: int
    newer: str
    older: str


@routes.get("")
def inbox(folder: Folder, view: View, page: Annotated[int, Query(ge=1, le=100_000)] = 1) -> HTMLResponse:
    """The newest mails."""
    total = len(mail_catcher.mail_ids(folder))
    mails = mail_catcher.caught(folder, (page - 1) * PAGE, PAGE)
    return view.page("inbox/list.html", mails=mails, total=total, page=page, pages=max(1, -(-total // PAGE)))


@routes.get("/{mail_id}")
def mail(
    mail_id: str,
    folder: Folder,
    view: View,
    show: Annotated[Literal["html", "phone", "text", "source"] | None, Query(alias="as")] = None,
) -> HTMLResponse:
    """One mail: as HTML, on a phone, as text, or its source."""
    found = mail_catcher.read(folder, mail_id)
    shown = show or ("html" if found.html else "text")
    return view.page("inbox/mail.html", mail=found, show=shown, place=_place(folder, mail_id))


@routes.get("/{mail_id}/html")
def html(mail_id: str, folder: Folder) -> HTMLResponse:
    """What stands in the frame. Its links open a tab of their own."""
    content = mail_catcher.read(folder, mail_id).html
    framed = content.replace("<head>", '<head><base target="_blank">', 1)
    return HTMLResponse(framed, headers={"Content-Security-Policy": FRAMED_MAIL_CSP})


def _place(folder: Path, mail_id: str) -> Place:
    ids = mail_catcher.mail_ids(folder)
    at = ids.index(mail_id) if mail_id in ids else 0
    newer = ids[at - 1] if at > 0 else ""
    older = ids[at + 1] if at + 1 < len(ids) else ""
    return Place(at + 1, len(ids), newer, older)
