"""Where all simulated histories begin: composed briefings that are due."""

from __future__ import annotations

import gc
import logging
import shutil
import sqlite3

import pytest
from fakes import Bell, FakeClock, NoFetcher
from week import SECRET, SUNDAY, add_feed, add_items, enrol

from briefings.bootstrap import App
from briefings.settings import Settings
from simulation.weather import MOST_PEOPLE
from simulation.world import Beginning


@pytest.fixture(scope="package")
def beginning(migrated_sqlite, catalogue, tmp_path_factory):
    home = tmp_path_factory.mktemp("simulation")
    bytes_of = {people: _composed(home, migrated_sqlite, catalogue, people) for people in range(2, MOST_PEOPLE + 1)}
    gc.freeze()  # what is there already need not be looked through in each of thousands of histories
    beginning = Beginning.of(_app(home, migrated_sqlite, catalogue), bytes_of)
    yield beginning
    beginning.raw.close()
    gc.unfreeze()


@pytest.fixture(autouse=True)
def quiet():
    """What is logged in thousands of histories is read by nobody."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def _app(home, file, catalogue) -> App:
    variables = {
        "BRIEFINGS_HOME": str(home),
        "BRIEFINGS_DATABASE_URL": f"sqlite:///{file}",
        "BRIEFINGS_SECRET_KEY": SECRET,
    }
    settings = Settings.from_env(variables)
    return App(settings, clock=FakeClock(SUNDAY), catalogue=catalogue, fetcher=NoFetcher(), doorbell=Bell())


def _composed(home, migrated, catalogue, people: int) -> bytes:
    file = home / f"{people}.db"
    shutil.copy(migrated, file)
    app = _app(home, file, catalogue)
    add_items(app, add_feed(app), "vLLM halves the KV cache")
    for number in range(people):
        enrol(app, f"p{number}@readers.example")
    app.compose()
    app.database.close()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # a database in memory has no write-ahead log
        content = connection.serialize()
    connection.close()
    return content
