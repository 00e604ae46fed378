"""The front page, and what we say of each specialization."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from briefings.domain.planning import make_plan
from briefings.domain.plans import Profile
from briefings.errors import NotFoundError
from briefings.web.views import Briefings, View

if TYPE_CHECKING:
    from briefings.domain.catalogue import Assessment, Catalogue, Role, SkillToLearn
    from briefings.domain.plans import PlanWeek

routes = APIRouter()

GROUPS = {"ai-tools": "AI tools", "technical": "Technical depth", "human": "Human skills"}
#: The week of a plan that the front page shows as an example.
EXAMPLE_WEEK = 5


@routes.get("/")
def home(app: Briefings, view: View) -> HTMLResponse:
    """What this is, and for whom."""
    return view.page(
        "home.html",
        categories=by_category(app.catalogue.roles),
        example=_example(app.catalogue),
        roles=len(app.catalogue.roles),
        specializations=len(app.catalogue.specialization),
    )


@routes.get("/roles/{role_id}")
def role(role_id: str, app: Briefings, view: View) -> HTMLResponse:
    """The public assessment of a role, and the ways to practise it."""
    found = next((one for one in app.catalogue.roles if one.id == role_id), None)
    if found is None:
        raise NotFoundError("There is no such role; choose one on the front page")
    return view.page("role.html", role=found, learn=learn_groups(found.assessment))


@routes.get("/specializations/{spec_id}")
def specialization(spec_id: str, app: Briefings, view: View) -> HTMLResponse:
    """The public assessment of a specialization."""
    spec = app.catalogue.specialization.get(spec_id)
    if spec is None:
        raise NotFoundError("There is no such specialization; choose one on the front page")
    role = app.catalogue.role_of[spec_id]
    siblings = [other for other in role.specializations if other.id != spec_id]
    return view.page(
        "specialization.html", spec=spec, role=role, learn=learn_groups(spec.assessment), siblings=siblings
    )


def by_category(roles: tuple[Role, ...]) -> list[tuple[str, list[Role]]]:
    """The roles under their categories; first whatever has most to offer."""
    ordered = sorted(roles, key=lambda role: (role.category, -len(role.specializations), role.name))
    grouped = [(category, list(group)) for category, group in groupby(ordered, key=lambda role: role.category)]
    return sorted(grouped, key=lambda pair: -sum(len(role.specializations) for role in pair[1]))


def learn_groups(assessment: Assessment) -> list[tuple[str, list[SkillToLearn]]]:
    """The skills to learn, in three groups with their titles."""
    return [(title, [one for one in assessment.learn if one.group == group]) for group, title in GROUPS.items()]


def _example(catalogue: Catalogue) -> tuple[str, PlanWeek] | None:
    """A week as somebody gets it; a catalogue without specializations has none."""
    spec = next(iter(catalogue.specialization.values()), None)
    if spec is None:
        return None
    weeks = make_plan(catalogue, Profile(spec.id, "practitioner", spec.plan.hours))
    return spec.name, weeks[EXAMPLE_WEEK - 1]
