"""Puts the web app together. `uvicorn --factory briefings.web.main:create` serves it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import Depends, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.staticfiles import StaticFiles

from briefings.bootstrap import App, bootstrap
from briefings.settings import ROOT
from briefings.sweeper import Sweeper
from briefings.web import errors, health, hooks, inbox
from briefings.web.console import deliveries, feeds, items, login, overview
from briefings.web.pages import briefing, home, leave, plan, sign_up
from briefings.web.security import BodyLimit, SafeAnswers
from briefings.web.sessions import own_form, signed_in
from briefings.web.views import Pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TEMPLATES = ROOT / "templates" / "web"
#: FastAPI would hand paths, and thereby the tokens in them, to any exporter of traces that the environment names.
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}


def create() -> FastAPI:
    """The web app of the environment's settings. Raises SettingsError or CatalogueError."""
    return build(bootstrap())


def build(app: App) -> FastAPI:
    """The web app around `app`; while it is served, a sweep runs beside it."""

    @asynccontextmanager
    async def sweeping(_: FastAPI) -> AsyncIterator[None]:
        sweeper = Sweeper(app)
        sweeper.start()
        yield
        sweeper.stop()

    web = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=sweeping, telemetry=NO_TELEMETRY)
    web.state.briefings = app
    web.state.pages = Pages(TEMPLATES, app)
    web.mount("/static", StaticFiles(directory=TEMPLATES / "static"))
    _include(web)
    errors.handle(web)
    web.add_middleware(BodyLimit)
    web.add_middleware(SafeAnswers, pages=web.state.pages, https=app.settings.public_url.startswith("https:"))
    return web


def _include(web: FastAPI) -> None:
    for public in (home, sign_up, plan, leave, hooks, briefing, health, inbox, login):
        web.include_router(public.routes)
    for console in (overview, feeds, items, deliveries):
        web.include_router(console.looks, dependencies=[Depends(signed_in)])
    for changing in (login, items):
        web.include_router(changing.changes, dependencies=[Depends(own_form)])
