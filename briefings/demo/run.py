"""Runs the demo: start the stack, watch the week go through it, and give account at the end."""

from __future__ import annotations

import json
import time as seconds
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from briefings.bootstrap import bootstrap
from briefings.demo import enrol, progress, report
from briefings.demo.feed_server import FeedServer, rendered
from briefings.domain.weeks import monday_of
from briefings.embedded import free_port, only_one, prepare_home, running
from briefings.errors import DependencyError
from briefings.settings import ROOT, VARIABLES, Settings, inherited
from briefings.store.schema import migrate

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from briefings.bootstrap import App
    from briefings.embedded import Stack

#: The demo's clock stands at this hour of Monday (UTC): every zone's Monday morning has come.
EVENING = time(20, 0, tzinfo=UTC)
#: Each further run starts this much after the last one, so that the feeds are due again.
LATER = timedelta(minutes=90)
WEB_PORT = 8025
ENVIRONMENT = "environment.json"


class Memory:
    """What one run leaves for the next: its ports, since addresses are made of them, and where its clock stood."""

    def __init__(self, file: Path) -> None:
        """`file` need not exist yet."""
        self._file = file
        self._values: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}

    def port(self, name: str, wanted: int | None = None) -> int:
        """The port of a part: that of the last run, or `wanted`, if it is free, else another.

        Raises DependencyError when the feeds would have to move, since their items would be new ones then.
        """
        kept = int(self._values.get(name, 0))
        self.keep(name, str(free_port(kept or wanted)))
        if name == "feeds" and kept not in {0, int(self._values[name])}:
            self.keep(name, str(kept))
            raise DependencyError(
                f"Port {kept}, where the sample feeds live, is taken; end its program, or run: make clean"
            )
        return int(self._values[name])

    def offset(self, now: datetime) -> timedelta:
        """How far ahead of the world the demo's clock runs."""
        start = datetime.combine(monday_of(now.date()), EVENING)
        last = datetime.fromisoformat(self._values.get("clock", start.isoformat()))
        again = "clock" in self._values and monday_of(last.date()) == start.date()
        return (last + LATER if again else start) - now

    def keep(self, name: str, value: str) -> None:
        """Remember a value."""
        self._values[name] = value
        self._file.write_text(json.dumps(self._values, indent=1))


def run_demo(console: Console, home: Path, *, once: bool, number: int | None) -> bool:
    """Run the demo in the folder `home`, with `number` sample subscribers (None: the bundled ones).

    Serves the inbox page until Ctrl-C unless `once`. Returns whether every planned mail is accounted for.
    """
    prepare_home(home)
    with only_one(home):
        memory = Memory(home / "demo.json")
        environ = environment(home, memory)
        app = bootstrap(Settings.from_env(environ))
        migrate(app.database.engine, ROOT / "migrations")
        monday = monday_of(app.clock().date())
        with FeedServer(rendered(monday), memory.port("feeds")) as server, closing(app.database):
            _load(console, app, server, datetime.combine(monday, time(), tzinfo=UTC), number)
            memory.keep("clock", app.clock().isoformat())
            with running(app.settings, environ) as stack:
                balanced = _run_week(console, app, stack, home / "caught")
                memory.keep("clock", app.clock().isoformat())
                if once:
                    console.print(
                        f"\nThe mails lie in {home / 'caught'}. Without ONCE=1 they are shown at {_inbox(app)}"
                    )
                else:
                    _serve(console, app, stack)
    return balanced


def _serve(console: Console, app: App, stack: Stack) -> None:
    console.print(f"\nRead the mails: [bold link={_inbox(app)}]{_inbox(app)}[/]")
    console.print(
        "Ask about them in another terminal: briefings --demo preview --subscriber mara@readers.example --week 5"
    )
    console.print("Press Ctrl-C to end.")
    stack.wait()


def _inbox(app: App) -> str:
    return f"{app.settings.public_url}/inbox"


def environment(home: Path, memory: Memory) -> dict[str, str]:
    """What leads the demo's processes to the same settings; nothing of the caller's own installation is in it.

    It names every variable, also those that it leaves empty: a `.env` beneath the environment is not the demo's.

    Kept in the home, for `briefings --demo`.
    """
    web = memory.port("web", WEB_PORT)
    demo = {variable.name: "" for variable in VARIABLES} | {
        "BRIEFINGS_HOME": str(home),
        "BRIEFINGS_LISTEN": f"127.0.0.1:{web}",
        "BRIEFINGS_PUBLIC_URL": f"http://127.0.0.1:{web}",
        "BRIEFINGS_CATCHER_LISTEN": f"127.0.0.1:{memory.port('catcher')}",
        "BRIEFINGS_CAUGHT_MAIL": str(home / "caught"),
        "BRIEFINGS_ALLOW_PRIVATE_FEEDS": "yes",
        "BRIEFINGS_CLOCK_OFFSET": str(memory.offset(datetime.now(UTC)).total_seconds()),
        "BRIEFINGS_SWEEP_SECONDS": "1",
        "BRIEFINGS_LEASE_SECONDS": "10",
        "BRIEFINGS_UNKNOWN_SECONDS": "15",
    }
    (home / ENVIRONMENT).write_text(json.dumps(demo, indent=1))
    return inherited() | demo


def kept_environment(home: Path) -> dict[str, str]:
    """The environment of the demo's last run. Raises DependencyError when there was none."""
    try:
        return dict(json.loads((home / ENVIRONMENT).read_text()))
    except FileNotFoundError as error:
        raise DependencyError(f"There is no demo in {home}; run: make demo") from error


def _load(console: Console, app: App, server: FeedServer, monday: datetime, number: int | None) -> None:
    enrol.feeds(app, server, app.clock())
    everybody = list(enrol.people(number))
    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console) as bar:
        for person in bar.track(everybody, description="Enrolling sample subscribers"):
            enrol.enrol(app, person, monday)


def _run_week(console: Console, app: App, stack: Stack, caught: Path) -> bool:
    """Watch the workers and print the table. Returns whether everything adds up."""
    before, started = report.outcome(app, caught), seconds.monotonic()
    finished = progress.watch(console, app, stack)
    now, ledger = report.outcome(app, caught), app.ledger()
    report.show(console, ledger, before, now, seconds.monotonic() - started)
    if now.sent == before.sent and before.sent:
        console.print("Everything had been sent in an earlier run; nothing was sent twice.")
    found = report.problems(ledger, now, finished=finished)
    for problem in found:
        console.print(f"[bold red]Not accounted for:[/] {problem}")
    return not found
