"""A feed knows its host, its rhythm, its last good poll, and what tells its entries apart.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENTS = ("newest_at", "read_at", "busy_until")


def upgrade() -> None:
    """Add the columns, and fill them from what is known."""
    op.add_column("feeds", sa.Column("host", sa.String(), server_default="", nullable=False))
    op.add_column("feeds", sa.Column("identity", sa.String(), server_default="guid", nullable=False))
    op.add_column("feeds", sa.Column("gap_seconds", sa.Integer(), nullable=True))
    for column in MOMENTS:
        op.add_column("feeds", sa.Column(column, sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_feeds_host", "feeds", ["host"])
    op.execute("UPDATE feeds SET newest_at = (SELECT max(published_at) FROM items WHERE items.feed_id = feeds.id)")
    well = "SELECT max(at) FROM fetches WHERE fetches.feed_id = feeds.id AND status IN (200, 304) AND problem = ''"
    op.execute(f"UPDATE feeds SET read_at = CASE WHEN failures = 0 THEN polled_at ELSE ({well}) END")
    connection = op.get_bind()
    hosts = [{"id": id_, "host": _host(url)} for id_, url in connection.execute(sa.text("SELECT id, url FROM feeds"))]
    if hosts:
        connection.execute(sa.text("UPDATE feeds SET host = :host WHERE id = :id"), hosts)


def downgrade() -> None:
    """Take the columns away."""
    op.drop_index("ix_feeds_host", "feeds")
    for column in (*MOMENTS, "gap_seconds", "identity", "host"):
        op.drop_column("feeds", column)


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""
