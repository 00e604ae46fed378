"""Confirming a sign-up, and the plan that follows from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from briefings.actions.adjust import starts
from briefings.actions.render import spoken_start
from briefings.bootstrap import App
from briefings.domain.catalogue import HOURS, PLAN_WEEKS
from briefings.domain.links import PLAN
from briefings.domain.planning import alternatives
from briefings.domain.plans import remark, summary
from briefings.errors import InputError, NotFoundError
from briefings.store.deliveries import ticked_tasks
from briefings.store.issues import held_weeks
from briefings.store.subscribers import Plan, Subscriber, current_plan, newest_plan
from briefings.store.subscribers import weeks as plan_weeks
from briefings.web.views import Briefings, Pages, View

if TYPE_CHECKING:
    from briefings.domain.catalogue import Catalogue, Specialization

routes = APIRouter()


@routes.get("/confirm/{token}")
def confirm_page(token: str, app: Briefings, view: View) -> HTMLResponse:
    """One button: a scanner that opens every link of a mail confirms nothing."""
    plan_id, timezone = app.links.read_confirm(token, app.clock())
    with app.database.read() as session:
        plan = session.get(Plan, plan_id)
        present = current_plan(session, plan.subscriber_id) if plan else None
    if plan is None or plan.state not in {"proposed", "current"}:
        raise NotFoundError("This sign-up has been replaced by a newer one; use the newest mail")
    return view.page("confirm.html", token=token, plan=plan, present=present, timezone=timezone)


@routes.post("/confirm/{token}")
def confirm(token: str, app: Briefings, view: View) -> HTMLResponse:
    """The person means it."""
    subscriber = app.subscribing.confirm(token, app.clock())
    app.doorbell.ring("deliver")
    with app.database.read() as session:
        plan = newest_plan(session, subscriber.id)
        first = plan_weeks(session, [plan.id])[plan.id].get(1) if plan else None
        begun = bool(plan and (plan.weeks_before or held_weeks(session, [plan.id])))
    if plan is None or first is None:
        raise NotFoundError("This plan is gone; start a new one on the front page")
    start = spoken_start(plan, subscriber)
    plan_url = app.links.plan(subscriber.id)
    return view.page("confirmed.html", subscriber=subscriber, first=first, begun=begun, start=start, plan_url=plan_url)


@routes.get("/plan/{token}")
def plan_page(
    token: str, app: Briefings, view: View, week: Annotated[int | None, Query(ge=1, le=12)] = None
) -> HTMLResponse:
    """Twelve weeks, with what is ticked; `week` is open besides the present one."""
    return _plan(app, view, token, week)


@routes.post("/plan/{token}/tick")
def tick(
    token: str,
    app: Briefings,
    task: Annotated[str, Form()],
    done: Annotated[bool, Form()],
    week: Annotated[int, Form(ge=1, le=12)],
) -> RedirectResponse:
    """Tick a task, or take the tick back, and go back to its week."""
    app.adjusting.tick(_reader(app, token), task, done=done, now=app.clock())
    return RedirectResponse(f"/plan/{token}?week={week}#week-{week}", 303)


@routes.post("/plan/{token}/task")
def task(
    token: str,
    app: Briefings,
    view: View,
    week: Annotated[int, Form(ge=1, le=12)],
    out: Annotated[str, Form()] = "",
    into: Annotated[str, Form()] = "",
) -> Response:
    """Put a task away, take another in its place, or take one in beside the others."""
    try:
        app.adjusting.exchange(_reader(app, token), week, out, into, app.clock())
    except InputError as error:
        return _plan(app, view, token, week, str(error))
    return RedirectResponse(f"/plan/{token}?week={week}#week-{week}", 303)


@routes.post("/plan/{token}/pace")
def pace(
    token: str,
    app: Briefings,
    view: View,
    hours: Annotated[int, Form()],
    known: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Other hours, other skills: the coming weeks are made anew."""
    return _change(app, view, token, lambda reader: app.adjusting.pace(reader, hours, known or [], app.clock()))


@routes.post("/plan/{token}/start")
def start(token: str, app: Briefings, view: View, monday: Annotated[date, Form()]) -> Response:
    """Start on another Monday."""
    return _change(app, view, token, lambda reader: app.adjusting.start_on(reader, monday, app.clock()))


@routes.post("/plan/{token}/state")
def change_state(
    token: str, app: Briefings, view: View, act: Annotated[Literal["pause", "resume"], Form()]
) -> Response:
    """Pause, or go on."""
    return _change(app, view, token, lambda reader: app.adjusting.change_state(reader, act, app.clock()))


@routes.post("/plan/{token}/field")
def field(token: str, app: Briefings, view: View) -> Response:
    """Go on with the news of the field when the twelve weeks are over."""
    return _change(app, view, token, lambda reader: app.adjusting.follow_field(reader, app.clock()))


def _reader(app: App, token: str) -> int:
    return app.links.read_id(PLAN, token, app.clock())


def _change(app: App, view: Pages, token: str, change: Callable[[int], None]) -> Response:
    """The plan page after a change, or with the reason why it cannot be made."""
    try:
        change(_reader(app, token))
    except InputError as error:
        return _plan(app, view, token, None, str(error))
    return RedirectResponse(f"/plan/{token}", 303)


def _plan(app: App, view: Pages, token: str, week: int | None, problem: str = "") -> HTMLResponse:
    subscriber_id = _reader(app, token)
    with app.database.read() as session:
        subscriber = session.get(Subscriber, subscriber_id)
        plan = newest_plan(session, subscriber_id)
        if subscriber is None or plan is None:
            raise NotFoundError("There is no plan any more at this link; start a new one on the front page")
        held = held_weeks(session, [plan.id]).get(plan.id, set())
        weeks = list(plan_weeks(session, [plan.id])[plan.id].values())
        ticked = ticked_tasks(session, subscriber_id, plan.id)
    now = min(max(held, default=plan.weeks_before), PLAN_WEEKS)
    person, spec = plan.profile(), app.catalogue.specialization.get(plan.specialization)
    came = summary(weeks, ticked)
    return view.page(
        "plan.html",
        422 if problem else 200,
        token=token,
        subscriber=subscriber,
        plan=plan,
        weeks=weeks,
        now=now,
        opened={week, now or 1},
        ticked=ticked,
        done=came.ticked,
        tasks=came.tasks,
        summary=came,
        siblings=_siblings(app.catalogue, spec),
        known=_skills(app.catalogue, spec, plan.known),
        hours=HOURS,
        begun=bool(held or plan.weeks_before),
        mondays=starts(subscriber, app.clock()),
        offered=lambda one, out="": alternatives(app.catalogue, person, weeks, one, out, plan.put_away),
        remark=remark(app.catalogue, person, weeks),
        start=spoken_start(plan, subscriber),
        problem=problem,
        unsubscribe_url=app.links.unsubscribe(subscriber_id),
    )


def _siblings(catalogue: Catalogue, spec: Specialization | None) -> list[Specialization]:
    found = catalogue.role_of[spec.id].specializations if spec else ()
    return [other for other in found if other is not spec]


def _skills(catalogue: Catalogue, spec: Specialization | None, known: list[str]) -> list[str]:
    """What a person may say to know: what the plan builds, and what they said before."""
    built = {skill for week in spec.plan.weeks for task in week.tasks for skill in task.skills} if spec else set()
    return sorted({*known, *built} & catalogue.skill.keys(), key=catalogue.topic_names.__getitem__)
