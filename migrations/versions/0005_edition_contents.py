"""What many editions of an issue share is stored once, and their deliveries know it.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOVE = """
INSERT INTO edition_contents (issue_id, digest, text)
SELECT issue_id, 'edition ' || CAST(id AS TEXT), CAST(content AS TEXT) FROM editions WHERE content IS NOT NULL
"""
NAME = "UPDATE editions SET content_digest = 'edition ' || CAST(id AS TEXT) WHERE content IS NOT NULL"
TELL = """
UPDATE deliveries SET content_digest = (SELECT content_digest FROM editions WHERE editions.id = deliveries.edition_id)
"""
IS_WAITING = "state IN ('deferred', 'queued')"
MOVE_BACK = """
UPDATE editions SET content = (
    SELECT {text} FROM edition_contents AS c WHERE c.issue_id = editions.issue_id AND c.digest = editions.content_digest
)
"""


def upgrade() -> None:
    """Move the contents into a table of their own."""
    op.create_table(
        "edition_contents",
        sa.Column("issue_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issues.id"], name=op.f("fk_edition_contents_issue_id_issues"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issue_id", "digest", name=op.f("pk_edition_contents")),
    )
    op.create_index(op.f("ix_edition_contents_digest"), "edition_contents", ["digest"])
    op.add_column("editions", sa.Column("content_digest", sa.String(), nullable=True))
    op.execute(MOVE)
    op.execute(NAME)
    op.drop_column("editions", "content")
    op.add_column("deliveries", sa.Column("content_digest", sa.String(), nullable=True))
    op.execute(TELL)
    op.create_index(
        "ix_deliveries_waiting",
        "deliveries",
        ["next_at", "content_digest", "id"],
        sqlite_where=sa.text(IS_WAITING),
        postgresql_where=sa.text(IS_WAITING),
    )


def downgrade() -> None:
    """Give each edition its content back."""
    op.drop_index("ix_deliveries_waiting", "deliveries")
    op.drop_column("deliveries", "content_digest")
    op.add_column("editions", sa.Column("content", sa.JSON(), nullable=True))
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(MOVE_BACK.format(text="c.text" if is_sqlite else "CAST(c.text AS JSON)"))
    op.drop_column("editions", "content_digest")
    op.drop_table("edition_contents")
