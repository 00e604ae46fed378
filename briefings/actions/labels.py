"""What editors said of single items, as labels for the next training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from briefings.actions.tag import text_of
from briefings.store import items as item_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from briefings.domain.catalogue import Catalogue
    from briefings.domain.tagging import Text
    from briefings.store.base import Database
    from briefings.store.items import Tag

BATCH = 500
NO_RELEVANCE = "0000"


@dataclass(frozen=True)
class LabelledItem:
    """An item that an editor has tagged or untagged: its text, and its labels."""

    item: int
    text: Text
    label: str  #: tab-separated: id, on topic, skills, optional skills, roles, relevance


def labelled(database: Database, catalogue: Catalogue) -> Iterator[LabelledItem]:
    """Every item that an editor has tagged or untagged, by id.

    Skills are what an editor said; what only the tagger said is optional, so that no model is taught its own guesses.
    """
    with database.read() as session:
        ids = sorted(item_rows.said_by_editors(session))
        for start in range(0, len(ids), BATCH):
            some = ids[start : start + BATCH]
            tags = item_rows.tags_of(session, some)
            for item in item_rows.with_feeds(session, some):
                yield LabelledItem(item.id, text_of(item), _label(item.id, tags[item.id], catalogue))


def _label(item_id: int, tags: Iterable[Tag], catalogue: Catalogue) -> str:
    present = {tag.topic: tag.source == "editor" for tag in tags if tag.score > 0}
    told, guessed = [
        ",".join(
            sorted(topic for topic, by_editor in present.items() if topic in catalogue.skill and by_editor is wanted)
        )
        for wanted in (True, False)
    ]
    roles = ",".join(sorted(role.id for role in catalogue.roles if role.id in present))
    on_topic = bool(told or guessed or any(present.values()))
    return "\t".join((str(item_id), str(int(on_topic)), told, guessed, roles, NO_RELEVANCE))
