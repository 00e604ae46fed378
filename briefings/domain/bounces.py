"""Bounce mails, read by their structure: RFC 3464 delivery status notices and RFC 5965 complaints."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from hashlib import sha256
from typing import TYPE_CHECKING

from briefings.domain.mails import one_line
from briefings.domain.notices import Notice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from email.message import Message

    from briefings.domain.notices import Kind

#: Bytes that are read of a mail: a notice is small, and what it returns of our mail is not needed whole.
LARGEST = 1_000_000
#: Parts and blocks that are looked at.
MOST_PARTS = 100
#: Leaves header values as they stand: the modern policy parses them, and that parser trips over hostile ones.
AS_IT_STANDS = policy.compat32
#: Where servers write to which address a mail came.
RECIPIENT_FIELDS = ("Delivered-To", "X-Original-To", "Envelope-To", "To")
#: The second of each is for mails with addresses beyond ASCII (RFC 6533).
REPORTS = {"message/delivery-status", "message/global-delivery-status"}
RETURNED = {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"}
ACTIONS: dict[str, Kind] = {"failed": "bounced", "delayed": "deferred", "delivered": "delivered"}
#: Feedback types (RFC 5965) by which a reader complains; `not-spam` and `auth-failure` are none.
COMPLAINTS = {"abuse", "fraud", "opt-out", "other", "virus"}
UID, FLAGS = r"[a-z0-9_-]{1,64}", re.IGNORECASE | re.ASCII


def read(raw: bytes, domain: str, recipients: Iterable[str] = ()) -> Notice | None:
    """The notice in a bounce mail, or None when it is none, or does not say of which mail it speaks.

    `domain` is that of our mails, `recipients` the addresses of the envelope, where they are known. The delivery is
    named by the address to which the bounce came (VERP), else by the Message-ID of the headers that it returns.
    Reads the first megabyte only, and never raises.
    """
    try:
        mail = message_from_bytes(raw[:LARGEST], policy=AS_IT_STANDS)
    except RecursionError:  # parts within parts a thousandfold
        return None
    parts = _parts(mail)
    uids = tuple(dict.fromkeys([*_verp_uids(mail, domain, recipients), *_returned_uids(parts, domain)]))
    told = _told(parts)
    if told is None or not uids:
        return None
    kind, status, words = told
    return Notice(uids, kind, _mark(mail, uids[0], *told), status, words)


def verp_uid(address: str, domain: str) -> str:
    """The delivery's uid in one of our envelope senders, `b+<uid>@<domain>`, or ""."""
    found = re.fullmatch(rf"<?b\+({UID})@{re.escape(domain)}>?", address.strip(), FLAGS)
    return found[1].lower() if found else ""


def message_uid(message_id: str, domain: str) -> str:
    """The delivery's uid in one of our Message-IDs, or "" for somebody else's."""
    found = re.fullmatch(rf"<?({UID})@{re.escape(domain)}>?", message_id.strip(), FLAGS)
    return found[1] if found else ""


def _told(parts: list[Message]) -> tuple[Kind, str, str] | None:
    """Kind, status and words of the first report."""
    for part in parts:
        if part.get_content_type() in REPORTS:
            return _status(part)
        if part.get_content_type() == "message/feedback-report":
            return _complaint(part)
    return None


def _status(report: Message) -> tuple[Kind, str, str] | None:
    """The first recipient's fields; our mails have one recipient each."""
    for block in _children(report):
        kind = ACTIONS.get(_field(block, "Action").lower())
        if kind:
            return kind, _field(block, "Status"), _field(block, "Diagnostic-Code")
    return None


def _complaint(report: Message) -> tuple[Kind, str, str] | None:
    fields = _children(report) or [message_from_bytes(_content(report), policy=AS_IT_STANDS)]
    kind = _field(fields[0], "Feedback-Type").lower()
    return ("complained", "", kind) if kind in COMPLAINTS else None


def _verp_uids(mail: Message, domain: str, recipients: Iterable[str]) -> Iterator[str]:
    named = [str(value) for field in RECIPIENT_FIELDS for value in mail.get_all(field, [])[:MOST_PARTS]]
    for address in (*recipients, *named):
        uid = verp_uid(address.rpartition("<")[2], domain)
        if uid:
            yield uid


def _returned_uids(parts: list[Message], domain: str) -> Iterator[str]:
    """From the headers of our mail, which a notice brings back."""
    for part in parts:
        if part.get_content_type() in RETURNED:
            inner = _children(part)
            headers = inner[0] if inner else message_from_bytes(_content(part), policy=AS_IT_STANDS)
            uid = message_uid(_field(headers, "Message-ID"), domain)
            if uid:
                yield uid
            return


def _mark(mail: Message, *told: str) -> str:
    """What tells this notice from all others, also when it comes once more by another way."""
    name = _field(mail, "Message-ID") or _field(mail, "Date")
    return "mail/" + sha256("\n".join((name, *told)).encode("utf-8", "replace")).hexdigest()


def _parts(mail: Message) -> list[Message]:
    """The parts of a mail, without going into what they enclose: a mail within a mail speaks for itself."""
    found: list[Message] = []
    waiting = [mail]
    while waiting and len(found) < MOST_PARTS:
        part = waiting.pop(0)
        found.append(part)
        if part.get_content_maintype() == "multipart":
            waiting[:0] = _children(part)
    return found


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [child for child in payload if not isinstance(child, str)] if isinstance(payload, list) else []


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _field(block: Message, name: str) -> str:
    return one_line(str(block.get(name, "")), 300)
