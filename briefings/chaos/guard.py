"""Ends what a run has started when the run itself was killed with -9 and can end nothing any more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import IO

from briefings.adapters.processes import end_left_behind, python_module


class Guard:
    """A process of its own at the other end of a pipe, which closes when we end, however we end."""

    def __init__(self) -> None:
        """Start it."""
        command = python_module("briefings.chaos.guard")
        self._process = subprocess.Popen(  # noqa: S603 - this very module
            command, stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    def watch_over(self, folder: Path) -> None:
        """Let it end, when we have ended, all processes whose ids are kept in this folder."""
        print(folder, file=self._process.stdin, flush=True)

    def end(self) -> None:
        """End it; by now there should be nothing left to end."""
        self._process.communicate()


def guard(folders: IO[str]) -> None:
    """Read folders until the pipe is closed, then end what runs."""
    for folder in folders.read().splitlines():
        for pid_file in Path(folder).glob("*.pid"):
            end_left_behind(pid_file)


if __name__ == "__main__":
    guard(sys.stdin)
