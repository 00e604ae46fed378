"""An Amazon SNS of our own: signs as it does, and serves its certificate."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from briefings.adapters.http import Fetched
from briefings.adapters.sns import HASHES, Envelope
from briefings.chaos import certificates
from briefings.errors import FetchError

TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
SUBSCRIBE_URL = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"


class Amazon:
    """Is the fetcher, too: it knows its two addresses and remembers who asked."""

    def __init__(self, start: datetime) -> None:
        self.key, self.certificate = certificates.make("sns.amazonaws.com", start)
        self.fetched: list[str] = []
        self.down = False
        self.redirects_to = ""

    def fetch(self, url: str, **_: object) -> Fetched:
        self.fetched.append(url)
        if self.down:
            raise FetchError("sns.eu-west-1.amazonaws.com did not answer")
        assert url in {CERTIFICATE_URL, SUBSCRIBE_URL}
        answered = self.redirects_to or url
        return Fetched(200, answered, None, self.certificate, "", None, None, None, None)

    def post(self, message: dict[str, Any] | str, now: datetime, *, version: str = "2", **other: str) -> bytes:
        """The body of a POST, signed; `other` are fields of the envelope, set before it is signed."""
        fields = {
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": TOPIC,
            "Message": message if isinstance(message, str) else json.dumps(message),
            "Timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.000Z",
            "SignatureVersion": version,
            "Signature": "",
            "SigningCertURL": CERTIFICATE_URL,
            **other,
        }
        text = Envelope.model_validate(fields).signed_text()
        signature = self.key.sign(text, PKCS1v15(), HASHES[version]())
        return json.dumps({**fields, "Signature": b64encode(signature).decode()}).encode()


def ses_bounce(uid: str, kind: str = "Permanent", sub_type: str = "General", status: str = "5.1.1") -> dict[str, Any]:
    """A notification as SES documents it."""
    recipient = {
        "emailAddress": "ana@readers.example",
        "action": "failed",
        "status": status,
        "diagnosticCode": "smtp;x",
    }
    return {
        "notificationType": "Bounce",
        "bounce": {"bounceType": kind, "bounceSubType": sub_type, "bouncedRecipients": [recipient], "feedbackId": "1"},
        "mail": {
            "timestamp": "2026-11-24T12:00:00.000Z",
            "source": f"b+{uid}@briefings.example",
            "messageId": "0102018e-000000",
            "headers": [{"name": "Message-ID", "value": f"<{uid}@briefings.example>"}],
        },
    }
