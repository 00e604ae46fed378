"""Item -> tag: find the topics of the items that wait for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from briefings.domain.feeds import host_of
from briefings.domain.tagging import Text
from briefings.store import items as item_rows

if TYPE_CHECKING:
    from briefings.domain.tagging import Tagger
    from briefings.store.base import Database
    from briefings.store.items import Item

BATCH = 200


def tag(database: Database, tagger: Tagger) -> int:
    """Tag every item that has no tags by this tagger's version. Returns how many items were tagged.

    A batch is a transaction, so that an interruption costs one batch.
    """
    done = 0
    while True:
        with database.write() as session:
            items = item_rows.untagged(session, tagger.version, BATCH)
            texts = {item.id: _text(item) for item in items}
            item_rows.set_tags(session, {item: tagger.tag(text) for item, text in texts.items()}, tagger.version)
        done += len(items)
        if len(items) < BATCH:
            return done


def _text(item: Item) -> Text:
    host = host_of(item.url).removeprefix("www.")
    return Text(item.title, item.summary, tuple(item.feed.topics), host)
