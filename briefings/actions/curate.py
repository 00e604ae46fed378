"""What an editor does: bring in feeds, pin, hide and retag items, write the issue's note."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete

from briefings.domain import stories
from briefings.errors import InputError, NotFoundError
from briefings.store import feeds as feed_rows
from briefings.store import items as item_rows
from briefings.store.base import insert_new
from briefings.store.deliveries import Event
from briefings.store.items import STATES, Item, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from briefings.domain.catalogue import Catalogue, ListedFeed
    from briefings.store.base import Database


def add_feeds(database: Database, listed: Iterable[ListedFeed], now: datetime) -> int:
    """Take over feeds that are not here yet. Returns how many are new."""
    with database.write() as session:
        return feed_rows.add_listed(session, listed, now)


def set_item_state(database: Database, item_id: int, state: str, staff: str, now: datetime) -> None:
    """Pin an item, hide it, or leave it to the ranking again. Raises InputError, NotFoundError."""
    if state not in STATES:
        raise InputError(f"An item is one of {', '.join(STATES)}; choose one of them")
    with database.write() as session:
        item = session.get(Item, item_id)
        if item is None:
            raise NotFoundError("There is no such item; it may have been deleted")
        session.add(Event(at=now, kind="curated", detail=_change(staff, item_id, "state", item.state, state)))
        item.state = state
        session.flush()
        for story, members in item_rows.stories_of(session, [item_id]).items():
            item_rows.set_lead(session, story, stories.lead(members).item)


def retag(
    database: Database, catalogue: Catalogue, item_id: int, topic: str, *, belongs: bool, staff: str, now: datetime
) -> None:
    """Say as an editor that an item belongs to a topic or not: this decides over every rule."""
    if topic not in catalogue.topic_names:
        raise InputError(f"There is no topic {topic[:60]!r}; choose one from the list")
    with database.write() as session:
        if session.get(Item, item_id) is None:
            raise NotFoundError("There is no such item; it may have been deleted")
        session.execute(delete(Tag).where(Tag.item_id == item_id, Tag.topic == topic, Tag.source == "editor"))
        tag = {
            "item_id": item_id,
            "topic": topic,
            "score": float(belongs),
            "source": "editor",
            "reason": "by an editor",
        }
        insert_new(session, Tag, [{**tag, "evidence": []}])
        words = "belongs" if belongs else "does not belong"
        session.add(Event(at=now, kind="curated", detail=_change(staff, item_id, topic, "", words)))


def _change(staff: str, item_id: int, what: str, before: str, after: str) -> dict[str, object]:
    return {"staff": staff, "item": item_id, "what": what, "before": before, "after": after}
