"""All gates, and running one: on its mails, and on the mutants that it must catch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mail_check import browser, mutants, reading, spam

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mail_check.mutants import Mutant
    from mail_check.sent import Finding, Sent


@dataclass(frozen=True)
class Gate:
    """What is demanded of mails, the check, and what it must catch."""

    name: str
    demands: str
    check: Callable[[Sequence[Sent]], Iterator[Finding]]
    mutants: tuple[Mutant, ...]
    is_dear: bool = False  #: and sees one mail or two of each pattern
    missing: Callable[[], str] = lambda: ""


@dataclass
class Outcome:
    """What a gate has found; it has passed when nothing is missing, it bites, and no mail has a fault."""

    gate: Gate
    missing: str = ""
    findings: list[tuple[Sent, Finding]] = field(default_factory=list)
    escaped: list[str] = field(default_factory=list)  #: mutants that it let pass

    @property
    def faults(self) -> list[str]:
        """What is wrong, with the mail."""
        return [f"{mail.name}: {fault}" for mail, finding in self.findings for fault in finding.faults]

    @property
    def verdict(self) -> str:
        """`passed`, `FAILED`, or `NOT RUN` with what is missing."""
        if self.missing:
            return f"NOT RUN: {self.missing} is missing"
        return "FAILED" if self.faults or self.escaped else "passed"


def each(check: Callable[[Sent], Finding]) -> Callable[[Sequence[Sent]], Iterator[Finding]]:
    """A check of one mail as a check of many."""
    return lambda mails: map(check, mails)


GATES = (
    Gate(
        "well formed",
        "Python's parser finds no defect, and headers as promised",
        each(reading.well_formed),
        mutants.FORMED,
    ),
    Gate("same links", "text and HTML carry the same links", each(reading.same_links), mutants.LINKS),
    Gate("size", "under 90 KB of HTML (under 40 KB wanted)", each(reading.size), mutants.SIZE),
    Gate(
        "compatible",
        "essential features missing per open at most 0.10; none in Gmail, Outlook, Outlook.com, Apple Mail, Yahoo",
        each(reading.compatible),
        mutants.COMPATIBLE,
    ),
    Gate("no spam", "SpamAssassin's local score at most 0.1", spam.innocent, mutants.SPAM, True, spam.missing),
    Gate(
        "clean in a browser",
        "axe-core finds nothing in light or dark; no wider than 320, 390 and 700 px",
        browser.clean,
        mutants.LOOKED_AT,
        True,
        browser.missing,
    ),
)


def run(gate: Gate, mails: Sequence[Sent], told: Callable[[], object]) -> Outcome:
    """The gate on its mails and on the mutants of the first; `told` hears of each mail that it has seen."""
    outcome = Outcome(gate, gate.missing())
    if outcome.missing:
        return outcome
    spoilt = [mutant.of(mails[0]) for mutant in gate.mutants]
    found = []
    for finding in gate.check([*mails, *spoilt]):
        found.append(finding)
        told()
    outcome.findings = list(zip(mails, found, strict=False))
    of_mutants = zip(gate.mutants, found[len(mails) :], strict=True)
    outcome.escaped = [mutant.name for mutant, finding in of_mutants if mutant.complaint not in str(finding.faults)]
    return outcome


def has_failed(outcomes: Iterable[Outcome], *, require_all: bool) -> bool:
    """Whether a gate has failed; one that has not run fails only when all are required."""
    return any(one.verdict == "FAILED" or (require_all and one.missing) for one in outcomes)
