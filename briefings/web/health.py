"""Says whether the process lives, and whether it can work."""

from __future__ import annotations

import logging

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy import text

from briefings.errors import DependencyError
from briefings.web.views import Briefings

log = logging.getLogger(__name__)
routes = APIRouter(prefix="/health")


@routes.get("/live")
def live() -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("alive\n")


@routes.get("/ready")
def ready(app: Briefings) -> JSONResponse:
    """The database answers. A broker that does not is told, but costs no more than seconds of delay."""
    try:
        with app.database.read() as session:
            session.execute(text("SELECT 1"))
    except DependencyError as error:
        log.warning("Not ready: %s", error)  # the words hold names of hosts, which strangers need not know
        return JSONResponse({"status": "not ready", "database": "does not answer; is it running?"}, 503)
    rings = app.doorbell.depth()
    if rings is None:
        words = "The broker does not answer; work waits, and goes on within seconds when it returns"
        return JSONResponse({"status": "degraded", "database": "answers", "broker": words})
    return JSONResponse({"status": "ready", "database": "answers", "broker": "answers", "rings": rings})
