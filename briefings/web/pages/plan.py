"""Confirming a sign-up, and the plan that follows from it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import HTMLResponse, RedirectResponse

from briefings.actions.render import spoken_start
from briefings.actions.subscribe import ticked_tasks
from briefings.domain.links import PLAN
from briefings.errors import NotFoundError
from briefings.store.issues import held_weeks
from briefings.store.subscribers import Plan, Subscriber, newest_plan
from briefings.store.subscribers import weeks as plan_weeks
from briefings.web.views import Briefings, View

routes = APIRouter()


@routes.get("/confirm/{token}")
def confirm_page(token: str, app: Briefings, view: View) -> HTMLResponse:
    """One button: a scanner that opens every link of a mail confirms nothing."""
    plan_id, timezone = app.links.read_confirm(token, app.clock())
    with app.database.read() as session:
        plan = session.get(Plan, plan_id)
    if plan is None or plan.state not in {"proposed", "current"}:
        raise NotFoundError("This sign-up has been replaced by a newer one; use the newest mail")
    return view.page("confirm.html", token=token, plan=plan, timezone=timezone)


@routes.post("/confirm/{token}")
def confirm(token: str, app: Briefings, view: View) -> HTMLResponse:
    """The person means it."""
    subscriber = app.subscribing.confirm(token, app.clock())
    app.doorbell.ring("deliver")
    with app.database.read() as session:
        plan = newest_plan(session, subscriber.id)
        first = plan_weeks(session, [plan.id])[plan.id].get(1) if plan else None
    if plan is None or first is None:
        raise NotFoundError("This plan is gone; start a new one on the front page")
    start = spoken_start(plan, subscriber)
    return view.page("confirmed.html", first=first, start=start, plan_url=app.links.plan(subscriber.id))


@routes.get("/plan/{token}")
def plan_page(
    token: str, app: Briefings, view: View, week: Annotated[int | None, Query(ge=1, le=12)] = None
) -> HTMLResponse:
    """Twelve weeks, with what is ticked; `week` is open besides the present one."""
    subscriber_id = app.links.read_id(PLAN, token, app.clock())
    with app.database.read() as session:
        subscriber = session.get(Subscriber, subscriber_id)
        plan = newest_plan(session, subscriber_id)
        if subscriber is None or plan is None:
            raise NotFoundError("There is no plan any more at this link; start a new one on the front page")
        held = held_weeks(session, [plan.id]).get(plan.id, set())
        weeks = plan_weeks(session, [plan.id])[plan.id].values()
        ticked = ticked_tasks(session, subscriber_id)
    now = max(held, default=0)
    tasks = [task for one in weeks for task in one.tasks]
    return view.page(
        "plan.html",
        token=token,
        subscriber=subscriber,
        plan=plan,
        weeks=list(weeks),
        now=now,
        opened={week, now or 1},
        ticked=ticked,
        done=sum(task.id in ticked for task in tasks),
        tasks=len(tasks),
        start=spoken_start(plan, subscriber),
        unsubscribe_url=app.links.unsubscribe(subscriber_id),
    )


@routes.post("/plan/{token}/tick")
def tick(
    token: str,
    app: Briefings,
    task: Annotated[str, Form()],
    done: Annotated[bool, Form()],
    week: Annotated[int, Form()],
) -> RedirectResponse:
    """Tick a task, or take the tick back, and go back to its week."""
    now = app.clock()
    app.subscribing.tick(app.links.read_id(PLAN, token, now), task, done=done, now=now)
    return RedirectResponse(f"/plan/{token}?week={week}#week-{week}", 303)
