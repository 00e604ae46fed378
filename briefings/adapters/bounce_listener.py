"""Takes bounce mails straight from a mail server, by SMTP or LMTP."""

from __future__ import annotations

import asyncio
import logging
import signal
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, syntax

from briefings.domain.notices import TOO_EARLY
from briefings.errors import BriefingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aiosmtpd.smtp import Envelope, Session

    from briefings.settings import Address

log = logging.getLogger(__name__)

#: A mail of more bytes is refused while it comes in; no notice of one of our mails is that large.
LARGEST_MAIL = 5_000_000
#: A line of more is too long for any mail (RFC 5321, 4.5.3.1.6: 1000); no more of it is let in.
LONGEST_LINE = 100_000
SESSION_SECONDS = 60
LATER = "451 4.3.0 It cannot be written down now; try again"


@dataclass(frozen=True)
class HandedMail:
    """A mail in a mail server's hands, which removes it when we say that we have it."""

    content: bytes
    recipients: tuple[str, ...]

    def pieces(self) -> Iterator[bytes]:
        """See BounceMail."""
        yield self.content

    def remove(self) -> None:
        """See BounceMail: our answer does it."""


class BounceListener:
    """An SMTP and LMTP server, in a thread of its own, for the addresses of one domain."""

    def __init__(self, address: Address, domain: str, take: Callable[[HandedMail], str]) -> None:
        """`take` writes a mail down and returns a word for it; only then the server that hands it over hears 250."""
        self._controller = _Controller(_Handler(domain, take), hostname=address.host, port=address.port)

    def start(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        self._controller.start()

    def stop(self) -> None:
        """Stop listening."""
        self._controller.stop()

    def serve(self) -> None:
        """Listen until the process is told to end."""
        ended = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        self.start()
        try:
            ended.wait()
        finally:
            self.stop()


class _Handler:
    def __init__(self, domain: str, take: Callable[[HandedMail], str]) -> None:
        self._domain = domain.lower()
        self._take = take

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        server: SMTP,  # noqa: ARG002 - aiosmtpd hands it over
        session: Session,  # noqa: ARG002 - the same
        envelope: Envelope,
        address: str,
        options: list[str],  # noqa: ARG002 - the same
    ) -> str:
        """Our own addresses, one a mail: so one answer is right after the final dot, in LMTP too."""
        if address.rpartition("@")[2].lower() != self._domain:
            return "550 5.7.1 Only bounces of our own mails are taken here"
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - aiosmtpd's name
        """Write the mail down, then say so."""
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
        return await asyncio.to_thread(self._answer, HandedMail(raw, tuple(envelope.rcpt_tos)))

    async def handle_exception(self, error: Exception) -> str:
        """What nobody foresaw is our trouble: the mail stays with its server."""
        log.error("A bounce mail could not be taken", exc_info=error)
        return LATER

    def _answer(self, mail: HandedMail) -> str:
        try:
            word = self._take(mail)
        except (BriefingsError, OSError) as error:
            log.warning("A bounce mail is left to its server: %s", error)
            return LATER
        return f"250 2.0.0 {word}" if word != TOO_EARLY else LATER


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _EitherProtocol(self.handler, data_size_limit=LARGEST_MAIL, timeout=SESSION_SECONDS, ident="bounces")


class _EitherProtocol(SMTP):
    """SMTP that also understands LMTP's greeting, and never holds a line without an end."""

    _open = 0  #: bytes of a line whose end has not come yet

    def data_received(self, data: bytes) -> None:
        """Hand over what came, a line that is too long cut off: it is refused when its mail ends."""
        if self._open > LONGEST_LINE:
            _, end, rest = data.partition(b"\n")
            data = b"\r\n" + rest if end else b""
        self._open = len(data.rpartition(b"\n")[2]) + (0 if b"\n" in data else self._open)
        super().data_received(data)

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        """LMTP's greeting, which is EHLO by another name."""
        await super().smtp_EHLO(arg)
