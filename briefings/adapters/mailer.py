"""Hands letters to an SMTP relay and says truthfully what became of each."""

from __future__ import annotations

import smtplib
import ssl
from select import select
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import TYPE_CHECKING, Protocol

from briefings.domain.deliveries import Attempt, Outcome, refusal
from briefings.domain.mails import is_plain_address, one_line
from briefings.errors import DependencyError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from briefings.settings import Relay

COMMAND_SECONDS = 30
SERVER_ERROR, CLIENT_ERROR, INTERMEDIATE = 500, 400, 354


class Mailer(Protocol):
    """Sends letters one after the other over a kept connection."""

    def open(self) -> None:
        """Connect, if not connected. Raises DependencyError when the relay does not answer or refuses us."""
        ...

    def send(self, content: bytes, return_path: str, recipient: str) -> Attempt:
        """Try once to hand over a written letter. Never raises for anything that the relay does."""
        ...

    def close(self) -> None:
        """End the connection politely."""
        ...


class RelayLog(Protocol):
    """What the relay can say afterwards, when the answer to a letter was lost."""

    def took(self, uids: Collection[str]) -> set[str]:
        """Those of the deliveries' uids of which the relay says that it took the letter."""
        ...


class NoRelayLog:
    """A relay that tells us nothing afterwards."""

    def took(self, uids: Collection[str]) -> set[str]:  # noqa: ARG002 - see RelayLog
        """Nothing is known."""
        return set()


class SmtpMailer:
    """One kept connection to a relay; opened at the first letter, opened again when it was lost."""

    def __init__(self, relay: Relay, hello: str) -> None:
        """`hello` is the name by which we greet the relay."""
        self._relay = relay
        self._hello = hello
        self._connection: smtplib.SMTP | None = None

    def open(self) -> None:
        """See Mailer.open."""
        try:
            self._connected()
        except (OSError, smtplib.SMTPException) as error:
            # What the relay said to our login may be our password, and a traceback shows causes.
            cause = None if isinstance(error, smtplib.SMTPAuthenticationError) else error
            raise DependencyError(f"{self._relay}: {_words(error)}") from cause

    def send(self, content: bytes, return_path: str, recipient: str) -> Attempt:
        """See Mailer.send."""
        if not (recipient + return_path).isprintable():
            return Attempt(Outcome.CONTENT, "the envelope holds more than one plain address")
        was_kept = self._connection is not None
        try:
            connection = self._connected()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Attempt(Outcome.NO_RELAY, _words(error))
        try:
            refused = _envelope(connection, return_path, recipient)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            if was_kept:  # the relay may end a kept connection at any moment, and no content has left
                return self.send(content, return_path, recipient)
            return Attempt(Outcome.REFUSED_FOR_NOW, _words(error))
        if refused:
            self._start_over(connection)
            return refused
        return self._content(connection, content)

    def close(self) -> None:
        """See Mailer.close."""
        if self._connection:
            try:
                self._connection.quit()
            except (OSError, smtplib.SMTPException):
                self._connection.close()
            self._connection = None

    def _connected(self) -> smtplib.SMTP:
        if self._connection and _has_ended(self._connection):
            self._drop()
        if self._connection is None:
            self._connection = _connect(self._relay, self._hello)
        return self._connection

    def _content(self, connection: smtplib.SMTP, content: bytes) -> Attempt:
        """Everything up to the final dot may be tried again; after it only the relay knows."""
        body = content.replace(b"\r\n.", b"\r\n..")
        ended = False
        try:
            connection.send(body if body.endswith(b"\r\n") else body + b"\r\n")
            ended = True
            _patience(connection, self._relay.verdict_seconds)
            connection.send(b".\r\n")
            code, reply = connection.getreply()
            _patience(connection, COMMAND_SECONDS)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            return Attempt(Outcome.NO_VERDICT if ended else Outcome.REFUSED_FOR_NOW, _words(error))
        if code < 0:
            self._drop()
            return Attempt(Outcome.NO_VERDICT, "the relay closed the connection")
        return Attempt(Outcome.ACCEPTED, _reply(code, reply)) if code < CLIENT_ERROR else _refusal(code, reply)

    def _start_over(self, connection: smtplib.SMTP) -> None:
        try:
            connection.rset()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _drop(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None


def _has_ended(connection: smtplib.SMTP) -> bool:
    """Whether the relay has ended a kept connection: it says something (a 421, or nothing more) though nobody asked."""
    return connection.sock is None or bool(select([connection.sock], [], [], 0)[0])


def _connect(relay: Relay, hello: str) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if relay.tls == "tls":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            relay.host, relay.port, local_hostname=hello, timeout=COMMAND_SECONDS, context=context
        )
    else:
        connection = smtplib.SMTP(relay.host, relay.port, local_hostname=hello, timeout=COMMAND_SECONDS)
    try:
        if connection.sock:  # the final dot, written by itself, would wait for the acknowledgement of the text
            connection.sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        _introduce(connection, relay, context)
    except BaseException:
        connection.close()
        raise
    return connection


