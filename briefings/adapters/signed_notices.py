"""Notices in a form of our own, for any provider, signed with a shared secret."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from briefings.domain.bounces import message_uid
from briefings.domain.mails import one_line
from briefings.domain.notices import Kind, Notice
from briefings.errors import ForgedNoticeError, InputError

TOLERANCE = timedelta(minutes=5)
#: Unix seconds, as many as a clock has until the year 2286.
LONGEST_MOMENT = 10
Short = Annotated[str, Field(max_length=300)]


class _Told(BaseModel):
    """One notice: of which mail, by its uid or its Message-ID, and what."""

    model_config = ConfigDict(extra="forbid")
    id: Annotated[str, Field(pattern=r"^[!-~]{1,200}$")]
    kind: Kind
    uid: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,64}$")] = ""
    message_id: Short = ""
    status: Short = ""
    words: Annotated[str, Field(max_length=2000)] = ""


LIST = TypeAdapter(list[_Told])


def sign(secret: bytes, moment: str, body: bytes) -> str:
    """The signature of a body at a moment (Unix seconds): HMAC-SHA256 over `moment.body`, in hexadecimal."""
    return hmac.new(secret, moment.encode() + b"." + body, sha256).hexdigest()


def read(secret: bytes, moment: str, signature: str, body: bytes, domain: str, now: datetime) -> list[Notice]:
    """The notices in a body that is signed with our secret, not more than five minutes ago.

    Raises ForgedNoticeError when it is not, or when there is no secret; InputError for a body of another form.
    """
    _check(secret, moment, signature, body, now)
    try:
        told = LIST.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise InputError(f"This is no list of notices ({place}: {first['msg']}); see docs/operating.md") from error
    return [_notice(one, domain) for one in told]


def _check(secret: bytes, moment: str, signature: str, body: bytes, now: datetime) -> None:
    wanted = "The signature of this notice is wrong, or older than five minutes; see docs/operating.md"
    if not secret or not (moment.isascii() and moment.isdigit()) or len(moment) > LONGEST_MOMENT:
        raise ForgedNoticeError(wanted)
    # Bytes, since the comparison refuses other text than ASCII.
    if not hmac.compare_digest(sign(secret, moment, body).encode(), signature.encode("utf-8", "replace")):
        raise ForgedNoticeError(wanted)
    if abs(now - datetime.fromtimestamp(int(moment), UTC)) > TOLERANCE:
        raise ForgedNoticeError(wanted)


def _notice(told: _Told, domain: str) -> Notice:
    uids = tuple(uid for uid in (told.uid, message_uid(told.message_id, domain)) if uid)
    return Notice(uids, told.kind, f"notices/{told.id}", one_line(told.status), one_line(told.words, 300))
