"""Bounce mails, read by their structure: RFC 3464 delivery status notices and RFC 5965 complaints."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from email.message import Message

LARGEST = 1_000_000
#: Leaves header values as they stand: the modern policy parses them, and that parser trips over hostile ones.
AS_IT_STANDS = policy.compat32


@dataclass(frozen=True)
class Bounce:
    """What a bounce mail says of one of our mails."""

    message_id: str
    kind: Literal["bounced", "deferred", "complained", "delivered"]
    status: str  #: enhanced status code (RFC 3463), such as 5.1.1
    words: str  #: the remote host's diagnostic, one line


ACTIONS: dict[str, Literal["bounced", "deferred", "delivered"]] = {
    "failed": "bounced",
    "delayed": "deferred",
    "delivered": "delivered",
}


def read(raw: bytes) -> Bounce | None:
    """The bounce in a mail, or None when it is none, or not about a mail of which it names the Message-ID.

    Reads the first megabyte only: a notice is small, and what it returns of our mail is not needed whole.
    """
    mail = message_from_bytes(raw[:LARGEST], policy=AS_IT_STANDS)
    original = _original_id(mail)
    if not original:
        return None
    for part in mail.walk():
        if part.get_content_type() == "message/delivery-status":
            return _status(part, original)
        if part.get_content_type() == "message/feedback-report":
            return Bounce(original, "complained", "", "")
    return None


def _status(report: Message, original: str) -> Bounce | None:
    """The first recipient's fields; our mails have one recipient each."""
    for block in _children(report):
        kind = ACTIONS.get(_field(block, "Action").lower())
        if kind:
            return Bounce(original, kind, _field(block, "Status"), _field(block, "Diagnostic-Code"))
    return None


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [child for child in payload if not isinstance(child, str)] if isinstance(payload, list) else []


def _field(block: Message, name: str) -> str:
    return " ".join(str(block.get(name, "")).split())[:300]


def _original_id(mail: Message) -> str:
    for part in mail.walk():
        if part.get_content_type() in {"message/rfc822", "text/rfc822-headers"}:
            inner = _children(part)
            if inner:
                return _field(inner[0], "Message-ID")
            returned = part.get_payload(decode=True)
            headers = message_from_bytes(returned if isinstance(returned, bytes) else b"", policy=AS_IT_STANDS)
            return _field(headers, "Message-ID")
    return ""
