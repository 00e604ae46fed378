"""The mails we send: a typed context each, and the headers that belong to them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from briefings.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from briefings.domain.digests import Digest
    from briefings.domain.editions import Edition
    from briefings.domain.plans import Summary

LONGEST_HEADER = 900
#: Where a value of the reader's own will stand: its name between two characters of private use, which no text of ours
#: or of a feed has.
GAP = re.compile("\ue000([a-z_]+)\ue001")
#: One mailbox in plain letters (RFC 5322, dot-atom): nothing that quotes, lists, groups or folds.
PLAIN_ADDRESS = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*@[\w-]+(\.[\w-]+)*", re.ASCII)


@dataclass(frozen=True)
class ConfirmMail:
    """Asks a person whether they really want the briefing."""

    sender_name: str
    confirm_url: str
    specialization: str
    days_valid: int
    sender_address: str


@dataclass(frozen=True)
class WelcomeMail:
    """Says what comes and when."""

    sender_name: str
    specialization: str
    promise: str
    remark: str  #: what the promise means for the person's hours, or ""
    first_briefing: str  #: such as `Monday 30 November, 07:00 (Europe/Berlin)`
    first_week: str
    weeks: tuple[str, ...]  #: the themes of the plan, in order
    plan_url: str
    unsubscribe_url: str
    sender_address: str


@dataclass(frozen=True)
class BriefingMail:
    """The weekly briefing: an edition, and the links that are this reader's own."""

    edition: Edition
    plan_url: str
    settings_url: str  #: where the reader pauses, or changes day and pace
    web_url: str
    unsubscribe_url: str
    last_week: str  #: what the reader ticked, in lines that fit the text part
    confirmed: str  #: when the reader asked for it, such as `3 November 2026`
    reply_to: str
    sender_name: str
    sender_address: str  #: postal, as the law asks


@dataclass(frozen=True)
class FinishedMail:
    """What came of the twelve weeks, and what can follow."""

    sender_name: str
    specialization: str
    summary: Summary
    plan_url: str
    roles_url: str
    unsubscribe_url: str
    sender_address: str


@dataclass(frozen=True)
class GoodbyeMail:
    """Says that no briefing comes any more, what is kept, and how to think better of it."""

    sender_name: str
    specialization: str  #: "" when there is no plan any more
    days_kept: int
    undo_url: str
    sender_address: str


@dataclass(frozen=True)
class DigestMail:
    """Tells staff what became of an issue."""

    sender_name: str
    issue: str
    digest: Digest
    items_read: int
    feeds_read: int
    console_url: str
    sender_address: str


#: Every mail there is.
Mail = ConfirmMail | WelcomeMail | BriefingMail | FinishedMail | GoodbyeMail | DigestMail


@dataclass(frozen=True)
class Rendered:
    """A mail's three texts."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Sender:
    """Who the mails are from. Addresses are plain; `name` may be any text."""

    name: str
    briefing: str
    account: str
    reply_to: str
    domain: str


@dataclass(frozen=True)
class Letter:
    """A mail ready to be written out: headers in order, one recipient, a subject and two bodies."""

    recipient: str
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str


def gap(name: str) -> str:
    """The gap for a value of this name."""
    return f"\ue000{name}\ue001"


def message_id(delivery_uid: str, domain: str) -> str:
    """The Message-ID of a delivery, the same on every attempt."""
    return f"<{delivery_uid}@{domain}>"


def letter(
    mail: Rendered,
    *,
    sender: Sender,
    recipient: str,
    uid: str,
    dated: datetime,
    briefing: BriefingMail | None = None,
) -> Letter:
    """Put the headers to a rendered mail.

    A briefing carries List-* headers (RFC 2369, 2919, 8058); account mail does not, because there is nothing to
    unsubscribe from. `dated` is the promised moment, so that a second attempt writes the same bytes.

    Whatever the words are, the headers can be written: each is one line, and each address one mailbox. Raises
    InputError for an address that is not.
    """
    shared = shared_headers(mail.subject, sender, briefing.edition if briefing else None)
    links = {"unsubscribe_url": briefing.unsubscribe_url, "web_url": briefing.web_url} if briefing else {}
    own = own_headers(sender, recipient, uid, dated, links)
    return Letter(recipient, (*shared, *own), mail.text, mail.html)


def shared_headers(subject: str, sender: Sender, edition: Edition | None) -> list[tuple[str, str]]:
    """The headers that all readers of an edition have in common, or those of an account mail."""
    from_address = sender.briefing if edition else sender.account
    _refuse_unplain({"sender address": from_address, "reply address": sender.reply_to})
    headers = [
        ("From", f"{_quoted(sender.name)} <{from_address}>"),
        ("Reply-To", sender.reply_to),
        ("Subject", one_line(subject)),
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),
        ("Content-Language", "en"),
    ]
    if edition:
        headers += [
            ("List-ID", f"{_quoted(sender.name)} <weekly.{sender.domain}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
            ("Feedback-ID", f"{edition.issue.lower()}:wk{edition.week:02d}:weekly:briefbrf1"),
        ]
    return [(header, one_line(value, LONGEST_HEADER)) for header, value in headers]


def own_headers(
    sender: Sender, recipient: str, uid: str, dated: datetime, links: Mapping[str, str]
) -> list[tuple[str, str]]:
    """The headers of one letter; `links` are a briefing's: `unsubscribe_url` and `web_url`."""
    _refuse_unplain({"recipient": recipient})
    headers = [
        ("To", recipient),
        ("Date", dated.strftime("%a, %d %b %Y %H:%M:%S +0000")),
        ("Message-ID", message_id(uid, sender.domain)),
    ]
    if links:
        headers += [("List-Unsubscribe", f"<{links['unsubscribe_url']}>"), ("List-Archive", f"<{links['web_url']}>")]
    return [(header, value if value.isprintable() else one_line(value, LONGEST_HEADER)) for header, value in headers]


def is_plain_address(text: str) -> bool:
    """Whether the text is one mailbox without a name, quotes or letters beyond ASCII."""
    return PLAIN_ADDRESS.fullmatch(text) is not None


def one_line(text: str, longest: int = 150) -> str:
    """Text that is safe as a header: no line break of any kind, no control, nothing beyond `longest`."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:longest]


def _refuse_unplain(addresses: Mapping[str, str]) -> None:
    for what, address in addresses.items():
        if not is_plain_address(address):
            raise InputError(f"The {what} of this mail is not one plain address; correct it where it was entered")


def _quoted(name: str) -> str:
    """A display name as a quoted string: commas, brackets and @ in it mean nothing."""
    escaped = one_line(name).replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'
