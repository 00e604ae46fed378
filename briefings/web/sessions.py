"""Who is at the console, what they may do, and whether a form is really theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Annotated

from fastapi import Depends, Form, Request
from fastapi.responses import Response

from briefings.bootstrap import App
from briefings.domain import tokens
from briefings.errors import NotFoundError, PermanentError
from briefings.store.staff import Staff
from briefings.web.views import Briefings

COOKIE = "staff-session"
LASTS = timedelta(hours=12)


class SignInNeededError(PermanentError):
    """Nobody is signed in: sign in to the console first."""


class ForbiddenError(PermanentError):
    """Not among your duties: ask an operator for it."""


@dataclass(frozen=True)
class Session:
    """Somebody at the console. `csrf` stands in each of their forms."""

    staff_id: int
    name: str
    duties: frozenset[str]
    csrf: str

    def may(self, duty: str) -> bool:
        """Whether a duty was given to them."""
        return duty in self.duties


def open_session(app: App, staff: Staff, answer: Response) -> None:
    """Let the browser keep a session of 12 hours; a change of password ends it."""
    now = app.clock()
    subject = f"{staff.id} {int(now.timestamp())} {_fingerprint(staff)}"
    answer.set_cookie(
        COOKIE,
        tokens.sign(app.settings.secret_key, COOKIE, subject, now + LASTS),
        max_age=int(LASTS.total_seconds()),
        path="/console",
        secure=app.settings.public_url.startswith("https:"),
        httponly=True,
        samesite="strict",
    )


def close_session(answer: Response) -> None:
    """Let the browser forget the session."""
    answer.delete_cookie(COOKIE, path="/console")


def signed_in(request: Request, app: Briefings) -> Session:
    """The session of a request. Raises SignInNeededError."""
    key = app.settings.secret_key
    try:
        subject = tokens.read(key, COOKIE, request.cookies.get(COOKIE, ""), app.clock())
    except NotFoundError as error:
        raise SignInNeededError from error
    staff_id, _, fingerprint = subject.split(" ")
    with app.database.read() as session:
        staff = session.get(Staff, int(staff_id))
    if staff is None or _fingerprint(staff) != fingerprint:
        raise SignInNeededError
    return Session(staff.id, staff.name, frozenset(staff.duties), tokens.sign(key, "csrf", subject))


Here = Annotated[Session, Depends(signed_in)]


def own_site(request: Request) -> None:
    """Refuse a form that the browser says another site has posted. Raises ForbiddenError."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        raise ForbiddenError("This form was sent by another site; open the page here and send it again")


def own_form(request: Request, here: Here, csrf: Annotated[str, Form()] = "") -> None:
    """Refuse a form that was not made for this session. Raises ForbiddenError."""
    own_site(request)
    if not compare_digest(csrf.encode(), here.csrf.encode()):
        raise ForbiddenError("This form is not from your session; open the page again and repeat what you did")


def duty(needed: str) -> Callable[[Session], Session]:
    """What a route depends on that only staff with a duty may use. It raises ForbiddenError."""

    def checked(here: Here) -> Session:
        if not here.may(needed):
            raise ForbiddenError(f"This needs the duty {needed!r}; ask an operator for it")
        return here

    return checked


def _fingerprint(staff: Staff) -> str:
    return sha256(staff.password_hash.encode()).hexdigest()[:12]
