"""What Amazon SNS posts, believed only when it is signed and of a topic of ours."""

from __future__ import annotations

import logging
import re
from base64 import b64decode
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.x509 import Certificate, load_pem_x509_certificate
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from briefings.adapters.text import plain
from briefings.errors import DependencyError, FetchError, ForgedNoticeError, InputError

if TYPE_CHECKING:
    from collections.abc import Collection

    from briefings.adapters.http import Fetcher
    from briefings.clock import Clock

log = logging.getLogger(__name__)

OK = 200
#: Older than this is not believed: what was recorded on its way cannot be played again later.
LONGEST_WAY = timedelta(hours=1)
CERTIFICATE_PATH = re.compile(r"/[A-Za-z0-9._-]+\.pem")
LARGEST_CERTIFICATE = 20_000
MOST_CERTIFICATES = 16
HASHES = {"1": SHA1, "2": SHA256}
NOTIFICATION, CONFIRMATION = "Notification", "SubscriptionConfirmation"
#: What is signed, in this order, of what there is.
SIGNED = {NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")}
SIGNED_OTHERWISE = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


class Envelope(BaseModel):
    """What SNS wraps around a message."""

    Type: str
    MessageId: str = Field(pattern=r"^[A-Za-z0-9-]{1,100}$")
    TopicArn: str
    Message: str
    Timestamp: str
    SignatureVersion: str
    Signature: str
    SigningCertURL: str
    Subject: str | None = None
    SubscribeURL: str | None = None
    Token: str | None = None

    def signed_text(self) -> bytes:
        """The text over which the signature is made."""
        names = SIGNED.get(self.Type, SIGNED_OTHERWISE)
        given = [(name, getattr(self, name)) for name in names]
        return "".join(f"{name}\n{value}\n" for name, value in given if value is not None).encode("utf-8", "replace")


class _Moment(BaseModel):
    at: AwareDatetime


@dataclass(frozen=True)
class SnsTopics:
    """The topics that we believe, and how to find out that a message is theirs."""

    fetcher: Fetcher
    topics: Collection[str]
    clock: Clock
    _certificates: dict[str, Certificate] = field(default_factory=dict)

    def open(self, body: bytes) -> Envelope:
        """The envelope in a POST's body, which is signed by Amazon for a topic of ours, and fresh.

        Raises InputError for what is no envelope, ForgedNoticeError for one that is not believed, and DependencyError
        when the certificate cannot be fetched, so that the same message may come again.
        """
        try:
            envelope = Envelope.model_validate_json(body)
        except ValidationError as error:
            raise InputError("This is no message of Amazon SNS") from error
        self._check_topic(envelope)
        self._check_age(envelope)
        certificate = self._certificate(_certificate_url(envelope))
        _check_signature(envelope, certificate)
        return envelope

    def confirm(self, envelope: Envelope) -> None:
        """Accept the subscription of a topic of ours. Raises ForgedNoticeError or DependencyError."""
        url = envelope.SubscribeURL or ""
        parts = _amazon_url(url, envelope.TopicArn)
        if not parts or "Action=ConfirmSubscription" not in parts.query.split("&"):
            raise ForgedNoticeError("The address that would confirm the subscription is not Amazon's")
        self._fetch(url)
        log.info("The subscription of the topic %s is confirmed", envelope.TopicArn)

    def _check_topic(self, envelope: Envelope) -> None:
        if envelope.TopicArn in self.topics:
            return
        if envelope.Type == CONFIRMATION:
            shown = plain(envelope.TopicArn, 200)
            log.warning("The topic %s asks to be subscribed; if it is yours, add it to BRIEFINGS_SES_TOPICS", shown)
        raise ForgedNoticeError("The topic is not one of BRIEFINGS_SES_TOPICS")

    def _check_age(self, envelope: Envelope) -> None:
        try:
            at = _Moment.model_validate({"at": envelope.Timestamp}).at
        except ValidationError as error:
            raise ForgedNoticeError("The time of this message cannot be read") from error
        if abs(self.clock() - at) > LONGEST_WAY:
            raise ForgedNoticeError("This message is older than an hour; SNS must post it again")

    def _certificate(self, url: str) -> Certificate:
        now = self.clock()
        certificate = self._certificates.get(url) or self._fetched(url)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise ForgedNoticeError("The certificate of this message is not valid now")
        return certificate

    def _fetched(self, url: str) -> Certificate:
        try:
            certificate = load_pem_x509_certificate(self._fetch(url))
        except ValueError as error:
            raise ForgedNoticeError("The certificate of this message cannot be read") from error
        if len(self._certificates) >= MOST_CERTIFICATES:
            self._certificates.clear()
        self._certificates[url] = certificate
        return certificate

    def _fetch(self, url: str) -> bytes:
        try:
            answer = self.fetcher.fetch(url)
        except FetchError as error:
            raise DependencyError(f"Amazon SNS does not answer ({error})") from error
        if answer.status != OK or answer.url != url or len(answer.body) > LARGEST_CERTIFICATE:
            raise DependencyError(f"Amazon SNS answers {answer.status}, or not as expected; it is tried again")
        return answer.body


def _amazon_url(url: str, topic: str) -> SplitResult | None:
    """The parts of an address at the SNS of a topic's region, or None for any other address."""
    region = topic.split(":")[3]
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts if url.isascii() and url.startswith(f"https://sns.{region}.amazonaws.com/") else None


def _certificate_url(envelope: Envelope) -> str:
    parts = _amazon_url(envelope.SigningCertURL, envelope.TopicArn)
    if not parts or parts.query or not CERTIFICATE_PATH.fullmatch(parts.path):
        raise ForgedNoticeError("The certificate of this message is not at Amazon's address")
    return envelope.SigningCertURL


def _check_signature(envelope: Envelope, certificate: Certificate) -> None:
    key, make_hash = certificate.public_key(), HASHES.get(envelope.SignatureVersion)
    if make_hash is None or not isinstance(key, RSAPublicKey):
        raise ForgedNoticeError("This message is signed in a way that we do not know")
    try:
        key.verify(b64decode(envelope.Signature, validate=True), envelope.signed_text(), PKCS1v15(), make_hash())
    except (InvalidSignature, ValueError) as error:
        raise ForgedNoticeError("The signature of this message is wrong") from error
