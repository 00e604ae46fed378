"""A database without room, or that lets nobody write, in the middle of a step: what was begun is made good later."""

import time
from collections import Counter
from contextlib import ExitStack, contextmanager

import pytest
import week
from sqlalchemy import event, func, select, text
from week import MONDAY_EVENING

from briefings.actions.deliver import WINDOW
from briefings.errors import DependencyError
from briefings.store import base
from briefings.store.base import Database, alone
from briefings.store.deliveries import Event

READERS = {f"p{number:03}@readers.example" for number in range(40)}
#: Windows double: what goes wrong with this letter goes wrong in a window of eight.
TENTH = 10


@pytest.fixture
def enrolled(app):
    week.add_items(app, week.add_feed(app), "vLLM halves the KV cache")
    for address in sorted(READERS):
        week.enrol(app, address)
    return app


@contextmanager
def no_room(app):
    """The disk of an SQLite database is full: it may not grow by a page."""
    with app.database.read() as session:
        pages = session.connection().exec_driver_sql("PRAGMA page_count").scalar_one()
    with _on(app, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count={pages}")):
        yield


@contextmanager
def no_writing(app):
    """The database takes no changes: a file system mounted read-only, or a server that has become a standby."""
    words = "PRAGMA query_only=ON" if "sqlite" in app.settings.database_url else "SET TRANSACTION READ ONLY"
    with _on(app, "begin", lambda connection: connection.exec_driver_sql(words)):
        yield


@contextmanager
def _on(app, name, does):
    event.listen(app.database.engine, name, does)
    try:
        yield
    finally:
        event.remove(app.database.engine, name, does)


faults = pytest.mark.parametrize(
    ("database_url", "trouble"),
    [("sqlite", no_room), ("sqlite", no_writing), ("postgresql", no_writing)],
    indirect=["database_url"],
    ids=lambda value: getattr(value, "__name__", value),
)


@faults
def test_composing_goes_on_when_there_is_room_again(enrolled, trouble, monkeypatch):
    monkeypatch.setattr("briefings.actions.compose.BATCH", 10)
    with trouble(enrolled), pytest.raises(DependencyError, match=r"full|read-?only"):
        enrolled.compose()
    decided = len(week.deliveries(enrolled))
    assert enrolled.compose() == len(READERS) - decided
    assert Counter(one.address for one in week.deliveries(enrolled)) == dict.fromkeys(READERS, 1)
    assert enrolled.ledger().imbalances() == []


@faults
def test_delivering_without_a_verdict_written_down_is_unknown_and_never_silent(enrolled, relay, trouble):
    enrolled.compose()
    enrolled.clock.now = MONDAY_EVENING
    with ExitStack() as harm:
        relay.on_data = lambda: harm.enter_context(trouble(enrolled)) if len(relay.accepted) == TENTH else None
        for _ in range(4):
            with pytest.raises(DependencyError, match=r"full|read-?only"):
                enrolled.deliver()
            enrolled.clock.move(minutes=2)
            assert len(relay.accepted) < TENTH + WINDOW

    enrolled.deliver()
    enrolled.clock.move(minutes=20)
    enrolled.deliver()
    copies = Counter(relay.recipients)
    assert copies.keys() == READERS
    assert {one.state for one in week.deliveries(enrolled)} == {"sent"}
    with enrolled.database.read() as session:
        unknown = session.scalar(select(func.count(Event.id)).where(Event.kind == "unknown"))
    assert 0 < copies.total() - len(READERS) <= unknown
    assert enrolled.ledger().imbalances() == []


def test_a_process_that_stands_still_in_a_transaction_does_not_hold_up_the_others_for_ever(
    postgresql_socket, monkeypatch
):
    monkeypatch.setattr(base, "LOCK_TIMEOUT", "200ms")
    monkeypatch.setattr(base, "IDLE_TIMEOUT", "1s")
    url = f"postgresql+psycopg://postgres@/postgres?host={postgresql_socket}"
    frozen, other = Database(url), Database(url)
    with frozen.engine.connect() as asleep:
        asleep.execute(text("SELECT pg_advisory_xact_lock(hashtext('braking'))"))
        with pytest.raises(DependencyError, match="lock timeout"):
            take_turn(other)
        time.sleep(1.2)
        take_turn(other)
        asleep.invalidate()
    frozen.close()
    other.close()


def take_turn(database) -> None:
    with database.write() as session:
        alone(session, "braking")
