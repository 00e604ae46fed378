"""Catches mail instead of sending it on: an SMTP server that writes each mail into a folder, and a reader of it."""

from __future__ import annotations

import logging
import os
import re
import secrets
import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from threading import Event
from typing import TYPE_CHECKING

from aiosmtpd.controller import Controller

from briefings.domain.mails import one_line
from briefings.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from aiosmtpd.smtp import SMTP, Envelope, Session

log = logging.getLogger(__name__)

LARGEST_MAIL = 10 * 1024 * 1024
#: Nanoseconds and a random part: names sort by time, and a name from a URL can be nothing but a name.
MAIL_ID = re.compile(r"[0-9]{19}-[0-9a-f]{8}")
NANOSECONDS = 1_000_000_000
SNIPPET = 160


@dataclass(frozen=True)
class CaughtMail:
    """One caught mail, its headers cleaned for showing. `html` and `text` are empty when it has no such part."""

    id: str
    received: datetime
    sender: str
    recipient: str
    subject: str
    dated: datetime  #: what its Date header says, else when it was caught (UTC)
    kind: str
    text: str
    html: str
    headers: tuple[tuple[str, str], ...]
    source: str

    @property
    def snippet(self) -> str:
        """How the text begins, in one line."""
        return one_line(self.text[: 4 * SNIPPET], SNIPPET)


class MailCatcher:
    """An SMTP server, in a thread of its own, that accepts everything and keeps it."""

    def __init__(self, folder: Path, host: str, port: int) -> None:
        """`folder` is made when it is not there."""
        self._controller = Controller(_Keeper(folder), hostname=host, port=port, data_size_limit=LARGEST_MAIL)

    def start(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        self._controller.start()

    def stop(self) -> None:
        """Stop listening. What was accepted stays in the folder."""
        self._controller.stop()


class _Keeper:
    """Writes what the server accepts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 - aiosmtpd's name
        """Keep a mail, then say so; the file appears whole or not at all."""
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
        keep(self._folder, envelope.mail_from or "", list(envelope.rcpt_tos), raw)
        return "250 Kept"


@dataclass(frozen=True)
class CaughtLog:
    """The catcher as a relay that can be asked what it took (see mailer.RelayLog)."""

    folder: Path

    def took(self, uids: Collection[str]) -> set[str]:
        """Those of the deliveries' uids that stand in the Message-ID of a caught mail."""
        files = (self.folder / f"{mail_id}.eml" for mail_id in mail_ids(self.folder)) if uids else ()
        kept = {_message_uid(file.read_bytes()) for file in files}
        return kept & set(uids)


def serve(folder: Path, host: str, port: int) -> None:
    """Catch mail until the process is told to end."""
    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    catcher = MailCatcher(folder, host, port)
    catcher.start()
    try:
        ended.wait()
    finally:
        catcher.stop()


def keep(folder: Path, sender: str, recipients: list[str], content: bytes) -> str:
    """Write one mail, its envelope in two header lines before it. Returns its id."""
    mail_id = f"{time.time_ns():019d}-{secrets.token_hex(4)}"
    envelope = f"X-Envelope-From: {one_line(sender)}\r\nX-Envelope-To: {one_line(', '.join(recipients), 900)}\r\n"
    unfinished = folder / f".{mail_id}"
    unfinished.write_bytes(envelope.encode("utf-8", "replace") + content)
    os.replace(unfinished, folder / f"{mail_id}.eml")  # noqa: PTH105 - the atomic rename, by its own name
    return mail_id


def mail_ids(folder: Path) -> list[str]:
    """The ids of all caught mails, newest first."""
    names = (path.stem for path in folder.glob("*.eml")) if folder.is_dir() else ()
    return sorted((name for name in names if MAIL_ID.fullmatch(name)), reverse=True)


def caught(folder: Path, skip: int = 0, limit: int | None = None) -> list[CaughtMail]:
    """Caught mails, newest first. A file that cannot be read is left out."""
    wanted = mail_ids(folder)[skip:]
    return list(_readable(folder, wanted if limit is None else wanted[:limit]))


def read(folder: Path, mail_id: str) -> CaughtMail:
    """One caught mail. Raises NotFoundError for an id that is none, or that leads to nothing readable."""
    if not MAIL_ID.fullmatch(mail_id):
        raise NotFoundError("There is no such mail; go back to the inbox")
    try:
        return _parse(mail_id, (folder / f"{mail_id}.eml").read_bytes())
    except (OSError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise NotFoundError("This mail is gone or cannot be read; go back to the inbox") from error


def _readable(folder: Path, ids: list[str]) -> Iterator[CaughtMail]:
    for mail_id in ids:
        try:
            yield read(folder, mail_id)
        except NotFoundError as error:
            log.warning("Mail %s is left out: %s", mail_id, error)


def _parse(mail_id: str, raw: bytes) -> CaughtMail:
    message = message_from_bytes(raw, policy=policy.default)
    if not isinstance(message, EmailMessage):
        raise TypeError("the policy makes an EmailMessage")
    received = datetime.fromtimestamp(int(mail_id.partition("-")[0]) / NANOSECONDS, UTC)
    text = _content(message, "plain")
    return CaughtMail(
        id=mail_id,
        received=received,
        sender=_header(message, "From"),
        recipient=_header(message, "To") or _header(message, "X-Envelope-To"),
        subject=_header(message, "Subject") or "(no subject)",
        dated=_dated(message) or received,
        kind=_kind(message, text),
        text=text,
        html=_content(message, "html"),
        headers=tuple((name, one_line(str(value), 900)) for name, value in message.items()),
        source=raw.decode("utf-8", "replace"),
    )


def _message_uid(raw: bytes) -> str:
    found = message_from_bytes(raw.partition(b"\r\n\r\n")[0]).get("Message-ID", "")
    return str(found).strip().strip("<>").partition("@")[0]


def _header(message: EmailMessage, name: str) -> str:
    return one_line(str(message.get(name, "")))


def _dated(message: EmailMessage) -> datetime | None:
    try:
        return parsedate_to_datetime(str(message.get("Date", ""))).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _content(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # a character set that nobody knows
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


def _kind(message: EmailMessage, text: str) -> str:
    """Which of our mails it is: only a briefing belongs to a list, only a confirmation leads to a confirmation."""
    if "List-ID" in message:
        return "briefing"
    if "/confirm/" in text:
        return "confirm"
    if "/#roles" in text:
        return "finished"
    if "/plan/" in text:
        return "welcome"
    return "goodbye" if "/u/" in text else "other"
