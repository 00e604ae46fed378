"""Who got what: every delivery, and what happened to it. For operators, because it shows addresses."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from briefings.domain.deliveries import State
from briefings.errors import NotFoundError
from briefings.store import deliveries as delivery_rows
from briefings.web.console import paging
from briefings.web.console.paging import RowId
from briefings.web.sessions import Session, duty
from briefings.web.views import Briefings, View

looks = APIRouter(prefix="/console")

Operator = Annotated[Session, Depends(duty("operator"))]


class Search(BaseModel):
    """Which deliveries are looked at."""

    state: str = Field("", max_length=20)
    address: str = Field("", max_length=254)
    page: int = Field(1, ge=1, le=10_000)


@looks.get("/deliveries")
def deliveries(app: Briefings, view: View, here: Operator, search: Annotated[Search, Query()]) -> HTMLResponse:
    """A page of deliveries, newest first."""
    with app.database.read() as session:
        found = delivery_rows.search(
            session, search.state, search.address.strip(), paging.offset(search.page), paging.ASKED
        )
    listed = paging.page_of(search.page, found)
    return view.page("console/deliveries.html", here=here, page=listed, search=search, states=list(State))


@looks.get("/deliveries/{delivery_id}")
def delivery(delivery_id: RowId, app: Briefings, view: View, here: Operator) -> HTMLResponse:
    """One delivery and its events."""
    with app.database.read() as session:
        found = session.get(delivery_rows.Delivery, delivery_id)
        events = delivery_rows.events_of(session, delivery_id)
    if found is None:
        raise NotFoundError("There is no such delivery; it may have been tidied away")
    return view.page("console/delivery.html", here=here, delivery=found, events=events)