def _introduce(connection: smtplib.SMTP, relay: Relay, context: ssl.SSLContext) -> None:
    connection.ehlo_or_helo_if_needed()
    if relay.tls == "starttls":
        connection.starttls(context=context)  # raises when it is not offered: never in the clear instead
        connection.ehlo()
    if relay.user:
        connection.login(relay.user, relay.password)


def _envelope(connection: smtplib.SMTP, return_path: str, recipient: str) -> Attempt | None:
    """MAIL, RCPT and DATA, in one write where the relay offers PIPELINING (RFC 2920); the refusal when one of them is
    not answered well.
    """
    commands = (f"MAIL FROM:{_path(return_path)}", f"RCPT TO:{_path(recipient)}", "DATA")
    replies = _pipelined(connection, commands) if "pipelining" in connection.esmtp_features else []
    refusal = None
    for number, command in enumerate(commands):
        code, reply = replies[number] if replies else connection.docmd(command)
        refusal = refusal or _refused(command, code, reply)
        if refusal and not replies:
            return refusal
    if refusal and replies[-1][0] == INTERMEDIATE:  # it takes a letter to nobody: give it an empty one
        connection.send(b".\r\n")
        connection.getreply()
    return refusal


def _pipelined(connection: smtplib.SMTP, commands: Sequence[str]) -> list[tuple[int, bytes]]:
    connection.send("".join(f"{command}\r\n" for command in commands).encode())
    return [connection.getreply() for _ in commands]


def _refused(command: str, code: int, reply: bytes) -> Attempt | None:
    """The refusal in the answer to one of the three commands, if it is one."""
    if code < 0:
        raise smtplib.SMTPServerDisconnected("the relay closed the connection")
    if command.startswith("MAIL") and code >= SERVER_ERROR:
        # A sender that is refused for good is our configuration, not the reader's address.
        return Attempt(Outcome.POLICY, _reply(code, reply))
    if command == "DATA":
        return None if code == INTERMEDIATE else _refusal(code, reply)
    return _refusal(code, reply, at_recipient=command.startswith("RCPT")) if code >= CLIENT_ERROR else None


def _path(address: str) -> str:
    return f"<{address}>" if is_plain_address(address) else smtplib.quoteaddr(address)


def _refusal(code: int, reply: bytes, *, at_recipient: bool = False) -> Attempt:
    said = _reply(code, reply)
    return Attempt(refusal(code, said, at_recipient=at_recipient), said)


def _patience(connection: smtplib.SMTP, seconds: float) -> None:
    if connection.sock:
        connection.sock.settimeout(seconds)


def _reply(code: int, reply: bytes) -> str:
    return one_line(f"{code} {reply.decode('utf-8', 'replace')}", 300)


def _words(error: Exception) -> str:
    """The kind of failure and its words, which never include the password."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "the relay refused user name and password (BRIEFINGS_SMTP_URL)"
    return one_line(f"{type(error).__name__}: {error}", 300)
