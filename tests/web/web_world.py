"""The web app on an empty database, with a clock that stands still and a browser without script."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING, Any

import httpx

from briefings.actions import staff
from briefings.domain import plans
from briefings.store import deliveries
from briefings.store.base import Base
from briefings.store.feeds import Feed
from briefings.store.items import Item, Tag
from briefings.web.main import build

if TYPE_CHECKING:
    from briefings.bootstrap import App
    from briefings.store.deliveries import Delivery

TUESDAY = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MLOPS = "mlops-ai-infrastructure"
PASSWORD = "a long enough password"


class Browser:
    """A browser without script: it keeps cookies, and follows a redirect only when told to."""

    def __init__(self, app: App) -> None:
        self.web = build(app)
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app=self.web, raise_app_exceptions=True)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://test")

    def request(self, method: str, url: str, **more: Any) -> httpx.Response:
        return self._runner.run(self._client.request(method, url, **more))

    def get(self, url: str, **more: Any) -> httpx.Response:
        return self.request("GET", url, **more)

    def post(self, url: str, **more: Any) -> httpx.Response:
        return self.request("POST", url, **more)

    def log_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        return self.post("/console/login", data={"name": name, "password": password})

    def csrf(self) -> str:
        return hidden(self.get("/console").text, "csrf")

    def forget_cookies(self) -> None:
        self._client.cookies.clear()

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no hidden field {name}"
    return unescape(found[1])


def enrol(app: App, address: str) -> int:
    person = plans.profile(app.catalogue, MLOPS, "practitioner", 4)
    plan_id = app.subscribing.sign_up(address, "Europe/Berlin", person, app.clock())
    token = app.links.confirm(plan_id, "Europe/Berlin", app.clock() + timedelta(days=7)).rpartition("/")[2]
    return app.subscribing.confirm(token, app.clock()).id


def add_item(session: Any, title: str, summary: str = "A summary.") -> int:
    feed = Feed(url=f"https://feed.example/{title[:40]}", title="Inference Notes", next_poll_at=TUESDAY)
    session.add(feed)
    session.flush()
    item = Item(
        feed_id=feed.id,
        key=title,
        digest="d",
        url="https://news.example/1",
        canonical_url="https://news.example/1",
        title=title,
        summary=summary,
        published_at=TUESDAY - timedelta(hours=1),
        first_seen_at=TUESDAY,
        tagged_by="v1",
    )
    session.add(item)
    session.flush()
    session.add(Tag(item_id=item.id, topic="vllm", score=0.92, evidence=["vllm serve"], source="rule"))
    return item.id


def add_staff(app: App, name: str, *duties: str) -> None:
    staff.add_staff(app.database, name, PASSWORD, duties, app.clock())


def deliveries_of(app: App, kind: str) -> list[Delivery]:
    with app.database.read() as session:
        return [one for one in deliveries.search(session, "", "", 0, 1000) if one.kind == kind]


def path(link: str) -> str:
    """The path of one of our absolute links."""
    return link.removeprefix("http://127.0.0.1:8025")


def snapshot(app: App) -> list[tuple[Any, ...]]:
    """Every row of every table: equal snapshots mean that nothing was changed."""
    with app.database.engine.connect() as connection:
        return [
            (table.name, *tuple(row))
            for table in Base.metadata.sorted_tables
            for row in connection.execute(table.select())
        ]
