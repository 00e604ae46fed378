"""The front page, and what we say of each specialization."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from briefings.errors import NotFoundError
from briefings.web.views import Briefings, View

if TYPE_CHECKING:
    from briefings.domain.catalogue import Assessment, Catalogue, Role, SkillToLearn, TemplateWeek

routes = APIRouter()

GROUPS = {"ai-tools": "AI tools", "technical": "Technical depth", "human": "Human skills"}
#: The week of a plan that the front page shows as an example.
EXAMPLE_WEEK = 5


@routes.get("/")
def home(app: Briefings, view: View) -> HTMLResponse:
    """What this is, and for whom."""
    roles = app.catalogue.roles
    categories = by_category(roles)
    return view.page("home.html", categories=categories, example=_example(app.catalogue), roles=len(roles))


@routes.get("/specializations/{spec_id}")
def specialization(spec_id: str, app: Briefings, view: View) -> HTMLResponse:
    """The public assessment of a specialization."""
    spec = app.catalogue.specialization.get(spec_id)
    if spec is None or spec.assessment is None:
        raise NotFoundError("There is no assessment of this specialization yet; choose another on the front page")
    role = app.catalogue.role_of[spec_id]
    return view.page(
        "specialization.html",
        spec=spec,
        role=role,
        assessment=spec.assessment,
        learn=learn_groups(spec.assessment),
        siblings=[other for other in role.specializations if other.id != spec_id],
    )


def by_category(roles: tuple[Role, ...]) -> list[tuple[str, list[Role]]]:
    """The roles under their categories; first whatever has most to offer."""
    ordered = sorted(roles, key=lambda role: (role.category, -len(role.specializations), role.name))
    grouped = [(category, list(group)) for category, group in groupby(ordered, key=lambda role: role.category)]
    return sorted(grouped, key=lambda pair: -sum(bool(spec.plan) for role in pair[1] for spec in role.specializations))


def learn_groups(assessment: Assessment) -> list[tuple[str, list[SkillToLearn]]]:
    """The skills to learn, in three groups with their titles."""
    return [(title, [one for one in assessment.learn if one.group == group]) for group, title in GROUPS.items()]


def _example(catalogue: Catalogue) -> tuple[str, TemplateWeek] | None:
    for spec in catalogue.enrollable():
        for week in spec.plan.weeks if spec.plan else ():
            if week.week == EXAMPLE_WEEK:
                return spec.name, week
    return None
