"""Delivers due briefings by the real path, with real worker processes, and counts on both sides."""

from __future__ import annotations

import multiprocessing
import os
import resource
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from briefings.actions.write import Press
from briefings.bootstrap import bootstrap
from briefings.domain.deliveries import Outcome
from briefings.settings import Settings
from briefings.store.deliveries import Delivery, Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from multiprocessing.connection import Connection

    from sqlalchemy.orm import Session

    from briefings.adapters.mailer import Mailer
    from briefings.bootstrap import App
    from briefings.domain.deliveries import Attempt
    from briefings.store.deliveries import Due

WATCH_SECONDS = 0.2
KILOBYTE = 1024


@dataclass
class Work:
    """What one worker did: seconds of CPU by step, letters taken by the relay, their bytes, memory at most in bytes."""

    seconds: dict[str, float] = field(default_factory=dict)
    taken: int = 0
    bytes: int = 0
    peak: int = 0


@dataclass(frozen=True)
class Run:
    """What came out: wall seconds, CPU seconds of the whole machine, and the counts of both sides."""

    seconds: float
    machine_seconds: float
    works: Sequence[Work]
    sent: int  #: rows in the state sent
    events: int  #: events that say so

    @property
    def taken(self) -> int:
        """Letters that the relay took, as the workers heard it."""
        return sum(work.taken for work in self.works)


def deliver(environ: Mapping[str, str], workers: int, watch: Callable[[int], object]) -> Run:
    """Let worker processes send all that is due. `watch` hears now and then how many are sent."""
    spawn = multiprocessing.get_context("spawn")
    pipes = [spawn.Pipe() for _ in range(workers)]
    processes = [spawn.Process(target=_work, args=(dict(environ), theirs)) for _, theirs in pipes]
    for process in processes:
        process.start()
    for ours, _ in pipes:
        ours.recv()  # it is ready
    started, busy = time.perf_counter(), _busy_seconds()
    for ours, _ in pipes:
        ours.send("go")
    app = bootstrap(Settings.from_env(environ))
    while any(process.is_alive() for process in processes) and not all(ours.poll() for ours, _ in pipes):
        watch(_sent(app))
        time.sleep(WATCH_SECONDS)
    works = [ours.recv() for ours, _ in pipes]
    seconds, machine = time.perf_counter() - started, _busy_seconds() - busy
    for process in processes:
        process.join()
    watch(_sent(app))
    return Run(seconds, machine, works, _sent(app), _events(app))


def _work(environ: dict[str, str], pipe: Connection) -> None:
    """A worker process: ready, wait for the word, deliver until nothing is due, tell."""
    app = bootstrap(Settings.from_env(environ))
    work = Work()
    delivering = replace(app.delivering, press=_TimedPress(app.writer, work=work))
    pipe.send("ready")
    pipe.recv()
    started = time.process_time()
    while delivering.deliver(lambda: _TimedMailer(app.connect(), work)):
        pass
    work.seconds["database and the rest"] = time.process_time() - started - sum(work.seconds.values())
    work.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KILOBYTE
    pipe.send(work)


@dataclass(frozen=True)
class _TimedPress(Press):
    """The product's own press, with a stop watch."""

    work: Work = field(default_factory=Work)

    def letters(self, session: Session, window: Sequence[Due]) -> dict[int, bytes]:
        started = time.process_time()
        written = super().letters(session, window)
        _add(self.work, "write", started)
        self.work.bytes += sum(map(len, written.values()))
        return written


class _TimedMailer:
    def __init__(self, mailer: Mailer, work: Work) -> None:
        self._mailer, self._work = mailer, work
        self.open, self.close = mailer.open, mailer.close

    def send(self, content: bytes, return_path: str, recipient: str) -> Attempt:
        started = time.process_time()
        attempt = self._mailer.send(content, return_path, recipient)
        _add(self._work, "send", started)
        self._work.taken += attempt.outcome is Outcome.ACCEPTED
        return attempt


def _add(work: Work, step: str, started: float) -> None:
    work.seconds[step] = work.seconds.get(step, 0.0) + time.process_time() - started


def _sent(app: App) -> int:
    with app.database.read() as session:
        return session.scalar(select(func.count()).where(Delivery.state == "sent")) or 0


def _events(app: App) -> int:
    with app.database.read() as session:
        return session.scalar(select(func.count()).where(Event.kind == "sent")) or 0


def _busy_seconds() -> float:
    """CPU seconds that all processors of this machine have worked since it started; 0 where /proc is missing."""
    try:
        user, nice, system, _, _, irq, soft, *_ = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    except (OSError, ValueError):
        return 0.0
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def steps(works: Iterable[Work]) -> dict[str, float]:
    """CPU seconds by step over all workers."""
    found: dict[str, float] = {}
    for work in works:
        for step, seconds in work.seconds.items():
            found[step] = found.get(step, 0.0) + seconds
    return found
