"""Brings the tables to the newest version, by the migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


def configuration(engine: Engine, migrations: Path) -> Config:
    """Alembic's configuration for this database."""
    config = Config(attributes={"engine": engine})
    config.set_main_option("script_location", str(migrations))
    return config


def migrate(engine: Engine, migrations: Path) -> str:
    """Run the migrations that are missing. Returns the version that the tables have then."""
    config = configuration(engine, migrations)
    command.upgrade(config, "head")
    return newest(config)


def is_current(engine: Engine, migrations: Path) -> bool:
    """Whether the tables have the newest version."""
    with engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    return present == newest(configuration(engine, migrations))


def newest(config: Config) -> str:
    """The version of the newest migration."""
    return ScriptDirectory.from_config(config).get_current_head() or ""
