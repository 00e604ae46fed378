"""The world of a run: a scratch home with mails that are due, a faulty sink, a broker, a database, workers."""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
import time as clock
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from briefings.adapters import processes
from briefings.adapters.faulty_sink import FaultySink
from briefings.adapters.postgresql import EmbeddedPostgresql
from briefings.bootstrap import bootstrap
from briefings.chaos import certificates
from briefings.chaos.guard import Guard
from briefings.chaos.victim import Victim, write_clock
from briefings.domain import chaos, plans
from briefings.domain.chaos import Row
from briefings.domain.deliveries import State
from briefings.domain.weeks import monday_of
from briefings.embedded import prepare_home
from briefings.errors import DependencyError, InputError
from briefings.settings import ROOT, VARIABLES, Settings, inherited, socket_path
from briefings.store.brakes import brakes
from briefings.store.deliveries import Delivery, Event, events_of
from briefings.store.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from briefings.adapters.processes import Child
    from briefings.bootstrap import App
    from briefings.chaos.wish import Wish

#: The run's clock starts at this hour of this week's Monday (UTC): every briefing is due, the next cut-off is far.
EVENING = time(20, 0, tzinfo=UTC)
#: Far beyond what back-offs can add up to, so that none of them is skipped as too late.
LATEST_HOURS = 160
#: This part of the mails is due from the start; the others become due during this part of the storm.
AT_ONCE, SPREAD = 0.5, 0.5
PLAN_WEEK = 5
START_SECONDS = 60


class World:
    """Everything that runs, and the rows that are watched. Make it with `raised`."""

    def __init__(self, wish: Wish, home: Path) -> None:
        """`home` exists and is empty."""
        self.wish = wish
        self.home = home
        self.lead = timedelta()  #: how far all clocks have been put forward since the start
        self.sink = FaultySink(home / "taken.jsonl", wish.seed, wish.trickle)
        self.postgresql: EmbeddedPostgresql | None = None
        self.victims: list[Victim] = []
        self.planned: frozenset[str] = frozenset()
        self._interrupted = False
        self._environ: dict[str, str] = {}
        self._app: App | None = None
        self._broker: Child | None = None

    @property
    def app(self) -> App:
        """The product, put together for this home."""
        if self._app is None:
            raise DependencyError("The world of this run has not been made yet")
        return self._app

    @property
    def broker(self) -> Child:
        """The Valkey server."""
        if self._broker is None:
            raise DependencyError("The broker of this run has not been started yet")
        return self._broker

    def interrupt(self, _number: int, _frame: object) -> None:
        """Take Ctrl-C or SIGTERM: whatever is being done is finished, so that no process is started and forgotten."""
        self._interrupted = True

    def check(self) -> None:
        """Raise KeyboardInterrupt if it is wished that the run ends."""
        if self._interrupted:
            raise KeyboardInterrupt

    def make(self, ending: ExitStack) -> None:
        """Start all parts but the workers, and fill the outbox. What was started is ended by `ending`."""
        prepare_home(self.home)
        (self.home / "logs").mkdir()
        guard = Guard()
        ending.callback(guard.end)
        guard.watch_over(self.home / "logs")
        if self.wish.tls:
            self.sink.tls = certificates.server(self.home)
        self.sink.start()
        ending.callback(self.sink.stop)
        url = self._start_postgresql(ending, guard) if self.wish.database == "postgresql" else ""
        self._broker = processes.valkey(socket_path(self.home), self.home / "logs" / "valkey.log")
        ending.callback(self._broker.kill)
        self._broker.start()
        processes.wait_for_valkey(socket_path(self.home))
        self._environ = environment(self.wish, self.home, self.sink.port, url)
        self._app = bootstrap(Settings.from_env(self._environ))
        ending.callback(self._app.database.close)
        migrate(self._app.database.engine, ROOT / "migrations")
        self._fill()

    def start_workers(self, ending: ExitStack) -> None:
        """Start the workers."""
        for number in range(1, self.wish.workers + 1):
            trust = {"SSL_CERT_FILE": str(self.home / certificates.TRUSTED)} if self.wish.tls else {}
            victim = Victim(number, self.home, inherited() | self._environ | trust)
            ending.callback(victim.end)
            self.victims.append(victim)
            victim.start()
        self.set_clocks()

    def wait_for_workers(self) -> None:
        """Return when all take work. Raises DependencyError when one does not come up."""
        deadline = clock.monotonic() + START_SECONDS
        while not all(victim.ready for victim in self.victims):
            self.check()
            if clock.monotonic() > deadline:
                raise DependencyError(f"The workers do not start; read the logs in {self.home / 'logs'}")
            clock.sleep(0.05)

    def end_workers(self) -> None:
        """Kill all workers: what they have not written by now is not written."""
        for victim in self.victims:
            victim.end()
        self.victims.clear()

    def keep_alive(self) -> None:
        """Start again what ended, as `briefings up` would."""
        self.broker.keep_alive()
        for victim in self.victims:
            victim.keep_alive()

    def set_clocks(self) -> None:
        """Write all clock files."""
        write_clock(self.home / "run" / "clock", self.lead)
        for victim in self.victims:
            victim.set_clock(self.lead)

    def rows(self) -> list[Row]:
        """All deliveries. Raises DependencyError while the database is down."""
        unknowns = select(Event.delivery_id, func.count()).where(Event.kind == State.UNKNOWN.value)
        with self.app.database.read() as session:
            counted = {delivery_id: count for delivery_id, count in session.execute(unknowns.group_by("delivery_id"))}  # noqa: C416 - typed rows
            hold = self.wish.policy == "hold"
            return [_row(one, counted.get(one.id, 0), hold=hold) for one in session.scalars(select(Delivery))]

    def look(self) -> list[Row] | None:
        """All deliveries, or None while the database is down; when nothing will happen for long, clocks leap there."""
        try:
            rows = self.rows()
            self._lift_brakes()
        except DependencyError:
            return None
        wait = timedelta(seconds=self.wish.lease) + self.wish.patience
        ahead = chaos.leap(rows, self.app.clock(), self.wish.patience, wait)
        if ahead:
            self.lead += ahead
            self.set_clocks()
        return rows

    def _lift_brakes(self) -> None:
        """Be the operator who looks at what opened the breaker; a stop would be a fault of ours, and stays."""
        with self.app.database.read() as session:
            stopped = brakes(session).stop
        if not stopped:
            with suppress(InputError):
                self.app.resume("the operator of this run")

    def write_history(self, file: Path) -> None:
        """Write down what happened to each delivery, a line of JSON each."""
        with self.app.database.read() as session, file.open("w", encoding="utf-8") as history:
            for delivery in session.scalars(select(Delivery).order_by(Delivery.id)):
                events = [
                    {"at": event.at.isoformat(), "kind": event.kind, **event.detail}
                    for event in events_of(session, delivery.id)
                ]
                line = {"id": delivery.id, "uid": delivery.uid, "address": delivery.address, "events": events}
                history.write(json.dumps(line) + "\n")

    def _start_postgresql(self, ending: ExitStack, guard: Guard) -> str:
        folder = Path(tempfile.mkdtemp(prefix="briefings-chaos-pg-"))
        ending.callback(shutil.rmtree, folder, ignore_errors=True)
        guard.watch_over(folder)
        # A killed server loses nothing that it has written, synced or not; only a machine that goes dark does.
        self.postgresql = EmbeddedPostgresql(folder, ["-c", "fsync=off"])
        ending.callback(self.postgresql.child.stop)
        self.postgresql.start()
        return self.postgresql.create_database("chaos")

    def _fill(self) -> None:
        """Enrol readers, compose their issue, and let half of their mails become due little by little."""
        app, monday = self.app, monday_of(self.app.clock().date())
        confirmed = datetime.combine(monday, time(), tzinfo=UTC) - timedelta(weeks=PLAN_WEEK - 1, days=5)
        names = sorted(app.catalogue.specialization)
        for number in range(self.wish.count):
            self.check()
            profile = plans.profile(app.catalogue, names[number % len(names)], "practitioner", 4, ())
            app.subscribing.enrol(
                f"reader-{number:05d}@readers.example",
                "Europe/Berlin",
                profile,
                confirmed_at=confirmed,
                joined_at=confirmed,
                weeks_before=PLAN_WEEK - 1,
            )
        app.compose()
        self._spread()
        self.planned = frozenset(row.uid for row in self.rows())

    def _spread(self) -> None:
        now = self.app.clock()
        with self.app.database.write() as session:
            ids = list(session.scalars(select(Delivery.id).order_by(Delivery.id)))
            later = ids[int(len(ids) * AT_ONCE) :]
            for number, delivery_id in enumerate(later):
                due = now + timedelta(seconds=self.wish.storm * SPREAD * number / len(later))
                session.execute(update(Delivery).where(Delivery.id == delivery_id).values(next_at=due))


