"""The real servers that tests run against: PostgreSQL and Valkey from their wheels, and an SMTP relay of our own."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from briefings.adapters import processes
from briefings.adapters.postgresql import EmbeddedPostgresql
from briefings.embedded import free_port


@contextmanager
def postgresql():
    """A PostgreSQL server on a private socket; yields the folder of the socket."""
    with tempfile.TemporaryDirectory(prefix="pg-") as scratch:
        server = EmbeddedPostgresql(Path(scratch), ["-c", "fsync=off", "-c", "max_connections=60"])
        try:
            server.start()
            yield server.folder
        finally:
            server.child.stop()


@contextmanager
def valkey():
    """A Valkey server on a private socket; yields the socket's path."""
    with valkey_server() as (_, socket):
        yield socket


@contextmanager
def valkey_server():
    """A Valkey server that may be harmed; yields it, and its socket's path."""
    with tempfile.TemporaryDirectory(prefix="vk-") as scratch:
        socket = Path(scratch) / "run" / "valkey.sock"
        child = processes.valkey(socket, Path(scratch) / "log")
        child.start()
        try:
            processes.wait_for_valkey(socket)
            yield child, socket
        finally:
            child.stop()


class Porter:
    """Asks for user and password, and remembers them."""

    def __init__(self, *, lets_in: bool) -> None:
        self.lets_in = lets_in
        self.told: list[str] = []

    def __call__(self, server, session, envelope, mechanism, login) -> AuthResult:
        """A refusal says again what it was told, as some relays do."""
        self.told.append(f"{login.login.decode()}:{login.password.decode()}")
        return AuthResult(success=self.lets_in, handled=False, message=f"535 5.7.8 not {self.told[-1]}")


class Relay:
    """An SMTP relay that keeps what it takes, and answers as it is told.

    `answers` maps a verb (`MAIL`, `RCPT`, `DATA`) to a reply, or to `drop`, which ends the connection; `RCPT` may be
    given per address as `RCPT ana@example.org`. `DATA` is the answer after the final dot. `options` are aiosmtpd's.
    """

    def __init__(self, port: int | None = None, **options) -> None:
        self.answers: dict[str, str] = {}
        self.accepted: list[tuple[str, bytes]] = []
        self.on_data = lambda: None
        self._leaving = False
        self.port = port or free_port()
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, server_hostname="relay.test", **options
        )

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
