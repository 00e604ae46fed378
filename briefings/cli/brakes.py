"""`briefings stop` and `briefings resume`: the brakes of sending."""

from __future__ import annotations

from getpass import getuser

import click
from rich.markup import escape

from briefings.cli.terminal import console, open_app

BY = click.option("--by", "who", metavar="NAME", help="Who decides it (default: who you are on this machine).")


@click.command()
@click.argument("reason")
@BY
def stop(reason: str, who: str | None) -> None:
    """Stop sending, account mail too, before the next message leaves; `briefings resume` takes it back."""
    open_app().stop(reason, who or getuser())
    console.print("Sending is stopped. To go on, run: briefings resume")


@click.command()
@BY
def resume(who: str | None) -> None:
    """Send again after a stop, or after too many bounces, complaints or refusals (`briefings doctor` says which)."""
    for line in open_app().resume(who or getuser()):
        console.print(f"No longer: {escape(line)}.")
