"""Where a real worker runs: this test's database, broker, relay and clock."""

import os
from datetime import UTC, datetime

import pytest
import redis
from week import MONDAY_EVENING, SECRET


@pytest.fixture
def broker(valkey_socket):
    """A client of an empty broker."""
    client = redis.Redis(unix_socket_path=str(valkey_socket))
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def environ(settings, valkey_socket, broker, relay, app):
    """What leads a worker there."""
    return os.environ | {
        "BRIEFINGS_HOME": str(settings.home),
        "BRIEFINGS_DATABASE_URL": settings.database_url,
        "BRIEFINGS_BROKER_URL": f"redis+socket://{valkey_socket}",
        "BRIEFINGS_SECRET_KEY": SECRET,
        "BRIEFINGS_SMTP_URL": f"smtp://127.0.0.1:{relay.port}",
        "BRIEFINGS_CLOCK_OFFSET": str((MONDAY_EVENING - datetime.now(UTC)).total_seconds()),
        "BRIEFINGS_SWEEP_SECONDS": "1",
        "BRIEFINGS_LEASE_SECONDS": "5",
    }
