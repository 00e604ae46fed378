"""Models and migrations say the same, on both databases, and uniqueness means once."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from briefings.settings import ROOT
from briefings.store import brakes, deliveries, feeds, issues, items, staff, subscribers, tag_rules
from briefings.store.base import Base
from briefings.store.schema import is_current

TABLES = (brakes, deliveries, feeds, issues, items, staff, subscribers, tag_rules)


def test_models_and_migrations_agree(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    assert is_current(database.engine, ROOT / "migrations")


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("feeds", ["url"]),
        ("items", ["feed_id", "key"]),
        ("tags", ["item_id", "topic", "source"]),
        ("tag_rules", ["kind", "value", "topic"]),
        ("subscribers", ["address_key"]),
        ("plan_weeks", ["plan_id", "number"]),
        ("issues", ["key"]),
        ("editions", ["issue_id", "subscriber_id"]),
        ("editions", ["plan_id", "week_number"]),
        ("deliveries", ["edition_id"]),
        ("deliveries", ["uid"]),
        ("events", ["provider_id"]),
        ("slots", ["job", "due_at"]),
    ],
)
def test_what_may_exist_once_is_unique_in_the_schema(database, table, columns):
    unique = [found["column_names"] for found in inspect(database.engine).get_unique_constraints(table)]
    assert columns in unique


def test_migrations_are_numbered_without_gaps():
    numbers = sorted(path.name[:4] for path in (ROOT / "migrations" / "versions").glob("*.py"))
    assert numbers == [f"{number:04d}" for number in range(1, len(numbers) + 1)]
