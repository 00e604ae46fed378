"""Planted secrets come out nowhere, whatever goes wrong."""

import re
from base64 import b64decode

import pytest
import services
import week
from real_worker import until, worker
from services import Porter
from sqlalchemy import select, update
from week import SECRET

from briefings.chaos import certificates
from briefings.embedded import free_port
from briefings.store.deliveries import Delivery
from briefings.store.issues import Content, Edition

PASSWORD = "canary-of-a-password"
NOTICES = "canary-of-the-secret-that-signs-notices"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_failures_leave_no_secret_in_a_log_a_message_or_a_row(app, environ, tmp_path, broker, valkey_socket):
    for address in ("ana@readers.example", "bo@readers.example"):
        week.enrol(app, address)
    app.compose()
    _break_one(app)
    log, port = tmp_path / "log", free_port()
    porter = Porter(lets_in=False)
    relay = services.Relay(port, tls_context=certificates.server(tmp_path), authenticator=porter)
    told = {
        "BRIEFINGS_SMTP_URL": f"smtp+starttls://ana:{PASSWORD}@127.0.0.1:{port}",
        "BRIEFINGS_NOTICES_SECRET": NOTICES,
        "SSL_CERT_FILE": str(tmp_path / "certificate.pem"),
    }
    with worker(environ | told, log):
        until(lambda: b"ConnectionRefusedError" in log.read_bytes(), log)
        relay.start()
        until(lambda: re.search(rb"raised unexpected: [^\n]* refused user name", log.read_bytes()), log)
        porter.lets_in = True
        until(lambda: {one.state for one in week.deliveries(app)} == {"dead", "sent"}, log)
    relay.stop()

    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"cannot be rendered\nTraceback" in written
    commands = b"".join(file.read_bytes() for file in (valkey_socket.parent / "appendonlydir").iterdir())
    bodies = b"".join(b64decode(body) for body in re.findall(rb'"body": "([^"]+)"', commands))
    assert b"workers.deliver.deliver" in commands
    assert b"[[], {}" in bodies
    for secret in (PASSWORD, SECRET, NOTICES):
        assert secret.encode() not in written + commands + bodies


def _break_one(app) -> None:
    """One mail cannot be rendered."""
    with app.database.write() as session:
        edition = session.scalars(select(Edition).order_by(Edition.id)).first()
        session.add(Content(issue_id=edition.issue_id, digest="broken", text='{"broken": true}'))
        session.execute(update(Delivery).where(Delivery.edition_id == edition.id).values(content_digest="broken"))
