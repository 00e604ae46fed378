"""A small week's data, made through the actions that make it in real life."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from briefings.domain import plans
from briefings.domain.entries import Entry, plan
from briefings.store import items
from briefings.store.deliveries import Delivery
from briefings.store.feeds import Feed
from briefings.store.subscribers import Subscriber

MLOPS = "mlops-ai-infrastructure"
SECRET = "a-secret-key-of-the-tests-with-40-letters"
#: A Sunday after the cut-off of 2026-W48 and before anybody's Monday.
SUNDAY = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
#: The evening of that Monday: everybody's Monday morning has come.
MONDAY_EVENING = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)


def add_feed(app, url: str = "https://feed.example/rss", **values) -> int:
    """A feed that was polled, with nothing due."""
    now = app.clock()
    defaults = {"title": "Inference Notes", "topics": ["vllm", MLOPS], "authority": 1.0, "polled_at": now}
    with app.database.write() as session:
        feed = Feed(url=url, next_poll_at=now + timedelta(hours=1), **(defaults | values))
        session.add(feed)
        session.flush()
        return feed.id


def add_items(
    app,
    feed_id: int,
    *titles: str,
    summary: str = "A vLLM release.",
    at: datetime | None = None,
    folder: str = "",
) -> list[int]:
    """Items of a feed, tagged and grouped; their addresses are numbers, in a folder if one is named."""
    now = app.clock()
    published = at or now - timedelta(days=2)
    site = f"https://feed.example/{folder}"
    found = [Entry(f"guid {title}", f"{site}{n}", title, summary, published) for n, title in enumerate(titles)]
    new, _ = plan(found, {}, now)
    with app.database.write() as session:
        items.add(session, feed_id, new, now)
    app.tag()
    app.group()
    with app.database.read() as session:
        return list(session.scalars(select(items.Item.id).order_by(items.Item.id)))


def enrol(
    app, address: str = "ana@readers.example", *, week: int = 1, timezone: str = "Europe/Berlin", **profile
) -> int:
    """A confirmed subscriber whose next briefing brings plan week `week`. Returns the subscriber's id."""
    answers = {"specialization": MLOPS, "level": "practitioner", "hours": 4} | profile
    made = plans.profile(app.catalogue, **answers)
    confirmed = app.clock() - timedelta(days=10)
    app.subscribing.enrol(address, timezone, made, confirmed_at=confirmed, joined_at=confirmed, weeks_before=week - 1)
    with app.database.read() as session:
        return session.scalars(select(Subscriber.id).where(Subscriber.address == address)).one()


def deliveries(app, **having) -> list[Delivery]:
    """Deliveries with these values, by id."""
    with app.database.read() as session:
        return list(session.scalars(select(Delivery).filter_by(**having).order_by(Delivery.id)))
