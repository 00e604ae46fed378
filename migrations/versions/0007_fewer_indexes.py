"""No delivery is `claimed` any more, and what has its end is in no index of what is under way.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UNDER_WAY = (("sending", "state = 'sending'", "lease_until"), ("unknown", "state = 'unknown'", "changed_at"))
WIDE = (("state_next_at", "next_at"), ("state_lease_until", "lease_until"))


def upgrade() -> None:
    """Give back what is claimed, and index only what is under way."""
    op.execute("UPDATE deliveries SET state = 'queued', owner = NULL, lease_until = NULL WHERE state = 'claimed'")
    for name, _ in WIDE:
        op.drop_index(f"ix_deliveries_{name}", table_name="deliveries")
    for name, condition, column in UNDER_WAY:
        where = sa.text(condition)
        op.create_index(
            f"ix_deliveries_{name}", "deliveries", [column], sqlite_where=where, postgresql_where=where
        )
    op.drop_index("ix_events_subscriber_id", table_name="events")
    where = sa.text("subscriber_id IS NOT NULL")
    op.create_index(
        "ix_events_subscriber_id", "events", ["subscriber_id"], sqlite_where=where, postgresql_where=where
    )


def downgrade() -> None:
    """Index all deliveries by state again."""
    for name, _, _ in UNDER_WAY:
        op.drop_index(f"ix_deliveries_{name}", table_name="deliveries")
    for name, column in WIDE:
        op.create_index(f"ix_deliveries_{name}", "deliveries", ["state", column])
    op.drop_index("ix_events_subscriber_id", table_name="events")
    op.create_index("ix_events_subscriber_id", "events", ["subscriber_id"])
