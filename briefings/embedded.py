"""The whole of Briefings on one machine: `briefings up` keeps its parts alive until it is told to end."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import signal
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from briefings.adapters import processes
from briefings.adapters.broker import QUEUES
from briefings.adapters.processes import Child, python_module
from briefings.errors import DependencyError
from briefings.settings import ROOT, Address, Settings, secret_path, socket_path
from briefings.store.base import Database
from briefings.store.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.5
LISTEN_SECONDS = 30
WORKERS_AT_ONCE = 2
HOPELESS_AFTER = 5


class Stack:
    """The child processes of one installation: broker, mail catcher, web, worker, beat."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        """`environ` is what the children get; it must lead them to the same settings."""
        self._settings = settings
        self._home = settings.home
        self._environ = {**environ, "PYTHONUNBUFFERED": "1"}
        self.children: list[Child] = []
        self._ending = threading.Event()

    def start(self) -> None:
        """Start everything, in the order in which the parts need each other. Raises DependencyError."""
        if self._settings.broker_url.startswith("redis+socket://"):
            self._add(processes.valkey(socket_path(self._home), self._log("valkey")))
            processes.wait_for_valkey(socket_path(self._home))
        database = Database(self._settings.database_url)
        migrate(database.engine, ROOT / "migrations")
        database.close()
        if self._settings.caught_mail:
            catcher = self._child("catcher", "briefings.cli", "catcher")
            self._add(catcher, self._settings.catcher, "BRIEFINGS_CATCHER_LISTEN")
        self._add(self._child("web", "briefings.cli", "web"), self._settings.listen, "BRIEFINGS_LISTEN")
        self._add(self._child("worker", "celery", *self._worker_options()))
        self._add(self._child("beat", "celery", *self._beat_options()))
        wait_for_port(self._settings.listen.host, self._settings.listen.port, self._log("web"))

    def watch(self) -> None:
        """Keep the children alive until `end` is called."""
        while not self._ending.wait(WATCH_SECONDS):
            for child in self.children:
                child.keep_alive()

    def check(self) -> None:
        """Raise DependencyError when a part cannot be kept alive."""
        for child in self.children:
            if child.quick_ends >= HOPELESS_AFTER:
                raise DependencyError(f"{child.name} ends as soon as it is started; read {child.log_file}")

    def wait(self) -> None:
        """Return never, unless a part cannot be kept alive (DependencyError) or a signal comes."""
        while True:
            self.check()
            time.sleep(WATCH_SECONDS)

    def end(self) -> None:
        """Let `watch` return."""
        self._ending.set()

    def stop(self) -> None:
        """End all children, those first that need the others."""
        self.end()
        for child in reversed(self.children):
            child.stop()
        self.children.clear()

    def _add(self, child: Child, address: Address | None = None, variable: str = "") -> None:
        child.end_predecessor()
        if address:
            require_free(address, variable)
        child.start()
        self.children.append(child)

    def _child(self, name: str, module: str, *arguments: str) -> Child:
        return Child(name, python_module(module, *arguments), self._environ, self._log(name))

    def _log(self, name: str) -> Path:
        return self._home / "logs" / f"{name}.log"

    def _worker_options(self) -> list[str]:
        return worker_options(f"worker-{os.getpid()}")

    def _beat_options(self) -> list[str]:
        schedule = self._home / "run" / "beat-schedule"
        return ["-A", "workers.app", "beat", "--loglevel", "WARNING", "-s", str(schedule), "--pidfile", ""]


def worker_options(name: str) -> list[str]:
    """What Celery is told to be a worker for all queues; names must differ among the workers of one broker."""
    common = ["-A", "workers.app", "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
    return [*common, "-Q", ",".join(QUEUES), "-c", str(WORKERS_AT_ONCE), "-n", f"{name}@%h"]


@contextmanager
def running(settings: Settings, environ: Mapping[str, str]) -> Iterator[Stack]:
    """A started stack that is watched in the background, and stopped at the end whatever happens."""
    stack = Stack(settings, environ)
    watcher = threading.Thread(target=stack.watch, name="watcher", daemon=True)
    previous = signal.signal(signal.SIGTERM, _interrupt)
    try:
        stack.start()
        watcher.start()
        yield stack
    finally:
        # A second Ctrl-C would leave behind whatever has not been stopped yet.
        interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stack.end()
        if watcher.is_alive():
            watcher.join()
        stack.stop()
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGTERM, previous)


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Refuse to run beside another stack in the same home: two brokers on one socket harm both.

    Raises DependencyError that names the other process.
    """
    with (home / "run" / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            other = lock.read().strip() or "?"
            raise DependencyError(f"Briefings runs already in {home} (process {other}); end it first") from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def prepare_home(home: Path) -> None:
    """Make the home folder, private, with a secret key of its own. Raises DependencyError when it cannot be made."""
    try:
        (home / "run").mkdir(parents=True, exist_ok=True)
        home.chmod(0o700)
        with suppress(FileExistsError):
            descriptor = os.open(secret_path(home), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(48))
    except OSError as error:
        raise DependencyError(f"The home folder cannot be made ({error}); set BRIEFINGS_HOME to another") from error


def require_free(address: Address, variable: str) -> None:
    """Raise DependencyError when somebody listens at an address that we are about to use."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except OSError as error:
            raise DependencyError(
                f"Port {address.port} of {address.host} is taken ({error.strerror}); "
                f"set {variable} to another, or end the program that has it"
            ) from error


def wait_for_port(host: str, port: int, log_file: Path) -> None:
    """Return when something listens. Raises DependencyError when nothing does in time."""
    deadline = time.monotonic() + LISTEN_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection((host, port), timeout=1):
            return
        time.sleep(0.1)
    raise DependencyError(f"Nothing listens on {host}:{port} after {LISTEN_SECONDS} s; read {log_file}")


def free_port(wanted: int | None = None) -> int:
    """A loopback port that nothing listens on now: the wanted one if it is free."""
    for port in (wanted or 0, 0):
        with suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections do not take a port
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise DependencyError("No loopback port is free; end some programs and try again")


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
