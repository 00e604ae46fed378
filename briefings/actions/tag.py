"""Item -> tag: find the topics of the items that wait for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from briefings.domain.feeds import source_of
from briefings.domain.tagging import Text
from briefings.store import items as item_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from briefings.domain.tagging import Tagger
    from briefings.store.base import Database
    from briefings.store.items import Item

BATCH = 200


def tag(database: Database, current: Callable[[], Tagger], told: Callable[[int], object] | None = None) -> int:
    """Tag every item that has no tags by the current tagger's version. Returns how many items were tagged.

    A batch is a transaction, so that an interruption costs one batch; `told` hears how many items each one had. The
    tagger is asked for before each, so that no process goes on with rules that are no longer in force.
    """
    done = 0
    while True:
        tagger = current()
        with database.write() as session:
            items = item_rows.untagged(session, tagger.version, BATCH)
            texts = {item.id: text_of(item) for item in items}
            item_rows.set_tags(session, {item: tagger.tag(text) for item, text in texts.items()}, tagger.version)
        done += len(items)
        if told:
            told(len(items))
        if len(items) < BATCH:
            return done


def text_of(item: Item) -> Text:
    """What the tagger reads of an item, which must have its feed."""
    return Text(item.title, item.summary, tuple(item.feed.topics), source_of(item.url), item.feed.url)
