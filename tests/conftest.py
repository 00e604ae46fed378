"""What all tests share: real databases, a real broker, a real relay, and an app on them with its own clock."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import count

import psycopg
import pytest
import services
from fakes import Bell, FakeClock, NoFetcher
from week import SECRET, SUNDAY

from briefings.adapters import catalogue_files
from briefings.bootstrap import App
from briefings.settings import ROOT, Relay, Settings
from briefings.store.base import Database
from briefings.store.schema import migrate


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory):
    """A database file with all tables, to be copied."""
    file = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    database = Database(f"sqlite:///{file}")
    migrate(database.engine, ROOT / "migrations")
    database.close()
    return file


@pytest.fixture(scope="session")
def postgresql_socket():
    """A real PostgreSQL server with a migrated template database."""
    with services.postgresql() as socket:
        with psycopg.connect(f"host={socket} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE migrated")
        database = Database(postgresql_url(socket, "migrated"))
        migrate(database.engine, ROOT / "migrations")
        database.close()
        yield socket


@pytest.fixture(scope="session")
def valkey_socket():
    """A real Valkey server."""
    with services.valkey() as socket:
        yield socket


def postgresql_url(socket, name: str) -> str:
    return f"postgresql+psycopg://postgres@/{name}?host={socket}"


NUMBERS = count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """An empty, migrated database of its own, on SQLite and then on PostgreSQL."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "test.db")
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    socket, name = request.getfixturevalue("postgresql_socket"), f"test{next(NUMBERS)}"
    with psycopg.connect(f"host={socket} user=postgres dbname=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE migrated STRATEGY FILE_COPY")
        yield postgresql_url(socket, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(database_url):
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture(scope="session")
def catalogue():
    return catalogue_files.load(ROOT / "briefings" / "catalogue")


@pytest.fixture
def relay():
    relay = services.Relay().start()
    yield relay
    relay.stop()


@pytest.fixture
def clock():
    return FakeClock(SUNDAY)


@pytest.fixture
def settings(tmp_path, database_url):
    return Settings.from_env(
        {
            "BRIEFINGS_HOME": str(tmp_path),
            "BRIEFINGS_DATABASE_URL": database_url,
            "BRIEFINGS_SECRET_KEY": SECRET,
            "BRIEFINGS_ALLOW_PRIVATE_FEEDS": "yes",
        }
    )


@pytest.fixture
def app(settings, clock, catalogue, relay, database):
    """The whole of Briefings on a real database and a real relay, with a clock and a bell of its own."""
    with_relay = replace(settings, relays=(Relay("127.0.0.1", relay.port, "none"),))
    app = App(settings=with_relay, clock=clock, catalogue=catalogue, fetcher=NoFetcher(), doorbell=Bell())
    app.__dict__["database"] = database
    return app
