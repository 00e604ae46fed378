"""`briefings evaluate stories`: whether the same news becomes one story."""

from __future__ import annotations

import csv
from time import monotonic
from typing import TYPE_CHECKING, TextIO

import click
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from briefings.adapters import item_lines
from briefings.cli.terminal import console
from briefings.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from briefings.domain.stories import Telling
    from briefings.domain.story_evaluation import Judged, Pair

WORST = 12
COLUMNS = {"id_a", "id_b", "same", "kind", "hard", "split"}


@click.command("stories")
@click.argument("items", type=click.File("r", encoding="utf-8"))
@click.argument("pairs", type=click.File("r", encoding="utf-8"))
@click.option("--split", help="Only pairs of this split, such as dev or test.")
def stories(items: TextIO, pairs: TextIO, split: str | None) -> None:
    """Put ITEMS (lines of JSON: id, title, summary, link, date) together day by day, and compare with PAIRS
    (tab-separated: id_a, id_b, same, kind, hard, split): figures with 95 % intervals, each kind, and mistakes.
    """
    from briefings.domain import story_evaluation

    numbers, tellings = _tellings(items)
    known = _pairs(pairs, numbers, split)
    home, seconds = _grouped(tellings)
    judged = [story_evaluation.Judged(pair, home[pair.one] == home[pair.other]) for pair in known]
    speed = f"{len(tellings)} items in {seconds:.1f} s, {len(set(home.values()))} stories"
    figures = Table("Figure", "Value (95 % interval)", title=f"{len(judged)} pairs; {speed}")
    for name, estimate in story_evaluation.measure(judged).items():
        figures.add_row(name, str(estimate))
    console.print(figures)
    console.print(_kinds(judged))
    console.print(_mistakes([one for one in judged if not one.is_right][:WORST], tellings))


def _tellings(items: TextIO) -> tuple[dict[str, int], dict[int, Telling]]:
    """The number of each id, and the item of each number; of two lines with one id the first counts."""
    numbers: dict[str, int] = {}
    tellings: dict[int, Telling] = {}
    for moment, line in item_lines.dated(items):
        if line["id"] not in numbers:
            number = numbers[line["id"]] = len(numbers) + 1
            tellings[number] = item_lines.telling(number, moment, line)
    return numbers, tellings


def _pairs(file: TextIO, numbers: Mapping[str, int], split: str | None) -> list[Pair]:
    from briefings.domain.story_evaluation import Pair

    found = [
        Pair(numbers[row["id_a"]], numbers[row["id_b"]], row["same"] == "1", row["kind"], row["hard"] == "1")
        for row in _rows(file)
        if split in {None, row["split"]} and {row["id_a"], row["id_b"]} <= numbers.keys()
    ]
    if not found:
        raise InputError("No pair has the ids of two dated items; give the items first, the pairs second")
    return found


def _rows(file: TextIO) -> Iterator[dict[str, str]]:
    """The lines of the pairs by column. Raises InputError for what is no such table."""
    rows = csv.DictReader(file, delimiter="\t")
    try:
        if not set(rows.fieldnames or ()) >= COLUMNS:
            raise InputError(f"The pairs need a first line with the columns {', '.join(sorted(COLUMNS))}")
        for row in rows:
            if None in row.values():
                raise InputError(f"Line {rows.line_num} of the pairs has too few columns; complete it")
            yield row
    except (csv.Error, UnicodeDecodeError) as error:
        message = f"The pairs are no tab-separated UTF-8 text after line {rows.line_num} ({error}); correct them"
        raise InputError(message) from error


def _grouped(tellings: Mapping[int, Telling]) -> tuple[dict[int, int], float]:
    from briefings.domain.story_evaluation import by_day, told_by_day

    started = monotonic()
    days = len(by_day(tellings.values()))
    home: dict[int, int] = {}
    for day in track(told_by_day(tellings.values()), "Days", days, console=console, transient=True):
        home.update(day)
    return home, monotonic() - started


def _kinds(judged: Sequence[Judged]) -> Table:
    from briefings.domain.story_evaluation import by_kind

    table = Table("The reader says", "Kind", "Pairs", "Right")
    for kind, same, pairs, right in by_kind(judged):
        table.add_row("same news" if same else "other news", escape(kind), str(pairs), str(right))
    return table


def _mistakes(judged: Sequence[Judged], tellings: Mapping[int, Telling]) -> Table:
    from briefings.domain.story_evaluation import parts

    table = Table("We said", "Titles", "Why", title="Some mistakes")
    for one in judged:
        titles = "\n".join(escape(tellings[item].title[:90]) for item in (one.pair.one, one.pair.other))
        why = parts(one.pair, tellings)
        said = ", ".join(f"{words} {part:+.2f}" for words, part in why.items()) or "a digest is never one"
        table.add_row("same" if one.together else "other", titles, f"{sum(why.values()):.2f}: {said}")
    return table
