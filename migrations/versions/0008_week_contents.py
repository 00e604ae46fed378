"""What many plans' weeks share is stored once.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOVE = """
INSERT INTO week_contents (digest, text) SELECT 'week ' || CAST(id AS TEXT), CAST(content AS TEXT) FROM plan_weeks
"""
NAME = "UPDATE plan_weeks SET content_digest = 'week ' || CAST(id AS TEXT)"
MOVE_BACK = """
UPDATE plan_weeks SET content = (SELECT {text} FROM week_contents AS c WHERE c.digest = plan_weeks.content_digest)
"""


def upgrade() -> None:
    """Move the contents into a table of their own."""
    op.create_table(
        "week_contents",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_week_contents")),
    )
    op.execute(MOVE)
    op.add_column("plan_weeks", sa.Column("content_digest", sa.String(), nullable=True))
    op.execute(NAME)
    with op.batch_alter_table("plan_weeks") as table:
        table.alter_column("content_digest", nullable=False)
        table.drop_column("content")


def downgrade() -> None:
    """Give each week its content back."""
    op.add_column("plan_weeks", sa.Column("content", sa.JSON(), nullable=True))
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(MOVE_BACK.format(text="c.text" if is_sqlite else "CAST(c.text AS JSON)"))
    with op.batch_alter_table("plan_weeks") as table:
        table.alter_column("content", nullable=False)
        table.drop_column("content_digest")
    op.drop_table("week_contents")
