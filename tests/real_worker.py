"""A real Celery worker in a process group of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from briefings.adapters.processes import python_module
from briefings.embedded import worker_options

WAIT_SECONDS = 90


@contextmanager
def worker(environ, log_file, pool: int = 1):
    """With a pool of one, nothing else happens while a letter is on the wire."""
    with log_file.open("wb") as log:
        command = python_module("celery", *worker_options("worker"), "--concurrency", str(pool))
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def until(condition, log_file: Path | None = None):
    """Come back with what the condition gives as soon as it is true."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, log_file.read_text()[-3000:] if log_file else "waited for nothing"
        time.sleep(0.05)
    return found
