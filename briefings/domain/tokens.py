"""Signed tokens for links: bound to one purpose, carrying an id and never an address."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

from briefings.errors import NotFoundError

if TYPE_CHECKING:
    from datetime import datetime

MAC_BYTES = 16
LONGEST = 400


def sign(key: bytes, purpose: str, subject: str, expires: datetime | None = None) -> str:
    """A URL-safe token that says `subject`, valid for `purpose` only, and until `expires` (UTC) when given.

    The same input gives the same token, so that a mail sent again is the same mail.
    """
    until = str(int(expires.timestamp())) if expires else ""
    payload = f"{until}:{subject}".encode()
    return _written(key, purpose, payload)


def read(key: bytes, purpose: str, token: str, now: datetime) -> str:
    """The subject of a token. Raises NotFoundError if it is altered, expired or made for another purpose."""
    try:
        said = token[:LONGEST].encode("ascii")
        payload = _decode(token[:LONGEST].partition(".")[0])
    except ValueError as error:
        raise NotFoundError("This link is not one of ours; copy it whole from the mail") from error
    # The whole text is compared, not what it decodes to: Base64 has several spellings of the same bytes.
    if not hmac.compare_digest(said, _written(key, purpose, payload).encode()):
        raise NotFoundError("This link is not one of ours; copy it whole from the mail")
    until, _, subject = payload.decode().partition(":")
    if until and int(until) < now.timestamp():
        raise NotFoundError("This link has expired; ask for a new one")
    return subject


def address_key(key: bytes, address: str) -> str:
    """The keyed hash by which an address is known after its person has left."""
    return hmac.new(key, b"address:" + address.strip().casefold().encode(), sha256).hexdigest()


def _written(key: bytes, purpose: str, payload: bytes) -> str:
    return f"{_encode(payload)}.{_encode(_mac(key, purpose, payload))}"


def _mac(key: bytes, purpose: str, payload: bytes) -> bytes:
    return hmac.digest(key, purpose.encode() + b"\0" + payload, "sha256")[:MAC_BYTES]


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
