"""Item -> story: put together the items that tell the same news."""

from __future__ import annotations

from typing import TYPE_CHECKING

from briefings.domain import stories
from briefings.domain.weeks import NEWS_WINDOW
from briefings.store import items as item_rows
from briefings.store.base import alone

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from briefings.clock import Clock
    from briefings.store.base import Database

BATCH = 500
#: Older items are nobody's news any more: only those of the same address are looked up for them.
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
            groups = stories.group(fresh, _known(session, fresh, clock() - RECENT))
            new += item_rows.set_stories(session, groups, clock())
            for story, members in item_rows.stories_of(session, [telling.item for telling in fresh]).items():
                item_rows.set_lead(session, story, stories.lead(members).item)


def _known(session: Session, fresh: list[stories.Telling], since: datetime) -> list[stories.Telling]:
    """All members of the stories that the fresh items may tell again."""
    addresses = {telling.canonical_url for telling in fresh} - {""}
    most = stories.MOST_AT_AN_ADDRESS + 1  # enough to see that it is a list of news
    known = {telling.item: telling for telling in item_rows.grouped_at(session, addresses, most)}
    recent = [telling.published for telling in fresh if telling.published > since]
    if recent:
        around = item_rows.grouped_between(session, min(recent) - stories.WINDOW, max(recent) + stories.WINDOW)
        known |= {telling.item: telling for telling in around}
    return list(known.values())
