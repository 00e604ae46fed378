"""A person changes the plan: ticks, puts away or exchanges tasks, sets another pace, pauses, goes on after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from briefings.domain import planning, plans, weeks
from briefings.domain.lifecycles import PLAN, SUBSCRIBER, after
from briefings.domain.plans import Wishes
from briefings.errors import InputError, NotFoundError
from briefings.store import deliveries as delivery_rows
from briefings.store import issues as issue_rows
from briefings.store import subscribers as subscriber_rows
from briefings.store.subscribers import Plan, Subscriber

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from briefings.domain.catalogue import Catalogue
    from briefings.domain.plans import PlanWeek
    from briefings.store.base import Database

#: The state that an act has led to already when it is done a second time.
DONE_BY = {"pause": "paused", "resume": "active"}
#: So many Mondays a start can be chosen from.
STARTS = 12


@dataclass(frozen=True)
class Adjusting:
    """What the actions of this file need. Each raises NotFoundError when the person has no plan to change."""

    database: Database
    catalogue: Catalogue

    def tick(self, subscriber_id: int, task: str, *, done: bool, now: datetime) -> None:
        """Tick a task of the plan, or take the tick back. Raises InputError for a task that the plan does not have."""
        with self.database.write() as session:
            plan = self._plan_with_tasks(session, subscriber_id)
            made = subscriber_rows.weeks(session, [plan.id])[plan.id].values()
            if task not in {one.id for week in made for one in week.tasks}:
                raise InputError("This task is not in your plan; open the plan page anew")
            _note(session, subscriber_id, "ticked" if done else "unticked", now, task=task, plan=plan.id)

    def pace(self, subscriber_id: int, hours: int, known: Iterable[str], now: datetime) -> None:
        """Set other hours or known skills: weeks not yet delivered are made anew, and ticked tasks stay.

        Raises InputError for hours that nobody can choose.
        """
        with self.database.write() as session:
            plan = self._plan_with_tasks(session, subscriber_id)
            person = plan.profile()
            wanted = plans.profile(self.catalogue, person.specialization, person.level, hours, known, person.goal)
            plan.hours, plan.known = wanted.hours, sorted(wanted.known)
            plan.catalogue_version = self.catalogue.version
            self._remake(session, plan)
            _note(session, subscriber_id, "pace-changed", now, hours=hours, known=plan.known)

    def exchange(self, subscriber_id: int, number: int, out: str, into: str, now: datetime) -> None:
        """Put the task `out` away, take the task `into` of the template's week in, or both; "" stands for none.

        The week is made anew, and those not yet delivered around it. Raises InputError when the week does not have
        `out`, cannot be without it or has no room for `into`, or `out` is ticked.
        """
        with self.database.write() as session:
            plan = self._plan_with_tasks(session, subscriber_id)
            if out in delivery_rows.ticked_tasks(session, subscriber_id, plan.id):
                raise InputError("This task is ticked; take the tick back before you change it")
            made = subscriber_rows.weeks(session, [plan.id])[plan.id]
            self._check_exchange(plan, made, number, out, into)
            wishes = self._wishes(session, plan).exchanged(out, into)
            plan.put_away, plan.taken_in = sorted(wishes.put_away), sorted(wishes.taken_in)
            anew = {task.id for task in self._remake(session, plan, number)[number - 1].tasks}
            if out in anew or (into and into not in anew):
                raise InputError("The week would be empty: all else builds on this task or has no room, so it stays")
            _note(session, subscriber_id, "exchanged", now, out=out, into=into)

    def start_on(self, subscriber_id: int, monday: date, now: datetime) -> None:
        """Shift the start to another Monday. Raises InputError when the plan has begun, or nobody can start then."""
        with self.database.write() as session:
            subscriber, plan = self._current(session, subscriber_id)
            self._refuse_without_tasks(subscriber, plan)
            if self._delivered(session, plan):
                raise InputError("The plan has begun; pause it instead, and the week number waits for you")
            if monday not in starts(subscriber, now):
                raise InputError(f"{monday} is not one of the next {STARTS} Mondays; choose one from the list")
            plan.starts_on = monday
            _note(session, subscriber_id, "start-shifted", now, starts_on=monday.isoformat())

    def change_state(self, subscriber_id: int, act: str, now: datetime) -> None:
        """Pause or resume; the week number waits. Doing it twice changes nothing more.

        Raises InputError when that is not open to the person.
        """
        with self.database.write() as session:
            subscriber, _ = self._current(session, subscriber_id)
            if subscriber.state == DONE_BY[act]:
                return
            subscriber.state = after(SUBSCRIBER, subscriber.state, act)
            _note(session, subscriber_id, act, now)

    def follow_field(self, subscriber_id: int, now: datetime) -> None:
        """Go on after the twelve weeks with a briefing of the field, without tasks."""
        with self.database.write() as session:
            plan = subscriber_rows.newest_plan(session, subscriber_id)
            subscriber = session.get(Subscriber, subscriber_id, with_for_update=True)
            if plan is None or subscriber is None:
                raise NotFoundError("There is no plan at this link; start a new one on the front page")
            plan.state = after(PLAN, plan.state, "follow the field")
            subscriber.state = after(SUBSCRIBER, subscriber.state, "follow the field")
            _note(session, subscriber_id, "follow the field", now)

    def _current(self, session: Session, subscriber_id: int) -> tuple[Subscriber, Plan]:
        subscriber = session.get(Subscriber, subscriber_id, with_for_update=True)
        plan = subscriber_rows.current_plan(session, subscriber_id)
        if subscriber is None or plan is None:
            raise NotFoundError("There is no plan to change at this link; start a new one on the front page")
        return subscriber, plan

    def _plan_with_tasks(self, session: Session, subscriber_id: int) -> Plan:
        subscriber, plan = self._current(session, subscriber_id)
        self._refuse_without_tasks(subscriber, plan)
        return plan

    def _refuse_without_tasks(self, subscriber: Subscriber, plan: Plan) -> None:
        if subscriber.state == "left":
            raise InputError("You have unsubscribed; undo that on your plan page, then change the plan")
        if plan.state != "current":
            raise InputError("The twelve weeks are over; start a new plan to have tasks again")

    def _check_exchange(self, plan: Plan, made: Mapping[int, PlanWeek], number: int, out: str, into: str) -> None:
        week = made.get(number)
        if week is None or not (out or into) or (out and out not in {task.id for task in week.tasks}):
            raise InputError("This task is not in that week; open the plan page anew")
        offered = planning.alternatives(self.catalogue, plan.profile(), made.values(), week, out, plan.put_away)
        if into and into not in {task.id for task in offered}:
            raise InputError("This task does not fit into that week any more; open the plan page anew")

    def _wishes(self, session: Session, plan: Plan) -> Wishes:
        ticked = delivery_rows.ticked_tasks(session, plan.subscriber_id, plan.id)
        return Wishes(frozenset(plan.put_away), frozenset(plan.taken_in), frozenset(ticked))

    def _remake(self, session: Session, plan: Plan, week: int = 0) -> tuple[PlanWeek, ...]:
        """Make the weeks anew that are not delivered, and `week` even if it is."""
        made = subscriber_rows.weeks(session, [plan.id])[plan.id]
        stay = self._delivered(session, plan) - {week}
        kept = [one for number, one in made.items() if number in stay]
        anew = planning.make_plan(self.catalogue, plan.profile(), self._wishes(session, plan), kept)
        subscriber_rows.replace_weeks(session, plan.id, [one for one in anew if one not in kept])
        return anew

    def _delivered(self, session: Session, plan: Plan) -> set[int]:
        held = issue_rows.held_weeks(session, [plan.id]).get(plan.id, set())
        return {*range(1, plan.weeks_before + 1), *held}


def starts(subscriber: Subscriber, now: datetime) -> list[date]:
    """The Mondays on which a plan can start that has not begun."""
    first = weeks.first_monday(now, weeks.zone(subscriber.timezone))
    return [first + timedelta(weeks=number) for number in range(STARTS)]


def _note(session: Session, subscriber_id: int, kind: str, now: datetime, **detail: object) -> None:
    session.add(delivery_rows.Event(at=now, kind=kind, subscriber_id=subscriber_id, detail=detail))