@contextmanager
def raised(wish: Wish, home: Path) -> Iterator[World]:
    """A world whose parts run, workers too. Everything is ended at the end, also on Ctrl-C and SIGTERM."""
    world = World(wish, home)
    with ExitStack() as ending:
        for number in (signal.SIGINT, signal.SIGTERM):
            ending.callback(signal.signal, number, signal.signal(number, world.interrupt))
        world.make(ending)
        world.start_workers(ending)
        yield world


def environment(wish: Wish, home: Path, sink_port: int, database_url: str) -> dict[str, str]:
    """What leads the run's processes to the same settings. It names every variable: a `.env` is not for this run."""
    now = datetime.now(UTC)
    start = datetime.combine(monday_of(now.date()), EVENING)
    ours = {
        "BRIEFINGS_HOME": str(home),
        "BRIEFINGS_DATABASE_URL": database_url,
        "BRIEFINGS_SMTP_URL": f"smtp{'s' * wish.tls}://127.0.0.1:{sink_port}",
        "BRIEFINGS_SMTP_VERDICT_SECONDS": str(wish.verdict),
        "BRIEFINGS_CLOCK_OFFSET": str((start - now).total_seconds()),
        "BRIEFINGS_CLOCK_FILE": str(home / "run" / "clock"),
        "BRIEFINGS_SWEEP_SECONDS": str(wish.sweep),
        "BRIEFINGS_LEASE_SECONDS": str(wish.lease),
        "BRIEFINGS_UNKNOWN_POLICY": wish.policy,
        "BRIEFINGS_UNKNOWN_SECONDS": str(wish.patience.total_seconds()),
        "BRIEFINGS_LATEST_HOURS": str(LATEST_HOURS),
    }
    return {variable.name: "" for variable in VARIABLES} | ours


def _row(delivery: Delivery, unknowns: int, *, hold: bool) -> Row:
    return Row(
        id=delivery.id,
        uid=delivery.uid,
        state=State(delivery.state),
        next_at=delivery.next_at,
        lease_until=delivery.lease_until,
        changed_at=delivery.changed_at,
        resent=delivery.resent,
        unknowns=unknowns,
        hold=hold,
    )
