"""`briefings rules ...`, `briefings labels export`: what editors teach the tagger, now and for its next training."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TextIO

import click
from rich.markup import escape
from rich.table import Table

from briefings.cli.terminal import console, open_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from briefings.actions.rules import TagRules
    from briefings.domain.tag_rules import TagRule

AT_THE_TERMINAL = "command line"
#: Topics shown of an item, before and after.
MOST_TOPICS = 8


def _of_a_rule(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say a rule."""
    for option in (
        click.option("--always/--never", "always", default=None, help="Give the skill, or take it."),
        click.option("--topic", required=True, help="Id of a skill; roles and specializations follow from skills."),
        click.option("--source", help="A host such as techcrunch.com, or the address of a feed."),
        click.option("--phrase", help="Words in title or summary; short ones with capitals are found only so."),
    ):
        command = option(command)
    return command


@click.group()
def rules() -> None:
    """Rules of editors about tags: always or never a skill, for a phrase or a source."""


@rules.command("try")
@_of_a_rule
def rules_try(phrase: str | None, source: str | None, topic: str, *, always: bool | None) -> None:
    """Show what a rule would change among the items of the last 90 days; changes nothing."""
    rule = _rule(phrase, source, topic, always=always)
    _try(open_app().tag_rules, rule)


@rules.command("add")
@_of_a_rule
@click.option("--by", default=AT_THE_TERMINAL, help="Who decided it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def rules_add(phrase: str | None, source: str | None, topic: str, by: str, *, always: bool | None, yes: bool) -> None:
    """Try a rule out as `try` does, then put it in force."""
    rule, app = _rule(phrase, source, topic, always=always), open_app()
    _try(app.tag_rules, rule)
    if not yes:
        click.confirm("Put this rule in force?", abort=True)
    number = app.tag_rules.add(rule, by)
    console.print(f"It is rule {number}. {app.untagged()} items wait for tags: the workers, or `briefings tag`, do it.")


@rules.command("list")
def rules_list() -> None:
    """The rules in force."""
    table = Table("Id", "Rule", "By", "Since (UTC)")
    for row in open_app().tag_rules.listed():
        table.add_row(*map(escape, (str(row.id), str(row.rule), row.added_by, f"{row.added_at:%Y-%m-%d %H:%M}")))
    console.print(table if table.row_count else "There are no rules.")


@rules.command("remove")
@click.argument("rule", type=click.IntRange(1, 2**31 - 1))
@click.option("--by", default=AT_THE_TERMINAL, help="Who decided it.")
def rules_remove(rule: int, by: str) -> None:
    """Take a rule away, named by its id."""
    app = open_app()
    said = app.tag_rules.remove(rule, by)
    console.print(f"No more: {escape(str(said))}. {app.untagged()} items wait for tags.", highlight=False)


@click.group()
def labels() -> None:
    """What editors said of items."""


@labels.command("export")
@click.argument("file", type=click.File("w", encoding="utf-8"), default="-")
@click.option("--items", type=click.File("w", encoding="utf-8"), help="A file for the items, as lines of JSON.")
def labels_export(file: TextIO, items: TextIO | None) -> None:
    """Write the items that an editor has tagged or untagged as labels for training/train_tagger.py."""
    from briefings.actions.labels import labelled

    app = open_app()
    for one in labelled(app.database, app.catalogue):
        file.write(one.label + "\n")
        if items:
            text = {"source": one.text.source, "title": one.text.title, "summary": one.text.summary}
            items.write(json.dumps({"id": str(one.item), **text}, ensure_ascii=False) + "\n")


def _rule(phrase: str | None, source: str | None, topic: str, *, always: bool | None) -> TagRule:
    from briefings.domain.tag_rules import ALWAYS, NEVER, PHRASE, SOURCE, TagRule

    if (phrase is None) == (source is None):
        raise click.UsageError("Say what the rule is for: either --phrase or --source.")
    if always is None:
        raise click.UsageError("Say what the rule decides: either --always or --never.")
    kind, value = (PHRASE, phrase) if phrase is not None else (SOURCE, source)
    return TagRule(kind, value or "", topic, ALWAYS if always else NEVER)


def _try(rules: TagRules, rule: TagRule) -> None:
    with console.status("Reading the items of 90 days..."):
        effect = rules.try_rule(rule)
    console.print(
        f"In the last 90 days {effect.called} items are spoken of, and {effect.changed} of them would change."
    )
    table = Table("Item", "Title", "Tags before", "Tags after")
    for one in effect.examples:
        before, after = (", ".join(topics[:MOST_TOPICS]) or "none" for topics in (one.before, one.after))
        table.add_row(str(one.item), escape(one.title[:70]), escape(before), escape(after))
    if effect.examples:
        console.print(table)
