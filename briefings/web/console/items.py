"""The items: look for them, pin, hide and retag them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, Field

from briefings.actions import curate
from briefings.store import items as item_rows
from briefings.web.console import paging
from briefings.web.console.paging import RowId
from briefings.web.sessions import Here, Session, duty
from briefings.web.views import Briefings, View

looks = APIRouter(prefix="/console")
changes = APIRouter(prefix="/console")

Editor = Annotated[Session, Depends(duty("editor"))]


class Search(BaseModel):
    """Which items are looked at. It travels through every form, so that one comes back to the same place."""

    q: str = Field("", max_length=200)
    topic: str = Field("", max_length=100)
    page: int = Field(1, ge=1, le=10_000)

    def back(self, item_id: int) -> RedirectResponse:
        """The way back to an item in its list."""
        query = urlencode({"q": self.q, "topic": self.topic, "page": self.page})
        return RedirectResponse(f"/console/items?{query}#item-{item_id}", 303)


class StateForm(Search):
    """A press on pin, hide or leave open."""

    state: str = ""


class TopicForm(Search):
    """An editor's word on a topic."""

    about: str = Field("", max_length=100)
    belongs: bool = True


@looks.get("/items")
def items(app: Briefings, view: View, here: Here, search: Annotated[Search, Query()]) -> HTMLResponse:
    """A page of items, newest first, with the tags and why they have them."""
    with app.database.read() as session:
        found = item_rows.search(session, search.q, search.topic, paging.offset(search.page), paging.ASKED)
        listed = paging.page_of(search.page, found)
        tags = item_rows.tags_of(session, [item.id for item in listed.rows])
    return view.page("console/items.html", here=here, page=listed, tags=tags, skills=app.catalogue.skill, search=search)


@changes.post("/items/{item_id}/state")
def set_state(item_id: RowId, app: Briefings, here: Editor, form: Annotated[StateForm, Form()]) -> RedirectResponse:
    """Pin an item, hide it, or leave it open."""
    curate.set_item_state(app.database, item_id, form.state, here.name, app.clock())
    return form.back(item_id)


@changes.post("/items/{item_id}/topic")
def set_topic(item_id: RowId, app: Briefings, here: Editor, form: Annotated[TopicForm, Form()]) -> RedirectResponse:
    """Say that an item belongs to a topic or not."""
    now = app.clock()
    curate.retag(app.database, app.catalogue, item_id, form.about, belongs=form.belongs, staff=here.name, now=now)
    return form.back(item_id)
