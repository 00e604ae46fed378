"""`briefings chaos`: the product under kill -9, clock jumps and a faulty relay, on this machine."""

from __future__ import annotations

import logging
import secrets
import sys
from typing import Any

import click

from briefings.cli.terminal import console


@click.command()
@click.option("--count", type=click.IntRange(1, 100_000), default=300, show_default=True, help="Mails to deliver.")
@click.option("--workers", type=click.IntRange(1, 16), default=2, show_default=True, help="Celery workers.")
@click.option(
    "--database", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True, help="Store."
)
@click.option("--seed", type=click.IntRange(0), help="Draws faults and harm (default: a new one, which is printed).")
@click.option(
    "--seconds", type=click.FloatRange(2, 3600), default=30, show_default=True, help="How long harm is done, at least."
)
@click.option(
    "--policy", type=click.Choice(["resend", "hold"]), default="resend", show_default=True, help="For unknown outcomes."
)
@click.option("--tls", is_flag=True, help="Speak TLS with the sink, by a certificate made for the run.")
@click.option("--keep", is_flag=True, help="Keep the scratch home: database, logs, what the sink took.")
def chaos(*, seed: int | None, seconds: float, keep: bool, **wished: Any) -> None:  # noqa: ANN401 - as Wish has them
    """Kill workers, broker and database while they deliver to a faulty relay; exits non-zero if a mail is lost.

    Needs nothing but this package, and touches nothing of your installation. docs/operating.md explains the table.
    """
    from briefings.chaos.run import run_chaos
    from briefings.chaos.wish import Wish

    logging.getLogger().setLevel(logging.ERROR)  # what is killed would be reported as a warning
    chosen = secrets.randbelow(1_000_000) if seed is None else seed
    try:
        result = run_chaos(console, Wish(seed=chosen, storm=seconds, **wished), keep=keep)
    except KeyboardInterrupt:
        console.print("\nEnded; nothing is left running.")
        sys.exit(130)
    sys.exit(0 if result.passed else 1)
