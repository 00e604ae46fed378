"""A real worker that stands still past its lease, is told to end, or is told everything three times."""

import os
import signal
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
import redis
import services
import week
from real_worker import WAIT_SECONDS, until, worker
from sqlalchemy import func, select, update
from week import MONDAY_EVENING

from briefings import clock
from briefings.adapters import processes
from briefings.adapters.broker import QUEUES, Broker
from briefings.store.deliveries import Delivery, Event

READERS = {f"p{number}@readers.example" for number in range(40)}
#: A worker looks for its broker again after two seconds, then four.
RECOVERED_SECONDS = 8


@pytest.fixture
def composed(app):
    for address in sorted(READERS):
        week.enrol(app, address)
    app.compose()
    return app


def in_a_window(app, relay, act):
    """Do something when the relay has taken the first letter of three or more, and has not said so yet.

    A machine that is so busy that windows do not grow must do with a smaller one.
    """
    happened = threading.Event()

    def on_data() -> None:
        if not happened.is_set() and (states(app)["sending"] > 2 or len(relay.accepted) > 20):
            act()
            happened.set()

    relay.on_data = on_data
    return happened


def states(app) -> Counter[str]:
    return Counter(one.state for one in week.deliveries(app))


def unknowns(app) -> int:
    with app.database.read() as session:
        return session.scalar(select(func.count(Event.id)).where(Event.kind == "unknown"))


# ---------------------------------------------------------------- a worker that stands still


@pytest.mark.parametrize("patience", [0.5, 900], ids=["resent-meanwhile", "only-unknown-meanwhile"])
def test_a_worker_that_wakes_up_after_its_lease_sends_nothing_silently_twice(
    composed, environ, relay, tmp_path, patience
):
    lease = timedelta(seconds=2)
    environ |= {"BRIEFINGS_LEASE_SECONDS": str(lease.total_seconds())}
    composed.settings = replace(composed.settings, lease=lease, unknown_patience=timedelta(seconds=patience))
    composed.clock = clock.shifted(timedelta(seconds=float(environ["BRIEFINGS_CLOCK_OFFSET"])))
    log = tmp_path / "log"
    with worker(environ, log) as zombie:
        asleep = in_a_window(composed, relay, lambda: os.killpg(zombie.pid, signal.SIGSTOP))
        assert asleep.wait(WAIT_SECONDS)
        resent = patience < 1
        there = {"sent", "deferred"} if resent else {"sent", "deferred", "unknown"}
        until(lambda: composed.deliver() == 0 and states(composed).keys() <= there)
        ended = log.read_bytes().count(b" succeeded in ")
        os.killpg(zombie.pid, signal.SIGCONT)
        until(lambda: log.read_bytes().count(b" succeeded in ") > ended, log)
    assert (b"was taken over" in log.read_bytes()) == resent
    composed.clock = lambda: MONDAY_EVENING + timedelta(minutes=2)
    composed.deliver()

    assert set(relay.recipients) == READERS
    assert len(relay.accepted) - len(READERS) == int(resent) <= unknowns(composed)
    assert states(composed) == {"sent": len(READERS)}
    assert composed.ledger().imbalances() == []


# ---------------------------------------------------------------- a worker that is told to end


def test_a_worker_that_is_told_to_end_finishes_the_letter_on_the_wire_and_gives_back_the_rest(
    composed, environ, relay, tmp_path
):
    taken, log = [], tmp_path / "log"
    with worker(environ, log) as told:

        def end() -> None:
            taken.append(len(relay.accepted))
            told.send_signal(signal.SIGTERM)
            until(lambda: b"Warm shutdown" in log.read_bytes(), log)
            time.sleep(0.5)

        in_a_window(composed, relay, end)
        assert told.wait(WAIT_SECONDS) == 0
    assert [len(relay.accepted)] == taken
    assert {"sent", "queued"} <= states(composed).keys() <= {"sent", "deferred", "queued"}
    assert {one.attempts for one in week.deliveries(composed, state="deferred")} == {0}

    composed.clock.now = MONDAY_EVENING + timedelta(minutes=2)
    assert composed.deliver() == len(READERS) - taken[0]
    assert set(relay.recipients) == READERS


# ---------------------------------------------------------------- a broker that says too much, or nothing


def test_messages_that_come_three_times_and_in_another_order_send_nothing_twice(
    app, environ, relay, tmp_path, broker, valkey_socket
):
    for address in sorted(READERS):
        week.enrol(app, address)
    bell = Broker(f"redis+socket://{valkey_socket}")
    assert all(bell.ring(queue) for queue in QUEUES)
    bell.close()
    messages = [(queue, broker.lpop(queue)) for queue in reversed(QUEUES)]

    def play() -> None:
        for queue, message in messages * 3:
            broker.lpush(queue, message)
        until(lambda: not any(broker.llen(queue) for queue in QUEUES) and not broker.hlen("unacked"), log)

    log = tmp_path / "log"
    with worker(environ | {"BRIEFINGS_SWEEP_SECONDS": "600"}, log, pool=2):
        play()
        until(lambda: states(app) == {"sent": len(READERS)}, log)
        play()
    assert Counter(relay.recipients) == dict.fromkeys(READERS, 1)
    assert states(app) == {"sent": len(READERS)}
    assert app.ledger().imbalances() == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_broker_that_is_full_gone_or_emptied_delays_work_and_loses_none(composed, environ, relay, tmp_path):
    with composed.database.write() as session:
        session.execute(update(Delivery).values(next_at=MONDAY_EVENING + timedelta(days=1)))
    log = tmp_path / "log"
    with services.valkey_server() as (server, socket), redis.Redis(unix_socket_path=str(socket)) as client:

        def full() -> None:
            client.config_set("maxmemory", 1)
            client.client_kill_filter(_type="normal", skipme=True)
            time.sleep(1)
            client.config_set("maxmemory", 0)

        def gone() -> None:
            os.killpg(server.pid, signal.SIGKILL)
            time.sleep(1)
            until(server.keep_alive)
            processes.wait_for_valkey(socket)

        broker = {"BRIEFINGS_BROKER_URL": f"redis+socket://{socket}", "BRIEFINGS_SWEEP_SECONDS": "0.3"}
        with worker(environ | broker, log) as same:
            until(lambda: b" ready." in log.read_bytes(), log)
            for number, harm in enumerate((full, client.flushall, gone, client.flushall)):
                _let_go(composed, number)
                harm()
                healed = time.monotonic()
                until(lambda number=number: len(relay.accepted) == number + 1, log)
                assert time.monotonic() - healed < RECOVERED_SECONDS
            assert same.poll() is None


def _let_go(app, number: int) -> None:
    """Make one delivery due."""
    one = week.deliveries(app)[number]
    with app.database.write() as session:
        session.execute(update(Delivery).where(Delivery.id == one.id).values(next_at=MONDAY_EVENING))
