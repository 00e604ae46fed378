"""The scoreboard: rows for the terminal and for docs/mail-check.md."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rich.table import Table

from mail_check.reading import MOST_BYTES, WANTED_BYTES, WANTED_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mail_check.gates import Outcome
    from mail_check.sent import Sent

#: Figure, heading, how it is written, and whether both ends are told or the worst only.
FIGURES = (
    ("KB", "HTML KB", "{:.1f}", True),
    ("words", "Words", "{:.0f}", True),
    ("minutes", "Minutes", "{:.1f}", True),
    ("links", "Links", "{:.0f}", True),
    ("unsupported", "Missing per open", "{:.2f}", False),
    ("spam", "Spam score", "{:.1f}", False),
    ("axe light", "Axe light", "{:.0f}", False),
    ("axe dark", "Axe dark", "{:.0f}", False),
    ("too wide", "Too wide", "{:.0f}", False),
)
NOT_RUN = "-"
ORDINARY = ("week 1", "checkpoint week", "week 12", "other week")


def gate_rows(outcomes: Iterable[Outcome]) -> list[list[str]]:
    """A heading, and a row for each gate."""
    rows = [["Gate", "Demands", "Mails", "Mutants caught", "Verdict"]]
    for outcome in outcomes:
        gate, mutants = outcome.gate, len(outcome.gate.mutants)
        ran = not outcome.missing
        caught = f"{mutants - len(outcome.escaped)} of {mutants}" if ran else NOT_RUN
        rows.append([gate.name, gate.demands, f"{len(outcome.findings):,}", caught, outcome.verdict])
    return rows


def figure_rows(mails: Iterable[Sent], outcomes: Iterable[Outcome]) -> list[list[str]]:
    """A heading, and a row for each pattern of mail: how many there are, and the figures' least and most, or worst."""
    count: dict[str, int] = defaultdict(int)
    for mail in mails:
        count[mail.pattern] += 1
    seen: dict[tuple[str, str], list[float]] = defaultdict(list)
    for mail, finding in (found for outcome in outcomes for found in outcome.findings):
        for name, figure in finding.figures.items():
            seen[mail.pattern, name].append(figure)
    rows = [["Pattern", "Mails", *(heading for _, heading, _, _ in FIGURES)]]
    for pattern, number in count.items():
        cells = [_cell(seen[pattern, name], shape, both=both) for name, _, shape, both in FIGURES]
        rows.append([pattern, str(number), *cells])
    return rows


def _cell(figures: Sequence[float], shape: str, *, both: bool) -> str:
    if not figures:
        return NOT_RUN
    least, most = shape.format(min(figures)), shape.format(max(figures))
    return f"{least} to {most}" if both and least != most else most


def beside_wishes(outcomes: Iterable[Outcome]) -> str:
    """How many mails are larger, shorter or longer than we wish, in words."""
    found = [(mail, figures.figures) for outcome in outcomes for mail, figures in outcome.findings]
    over = sorted({mail.pattern for mail, figures in found if figures.get("KB", 0) >= WANTED_BYTES / 1000})
    ordinary = [figures["words"] for mail, figures in found if mail.pattern in ORDINARY and "words" in figures]
    within = sum(words in WANTED_WORDS for words in ordinary)
    return (
        f"{WANTED_BYTES / 1000:.0f} KB of HTML or more ({MOST_BYTES / 1000:.0f} fail) are reached in: "
        f"{'; '.join(over) or 'no pattern'}. Of {len(ordinary)} briefings with the sample news, {within} have "
        f"{WANTED_WORDS[0]} to {WANTED_WORDS[-1]} words."
    )


def table(title: str, rows: Sequence[Sequence[str]]) -> Table:
    """Rows for the terminal; the first is the heading."""
    made = Table(*rows[0], title=title, title_justify="left")
    for row in rows[1:]:
        made.add_row(*row, style="red" if "FAILED" in row else "yellow" if "NOT RUN" in row[-1] else None)
    return made


def page(head: str, tables: Mapping[str, Sequence[Sequence[str]]], foot: str) -> str:
    """The same as Markdown."""
    parts = [head]
    for title, (heading, *rows) in tables.items():
        lines = ["| " + " | ".join(cells) + " |" for cells in (heading, ["---"] * len(heading), *rows)]
        parts += [f"## {title}", "\n".join(lines)]
    return "\n\n".join([*parts, foot]) + "\n"
