"""How far the demo's week has come, read from the rows that the workers write."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlalchemy import func, select

from briefings.actions import account
from briefings.domain.deliveries import MOVING, State
from briefings.store import issues
from briefings.store.deliveries import Delivery
from briefings.store.feeds import Feed
from briefings.store.items import Item

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from briefings.bootstrap import App
    from briefings.embedded import Stack

PATIENCE_SECONDS = 300
LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Stage:
    """A step of the flow: how much of it is done."""

    name: str
    done: int
    total: int


def stages(app: App) -> list[Stage]:
    """Every step of the week, in the order of the flow."""
    with app.database.read() as session:
        feeds, due = _count(session, Feed.id), Feed.next_poll_at <= app.clock()
        items = _count(session, Item.id)
        mails = _count(session, Delivery.id)
        issue = issues.latest(session)
        ledger = account.ledger_of(session, issue) if issue else None
        decided = ledger.composed + sum(ledger.skipped.values()) if ledger else 0
        # An issue counts as one more than its candidates, until it is closed.
        open_issue = 0 if ledger and ledger.composed_at_all else 1
        unsettled = Delivery.state.in_(MOVING) | ((Delivery.state == State.UNKNOWN.value) & (Delivery.resent == 0))
        return [
            Stage("Feeds polled", feeds - _count(session, Feed.id, ~Feed.retired & due), feeds),
            Stage("Items tagged", _count(session, Item.id, Item.tagged_by == app.tagger.version), items),
            Stage("Items grouped into stories", _count(session, Item.id, Item.story_id.is_not(None)), items),
            Stage("Subscribers decided", decided, (ledger.candidates if ledger else 0) + open_issue),
            Stage("Mails settled", mails - _count(session, Delivery.id, unsettled), mails),
        ]


def watch(console: Console, app: App, stack: Stack) -> bool:
    """Show the stages until all are done. Returns whether they got done in time.

    Raises DependencyError when a part of the stack cannot be kept alive.
    """
    columns = (SpinnerColumn(), TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn())
    deadline = time.monotonic() + PATIENCE_SECONDS
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        bars = {stage.name: progress.add_task(stage.name) for stage in stages(app)}
        while time.monotonic() < deadline:
            now = stages(app)
            for stage in now:
                progress.update(bars[stage.name], completed=stage.done, total=stage.total)
            if all(stage.done == stage.total for stage in now):
                return True
            stack.check()
            time.sleep(LOOK_SECONDS)
    return False


def _count(session: Session, column: object, *conditions: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count(column)).where(*conditions)) or 0  # type: ignore[arg-type] # any column
