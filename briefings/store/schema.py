"""Brings the tables to the newest version, by the migrations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

from briefings.errors import DependencyError

if TYPE_CHECKING:
    from sqlalchemy import Engine


def configuration(engine: Engine, migrations: Path) -> Config:
    """Alembic's configuration for this database."""
    config = Config(attributes={"engine": engine})
    config.set_main_option("script_location", str(migrations))
    return config


def migrate(engine: Engine, migrations: Path) -> str:
    """Run the migrations that are missing. Returns the version that the tables have then.

    Raises DependencyError when the database does not answer.
    """
    config = configuration(engine, migrations)
    try:
        command.upgrade(config, "head")
    except OperationalError as error:
        raise DependencyError(f"The database does not answer ({error.orig}); is it running?") from error
    return newest(config)


def require_current(engine: Engine, migrations: Path) -> None:
    """Raise DependencyError when there are no tables, or not of the newest version; makes no file."""
    path = engine.url.database or ""
    if engine.dialect.name == "sqlite" and not Path(path).exists():
        raise DependencyError(f"There is no database at {path}; run `briefings up`, or set BRIEFINGS_HOME to its home")
    try:
        current = is_current(engine, migrations)
    except OperationalError as error:
        raise DependencyError(f"The database does not answer ({error.orig}); is it running?") from error
    if not current:
        raise DependencyError("The tables are not of the newest version; run: briefings migrate")


def is_current(engine: Engine, migrations: Path) -> bool:
    """Whether the tables have the newest version."""
    with engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    return present == newest(configuration(engine, migrations))


def newest(config: Config) -> str:
    """The version of the newest migration."""
    return ScriptDirectory.from_config(config).get_current_head() or ""
