"""How long a pass over many unchanged feeds takes: `python -m bench.poll --help`."""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from sqlalchemy import func, select

from briefings import clock
from briefings.actions.poll import poll
from briefings.adapters.http import HttpFetcher
from briefings.settings import ROOT
from briefings.store.base import Database
from briefings.store.feeds import Feed, Fetch
from briefings.store.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from briefings.adapters.http import Fetched

UNCHANGED = b'HTTP/1.1 304 Not Modified\r\nETag: "same"\r\nCache-Control: max-age=600\r\n\r\n'
NOW = clock.shifted(timedelta())
console = Console()


@click.command()
@click.option("--feeds", default=5000, show_default=True, help="How many feeds to poll.")
@click.option("--hosts", default=2500, show_default=True, help="On how many hosts they lie.")
def main(feeds: int, hosts: int) -> None:
    """Poll unchanged feeds once, on SQLite, and print what it costs."""
    with tempfile.TemporaryDirectory() as folder, _server() as port:
        database = Database(f"sqlite:///{Path(folder) / 'bench.db'}")
        migrate(database.engine, ROOT / "migrations")
        _fill(database, port, feeds, hosts)
        wall, cpu = time.perf_counter(), time.process_time()
        with Progress(console=console) as progress:
            poll(database, Counted(progress, feeds), NOW)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        _show(database, wall, cpu)
        database.close()


@contextmanager
def _server() -> Iterator[int]:
    """A server in a process of its own, so that its work is not counted; yields its port."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection) -> None:
    asyncio.run(_serve_for_ever(pipe))


async def _serve_for_ever(pipe: Connection) -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=200)
    pipe.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while request := await reader.readuntil(b"\r\n\r\n"):
            writer.write(UNCHANGED if b"If-None-Match" in request else b"HTTP/1.1 500 No validators\r\n\r\n")
            if b"Connection: close" in request:
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the poller has hung up
    writer.close()


def _fill(database: Database, port: int, feeds: int, hosts: int) -> None:
    now = NOW()
    with database.write() as session:
        for number in range(feeds):
            url = f"http://host-{number % hosts}.example:{port}/{number}"
            session.add(Feed(url=url, title=f"Feed {number}", etag='"same"', polled_at=now, next_poll_at=now))


class Counted:
    """A fetcher that moves a progress bar."""

    def __init__(self, progress: Progress, feeds: int) -> None:
        self._fetcher = HttpFetcher(user_agent="bench", allow_private=True, resolve=lambda _: ["127.0.0.1"])
        self._progress, self._bar = progress, progress.add_task("Polling", total=feeds)

    def fetch(self, url: str, *, etag: str | None = None, last_modified: str | None = None) -> Fetched:
        """Fetch and move on."""
        self._progress.advance(self._bar)
        return self._fetcher.fetch(url, etag=etag, last_modified=last_modified)


def _show(database: Database, wall: float, cpu: float) -> None:
    with database.read() as session:
        counts = session.execute(select(Fetch.status, func.count()).group_by(Fetch.status)).all()
    table = Table("Answer", "Feeds", "Seconds", "CPU seconds", "CPU ms a feed")
    for status, count in counts:
        table.add_row(str(status), str(count), f"{wall:.1f}", f"{cpu:.1f}", f"{1000 * cpu / count:.2f}")
    console.print(table)


if __name__ == "__main__":
    main()
