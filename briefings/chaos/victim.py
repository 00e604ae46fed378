"""A Celery worker that is there to be killed, and its clock that is there to jump."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from briefings.adapters.processes import Child, python_module
from briefings.embedded import worker_options

if TYPE_CHECKING:
    from collections.abc import Mapping

READY = b" ready."


class Victim:
    """One place for a worker. Whoever is killed gets a successor, in a process group of its own."""

    def __init__(self, number: int, home: Path, environ: Mapping[str, str]) -> None:
        """`environ` leads it to the run's settings; its clock file is its own."""
        self.number = number
        self.generation = 0
        self.jump = timedelta()  #: by how much its clock is ahead of everybody's
        self._home = home
        self._clock_file = home / "run" / f"clock-{number}"
        self._environ = {**environ, "PYTHONUNBUFFERED": "1", "BRIEFINGS_CLOCK_FILE": str(self._clock_file)}
        self._child: Child | None = None
        self._orphaned: list[Child] = []

    def start(self) -> None:
        """Start the next worker at this place."""
        self.generation += 1
        name = f"worker-{self.number}-{self.generation:03d}"
        command = python_module("celery", *worker_options(name))
        self._child = Child(name, command, self._environ, self._home / "logs" / f"{name}.log")
        self._child.start()

    def keep_alive(self) -> None:
        """Start it again if it ended by itself, as `briefings up` would."""
        if self._child:
            self._child.keep_alive()

    @property
    def ready(self) -> bool:
        """Whether the present worker takes work."""
        return self._child is not None and READY in self._child.log_file.read_bytes()

    def set_clock(self, lead: timedelta) -> None:
        """Put its clock ahead of the run's by `lead`, and by its own jump."""
        write_clock(self._clock_file, lead + self.jump)

    def kill_group(self) -> None:
        """Kill -9 the worker with all its processes."""
        if self._child:
            self._child.kill()
        self.start()

    def kill_main(self) -> None:
        """Kill -9 its main process only. Its pool goes on as orphans, beside the successor, until `bury`."""
        if self._child and self._child.pid:
            os.kill(self._child.pid, signal.SIGKILL)
            self._orphaned.append(self._child)
        self.start()

    def kill_pool_process(self, which: float) -> None:
        """Kill -9 one process of its pool, chosen by a number below 1."""
        pool = children_of(self._child.pid) if self._child and self._child.pid else []
        if pool:
            with suppress(ProcessLookupError):
                os.kill(pool[int(which * len(pool))], signal.SIGKILL)

    def freeze(self) -> None:
        """Stop all its processes where they stand."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on as if nothing had been."""
        self._signal(signal.SIGCONT)

    def bury(self) -> None:
        """End what its killed predecessors left behind."""
        while self._orphaned:
            self._orphaned.pop().kill()

    def end(self) -> None:
        """End everything at this place, at once."""
        self.bury()
        if self._child:
            self._child.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self._child and self._child.pid:
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, number)


def write_clock(file: Path, lead: timedelta) -> None:
    """Write what a led clock reads (briefings.clock.led); whole or not at all."""
    unfinished = file.with_suffix(".new")
    unfinished.write_text(str(lead.total_seconds()), "ascii")
    unfinished.replace(file)


def children_of(pid: int) -> list[int]:
    """The process's children, where the system can tell them."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except OSError:
        return []
