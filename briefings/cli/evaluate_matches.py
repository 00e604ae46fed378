"""`briefings evaluate matches` and `briefings feeds coverage`: whether people get news of their week."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TextIO

import click
from rich.markup import escape
from rich.progress import track
from rich.table import Column, Table

from briefings.adapters import item_lines
from briefings.cli.terminal import console, open_app
from briefings.domain.catalogue import PLAN_WEEKS
from briefings.domain.feeds import host_of
from briefings.domain.weeks import NEWS_WINDOW
from briefings.settings import catalogue_from_env

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from briefings.domain.bootstrap import Estimate
    from briefings.domain.catalogue import Catalogue
    from briefings.domain.match_evaluation import Cell, Supply, TaggedItem
    from briefings.domain.matching import Candidate
    from briefings.domain.tagging import Tagger

MOST_FEEDS = 10_000
#: Of the plans that lack news of a skill, so many are named.
PLANS_NAMED = 2
LOOKED_AT = timedelta(weeks=4)


@click.command("matches")
@click.argument("items", type=click.File("r", encoding="utf-8"))
@click.option("--weeks", type=click.IntRange(1, PLAN_WEEKS), default=PLAN_WEEKS, show_default=True)
@click.option("--json", "figures", type=click.File("w"), help="Write all figures to this file.")
def matches(items: TextIO, weeks: int, figures: TextIO | None) -> None:
    """Send every specialization through its plan on the densest weeks of ITEMS (lines of JSON: id, title, summary,
    link, source, date), and compare our choice with choosing by recency, popularity and tag count.
    """
    from briefings.adapters import tagger_model
    from briefings.adapters.catalogue_files import load
    from briefings.domain import match_evaluation
    from briefings.domain.tagging import Tagger

    folder = catalogue_from_env()
    catalogue = load(folder)
    dated = item_lines.dated(items)
    cutoffs = match_evaluation.densest_weeks((moment for moment, _ in dated), weeks)
    first = cutoffs[0] - NEWS_WINDOW
    within = [pair for pair in dated if first <= pair[0] <= cutoffs[-1]]
    tagged = _tagged(Tagger(catalogue, tagger_model.load(folder)), catalogue, within)
    news = _news(tagged, cutoffs, catalogue)
    foci = match_evaluation.plan_foci(catalogue)
    cells = [
        cell
        for spec in track(foci, "Sending plans", console=console, transient=True)
        for cell in match_evaluation.simulate(foci[spec], news)
    ]
    compared = match_evaluation.compare(cells)
    console.print(_by_specialization(cells, catalogue, weeks))
    console.print(
        _comparison(compared, f"{len(tagged)} items, cut-offs {cutoffs[0]:%d %b %Y} to {cutoffs[-1]:%d %b %Y}")
    )
    if figures:
        json.dump(_figures(cells, compared), figures, indent=1)


@click.command("coverage")
def coverage() -> None:
    """Show for how many stories of the last 4 weeks each plan week has use, and which feeds would help where they
    are few.
    """
    from briefings.domain import match_evaluation
    from briefings.store import feeds as feed_rows
    from briefings.store import items as item_rows

    app = open_app()
    now = app.clock()
    with app.database.read() as session:
        stories = item_rows.candidates(session, now - LOOKED_AT, now, app.catalogue)
        active = {feed.url for feed in feed_rows.listed(session, 0, MOST_FEEDS) if not feed.retired}
    foci = match_evaluation.plan_foci(app.catalogue)
    supplies = [match_evaluation.supply(focus, stories) for spec in foci for focus in foci[spec]]
    console.print(_supply_table(supplies, app.catalogue, len(stories)))
    console.print(_starving_table(match_evaluation.starving_skills(supplies), app.catalogue, active))


# ------------------------------------------------------------------ reading items


def _tagged(
    tagger: Tagger, catalogue: Catalogue, dated: Sequence[tuple[datetime, dict[str, Any]]]
) -> dict[int, TaggedItem]:
    authority = {host_of(feed.url): feed.authority for feed in catalogue.feeds}
    progress = track(enumerate(dated, 1), "Tagging items", len(dated), console=console, transient=True)
    return {number: _item(tagger, number, moment, line, authority) for number, (moment, line) in progress}


def _item(
    tagger: Tagger, number: int, moment: datetime, line: Mapping[str, Any], authority: Mapping[str, float]
) -> TaggedItem:
    from briefings.domain.match_evaluation import TaggedItem

    link, source = str(line.get("link") or ""), str(line.get("source") or "")
    telling = item_lines.telling(number, moment, line, authority.get(host_of(link), item_lines.USUAL_AUTHORITY))
    return TaggedItem(telling, link, source, tuple(tagger.tag(item_lines.text_of(line))))


def _news(
    tagged: Mapping[int, TaggedItem], cutoffs: Sequence[datetime], catalogue: Catalogue
) -> list[tuple[datetime, list[Candidate]]]:
    from briefings.domain import match_evaluation

    with console.status("Putting stories together"):
        groups = match_evaluation.groups_as_told(item.telling for item in tagged.values())
        skills = catalogue.skill
        return [(cutoff, match_evaluation.candidates_at(cutoff, tagged, groups, skills)) for cutoff in cutoffs]


# ------------------------------------------------------------------ tables


def _by_specialization(cells: Iterable[Cell], catalogue: Catalogue, weeks: int) -> Table:
    """Our choice: stories on the week, of so many there were, for each plan week."""
    from briefings.domain.match_evaluation import OURS

    rows: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.way == OURS:
            rows.setdefault(cell.specialization, []).append(cell)
    numbers = map(str, range(1, weeks + 1))
    table = Table("Rung 0 chosen/there in week", *numbers, "Stories", "Sources", "Repeats", "Empty")
    for spec, own in rows.items():
        told = [f"{cell.on_week}/{cell.available}" for cell in own]
        mean = [f"{sum(values) / len(own):.1f}" for values in ([c.chosen for c in own], [c.sources for c in own])]
        sums = [str(sum(cell.repeats for cell in own)), str(sum(cell.is_empty for cell in own))]
        table.add_row(escape(catalogue.topic_names[spec]), *told, *mean, *sums)
    return table


def _comparison(compared: Mapping[str, Mapping[str, tuple[Estimate, Estimate]]], title: str) -> Table:
    """The mean of each figure a week, and by how much ours is more, with 95 % intervals."""
    table = Table("A person's week", *compared, title=title, caption="(+ by how much ours is more, 95 % intervals)")
    for figure in next(iter(compared.values())):
        table.add_row(figure, *(_words(way[figure], first=number == 0) for number, way in enumerate(compared.values())))
    return table


def _words(figure: tuple[Estimate, Estimate], *, first: bool) -> str:
    own, more = figure
    said = f"{own.value:.2f} ({own.low:.2f} to {own.high:.2f})"
    return said if first else f"{said}\n  {more.value:+.2f} ({more.low:+.2f} to {more.high:+.2f})"


def _figures(
    cells: Iterable[Cell], compared: Mapping[str, Mapping[str, tuple[Estimate, Estimate]]]
) -> dict[str, object]:
    means = {
        way: {name: {"mean": asdict(own), "ours_more_by": asdict(more)} for name, (own, more) in figures.items()}
        for way, figures in compared.items()
    }
    return {"compared": means, "cells": [asdict(cell) for cell in cells]}


def _supply_table(supplies: Iterable[Supply], catalogue: Catalogue, stories: int) -> Table:
    rows: dict[str, list[str]] = {}
    for one in supplies:
        words = f"[bold red]{one.stories}[/]" if one.is_starving else str(one.stories)
        rows.setdefault(one.specialization, []).append(words)
    title = f"Of {stories} stories of the last 4 weeks, those of each plan week's focus, tool or tasks"
    table = Table("Plan", *map(str, range(1, PLAN_WEEKS + 1)), title=title)
    for spec, counts in rows.items():
        table.add_row(escape(catalogue.topic_names[spec]), *counts)
    return table


def _starving_table(starving: Mapping[str, Sequence[Supply]], catalogue: Catalogue, active: set[str]) -> Table:
    """Human skills are left out: they are practised, and hardly ever news."""
    from briefings.domain.match_evaluation import feeds_that_help

    helpful = Column("Feeds that would help", overflow="fold")
    table = Table("Skill", "Stories", "Weeks that starve", helpful, title="Skills that starve")
    for skill, weeks in starving.items():
        if catalogue.skill[skill].kind != "human":
            feeds = "\n".join(feed.url for feed in feeds_that_help(skill, catalogue.feeds, active))
            names = [catalogue.topic_names[one.specialization] for one in weeks]
            where = _mostly(Counter(names))
            table.add_row(catalogue.topic_names[skill], str(weeks[0].skills[skill]), where, feeds or "none is listed")
    return table


def _mostly(counts: Counter[str]) -> str:
    named = ", ".join(f"{name} ({count})" for name, count in counts.most_common(PLANS_NAMED))
    more = sum(counts.values()) - sum(count for _, count in counts.most_common(PLANS_NAMED))
    return f"{named}, {more} more" if more else named
