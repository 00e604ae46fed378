"""Editors' rules about tags."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import UniqueConstraint, select
from sqlalchemy.orm import Mapped

from briefings.domain.tag_rules import TagRule
from briefings.store.base import Base, Id

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class StoredTagRule(Base):
    """A rule that holds for all items until an editor takes it away."""

    __tablename__ = "tag_rules"
    __table_args__ = (UniqueConstraint("kind", "value", "topic"),)
    id: Mapped[Id]
    kind: Mapped[str]  #: phrase or source
    value: Mapped[str]
    topic: Mapped[str]
    verdict: Mapped[str]  #: always or never
    added_by: Mapped[str]
    added_at: Mapped[datetime]

    @property
    def rule(self) -> TagRule:
        """What it says."""
        return TagRule(self.kind, self.value, self.topic, self.verdict)


def listed(session: Session) -> list[StoredTagRule]:
    """Every rule, oldest first."""
    return list(session.scalars(select(StoredTagRule).order_by(StoredTagRule.id)))


def in_force(session: Session) -> tuple[TagRule, ...]:
    """What the rules say, oldest first."""
    table = StoredTagRule
    rows = session.execute(select(table.kind, table.value, table.topic, table.verdict).order_by(table.id))
    return tuple(TagRule(*row) for row in rows)
