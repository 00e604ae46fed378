"""Turns templates and values into pages."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from briefings.bootstrap import App
from briefings.domain.wording import spoken_minutes

STYLE_SHEET = "static/briefings.css"


class Pages:
    """All page templates, compiled once; a value that a template misses is an error, not an empty place."""

    def __init__(self, folder: Path, app: App) -> None:
        """`folder` holds the templates; `app` gives the words that stand on every page."""
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            undefined=StrictUndefined,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters |= {"spoken": spoken_minutes, "moment": moment, "clock": clock, "web_url": web_url}
        self._environment.tests["not_in"] = lambda value, among: value not in among
        style = sha256((folder / STYLE_SHEET).read_bytes()).hexdigest()[:12]
        self._environment.globals |= {
            "style_url": f"/{STYLE_SHEET}?v={style}",
            "names": app.catalogue.topic_names,
            "postal_address": app.settings.postal_address,
            "reply_to": app.settings.sender.reply_to,
            "has_inbox": app.settings.caught_mail is not None,
        }

    def text(self, template: str, /, **context: Any) -> str:  # noqa: ANN401 - whatever the template names
        """A page as text."""
        return self._environment.get_template(template).render(context)

    def page(self, template: str, status: int = 200, /, **context: Any) -> HTMLResponse:  # noqa: ANN401 - as above
        """A page as an answer."""
        return HTMLResponse(self.text(template, **context), status)

    def message(self, status: int, title: str, words: str) -> HTMLResponse:
        """A page that says one thing."""
        return self.page("message.html", status, heading=title, words=words)


def moment(at: datetime) -> str:
    """`Mon 23 Nov 2026, 07:00 UTC`."""
    return f"{at.astimezone(UTC):%a} {clock(at)} UTC"


def clock(at: datetime) -> str:
    """`23 Nov 2026, 07:00`, for tables whose head says UTC."""
    utc = at.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M}"


def web_url(url: str) -> str:
    """The address if it is one of the web, else "": a `javascript:` address never becomes a link."""
    return url if url.startswith(("https://", "http://")) else ""


def _app(request: Request) -> App:
    app: App = request.app.state.briefings
    return app


def _pages(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages


#: What a route asks for when it needs the app, or a page.
Briefings = Annotated[App, Depends(_app)]
View = Annotated[Pages, Depends(_pages)]
