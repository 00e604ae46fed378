"""What holds for every request and every answer: sizes, headers, and no traceback for strangers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fastapi.responses import PlainTextResponse
from starlette.datastructures import MutableHeaders

from briefings.web import errors

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from briefings.web.views import Pages

log = logging.getLogger(__name__)

LARGEST_BODY = 64 * 1024
STRICT_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-src 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
#: A mail as it was sent: its own styles and nothing else.
MAIL_CSP = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
#: The same inside our inbox page: its links open a tab of their own, and nothing in it can run or post.
FRAMED_MAIL_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
#: Their addresses carry a token that nobody else may learn.
TOKEN_PAGES = ("/confirm/", "/plan/", "/u/", "/b/")
#: Their contents are nobody else's.
PRIVATE_PAGES = (*TOKEN_PAGES, "/console", "/inbox", "/sign-up")


class BodyLimit:
    """Refuses a body of more than 64 KB before anything reads it."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` is what comes after."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the body in whole, up to the limit, and hand it on."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        body = b"" if _announces_too_much(scope) else await _body(receive)
        if _announces_too_much(scope) or len(body) > LARGEST_BODY:
            await PlainTextResponse("This form is too large; send at most 64 KB.\n", 413)(scope, receive, send)
            return
        await self._app(scope, _again(body, receive), send)


class SafeAnswers:
    """Puts the security headers on every answer, answers HEAD as GET, and turns an unforeseen error into a page."""

    def __init__(self, app: ASGIApp, pages: Pages, *, https: bool) -> None:
        """`https`: whether readers reach us by https."""
        self._app = app
        self._pages = pages
        self._https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        started = False

        async def send_safely(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._set_headers(MutableHeaders(scope=message), scope["path"])
            elif head:
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._app({**scope, "method": "GET"} if head else scope, receive, send_safely)
        except Exception:  # whatever it was, a stranger sees a page and we see the log
            log.exception("A %s request could not be answered", scope["method"])
            if started:
                raise
            await errors.trouble(self._pages)(scope, receive, send_safely)

    def _set_headers(self, headers: MutableHeaders, path: str) -> None:
        headers.setdefault("Content-Security-Policy", STRICT_CSP)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer" if path.startswith(TOKEN_PAGES) else "same-origin"
        if path.startswith(PRIVATE_PAGES):
            headers["X-Robots-Tag"] = "noindex"
            headers["Cache-Control"] = "no-store"
        elif path.startswith("/static/"):
            headers["Cache-Control"] = "public, max-age=86400"
        if self._https:
            headers["Cross-Origin-Opener-Policy"] = "same-origin"
            headers["Strict-Transport-Security"] = "max-age=31536000"


def _announces_too_much(scope: Scope) -> bool:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return not length.isdigit() or int(length) > LARGEST_BODY


async def _body(receive: Receive) -> bytes:
    """The whole body, or as much of it as shows that it is too large."""
    body = b""
    while len(body) <= LARGEST_BODY:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body


def _again(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def receive_again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return receive_again
