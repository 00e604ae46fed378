"""A plan knows its person's goal, and the tasks they put away or took in.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; plans made before have no goal and no wishes."""
    op.add_column("plans", sa.Column("goal", sa.String(), server_default="", nullable=False))
    op.add_column("plans", sa.Column("put_away", sa.JSON(), server_default="[]", nullable=False))
    op.add_column("plans", sa.Column("taken_in", sa.JSON(), server_default="[]", nullable=False))


def downgrade() -> None:
    """Take the columns away."""
    for column in ("taken_in", "put_away", "goal"):
        op.drop_column("plans", column)
