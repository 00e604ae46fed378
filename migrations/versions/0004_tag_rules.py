"""Editors' rules: always or never a skill, for a phrase or a source.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of rules."""
    op.create_table(
        "tag_rules",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("kind", "value", "topic", "verdict", "added_by")),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_rules")),
        sa.UniqueConstraint("kind", "value", "topic", name=op.f("uq_tag_rules_kind_value_topic")),
    )


def downgrade() -> None:
    """Take the rules away."""
    op.drop_table("tag_rules")
