"""`briefings bounces ...`: mails that came back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from briefings.cli.terminal import console, open_app

if TYPE_CHECKING:
    from collections import Counter

    from briefings.bootstrap import App


@click.group()
def bounces() -> None:
    """Mails that came back, and what they do to addresses."""


@bounces.command("read")
@click.option(
    "--maildir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Take what lies in a Maildir.",
)
@click.option("--imap", is_flag=True, help="Take what lies in the mailbox of BRIEFINGS_BOUNCES_IMAP_URL.")
@click.option("--listen", metavar="HOST:PORT", help="Take what a mail server hands over by LMTP or SMTP, until Ctrl-C.")
def read(maildir: Path | None, listen: str | None, *, imap: bool) -> None:
    """Take bounce mails into account, and each out of its source once it is written down.

    What is no bounce of ours goes to the folder `review` in the home.
    """
    if sum((maildir is not None, imap, listen is not None)) != 1:
        raise click.UsageError("Say where the mails are: one of --maildir, --imap and --listen.")
    app = open_app()
    if maildir:
        _read_maildir(app, maildir)
    elif listen:
        _listen(app, listen)
    else:
        _read_imap(app)


@bounces.command("resume")
@click.option(
    "--suppress/--spare", "suppress_held", default=None, help="Suppress the addresses that were held, or do not."
)
def resume(*, suppress_held: bool | None) -> None:
    """Suppress addresses again, after so many bounced in one hour that it was stopped (`briefings doctor` says so)."""
    if suppress_held is None:
        raise click.UsageError("Say what becomes of the addresses that were held: --suppress or --spare.")
    held = open_app().resume_suppressing(suppress_held=suppress_held)
    console.print(f"{held} held suppressions are {'carried out' if suppress_held else 'dropped'}.")


def _read_maildir(app: App, folder: Path) -> None:
    from briefings.adapters.bounce_boxes import in_maildir

    _show(app, app.taking_in.all_of(in_maildir(folder)))


def _read_imap(app: App) -> None:
    from briefings.adapters.bounce_boxes import imap_mails

    if app.settings.bounces_imap is None:
        raise click.UsageError("There is no mailbox: set BRIEFINGS_BOUNCES_IMAP_URL (docs/settings.md).")
    with imap_mails(app.settings.bounces_imap) as mails:
        _show(app, app.taking_in.all_of(mails))


def _listen(app: App, listen: str) -> None:
    from briefings.adapters.bounce_listener import BounceListener
    from briefings.settings import listening

    address = listening("--listen", listen)
    console.print(f"Bounce mails are taken on {listen} by LMTP and SMTP. Press Ctrl-C to end.")
    BounceListener(address, app.settings.sender.domain, app.taking_in.one).serve()


def _show(app: App, words: Counter[str]) -> None:
    console.print(", ".join(f"{count} {word}" for word, count in sorted(words.items())) or "There was no mail.")
    waiting = app.review.count()
    if waiting:
        console.print(f"{waiting} mails to look at yourself: {app.review.folder}", soft_wrap=True)
