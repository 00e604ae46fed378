"""From the first question to the mail that asks for confirmation."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from typing import Annotated
from urllib.parse import urlencode
from zoneinfo import available_timezones

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, Field

from briefings.bootstrap import App
from briefings.domain import planning, plans
from briefings.domain.catalogue import HOURS, LEVELS
from briefings.domain.plans import Profile
from briefings.errors import InputError
from briefings.web.views import Briefings, Pages, View

routes = APIRouter()

DEFAULT_ZONE = "Europe/London"
DEFAULT_HOURS = "4"
LEVEL_WORDS = {
    "starter": "I am new to this work, or come from another field",
    "practitioner": "I do this work and want to get better at it",
    "expert": "Others ask me how this work is done",
}
AREAS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


class Answers(BaseModel):
    """What a visitor has answered so far, as it stands in the address: a link that can be come back to."""

    specialization: str = ""
    level: str = ""
    hours: str = ""
    known: list[str] = Field(default_factory=list)
    goal: str = ""

    def profile(self, app: App) -> Profile:
        """The answers, checked. Raises InputError."""
        if not self.level:
            raise InputError("Experience is not chosen yet; choose one of the three")
        hours = int(self.hours) if self.hours.isdecimal() and len(self.hours) < len("000") else 0
        return plans.profile(app.catalogue, self.specialization, self.level, hours, self.known, self.goal)

    @property
    def query(self) -> str:
        """The answers as the query of an address."""
        given = self.model_dump(include={"specialization", "level", "hours", "known", "goal"})
        return urlencode(given, doseq=True)


class SignUp(Answers):
    """The answers, and where to send what follows from them."""

    email: str = ""
    timezone: str = DEFAULT_ZONE


@routes.get("/start")
def start(app: Briefings, view: View, answers: Annotated[Answers, Query()]) -> HTMLResponse:
    """The questions: first the specialization, then the rest."""
    return _questions(app, view, answers)


@routes.get("/plan-preview")
def plan_preview(app: Briefings, view: View, answers: Annotated[Answers, Query()]) -> Response:
    """The visitor's whole plan; then, and only then, the question where to send it."""
    if not answers.specialization:
        return RedirectResponse("/start", 303)
    try:
        person = answers.profile(app)
    except InputError as error:
        return _questions(app, view, answers, str(error))
    return _preview(app, view, SignUp(**answers.model_dump()), person)


@routes.post("/sign-up")
def sign_up(app: Briefings, view: View, form: Annotated[SignUp, Form()]) -> Response:
    """Take the sign-up, whoever it is; the answer never tells whether the address is known here."""
    try:
        person = form.profile(app)
    except InputError as error:
        return _questions(app, view, form, str(error))
    try:
        app.subscribing.sign_up(form.email, form.timezone, person, app.clock())
    except InputError as error:
        return _preview(app, view, form, person, str(error))
    app.doorbell.ring("deliver")
    return RedirectResponse("/check-your-mail", 303)


@routes.get("/check-your-mail")
def check_your_mail(view: View) -> HTMLResponse:
    """The same words for every address."""
    return view.page("check_your_mail.html")


def _questions(app: App, view: Pages, answers: Answers, problem: str = "") -> HTMLResponse:
    spec = app.catalogue.specialization.get(answers.specialization)
    if spec is None:
        return _choice(app, view, answers, problem)
    return view.page(
        "start.html",
        422 if problem else 200,
        spec=spec,
        role=app.catalogue.role_of[spec.id],
        answers=answers,
        hours=answers.hours or DEFAULT_HOURS,
        levels=[(level, LEVEL_WORDS[level]) for level in LEVELS],
        all_hours=HOURS,
        problem=problem,
    )


def _choice(app: App, view: Pages, answers: Answers, problem: str) -> HTMLResponse:
    """The first question."""
    if answers.specialization and not problem:
        problem = "There is no such specialization; choose one of these"
    return view.page("choose.html", 422 if problem else 200, roles=app.catalogue.roles, problem=problem)


def _preview(app: App, view: Pages, form: SignUp, person: Profile, problem: str = "") -> HTMLResponse:
    weeks = planning.make_plan(app.catalogue, person)
    return view.page(
        "plan_preview.html",
        422 if problem else 200,
        spec=app.catalogue.specialization[person.specialization],
        person=person,
        weeks=weeks,
        remark=plans.remark(app.catalogue, person, weeks),
        form=form,
        zones=zones(),
        problem=problem,
    )


@cache
def zones() -> list[tuple[str, list[str]]]:
    """The time zones that people choose from, by area."""
    named = sorted(name for name in available_timezones() if name.partition("/")[0] in AREAS)
    grouped = [(area, list(names)) for area, names in groupby(named, key=lambda name: name.partition("/")[0])]
    return [*grouped, ("Other", ["UTC"])]
