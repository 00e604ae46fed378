"""What Alembic runs: our tables, on the database that the caller hands over."""

from __future__ import annotations

from alembic import context

from briefings.store import brakes, deliveries, feeds, issues, items, staff, subscribers, tag_rules
from briefings.store.base import Base, UTCDateTime

TABLES = (brakes, deliveries, feeds, issues, items, staff, subscribers, tag_rules)  # imported so that Base knows them


def plain_type(kind: str, value: object, _context: object) -> str | bool:
    """Write our own column type into a migration as what it is in the database."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(value, UTCDateTime) else False


with context.config.attributes["engine"].connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,  # SQLite cannot alter a column, so Alembic copies the table
        compare_type=True,
        render_item=plain_type,
    )
    with context.begin_transaction():
        context.run_migrations()
