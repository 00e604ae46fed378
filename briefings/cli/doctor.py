"""`briefings doctor`: does everything add up, and does anything need somebody?"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from rich.markup import escape
from rich.table import Table

from briefings.cli.terminal import console, open_app

if TYPE_CHECKING:
    from collections.abc import Sequence

    from briefings.bootstrap import App
    from briefings.domain.invariants import Finding
    from briefings.domain.ledger import Ledger
    from briefings.domain.slots import Account


@click.command()
@click.option("--json", "as_json", is_flag=True, help="JSON instead of tables.")
@click.option(
    "--all", "everything", is_flag=True, help="Read the events of all mails, not only since the newest issue."
)
def doctor(*, as_json: bool, everything: bool) -> None:
    """Give account of the newest issue, invariants and scheduled runs; exits non-zero when something is wrong."""
    from briefings.actions import account

    app = open_app()
    now, ledger = app.clock(), app.ledger()
    findings = account.findings(app.database, now, everything=everything)
    runs = account.runs(app.database, now)
    broken = [finding.words for finding in findings if finding.count]
    faults = [*broken, *(run.fault for run in runs if run.overdue), *app.faults()]
    if as_json:
        _print_json(ledger, findings, runs, faults, app.relay_words())
    else:
        _print_ledger(ledger)
        _print_invariants(findings)
        _print_runs(runs)
        _print_surroundings(app)
        for fault in faults:
            console.print(f"[bold red]{escape(fault)}[/]", soft_wrap=True)
    sys.exit(1 if faults else 0)


def _print_json(
    ledger: Ledger | None,
    findings: Sequence[Finding],
    runs: Sequence[Account],
    faults: Sequence[str],
    relays: Sequence[str],
) -> None:
    from briefings.domain.invariants import ELSEWHERE, PROOF

    shown = [asdict(finding.invariant) | {"count": finding.count, "ids": finding.ids} for finding in findings]
    proved = [{"name": invariant.name, "means": invariant.means, "proved_by": PROOF} for invariant in ELSEWHERE]
    told = {
        "ledger": asdict(ledger) if ledger else None,
        "invariants": [*shown, *proved],
        "runs": [asdict(run) for run in runs],
        "faults": faults,
        "relays": relays,
    }
    click.echo(json.dumps(told, indent=1, default=str))


def _print_ledger(ledger: Ledger | None) -> None:
    if ledger is None:
        console.print("No issue has been composed yet.")
        return
    table = Table("", "", title=f"Ledger of {ledger.issue}", show_header=False, title_justify="left")
    table.add_row("candidates", str(ledger.candidates))
    for reason, count in sorted(ledger.skipped.items()):
        table.add_row(f"- skipped ({reason})", str(count))
    table.add_row("= editions", str(ledger.composed))
    for state, reasons in sorted(ledger.deliveries.items()):
        for reason, count in sorted(reasons.items()):
            table.add_row(f"  of which {state}" + (f" ({reason})" if reason else ""), str(count))
    console.print(table)


def _print_invariants(findings: Sequence[Finding]) -> None:
    from briefings.domain.invariants import ELSEWHERE, PROOF

    table = Table("", "", "", title="Invariants", show_header=False, title_justify="left")
    for finding in findings:
        table.add_row(finding.invariant.name, "BROKEN" if finding.count else "ok", finding.invariant.means)
    for invariant in ELSEWHERE:
        table.add_row(invariant.name, "", f"{invariant.means} (proved by: {PROOF})")
    console.print(table)


def _print_runs(runs: Sequence[Account]) -> None:
    table = Table("", "", title="Scheduled runs", show_header=False, title_justify="left")
    for run in runs:
        missed = ", ".join(f"{due:%Y-%m-%d %H:%M}" for due in run.missed)
        table.add_row(run.job, escape(run.words) + (f"\nnever done: those due at {missed} UTC" if missed else ""))
    console.print(table)


def _print_surroundings(app: App) -> None:
    from briefings.store import deliveries

    with app.database.read() as session:
        account = deliveries.counts(session)
    others = [f"{count} {state}" for state, reasons in sorted(account.items()) for count in [sum(reasons.values())]]
    console.print(f"Account mails: {', '.join(others) or 'none'}.")
    if app.review.count():
        console.print(f"Bounce mails to look at yourself: {app.review.count()} in {app.review.folder}.")
    for line in app.pause_words():
        console.print(escape(line))
    for line in app.relay_words():
        console.print(escape(f"{line}."))
    depth = app.doorbell.depth()
    rings = f"answers, {sum(depth.values())} rings wait" if depth is not None else "does not answer; work waits for it"
    console.print(f"The broker {rings}.")
