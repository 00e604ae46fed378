"""How every process writes its log."""

from __future__ import annotations

import logging

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
#: These tell of every request or connection, with addresses that are nobody's business.
CHATTY = ("httpx", "httpcore", "alembic", "mail.log", "aiosmtpd")


def set_up(level: int = logging.INFO) -> None:
    """Log to standard error, in sentences of our own parts."""
    logging.basicConfig(level=level, format=FORMAT)
    quieten()


def quieten() -> None:
    """Let libraries speak only when something is wrong."""
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
