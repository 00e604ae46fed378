"""`briefings tag`, for what waits in the database, and the tagger by itself: `tag --jsonl`, `evaluate tags`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, TextIO

import click
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from briefings.adapters import item_lines
from briefings.cli.terminal import console
from briefings.errors import InputError
from briefings.settings import catalogue_from_env

if TYPE_CHECKING:
    from briefings.domain.tag_evaluation import Label, Prediction
    from briefings.domain.tagging import Tagger

WORST = 20
INTERRUPTED = 130  #: exit code
#: Figures of a single skill say something from so many labels on.
FEWEST_LABELS = 15


@click.command("tag")
@click.option(
    "--jsonl", is_flag=True, help="Lines of JSON (id, title, summary, link or source) in, a line of tags each out."
)
def tag(*, jsonl: bool) -> None:
    """Tag every item that waits for it; with --jsonl, those of standard input, without a database or editors' rules.

    New rules, a new catalogue and a new model make all items wait. Ctrl-C interrupts; the next run goes on from there.
    """
    if not jsonl:
        _tag_what_waits()
        return
    tagger = _tagger()
    for item in item_lines.lines(sys.stdin):
        sys.stdout.write(json.dumps(_prediction(tagger, item), ensure_ascii=False) + "\n")


@click.command("tags")
@click.argument("items", type=click.File("r"))
@click.argument("labels", type=click.File("r"))
def evaluate_tags(items: TextIO, labels: TextIO) -> None:
    """Compare the tags of ITEMS (lines of JSON) with LABELS (lines of JSON: id, on_topic, skills, optional_skills,
    relevance): figures with 95 % intervals, each skill of 15 or more labels, and the surest mistakes.
    """
    from briefings.domain import tag_evaluation

    tagger, known = _tagger(), {item["id"]: item for item in item_lines.lines(items)}
    pairs = [
        (label, _said(tagger, known[label.id])) for label in map(_label, item_lines.lines(labels)) if label.id in known
    ]
    if not pairs:
        raise InputError("No label has the id of an item; give the items first and their labels second")
    table = Table("Figure", "Value (95 % interval)", title=f"{len(pairs)} items, tagger {tagger.version}")
    for name, figure in tag_evaluation.measure(pairs).items():
        table.add_row(name, str(figure))
    console.print(table)
    skills = Table("Skills", "Labels", "Precision", "Recall", "F1")
    for row in [*tag_evaluation.per_kind(pairs, tagger.kinds), *tag_evaluation.per_skill(pairs, FEWEST_LABELS)]:
        skills.add_row(row.name, str(row.labels), *(f"{value:.2f}" for value in row[2:]))
    console.print(skills)
    mistakes = Table("Item", "Title", "What is wrong", title="The surest mistakes")
    for item, words in tag_evaluation.worst(pairs, WORST):
        mistakes.add_row(item, escape(str(known[item]["title"])[:70]), words)
    console.print(mistakes)


def _tag_what_waits() -> None:
    from briefings.cli.terminal import open_app

    app = open_app()
    bars = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*bars, console=console, transient=True) as progress:
            bar = progress.add_task("Tagging", total=app.untagged())
            done = app.tag(lambda count: progress.advance(bar, count))
    except KeyboardInterrupt:
        console.print(f"Interrupted: {app.untagged()} items wait; `briefings tag` goes on with them.")
        sys.exit(INTERRUPTED)
    console.print(f"{done} items tagged.")


def _tagger() -> Tagger:
    from briefings.adapters import tagger_model
    from briefings.adapters.catalogue_files import load
    from briefings.domain.tagging import Tagger

    folder = catalogue_from_env()
    return Tagger(load(folder), tagger_model.load(folder))


def _prediction(tagger: Tagger, item: dict[str, Any]) -> dict[str, object]:
    found = tagger.read(item_lines.text_of(item))
    skills = [{"id": one.topic, "score": one.score, "evidence": list(one.evidence)} for one in found.skills]
    worth = sorted(found.specializations.items(), key=lambda pair: (-pair[1], pair[0]))
    return {
        "id": item["id"],
        "on_topic": found.is_on_topic,
        "skills": skills,
        "roles": [{"id": one.topic, "score": one.score} for one in found.roles],
        "specializations": [{"id": name, "score": round(score, 3)} for name, score in worth if score > 0],
    }


def _said(tagger: Tagger, item: dict[str, Any]) -> Prediction:
    from briefings.domain.tag_evaluation import Prediction

    found = tagger.read(item_lines.text_of(item))
    skills = {one.topic: one.score for one in found.skills}
    return Prediction(item["id"], found.is_on_topic, skills, found.specializations)


def _label(line: dict[str, Any]) -> Label:
    from briefings.domain.tag_evaluation import Label

    skills, optional = (frozenset(line.get(key) or ()) for key in ("skills", "optional_skills"))
    return Label(line["id"], bool(line["on_topic"]), skills, optional, dict(line.get("relevance") or {}))
