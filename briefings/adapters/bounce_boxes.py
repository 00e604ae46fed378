"""Where bounce mails lie: a Maildir, or an IMAP mailbox."""

from __future__ import annotations

import imaplib
import re
import ssl
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from briefings.adapters.text import plain
from briefings.domain.bounces import LARGEST
from briefings.errors import DependencyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from briefings.settings import Mailbox

#: Bytes of a mail that are in memory at a time; the first piece is all that is read of a notice.
PIECE = LARGEST
IMAP_SECONDS = 60
FAULTS = (imaplib.IMAP4.error, OSError)
REMEDY = "see BRIEFINGS_BOUNCES_IMAP_URL"


class BounceMail(Protocol):
    """A mail that may be a bounce."""

    @property
    def recipients(self) -> tuple[str, ...]:
        """The addresses of its envelope, where they are known."""
        ...

    def pieces(self) -> Iterator[bytes]:
        """Its content from the beginning, in pieces of at most a megabyte. Raises OSError when it has gone."""
        ...

    def remove(self) -> None:
        """Take it out of its source. One that has gone already is no error."""
        ...


@dataclass(frozen=True)
class MaildirMail:
    """A mail in a Maildir."""

    file: Path
    recipients: tuple[str, ...] = ()

    def pieces(self) -> Iterator[bytes]:
        """See BounceMail."""
        with self.file.open("rb") as mail:
            yield from iter(lambda: mail.read(PIECE), b"")

    def remove(self) -> None:
        """See BounceMail."""
        self.file.unlink(missing_ok=True)


def in_maildir(folder: Path) -> list[MaildirMail]:
    """The mails of a Maildir, new ones and seen ones, by name. Raises OSError when the folder is no Maildir."""
    files = [entry for box in ("new", "cur") for entry in (folder / box).iterdir()]
    return [MaildirMail(file) for file in sorted(files) if not file.name.startswith(".") and _is_file(file)]


def _is_file(path: Path) -> bool:
    """Whether it is a file itself: a link could lead to any file of this machine, which we would then move."""
    with suppress(FileNotFoundError):
        return stat.S_ISREG(path.lstat().st_mode)
    return False


@dataclass(frozen=True)
class ImapMail:
    """A mail in an IMAP mailbox, known by its UID."""

    box: imaplib.IMAP4
    uid: str
    expunges: bool  #: whether the server can expunge single mails (UIDPLUS)
    recipients: tuple[str, ...] = ()

    def pieces(self) -> Iterator[bytes]:
        """See BounceMail."""
        start = 0
        while piece := self._piece(start):
            yield piece
            start += len(piece)

    def remove(self) -> None:
        """See BounceMail. Where the server cannot expunge single mails, it stays marked as deleted."""
        _ask(self.box, "STORE", self.uid, "+FLAGS.SILENT", r"(\Deleted)")
        if self.expunges:
            _ask(self.box, "EXPUNGE", self.uid)

    def _piece(self, start: int) -> bytes:
        answer = _ask(self.box, "FETCH", self.uid, f"(BODY.PEEK[]<{start}.{PIECE}>)")
        return next((part[1] for part in answer if isinstance(part, tuple)), b"")


@contextmanager
def imap_mails(mailbox: Mailbox, context: ssl.SSLContext | None = None) -> Iterator[list[ImapMail]]:
    """The mails of an IMAP mailbox that are not marked as deleted, oldest first; over TLS, the certificate verified.

    `context` says whom to trust; by default the system's authorities. Raises DependencyError when the server cannot
    be reached, refuses us, or breaks off.
    """
    box = _connected(mailbox, context or ssl.create_default_context())
    try:
        _log_in(box, mailbox)
        _select(box, mailbox.folder)
        expunges = b"UIDPLUS" in b" ".join(_told(box.capability)).upper().split()
        found = b" ".join(part for part in _ask(box, "SEARCH", "UNDELETED") if isinstance(part, bytes))
        yield [ImapMail(box, str(uid), expunges) for uid in sorted(map(int, re.findall(rb"[0-9]+", found)))]
    finally:
        with suppress(*FAULTS):
            box.logout()


def _connected(mailbox: Mailbox, trust: ssl.SSLContext) -> imaplib.IMAP4:
    try:
        return imaplib.IMAP4_SSL(mailbox.host, mailbox.port, ssl_context=trust, timeout=IMAP_SECONDS)
    except FAULTS as error:
        raise DependencyError(f"The mailbox at {mailbox.host} does not answer ({error}); {REMEDY}") from error


def _log_in(box: imaplib.IMAP4, mailbox: Mailbox) -> None:
    try:
        box.login(_quoted(mailbox.user), mailbox.password)
    except FAULTS:
        # Not its cause: a server may say again what it was told, and that is the password.
        raise DependencyError(f"The mailbox at {mailbox.host} refuses our user or password; {REMEDY}") from None


def _select(box: imaplib.IMAP4, folder: str) -> None:
    _told(lambda: box.select(_quoted(folder)))


def _ask(box: imaplib.IMAP4, command: str, *words: str) -> list[Any]:
    return _told(lambda: box.uid(command, *words))


def _told(exchange: Callable[[], tuple[str, list[Any]]]) -> list[Any]:
    """What the server answers. Raises DependencyError when it refuses or is gone."""
    try:
        status, answer = exchange()
    except FAULTS as error:
        raise DependencyError(f"The mailbox broke off ({error}); {REMEDY}") from error
    if status != "OK":
        raise DependencyError(f"The mailbox refused a command ({plain(repr(answer), 200)}); {REMEDY}")
    return answer


def _quoted(words: str) -> str:
    return '"' + words.replace("\\", r"\\").replace('"', r"\"") + '"'
