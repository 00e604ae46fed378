"""What a visitor sees when something went wrong: words and a status, never a traceback."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from briefings.errors import BriefingsError, DependencyError, ForgedNoticeError, InputError, NotFoundError
from briefings.web.sessions import ForbiddenError, SignInNeededError
from briefings.web.views import Pages

STATUS: dict[type[Exception], tuple[int, str]] = {
    InputError: (422, "That cannot be used"),
    NotFoundError: (404, "There is nothing here"),
    DependencyError: (503, "We cannot answer just now"),
    ForgedNoticeError: (403, "This notice is not believed"),
    ForbiddenError: (403, "You may not do that"),
}
OURS = (500, "Something went wrong here")
#: What a stranger may read about trouble that is ours.
OUR_TROUBLE = "It is our fault, not yours, and it has been written down. Please try again in a few minutes."


def handle(web: FastAPI) -> None:
    """Map every error to its page."""
    web.add_exception_handler(BriefingsError, _ours)
    web.add_exception_handler(SignInNeededError, _sign_in)
    web.add_exception_handler(RequestValidationError, _unreadable)
    web.add_exception_handler(HTTPException, _plain)


def trouble(pages: Pages) -> Response:
    """The page for an error that nobody foresaw."""
    return pages.message(*OURS, OUR_TROUBLE)


def _ours(request: Request, error: Exception) -> Response:
    pages: Pages = request.app.state.pages
    status, title = STATUS.get(type(error), OURS)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return pages.message(status, title, OUR_TROUBLE)
    return pages.message(status, title, f"{str(error).rstrip('.')}.")


def _sign_in(_: Request, __: Exception) -> Response:
    return RedirectResponse("/console/login", 303)


def _unreadable(request: Request, error: Exception) -> Response:
    """A parameter of the wrong form: in the path it means that there is no such page."""
    pages: Pages = request.app.state.pages
    places = {str(one["loc"][0]) for one in error.errors()} if isinstance(error, RequestValidationError) else set()
    if "path" in places:
        return pages.message(404, "There is nothing here", "Please check the address.")
    return pages.message(
        422, "That cannot be used", "A part of the form is missing or misspelt. Go back and try again."
    )


def _plain(request: Request, error: Exception) -> Response:
    pages: Pages = request.app.state.pages
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
    if status == HTTPStatus.NOT_FOUND:
        return pages.message(404, "There is nothing here", "The address may be misspelt, or the page has moved.")
    return pages.message(status, HTTPStatus(status).phrase.capitalize(), "Please go back and try another way.")
