"""`briefings catalogue ...` and `briefings plan`: everything that needs the files and no database."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich import box
from rich.markup import escape
from rich.table import Table

from briefings.cli.terminal import console
from briefings.domain.catalogue import LEVELS
from briefings.errors import CatalogueError
from briefings.settings import ROOT, catalogue_from_env

if TYPE_CHECKING:
    from collections.abc import Sequence

    from briefings.domain.catalogue import Catalogue, Fault, Specialization
    from briefings.domain.plans import PlanWeek, Profile

FOLDER = click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
#: Signs of the coverage table, strongest first.
MARKS = {"focus": "[bold green]F[/]", "tool": "[cyan]T[/]", "task": "[dim]·[/]"}


@click.group()
def catalogue() -> None:
    """Roles, skills and plans."""


@catalogue.command("check")
@FOLDER
def catalogue_check(folder: Path | None) -> None:
    """Check a catalogue folder (default: the one in use): every fault with file, key and remedy."""
    from briefings.adapters.catalogue_files import check

    folder = folder or catalogue_from_env()
    found, faults = check(folder)
    faults += _faults_of_the_model(folder)
    for fault in faults:
        console.print(
            f"[bold]{escape(fault.file)}[/]: {escape(fault.key)}: {escape(fault.remedy)}",
            soft_wrap=True,
            highlight=False,
        )
    console.print(
        f"Roles: {len(found.roles)}, specializations: {len(found.specialization)}, skills: {len(found.skills)}, "
        f"feeds: {len(found.feeds)}. {len(faults) or 'No'} fault{'' if len(faults) == 1 else 's'}."
    )
    sys.exit(1 if faults else 0)


def _faults_of_the_model(folder: Path) -> list[Fault]:
    from briefings.adapters import tagger_model
    from briefings.domain.catalogue import Fault

    try:
        tagger_model.load(folder)
    except CatalogueError as error:
        return [Fault(tagger_model.FILE, "-", str(error))]
    return []


@catalogue.command("coverage")
@FOLDER
@click.option("--specialization", "only", help="Its id (default: all).")
def catalogue_coverage(folder: Path | None, only: str | None) -> None:
    """Which week builds which skill: F in focus, T as the tool, · in a task. A core skill without a mark is a hole."""
    from briefings.adapters.catalogue_files import load

    found = load(folder or catalogue_from_env())
    if only and only not in found.specialization:
        raise click.BadParameter(
            f"choose one of {', '.join(sorted(found.specialization))}", param_hint="--specialization"
        )
    for spec in found.specialization.values():
        if only in {None, spec.id}:
            console.print(_coverage(spec))


def _coverage(spec: Specialization) -> Table:
    from briefings.domain.coverage import coverage

    weeks = range(1, len(spec.plan.weeks) + 1)
    table = Table(
        title=f"{spec.name} ({spec.id}): skill x week", title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    table.add_column("Skill", no_wrap=True, max_width=30)
    for week in weeks:
        table.add_column(str(week))
    table.add_column("min", justify="right")
    for row in coverage(spec):
        marks = [MARKS.get(row.weeks.get(week, ""), "") for week in weeks]
        table.add_row(f"[bold]{row.skill}[/]" if row.core else row.skill, *marks, str(row.minutes))
    return table


@catalogue.command("schema")
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
def catalogue_schema(out: Path) -> None:
    """Write the JSON Schema of each kind of catalogue file into a folder, for editors that check as you type."""
    from briefings.adapters.catalogue_files import schemas

    out.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (out / f"{name}.schema.json").write_text(json.dumps(schema, indent=1, ensure_ascii=False) + "\n", "utf-8")
    console.print(f"Written to {out}.")


@click.command()
@click.option("--specialization", required=True, help="Its id; `briefings catalogue coverage` lists them.")
@click.option("--level", type=click.Choice(LEVELS), default="practitioner", show_default=True)
@click.option("--hours", type=int, default=4, show_default=True, help="A week, 1 to 12.")
@click.option("--known", default="", help="Ids of skills, with commas between.")
@click.option("--format", "shape", type=click.Choice(["text", "md", "json"]), default="text", show_default=True)
def plan(specialization: str, level: str, hours: int, known: str, shape: str) -> None:
    """Print the plan that a person with these answers gets. Needs no database."""
    from briefings.adapters.catalogue_files import load
    from briefings.domain import planning, plans

    found = load(catalogue_from_env())
    skills = [skill.strip() for skill in known.split(",") if skill.strip()]
    unknown = [skill for skill in skills if skill not in found.skill]
    if unknown:
        raise click.BadParameter(f"unknown skills: {', '.join(unknown)}; use ids of skills.toml", param_hint="--known")
    person = plans.profile(found, specialization, level, hours, skills)
    weeks = planning.make_plan(found, person)
    click.echo(_as_json(found, person, weeks) if shape == "json" else _as_text(found, person, weeks, f"plan.{shape}"))


def _as_json(found: Catalogue, person: Profile, weeks: Sequence[PlanWeek]) -> str:
    from briefings.domain.plans import remark

    profile = {**asdict(person), "known": sorted(person.known)}
    made = [{**asdict(week), "minutes": week.minutes} for week in weeks]
    return json.dumps(
        {"profile": profile, "remark": remark(found, person, weeks), "weeks": made}, ensure_ascii=False, indent=1
    )


def _as_text(found: Catalogue, person: Profile, weeks: Sequence[PlanWeek], template: str) -> str:
    from briefings.adapters.templates import plain_environment
    from briefings.domain.plans import remark

    environment = plain_environment(ROOT / "templates" / "plan")
    spec = found.specialization[person.specialization]
    text = environment.get_template(template).render(
        spec=spec, person=person, weeks=weeks, names=found.topic_names, remark=remark(found, person, weeks)
    )
    return text.rstrip()
