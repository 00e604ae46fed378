"""`briefings evaluate ...`: how good tags, stories and matches are, by labels and real items."""

from __future__ import annotations

import click

from briefings.cli.evaluate_matches import matches
from briefings.cli.evaluate_stories import stories
from briefings.cli.tags import evaluate_tags


@click.group()
def evaluate() -> None:
    """How good tags, stories and matches are."""


evaluate.add_command(evaluate_tags)
evaluate.add_command(matches)
evaluate.add_command(stories)
