"""Item -> story: put together the items that tell the same news."""

from __future__ import annotations

from typing import TYPE_CHECKING

from briefings.domain import stories
from briefings.domain.weeks import NEWS_WINDOW
from briefings.store import items as item_rows
from briefings.store.base import alone

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from briefings.clock import Clock
    from briefings.store.base import Database

BATCH = 500
#: Older items are nobody's news any more and get a story of their own; comparing them would read the whole table.
RECENT = NEWS_WINDOW + stories.WINDOW


def group(database: Database, clock: Clock) -> int:
    """Give every item its story. Returns how many stories are new.

    One worker at a time does this, since two would make two stories of one.
    """
    new = 0
    while True:
        with database.write() as session:
            alone(session, "group")
            fresh = item_rows.ungrouped(session, BATCH)
            if not fresh:
                return new
            recent = [telling for telling in fresh if telling.published > clock() - RECENT]
            old = [stories.Group(None, (telling.item,)) for telling in fresh if telling not in recent]
            groups = [*old, *_group(session, recent)]
            new += item_rows.set_stories(session, groups, clock())
            for story, members in item_rows.stories_of(session, [telling.item for telling in fresh]).items():
                item_rows.set_lead(session, story, stories.lead(members).item)


def _group(session: Session, recent: list[stories.Telling]) -> list[stories.Group]:
    if not recent:
        return []
    start = min(telling.published for telling in recent) - stories.WINDOW
    end = max(telling.published for telling in recent) + stories.WINDOW
    return stories.group(recent, item_rows.grouped_between(session, start, end))
