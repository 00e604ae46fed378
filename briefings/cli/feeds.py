"""`briefings feeds ...`: the sources we poll."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click
from rich import box
from rich.markup import escape
from rich.table import Column, Table

from briefings.cli.evaluate_matches import coverage
from briefings.cli.terminal import console, open_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from briefings.actions.sources import Sources
    from briefings.actions.trials import Findings

MOST_FEEDS = 10_000
#: Tags shown of an entry.
MOST_TAGS = 3


def _split(_context: click.Context, _parameter: click.Parameter, value: str | None) -> list[str] | None:
    return None if value is None else [part for part in value.split(",") if part.strip()]


TOPICS = click.option(
    "--topics", callback=_split, help="Ids or names of the topics that all its entries are about: a,b"
)
AUTHORITY = click.option(
    "--authority", type=click.FloatRange(0, 1), help="1.0 primary source, 0.7 press (default), 0.4 aggregator."
)


@click.group()
def feeds() -> None:
    """The sources we poll."""


feeds.add_command(coverage)


@feeds.command("load")
def feeds_load() -> None:
    """Take over the catalogue's list of feeds."""
    console.print(f"{open_app().load_feeds()} new feeds.")


@feeds.command("list")
def feeds_list() -> None:
    """Every feed with its health in words."""
    _print_health(every=True)


@feeds.command("health")
def feeds_health() -> None:
    """The feeds that need somebody, each with what is wrong and the one thing to do about it."""
    _print_health(every=False)


@feeds.command("test")
@click.argument("url")
@TOPICS
def feeds_test(url: str, topics: list[str] | None) -> None:
    """Show what we would make of a feed, given its address or a page's that has one; stores nothing."""
    sources = open_app().sources
    _print_findings(_tried(sources, url, sources.topics(topics or ())))


@feeds.command("add")
@click.argument("url")
@TOPICS
@AUTHORITY
@click.option("--yes", is_flag=True, help="Do not ask.")
def feeds_add(url: str, topics: list[str] | None, authority: float | None, *, yes: bool) -> None:
    """Try a feed out as `test` does, then store it."""
    sources = open_app().sources
    chosen = None if topics is None else sources.topics(topics)
    found = _tried(sources, url, chosen or ())
    _print_findings(found)
    if not (yes or (found.known and not found.retired)):
        click.confirm("Add this feed?", abort=True)
    feed = sources.add(found, chosen, authority)
    console.print(f"It is feed {feed}, and will be polled at once.")


@feeds.command("change")
@click.argument("feed")
@TOPICS
@AUTHORITY
@click.option("--url", help="Its new address; `briefings feeds test` tries it out first.")
def feeds_change(feed: str, topics: list[str] | None, authority: float | None, url: str | None) -> None:
    """Change a feed, named by its id or address. `feeds load` leaves it as you make it."""
    if topics is None and authority is None and url is None:
        raise click.UsageError("Say what changes: --topics, --authority or --url.")
    sources = open_app().sources
    chosen = None if topics is None else sources.topics(topics)
    title = sources.change(feed, topics=chosen, authority=authority, url=url)
    console.print(f"{escape(title)} is changed.")


@feeds.command("retire")
@click.argument("feed")
def feeds_retire(feed: str) -> None:
    """Poll a feed no more, named by its id or address. Its items stay; `feeds add` brings it back."""
    console.print(f"{escape(open_app().sources.retire(feed))} is retired.")


@feeds.command("import")
@click.argument("file", type=click.File("rb"))
def feeds_import(file: BinaryIO) -> None:
    """Add the feeds of an OPML file (- is standard input) that are not here yet."""
    from briefings.adapters.opml import MOST_BYTES

    done = open_app().sources.take_over(file.read(MOST_BYTES + 1))
    console.print(f"{done.new} new feeds, {done.known} were here already.")
    if done.strange:
        console.print(
            f"Folders that name no topic: {escape(', '.join(done.strange[:20]))}. "
            "`briefings feeds change ID --topics ...` gives their feeds some."
        )


@feeds.command("export")
@click.argument("file", type=click.File("wb"), default="-")
def feeds_export(file: BinaryIO) -> None:
    """Write the active feeds as OPML, in a folder a topic."""
    file.write(open_app().sources.opml())


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


def _print_health(*, every: bool) -> None:
    from briefings.domain.feed_health import health
    from briefings.store import feeds as feed_rows

    app = open_app()
    table = Table("Id", "Feed", Column("Address", overflow="fold"), "Health", "To do", "Next poll (UTC)")
    with app.database.read() as session:
        rows = feed_rows.listed(session, 0, MOST_FEEDS)
        found = [(feed, health(feed.facts(), feed.rhythm(), app.clock())) for feed in rows]
    for feed, state in found:
        if every or (state.action and not feed.retired):
            words = f"retired: {state.words}" if feed.retired else state.words
            texts = (str(feed.id), feed.title, feed.url, words, state.action, f"{feed.next_poll_at:%Y-%m-%d %H:%M}")
            table.add_row(*map(escape, texts))
    console.print(table if table.row_count else f"All {len(rows)} feeds are well.")


def _tried(sources: Sources, url: str, topics: tuple[str, ...]) -> Findings:
    with console.status("Asking its host..."):
        return sources.test(url, topics)


def _print_findings(found: Findings) -> None:
    facts = Table.grid(padding=(0, 2))
    for name, words in _facts(found):
        facts.add_row(f"[dim]{name}[/]", escape(words))
    console.print(facts, highlight=False)
    newest = Table("Its newest entries", "Tags they would get", box=box.SIMPLE_HEAD)
    for title, tags in found.tags:
        shown = "; ".join(f"{tag.topic} {tag.score:.2f} ({tag.reason})" for tag in tags[:MOST_TAGS])
        newest.add_row(escape(title or "no title"), escape(shown or "none"))
    console.print(newest, highlight=False)


def _facts(found: Findings) -> Iterator[tuple[str, str]]:
    """What is known of the feed, by name, in words."""
    from briefings.actions.trials import rhythm_words

    feed, dates = found.feed, found.dates
    yield "Feed", f"{found.url} ({found.kind})" if found.kind else found.url
    yield "Title", feed.title or "none"
    yield "Language", feed.language or "not said"
    yield "Entries", f"{len(feed.entries)}, the newest of {dates[0]:%Y-%m-%d}" if dates else f"{len(feed.entries)}"
    yield "Posts", rhythm_words(found.every)
    if found.undated or found.unlinked:
        yield "Gaps", f"{found.undated:.0%} of its entries have no date, {found.unlinked:.0%} no link"
    for title, share in found.overlaps:
        yield "Overlap", f"{share:.0%} of its links are in {title}"
    for other in found.others:
        yield "Also there", f"{other.url} {other.title}"
    if found.known:
        yield "Known", f"feed {found.known}" + (", which is retired: adding it brings it back" * found.retired)
