"""A real Celery worker on a real Valkey: a ring starts the action, and a lost ring costs only seconds."""

import os
import subprocess
import threading
import time
from contextlib import contextmanager

import pytest
import redis
import services
import week
from sqlalchemy import select
from week import MONDAY_EVENING, SECRET

from briefings.adapters.broker import QUEUES, Broker
from briefings.adapters.processes import python_module
from briefings.store.deliveries import Event

WAIT_SECONDS = 30


@contextmanager
def worker(environ, log_file):
    command = python_module("celery", "-A", "workers.app", "worker", "-c", "1", "-Q", ",".join(QUEUES), "-l", "INFO")
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, 9)
        process.wait()


@pytest.fixture
def environ(settings, valkey_socket, relay, app):
    """What leads a worker to this test's database, broker, relay and clock."""
    redis.Redis(unix_socket_path=str(valkey_socket)).flushall()
    from datetime import UTC, datetime

    return os.environ | {
        "BRIEFINGS_HOME": str(settings.home),
        "BRIEFINGS_DATABASE_URL": settings.database_url,
        "BRIEFINGS_BROKER_URL": f"redis+socket://{valkey_socket}",
        "BRIEFINGS_SECRET_KEY": SECRET,
        "BRIEFINGS_SMTP_URL": f"smtp://127.0.0.1:{relay.port}",
        "BRIEFINGS_CLOCK_OFFSET": str((MONDAY_EVENING - datetime.now(UTC)).total_seconds()),
        "BRIEFINGS_SWEEP_SECONDS": "1",
        "BRIEFINGS_LEASE_SECONDS": "5",
    }


def until(condition, log_file):
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, log_file.read_text()[-3000:]
        time.sleep(0.1)


def test_nobody_rings_and_the_sweep_of_the_worker_sends_the_mail(app, environ, relay, tmp_path):
    week.enrol(app)
    with worker(environ, tmp_path / "log"):
        until(lambda: len(relay.accepted) == 1, tmp_path / "log")
    assert relay.mails[0]["Subject"].startswith("Week 1 of 12: ")


def test_a_worker_killed_while_it_sends_loses_nothing_and_sends_nothing_silently_twice(app, environ, relay, tmp_path):
    for number in range(40):
        week.enrol(app, f"p{number}@readers.example")
    app.compose()
    relay.on_data = lambda: time.sleep(0.02)
    with worker(environ, tmp_path / "first"):
        until(lambda: len(relay.accepted) > 5, tmp_path / "first")

    with worker(environ | {"BRIEFINGS_UNKNOWN_SECONDS": "2"}, tmp_path / "second"):
        settled = {"sent"}
        until(lambda: {one.state for one in week.deliveries(app)} <= settled, tmp_path / "second")

    sent = week.deliveries(app)
    copies = len(relay.accepted) - len(set(relay.recipients))
    assert set(relay.recipients) == {f"p{number}@readers.example" for number in range(40)}
    assert copies <= sum(one.resent for one in sent)
    assert app.ledger().imbalances() == []


def test_the_broker_may_be_emptied_at_any_time(app, environ, relay, tmp_path, valkey_socket):
    client = redis.Redis(unix_socket_path=str(valkey_socket))
    with worker(environ, tmp_path / "log"):
        for number in range(3):
            week.enrol(app, f"p{number}@readers.example")
            client.flushall()
        until(lambda: len(relay.accepted) == 3, tmp_path / "log")
    client.close()


def test_a_broker_that_dies_while_a_mail_is_being_sent_cuts_nothing_off(app, environ, relay, tmp_path):
    for number in range(3):
        week.enrol(app, f"p{number}@readers.example")
    app.compose()

    def think() -> None:
        relay.on_data = lambda: None
        started.set()
        time.sleep(2)

    started, relay.on_data = threading.Event(), think
    log = tmp_path / "log"
    with services.valkey() as socket, worker(environ | {"BRIEFINGS_BROKER_URL": f"redis+socket://{socket}"}, log):
        assert started.wait(WAIT_SECONDS)
        redis.Redis(unix_socket_path=str(socket)).shutdown(nosave=True)
        until(lambda: {one.state for one in week.deliveries(app)} == {"sent"}, log)
    assert len(relay.accepted) == 3
    with app.database.read() as session:
        assert session.scalars(select(Event).where(Event.kind == "unknown")).all() == []


def test_a_ring_waits_once_however_often_it_is_rung(valkey_socket):
    client = redis.Redis(unix_socket_path=str(valkey_socket))
    client.flushall()
    broker = Broker(f"redis+socket://{valkey_socket}")
    assert all(broker.ring("deliver") for _ in range(5))
    assert broker.depth() == {"poll": 0, "tag": 0, "compose": 0, "deliver": 1, "tidy": 0}
    broker.close()
    client.close()


def test_a_dead_broker_is_a_warning_and_no_error(tmp_path):
    broker = Broker(f"redis+socket://{tmp_path}/nobody.sock")
    assert broker.ring("deliver") is False
    assert broker.depth() is None
    broker.close()
