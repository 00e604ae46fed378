"""A database that was put back from a backup sends nothing again without the operator's word."""

import shutil
from datetime import timedelta
from itertools import count

import psycopg
import pytest
import week
from sqlalchemy import make_url, select
from week import MONDAY_EVENING

from briefings.domain import marks
from briefings.store.base import Database
from briefings.store.deliveries import Event, mark

NUMBERS = count(1)


@pytest.fixture
def backed_up(app):
    """Makes a copy of the database as it is, and lets the app go on with a copy of that."""
    made: list[Database] = []

    def backup():
        copy = _copied(app.database)
        made.append(copy)
        return lambda: _put_back(app, _copied(copy))

    yield backup
    for database in made:
        database.close()
    app.database.close()


def _copied(database: Database) -> Database:
    """What is committed by now, in a database of its own."""
    database.close()
    url = make_url(database.engine.url)
    if url.get_backend_name() == "sqlite":
        name = f"{url.database}.{next(NUMBERS)}"
        shutil.copy(url.database, name)
        return Database(f"sqlite:///{name}")
    name, admin = f"copy{next(NUMBERS)}", f"host={url.query['host']} user=postgres dbname=postgres"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {url.database} STRATEGY FILE_COPY")
    return Database(url.set(database=name).render_as_string(hide_password=False))


def _put_back(app, database: Database) -> None:
    app.database.close()
    app.__dict__["database"] = database


@pytest.fixture
def composed(app):
    for number in range(3):
        week.enrol(app, f"p{number}@readers.example")
    app.compose()
    app.clock.now = MONDAY_EVENING
    return app


def forget(app, *, file: bool = True, broker: bool = True) -> None:
    """Lose witnesses."""
    if file:
        (app.settings.home / "last-sent").unlink()
    if broker:
        app.doorbell.words = ""


@pytest.mark.parametrize("lost", [{"file": True, "broker": False}, {"file": False, "broker": True}])
def test_nothing_is_sent_again_from_a_backup_until_the_operator_says_so(composed, backed_up, relay, lost):
    restore = backed_up()
    assert composed.deliver() == 3
    restore()
    forget(composed, **lost)
    composed.clock.move(hours=1)
    assert [composed.deliver(), composed.deliver()] == [0, 0]
    assert len(relay.accepted) == 3
    (told,) = composed.faults()
    assert "mail was sent until 2026-11-23 20:00 UTC, and this database does not know of it" in told
    assert "(its newest event is of 2026-11-22 09:30 UTC): it was restored from a backup" in told
    assert told.endswith("run: briefings resume")
    with composed.database.read() as session:
        assert len(session.scalars(select(Event).where(Event.kind == "sending-stopped")).all()) == 1

    composed.resume("ana")
    assert composed.deliver() == 3
    assert composed.faults() == []


def test_a_backup_is_known_though_it_has_got_more_events_than_were_ever_told(composed, backed_up, relay):
    restore = backed_up()
    composed.deliver()
    restore()
    composed.clock.move(hours=1)
    with composed.database.write() as session:
        session.add_all(Event(at=composed.clock(), kind="curated", detail={}) for _ in range(50))
    assert composed.deliver() == 0
    assert "restored from a backup" in composed.faults()[0]


def test_a_witness_that_cannot_be_told_anything_new_asks_no_second_time(composed, backed_up, relay, monkeypatch):
    restore = backed_up()
    composed.deliver()
    restore()
    forget(composed, broker=False)
    monkeypatch.setattr(composed.doorbell, "tell", lambda _words: False)
    composed.deliver()
    composed.resume("ana")
    relay.answers["RCPT"] = "451 4.2.1 later"
    assert composed.deliver() == 0
    del relay.answers["RCPT"]
    composed.clock.move(minutes=2)
    assert composed.deliver() == 3


def test_each_backup_is_asked_about(composed, backed_up):
    restore = backed_up()
    for _ in range(2):
        composed.clock.move(minutes=10)
        composed.deliver()
        restore()
        assert composed.deliver() == 0
        composed.resume("ana")


def test_a_lost_or_garbled_witness_and_a_database_that_goes_on_are_no_alarm(composed, relay):
    relay.answers["RCPT"] = "451 4.2.1 later"
    composed.deliver()
    relay.answers.clear()
    composed.clock.move(minutes=2)
    (composed.settings.home / "last-sent").write_bytes(b"\xff9999 torn")
    composed.doorbell.words = ""
    assert composed.deliver() == 3
    assert composed.faults() == []


def test_another_database_begun_anew_is_no_alarm(composed):
    composed.deliver()
    with composed.database.read() as session:
        known = mark(session)
    anew = marks.Mark(known.database - timedelta(days=99), known.event + 1000, known.at)
    composed.doorbell.words = anew.words
    week.enrol(composed, "new@readers.example")
    composed.clock.move(weeks=1)
    composed.compose()
    assert composed.deliver() == 4


def test_both_witnesses_know_of_a_pass_before_its_first_letter_leaves_and_after_its_last(composed, relay):
    heard = []

    def look() -> None:
        with composed.database.read() as session:
            newest = session.scalar(select(Event.id).where(Event.kind == "sending").order_by(Event.id.desc()).limit(1))
        file = (composed.settings.home / "last-sent").read_text()
        heard.append([marks.read(words).event >= newest for words in (file, composed.doorbell.words)])

    relay.on_data = look
    composed.deliver()
    assert heard[0] == [True, True]
    look()
    assert heard[-1] == [True, True]


def test_before_the_first_scheduled_run_a_database_has_no_name(app):
    week.enrol(app)
    with app.database.read() as session:
        assert mark(session) is None


def test_a_stop_by_the_operator_stays_theirs(composed, backed_up):
    restore = backed_up()
    composed.deliver()
    restore()
    composed.stop("wrong issue", "ana")
    assert composed.deliver() == 0
    assert "stopped by ana" in composed.faults()[0]
    composed.resume("ana")
    assert composed.deliver() == 0
    assert "restored from a backup" in composed.faults()[0]
