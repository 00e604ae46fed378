"""Runs chaos: make the world, let the storm loose on it, wait until all is settled, and give account."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from briefings.actions.account import findings
from briefings.adapters.faulty_sink import taken
from briefings.chaos.report import Result, show
from briefings.chaos.storm import Storm
from briefings.chaos.world import raised
from briefings.domain import chaos

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from briefings.chaos.wish import Wish
    from briefings.chaos.world import World

STEP_SECONDS = 0.05
LOOK_SECONDS = 0.3


def run_chaos(console: Console, wish: Wish, *, keep: bool = False) -> Result:
    """Run, print the account, and return it.

    The scratch home is removed, unless the gate is not passed or `keep` is set; then its place is printed. Raises
    DependencyError when a part cannot be started, and KeyboardInterrupt (all parts ended) on Ctrl-C and SIGTERM.
    """
    home = Path(tempfile.mkdtemp(prefix="briefings-chaos-"))
    needed = True
    try:
        with _progress(console) as progress:
            result = _run(wish, home, progress)
        show(console, wish, result)
        needed = keep or not result.passed
    except KeyboardInterrupt:
        needed = keep
        raise
    finally:
        _leave(console, home, needed=needed)
    return result


def _leave(console: Console, home: Path, *, needed: bool) -> None:
    if needed:
        console.print(f"Kept in {home}: logs, taken.jsonl (the sink's), history.jsonl (each delivery's events)")
    else:
        shutil.rmtree(home, ignore_errors=True)


def _run(wish: Wish, home: Path, progress: Progress) -> Result:
    task = progress.add_task("Making mails", total=wish.count)
    with raised(wish, home) as world:
        watch = _Watch(world, lambda settled: progress.update(task, completed=settled))
        storm = Storm(world)
        world.wait_for_workers()
        began = time.monotonic()
        progress.update(task, description="Storm")
        while _blows(world, at := time.monotonic() - began):
            storm.step(at)
            watch.step()
            time.sleep(STEP_SECONDS)
        storm.end()
        world.sink.calm = True
        progress.update(task, description="Settling")
        deadline = time.monotonic() + wish.settling
        while not watch.step() and time.monotonic() < deadline:
            time.sleep(STEP_SECONDS)
        seconds = time.monotonic() - began
        world.end_workers()
        world.sink.stop()
        world.write_history(home / "history.jsonl")
        return _result(world, storm, seconds)


def _blows(world: World, at: float) -> bool:
    """Whether the storm goes on: as long as wished, and longer on a machine so slow that it has met few faults."""
    few = sum(world.sink.made.values()) < world.wish.faults
    return at < world.wish.storm or (few and at < world.wish.longest_storm)


class _Watch:
    """Keeps the parts alive and looks at the rows from time to time."""

    def __init__(self, world: World, tell: Callable[[int], None]) -> None:
        self._world = world
        self._tell = tell
        self._looked = 0.0
        self._settled = False

    def step(self) -> bool:
        """Returns whether all was settled at the last look."""
        self._world.check()
        self._world.keep_alive()
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            rows = self._world.look() or ()
            settled = sum(chaos.is_settled(row) for row in rows)
            self._settled = bool(rows) and settled == len(rows)
            self._tell(settled)
        return self._settled


def _result(world: World, storm: Storm, seconds: float) -> Result:
    rows, found = world.rows(), findings(world.app.database, world.app.clock(), everything=True)
    return Result(
        account=chaos.account(world.planned, rows, taken(world.home / "taken.jsonl")),
        ids={row.uid: row.id for row in rows},
        states=Counter(row.state.value for row in rows),
        kills=storm.kills,
        harm=storm.harm,
        faults=world.sink.made,
        nonsense=world.sink.nonsense,
        broken=[finding.words for finding in found if finding.count],
        seconds=seconds,
    )


def _progress(console: Console) -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), console=console, transient=True)
