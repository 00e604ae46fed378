"""A real Celery worker on a real Valkey: a ring starts the action, and a lost ring costs only seconds."""

import threading
import time

import redis
import services
import week
from real_worker import WAIT_SECONDS, until, worker
from sqlalchemy import select

from briefings.adapters.broker import Broker
from briefings.store.deliveries import Event


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


def test_the_broker_may_be_emptied_at_any_time(app, environ, relay, tmp_path, broker):
    with worker(environ, tmp_path / "log"):
        for number in range(3):
            week.enrol(app, f"p{number}@readers.example")
            broker.flushall()
        until(lambda: len(relay.accepted) == 3, tmp_path / "log")


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


def test_a_ring_waits_once_however_often_it_is_rung(broker, valkey_socket):
    bell = Broker(f"redis+socket://{valkey_socket}")
    assert all(bell.ring("deliver") for _ in range(5))
    assert bell.depth() == {"poll": 0, "tag": 0, "compose": 0, "deliver": 1, "tidy": 0}
    bell.close()


def test_a_dead_broker_is_a_warning_and_no_error(tmp_path):
    broker = Broker(f"redis+socket://{tmp_path}/nobody.sock")
    assert broker.ring("deliver") is False
    assert broker.depth() is None
    broker.close()
