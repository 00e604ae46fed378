"""Item -> story: put together the items that tell the same news."""

from __future__ import annotations

from typing import TYPE_CHECKING

from briefings.domain import stories
from briefings.store import items as item_rows
from briefings.store.base import alone

if TYPE_CHECKING:
    from briefings.clock import Clock
    from briefings.store.base import Database

BATCH = 500


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
            start = min(telling.published for telling in fresh) - stories.WINDOW
            end = max(telling.published for telling in fresh) + stories.WINDOW
            known = item_rows.grouped_between(session, start, end)
            new += item_rows.set_stories(session, stories.group(fresh, known), clock())
            for story, members in item_rows.stories_of(session, [telling.item for telling in fresh]).items():
                item_rows.set_lead(session, story, stories.lead(members).item)
