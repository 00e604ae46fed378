"""The account of a run, as a table and in words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console

    from briefings.chaos.wish import Wish
    from briefings.domain.chaos import Account
    from briefings.domain.faults import Fault

OFFENDERS_SHOWN = 20


@dataclass(frozen=True)
class Result:
    """What a run came to."""

    account: Account
    ids: Mapping[str, int]  #: uid -> the delivery's id
    states: Mapping[str, int]  #: state -> how many deliveries ended in it
    kills: Mapping[str, int]  #: who was killed -> how often
    harm: Mapping[str, int]  #: any other harm -> how often
    faults: Mapping[Fault, int]  #: what the sink did -> how often
    nonsense: int  #: lines that the sink could not read as a command
    broken: Sequence[str]  #: invariants of the rows, with their offenders
    seconds: float

    @property
    def passed(self) -> bool:
        """The gate."""
        return self.account.passed and not self.broken


def show(console: Console, wish: Wish, result: Result) -> None:
    """Print the table; and the offenders, with what brings them back, if there are any."""
    title = f"Chaos on {wish.database}, policy {wish.policy}{', TLS' * wish.tls}, seed {wish.seed}"
    table = Table(title=title, show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(style="dim")
    for name, count, remark in lines(result):
        table.add_row(name, str(count), remark)
    table.add_row("Seconds", f"{result.seconds:.1f}", "from the workers' first start until everything was settled")
    console.print(table)
    for name, uids in _offenders(result.account).items():
        shown = ", ".join(sorted(str(result.ids.get(uid, uid)) for uid in uids)[:OFFENDERS_SHOWN])
        console.print(f"[bold red]{name}:[/] deliveries {shown}" + (" ..." if len(uids) > OFFENDERS_SHOWN else ""))
    for words in result.broken:
        console.print(f"[bold red]{words}[/]")
    if not result.passed:
        console.print(f"The same faults again: [bold]{wish.words}[/]")


def lines(result: Result) -> list[tuple[str, int, str]]:
    """The table's lines: name, number, remark."""
    account = result.account
    ended = ", ".join(f"{count} {state}" for state, count in sorted(result.states.items()))
    return [
        ("Planned", account.planned, f"ended as {ended}"),
        ("Accepted", account.accepted, "different ones that the sink took"),
        ("LOST", len(account.lost), "said to be sent and never taken, or forgotten; must be 0"),
        ("SILENT DUPLICATE", len(account.silent), "taken more often than the events explain; must be 0"),
        ("DENIED", len(account.denied), "taken, and the row says never arrived; must be 0"),
        ("STUCK", len(account.stuck), "neither final nor left to the operator; must be 0"),
        ("INVARIANTS BROKEN", len(result.broken), "as briefings doctor looks at them; must be 0"),
        ("DUPLICATE", len(account.duplicate), f"taken more than once; not more than {account.most_duplicates}"),
        ("UNKNOWN", account.unknown, "ever without a verdict: counted, shown, settled"),
        ("Kills", sum(result.kills.values()), _counted(result.kills)),
        ("Other harm", sum(result.harm.values()), _counted(result.harm)),
        ("Faults of the sink", sum(result.faults.values()), _counted(_by(result.faults, lambda fault: fault.kind))),
        ("", sum(result.faults.values()), "at " + _counted(_by(result.faults, lambda fault: fault.verb.value))),
        ("Nonsense", result.nonsense, "lines that the sink could not read as a command"),
    ]


def _offenders(account: Account) -> dict[str, tuple[str, ...]]:
    too_many = account.duplicate if len(account.duplicate) > account.most_duplicates else ()
    found = {
        "LOST": account.lost,
        "SILENT DUPLICATE": account.silent,
        "DENIED": account.denied,
        "STUCK": account.stuck,
        "DUPLICATE": too_many,
    }
    return {name: uids for name, uids in found.items() if uids}


def _by(faults: Mapping[Fault, int], key: Callable[[Fault], str]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for fault, count in faults.items():
        counted[key(fault)] += count
    return counted


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}x" for name, count in sorted(counts.items()))
