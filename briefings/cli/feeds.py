"""`briefings feeds ...`: the sources we poll."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Column, Table

from briefings.cli.terminal import console, open_app

MOST_FEEDS = 10_000


@click.group()
def feeds() -> None:
    """The sources we poll."""


@feeds.command("load")
def feeds_load() -> None:
    """Take over the catalogue's list of feeds."""
    console.print(f"{open_app().load_feeds()} new feeds.")


@feeds.command("list")
def feeds_list() -> None:
    """Every feed with its health in words."""
    from briefings.store import feeds as feed_rows

    table = Table("Feed", Column("Address", overflow="fold"), "Health", "Next poll (UTC)")
    with open_app().database.read() as session:
        for feed in feed_rows.listed(session, 0, MOST_FEEDS):
            health = "retired: " + feed.problem if feed.retired else feed.problem or "healthy"
            table.add_row(escape(feed.title), escape(feed.url), escape(health), f"{feed.next_poll_at:%Y-%m-%d %H:%M}")
    console.print(table)


@feeds.command("parse")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", required=True, help="The address that the file was fetched from.")
@click.option("--content-type", default="", help="The Content-Type header that came with it.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of lines.")
def feeds_parse(file: Path, url: str, content_type: str, *, as_json: bool) -> None:
    """Print what the parser makes of a file."""
    from briefings.adapters.feed_parser import parse

    parsed = parse(file.read_bytes(), url=url, content_type=content_type)
    entries = [
        {
            "id": entry.guid,
            "title": entry.title,
            "link": entry.url,
            "published": entry.published.isoformat() if entry.published else None,
            "summary": entry.summary,
            "authors": list(entry.authors),
        }
        for entry in parsed.entries
    ]
    if as_json:
        feed = {"title": parsed.title, "link": parsed.url, "language": parsed.language}
        click.echo(json.dumps({"feed": feed, "entries": entries}, ensure_ascii=False, indent=1))
        return
    console.print(f"[bold]{escape(parsed.title or 'Untitled')}[/]: {len(entries)} entries", highlight=False)
    for entry in entries:
        console.print(f"{entry['published'] or 'no date':<26} {entry['title']}", markup=False, highlight=False)
