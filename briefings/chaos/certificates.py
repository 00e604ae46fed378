"""Certificates of our own making, for the sink of a run and for tests."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

TRUSTED = "certificate.pem"


def make(name: str, start: datetime | None = None) -> tuple[rsa.RSAPrivateKey, bytes]:
    """A key and its certificate (PEM), valid for a year from `start` (default: yesterday), for 127.0.0.1 too."""
    start = start or datetime.now(UTC) - timedelta(days=1)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(IPv4Address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=365))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    return key, certificate.public_bytes(serialization.Encoding.PEM)


def server(folder: Path, start: datetime | None = None) -> ssl.SSLContext:
    """The TLS of a server on 127.0.0.1; whoever shall trust it finds its certificate in `folder` as TRUSTED."""
    key, certificate = make("relay.test", start)
    (folder / TRUSTED).write_bytes(certificate)
    (folder / "key.pem").write_bytes(key_pem(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / TRUSTED, folder / "key.pem")
    return context


def key_pem(key: rsa.RSAPrivateKey) -> bytes:
    """A key as a server wants it."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
