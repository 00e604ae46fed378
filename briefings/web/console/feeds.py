"""The feeds and how they are."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from briefings.store import feeds as feed_rows
from briefings.store import items as item_rows
from briefings.web.console import paging
from briefings.web.console.paging import PageNumber
from briefings.web.sessions import Here
from briefings.web.views import Briefings, View

looks = APIRouter(prefix="/console")


@looks.get("/feeds")
def feeds(app: Briefings, view: View, here: Here, page: PageNumber = 1) -> HTMLResponse:
    """A page of feeds, those with a problem first."""
    with app.database.read() as session:
        listed = paging.page_of(page, feed_rows.listed(session, paging.offset(page), paging.ASKED))
        counts = item_rows.count_by_feed(session, [feed.id for feed in listed.rows])
    return view.page("console/feeds.html", here=here, page=listed, counts=counts)
