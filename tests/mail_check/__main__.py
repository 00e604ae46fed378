"""`python -m mail_check`: makes every mail, runs the gates, prints the scoreboard and keeps it in the docs."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from briefings.adapters import catalogue_files
from briefings.adapters.templates import FOLDERS
from briefings.settings import ROOT
from mail_check.board import beside_wishes, figure_rows, gate_rows, page, table
from mail_check.compatibility import source
from mail_check.gates import GATES, has_failed, run
from mail_check.states import absent, every_state, representative

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mail_check.gates import Outcome
    from mail_check.sent import Sent

DOCS = ROOT / "docs" / "mail-check.md"
MOST_FAULTS_TOLD = 20
HEAD = """# What the mails are checked for

Written by `make mail-check`; do not edit it by hand. The command makes every mail in every state by the real sign-up,
composing and writing: each specialization in each of its twelve weeks, with the sample news, with the longest and most
hostile news that a feed can bring, and without news; the briefing of the field, the confirmation, the welcome and the
end of the plan. Quick gates see every mail. SpamAssassin and Chromium see, of each pattern, the mail with the most HTML
and the one with the least. Each gate must also catch its mutants: a good mail with one thing wrong."""
FOOT = """Figures are from the least to the most, or the worst. Minutes are those of reading, at 230 words a minute.
*Missing per open* is how many essential features a reader misses at an average open: the shares of mail programs, and
what a mail may use as an enhancement, are in `tests/mail_check/compatibility.py`; what each program can do is from
caniemail.com ({source}; MIT licence). *Axe* counts violations of
WCAG 2.2 A and AA and of best practice, *too wide* how many of the widths 320, 390 and 700 px are too narrow."""


@click.command()
@click.option("--require-all", is_flag=True, help="Fail when a gate cannot run because a program is missing.")
def main(*, require_all: bool) -> None:
    """Check every mail in every state, and show the scoreboard."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    logging.getLogger("briefings").setLevel(logging.ERROR)  # one of the sample feeds is broken, and said to be
    columns = (TextColumn("{task.description:<20}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress, TemporaryDirectory() as folder:
        mails = list(progress.track(every_state(Path(folder)), total=None, description="mails made"))
        progress.update(progress.task_ids[0], total=len(mails))
        some = representative(mails)
        outcomes = []
        for gate in GATES:
            shown = some if gate.is_dear else mails
            bar = progress.add_task(gate.name, total=0 if gate.missing() else len(shown) + len(gate.mutants))
            outcomes.append(run(gate, shown, lambda bar=bar: progress.advance(bar)))
    catalogue = catalogue_files.load(ROOT / "briefings" / "catalogue")
    unseen = absent(mails, catalogue.specialization, FOLDERS.values())
    _show(console, mails, outcomes, unseen)
    sys.exit(1 if unseen or has_failed(outcomes, require_all=require_all) else 0)


def _show(console: Console, mails: Sequence[Sent], outcomes: Sequence[Outcome], unseen: Sequence[str]) -> None:
    gates, figures = gate_rows(outcomes), figure_rows(mails, outcomes)
    console.print(table("Mails", figures), table("Gates", gates), beside_wishes(outcomes))
    faults = [f"{one.gate.name}: {fault}" for one in outcomes for fault in one.faults]
    faults += [f"{one.gate.name}: does not catch “{mutant}”" for one in outcomes for mutant in one.escaped]
    faults += [f"never made, so never checked: {name}; make it in tests/mail_check/states.py" for name in unseen]
    for fault in faults[:MOST_FAULTS_TOLD]:
        console.print(fault, markup=False, style="red")
    if len(faults) > MOST_FAULTS_TOLD:
        console.print(f"... and {len(faults) - MOST_FAULTS_TOLD:,} faults more", style="red")
    if any(one.missing for one in outcomes):
        console.print(f"{DOCS.name} stays as it was: not all gates have run")
        return
    foot = f"{beside_wishes(outcomes)}\n\n{FOOT.format(source=source())}"
    DOCS.write_text(page(HEAD, {"Gates": gates, "Mails": figures}, foot), "utf-8")


if __name__ == "__main__":
    main()
