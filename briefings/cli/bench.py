"""`briefings bench`: how fast the real path is on this machine."""

from __future__ import annotations

import resource
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from briefings.cli.terminal import console
from briefings.settings import inherited

if TYPE_CHECKING:
    from collections.abc import Iterator

    from briefings.bench.deliver import Run
    from briefings.bootstrap import App

MILLION = 1_000_000


@click.group("bench")
def bench() -> None:
    """How fast the real path is on this machine."""


@bench.command("deliver")
@click.option("--count", type=click.IntRange(1), default=10_000, show_default=True, help="How many subscribers.")
@click.option("--smtp", required=True, help="host:port of a sink that takes and forgets mail (such as smtp-sink).")
@click.option("--database", help="An empty database (default: SQLite in a folder of its own).")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True)
def bench_deliver(count: int, smtp: str, database: str | None, workers: int) -> None:
    """Send COUNT due briefings: claim, write, send, record, with the full ledger. Exits 1 when the counts differ."""
    from briefings.bench import deliver, world
    from briefings.bootstrap import bootstrap
    from briefings.settings import ROOT, Settings
    from briefings.store.schema import migrate

    with tempfile.TemporaryDirectory() as folder, _progress() as progress:
        environ = _environ(Path(folder), smtp, database)
        app = bootstrap(Settings.from_env(environ))
        migrate(app.database.engine, ROOT / "migrations")
        filling = progress.add_task("Subscribers", total=count)
        contents = world.fill(app, count, lambda added: progress.advance(filling, added))
        _let_it_learn(app)
        sending = progress.add_task("Sent", total=count)
        run = deliver.deliver(environ, workers, lambda sent: progress.update(sending, completed=sent))
    console.print(_table(run, count, contents, workers))
    if not count == run.taken == run.sent == run.events:
        raise SystemExit(1)


@bench.command("compose")
@click.option("--count", type=click.IntRange(1), default=10_000, show_default=True, help="How many subscribers.")
@click.option("--database", help="An empty database (default: SQLite in a folder of its own).")
def bench_compose(count: int, database: str | None) -> None:
    """Compose an issue for COUNT subscribers with plans, in one process. Exits 1 when not each got an edition."""
    from briefings.bench import readers
    from briefings.bootstrap import bootstrap
    from briefings.settings import ROOT, Settings
    from briefings.store.schema import migrate

    with tempfile.TemporaryDirectory() as folder, _progress() as progress:
        app = bootstrap(Settings.from_env(_environ(Path(folder), "127.0.0.1:9", database)))
        migrate(app.database.engine, ROOT / "migrations")
        filling = progress.add_task("Subscribers", total=count)
        items = readers.fill(app, count, lambda added: progress.advance(filling, added))
        _let_it_learn(app)
        progress.add_task("Composing", total=None)
        wall, cpu = time.perf_counter(), time.process_time()
        app.compose()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        ledger = app.ledger()
    composed = ledger.composed if ledger else 0
    table = Table("", "", title=f"{count} subscribers, {items} items", show_header=False)
    table.add_row("Editions a second", f"{composed / wall:,.0f}")
    table.add_row("Seconds", f"{wall:.1f}")
    table.add_row("CPU ms an edition", f"{1000 * cpu / max(composed, 1):.3f}")
    table.add_row("Most memory", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MILLION:.0f} MB")
    table.add_row("Editions", str(composed))
    console.print(table)
    if composed != count:
        raise SystemExit(1)


def _let_it_learn(app: App) -> None:
    """What a database in use has done long ago: count its rows, by which it chooses how to look for some.

    Tables without rows are left out: PostgreSQL would take them for empty for as long as the bench lasts.
    """
    from sqlalchemy import select, text

    from briefings.store.base import Base

    with app.database.write() as session:
        for table in Base.metadata.sorted_tables:
            if session.execute(select(table).limit(1)).first():
                session.execute(text(f"ANALYZE {table.name}"))


def _environ(folder: Path, smtp: str, database: str | None) -> dict[str, str]:
    return {
        **inherited(),
        "BRIEFINGS_HOME": str(folder),
        "BRIEFINGS_DATABASE_URL": database or f"sqlite:///{folder / 'bench.db'}",
        "BRIEFINGS_SECRET_KEY": "of-the-benchmark-and-of-nothing-else-0000",
        "BRIEFINGS_SMTP_URL": f"smtp://{smtp}",
    }


def _table(run: Run, count: int, contents: int, workers: int) -> Table:
    from briefings.bench.deliver import steps

    title = f"{count} briefings, {contents} different editions, {workers} workers"
    table = Table("", "", title=title, show_header=False)
    table.add_row("Messages a second", f"{run.taken / run.seconds:,.0f}")
    table.add_row("Seconds", f"{run.seconds:.1f}")
    table.add_row("Bytes a message", f"{sum(work.bytes for work in run.works) / max(run.taken, 1):,.0f}")
    for step, seconds in steps(run.works).items():
        table.add_row(f"CPU ms a message: {step}", f"{1000 * seconds / max(run.taken, 1):.3f}")
    table.add_row("CPU ms a message: whole machine", f"{1000 * run.machine_seconds / max(run.taken, 1):.3f}")
    table.add_row("Most memory of a worker", f"{max(work.peak for work in run.works) / MILLION:.0f} MB")
    table.add_row("Taken by the relay", str(run.taken))
    table.add_row("Rows sent, events of it", f"{run.sent}, {run.events}")
    return table


@contextmanager
def _progress() -> Iterator[Progress]:
    bars = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*bars, console=console, transient=True) as progress:
        yield progress
