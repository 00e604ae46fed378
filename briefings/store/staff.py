"""Editors and operators."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column

from briefings.store.base import Base, Id

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

DUTIES = ("viewer", "editor", "operator")


class Staff(Base):
    """A person who may use the console, with the duties given to them."""

    __tablename__ = "staff"
    id: Mapped[Id]
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    duties: Mapped[list[str]] = mapped_column(default=list)
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


def by_name(session: Session, name: str) -> Staff | None:
    """The member of staff of a login name."""
    return session.scalar(select(Staff).where(Staff.name == name))
