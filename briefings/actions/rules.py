"""An editor's rules about tags: try one out, add it, take it away."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from briefings.actions.tag import text_of
from briefings.domain.tag_rules import TagRule, checked
from briefings.errors import InputError, NotFoundError
from briefings.store import items as item_rows
from briefings.store import tag_rules as rule_rows
from briefings.store.base import insert_new
from briefings.store.deliveries import Event
from briefings.store.tag_rules import StoredTagRule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy.orm import Session

    from briefings.clock import Clock
    from briefings.domain.catalogue import Catalogue
    from briefings.domain.tagging import Tagger, Text
    from briefings.store.base import Database

TRIED_ON = timedelta(days=90)
MOST_EXAMPLES = 20


@dataclass(frozen=True)
class Example:
    """An item that a rule speaks about, and its topics without and with the rule."""

    item: int
    title: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def changes(self) -> bool:
        """Whether it would have other topics."""
        return set(self.before) != set(self.after)


@dataclass(frozen=True)
class Effect:
    """What a rule would do: how many items it speaks about, how many it changes, and the newest of these."""

    called: int
    changed: int
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class TagRules:
    """The rules as an editor deals with them; `tagger` is under the rules in force."""

    database: Database
    catalogue: Catalogue
    tagger: Tagger
    clock: Clock

    def try_rule(self, rule: TagRule) -> Effect:
        """What the rule would change among the items of the last 90 days. Changes nothing. Raises InputError."""
        called, changed, examples = 0, 0, list[Example]()
        with self.database.read() as session:
            for example in self._spoken_of(session, checked(rule, self.catalogue)):
                called, changed = called + 1, changed + example.changes
                if example.changes and changed <= MOST_EXAMPLES:
                    examples.append(example)
        return Effect(called, changed, tuple(examples))

    def _spoken_of(self, session: Session, rule: TagRule) -> Iterator[Example]:
        alone, under_it = self.tagger.under([rule]), self.tagger.under([*self.tagger.rules, rule])
        said = item_rows.said_by_editors(session)
        for item in item_rows.published_since(session, self.clock() - TRIED_ON):
            text = text_of(item)
            if alone.heeds(text):
                own = said.get(item.id, {})
                yield Example(item.id, item.title, _topics(self.tagger, text, own), _topics(under_it, text, own))

    def add(self, rule: TagRule, staff: str) -> int:
        """Put a rule in force: every item waits for its tags again. Returns its id. Raises InputError."""
        rule, now = checked(rule, self.catalogue), self.clock()
        row = {**asdict(rule), "added_by": staff, "added_at": now}
        with self.database.write() as session:
            new: list[int] = insert_new(session, StoredTagRule, [row], returning=StoredTagRule.id)
            if not new:
                about = f"{rule.topic} for {rule.kind} “{rule.value}”"
                raise InputError(f"There is a rule about {about} already; look it up, and remove it first")
            session.add(Event(at=now, kind="curated", detail=_change(staff, new[0], rule, "added")))
            return new[0]

    def remove(self, rule_id: int, staff: str) -> TagRule:
        """Take a rule away: every item waits for its tags again. Returns what it said. Raises NotFoundError."""
        with self.database.write() as session:
            row = session.get(StoredTagRule, rule_id)
            if row is None:
                raise NotFoundError(f"There is no rule {rule_id}; look at the list of those in force")
            rule = row.rule
            session.delete(row)
            session.add(Event(at=self.clock(), kind="curated", detail=_change(staff, rule_id, rule, "removed")))
            return rule

    def listed(self) -> list[StoredTagRule]:
        """The rules in force, oldest first."""
        with self.database.read() as session:
            return rule_rows.listed(session)


def _topics(tagger: Tagger, text: Text, said: Mapping[str, bool]) -> tuple[str, ...]:
    """The topics that an item would have: an editor's own word on it decides over every rule."""
    found = [tag.topic for tag in tagger.tag(text) if said.get(tag.topic, True)]
    return (*found, *(topic for topic, belongs in said.items() if belongs and topic not in found))


def _change(staff: str, rule_id: int, rule: TagRule, what: str) -> dict[str, object]:
    return {"staff": staff, "rule": rule_id, "what": what, "says": str(rule)}
