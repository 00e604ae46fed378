"""What Amazon SES says of mails that it sent for us, in its notifications and in its event publishing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from briefings.domain.bounces import COMPLAINTS, message_uid, verp_uid
from briefings.domain.mails import one_line
from briefings.domain.notices import Notice
from briefings.errors import InputError

if TYPE_CHECKING:
    from briefings.domain.notices import Kind

#: What SES calls a bounce, as a status code, where it names none or one that says something else.
SUB_TYPES = {
    "MailboxFull": "5.2.2",
    "MessageTooLarge": "5.3.4",
    "ContentRejected": "5.6.0",
    "AttachmentRejected": "5.6.0",
}
NOBODY, NOT_NOW = "5.1.1", "4.0.0"


class _Said(BaseModel):
    """A part of a message: what it leaves out, or says to be null, is not known."""

    model_config = ConfigDict(alias_generator=to_camel)


class _Recipient(_Said):
    status: str | None = None
    diagnostic_code: str | None = None


class _Bounce(_Said):
    bounce_type: str | None = None
    bounce_sub_type: str | None = None
    bounced_recipients: list[_Recipient] | None = None


class _Delay(_Said):
    delayed_recipients: list[_Recipient] | None = None


class _Complaint(_Said):
    complaint_feedback_type: str | None = None


class _Header(_Said):
    name: str
    value: str


class _Mail(_Said):
    source: str | None = None
    headers: list[_Header] | None = None


class _Told(_Said):
    notification_type: str | None = None
    event_type: str | None = None  #: the same in event publishing
    mail: _Mail = _Mail()
    bounce: _Bounce = _Bounce()
    complaint: _Complaint = _Complaint()
    delivery_delay: _Delay = _Delay()


def read(message: str, mark: str, domain: str) -> Notice | None:
    """The notice in a message of SES, or None when it is about something else (a test, a click, a sending).

    `mark` is SNS's id of the message, `domain` that of our mails. Raises InputError for what is none of SES.
    """
    if not message.startswith("{"):
        return None  # SNS confirms in plain words that SES may publish here
    try:
        told = _Told.model_validate_json(message)
    except ValidationError as error:
        raise InputError("This is no notification of Amazon SES") from error
    what = _what(told)
    if what is None:
        return None
    kind, status, words = what
    return Notice(_uids(told.mail, domain), kind, f"ses/{mark}", one_line(status, 300), one_line(words, 300))


def _what(told: _Told) -> tuple[Kind, str, str] | None:
    match told.notification_type or told.event_type:
        case "Bounce":
            return _bounce(told.bounce)
        case "Complaint":
            feedback = told.complaint.complaint_feedback_type
            return ("complained", "", feedback or "") if feedback is None or feedback in COMPLAINTS else None
        case "Delivery":
            return "delivered", "", ""
        case "DeliveryDelay":
            return "deferred", *_first(told.delivery_delay.delayed_recipients)
    return None


def _bounce(bounce: _Bounce) -> tuple[Kind, str, str]:
    """What SES holds for passing is never taken as the address's end, whatever the remote host says."""
    status, words = _first(bounce.bounced_recipients)
    known = SUB_TYPES.get(bounce.bounce_sub_type or "")
    if known:
        return "bounced", known, words
    if bounce.bounce_type == "Permanent":
        return "bounced", status or NOBODY, words
    return "bounced", f"4{status[1:]}" if status else NOT_NOW, words


def _first(recipients: list[_Recipient] | None) -> tuple[str, str]:
    """Status and words of the one recipient that our mails have."""
    first = recipients[0] if recipients else _Recipient()
    return first.status or "", first.diagnostic_code or ""


def _uids(mail: _Mail, domain: str) -> tuple[str, ...]:
    """SES gives our mails another Message-ID: ours stands among the headers, and in our return path."""
    named = [message_uid(one.value, domain) for one in mail.headers or [] if one.name.lower() == "message-id"]
    return tuple(uid for uid in (verp_uid(mail.source or "", domain), *named) if uid)
