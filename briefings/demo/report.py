"""Gives account of the demo: what went through, what was sent, and whether the mail catcher says the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes
from typing import TYPE_CHECKING

from rich.table import Table
from sqlalchemy import func, select

from briefings.domain.deliveries import State
from briefings.store.deliveries import Delivery
from briefings.store.feeds import Feed, Fetch
from briefings.store.items import Item, Story, Tag

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from rich.console import Console

    from briefings.bootstrap import App
    from briefings.domain.ledger import Ledger
    from briefings.store.base import Base

#: Deliveries that ended well, or not at all by decision.
HANDED_OVER = (State.SENT, State.DELIVERED, State.COMPLAINED)


@dataclass(frozen=True)
class Outcome:
    """What stands in the database and in the catcher's folder at one moment."""

    rows: Mapping[str, int]  #: table name -> count
    not_modified: int  #: polls answered with 304
    failing_feeds: int
    mails: Mapping[str, int]  #: state, or state with its reason -> count
    sent: int
    briefings: int  #: of those sent
    resent: int
    caught: Mapping[str, int]  #: Message-ID -> copies


def outcome(app: App, caught: Path) -> Outcome:
    """Look now."""
    tables: Iterable[type[Base]] = (Feed, Item, Tag, Story)
    with app.database.read() as session:
        rows = {table.__tablename__: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}
        states = session.execute(select(Delivery.state, Delivery.reason, func.count()).group_by("state", "reason"))
        mails = {f"{state} ({reason})" if reason else state: count for state, reason, count in states}
        return Outcome(
            rows=rows,
            not_modified=session.scalar(select(func.count()).where(Fetch.status == 304)) or 0,  # noqa: PLR2004
            failing_feeds=session.scalar(select(func.count()).where(Feed.problem != "")) or 0,
            mails=mails,
            sent=sum(count for words, count in mails.items() if words.split(" ")[0] in HANDED_OVER),
            briefings=session.scalar(
                select(func.count()).where(Delivery.kind == "briefing", Delivery.state.in_(HANDED_OVER))
            )
            or 0,
            resent=session.scalar(select(func.coalesce(func.sum(Delivery.resent), 0))) or 0,
            caught=_caught(caught),
        )


def problems(ledger: Ledger | None, now: Outcome, *, finished: bool) -> list[str]:
    """Everything that does not add up, in words."""
    found = [] if finished else ["The week did not finish in time; read the logs beside the database"]
    found += ledger.imbalances() if ledger else ["No issue was composed"]
    copies = sum(now.caught.values())
    unknown = sum(count for words, count in now.mails.items() if words.startswith("unknown"))
    if not now.sent <= len(now.caught) <= now.sent + unknown:
        found.append(f"{now.sent} mails recorded as sent, but {len(now.caught)} different mails caught")
    if copies - len(now.caught) > now.resent:
        found.append(f"{copies - len(now.caught)} mails came twice without an unknown outcome to explain it")
    found += [f"{count} mails are {words}" for words, count in now.mails.items() if words.startswith("dead")]
    return found


def show(console: Console, ledger: Ledger | None, before: Outcome, now: Outcome, seconds: float) -> None:
    """The table at the end of the run."""
    table = Table(title=f"The week {ledger.issue if ledger else ''}", show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(justify="right")
    table.add_column(style="dim")
    for line in _lines(ledger, before, now):
        table.add_row(*line)
    table.add_row("Seconds", f"{seconds:.1f}", "from starting the parts to the last mail")
    console.print(table)


def _lines(ledger: Ledger | None, before: Outcome, now: Outcome) -> list[tuple[str, str, str]]:
    rows, not_modified = now.rows, now.not_modified - before.not_modified
    lines = [
        (
            "Feeds",
            str(rows["feeds"]),
            f"{now.failing_feeds} failing (one is meant to), {not_modified} not modified in this run",
        ),
        ("Items", str(rows["items"]), _news(rows["items"] - before.rows["items"])),
        ("Tags", str(rows["tags"]), _news(rows["tags"] - before.rows["tags"])),
        ("Stories", str(rows["stories"]), _news(rows["stories"] - before.rows["stories"])),
    ]
    if ledger:
        lines.append(("Candidates", str(ledger.candidates), "subscribers of whom the issue gives account"))
        lines.append(("Editions", str(ledger.composed), "composed"))
        lines += [("  skipped", str(count), reason) for reason, count in sorted(ledger.skipped.items())]
    others = (now.sent - now.briefings) - (before.sent - before.briefings)
    lines.append(("Briefings sent", str(now.briefings - before.briefings), "in this run"))
    lines.append(("Other mails sent", str(others), "of accounts, in this run: confirm, welcome, finished"))
    if before.sent:
        lines.append(("Sent before", str(before.sent), "in earlier runs: not sent again"))
    lines += [
        ("  " + words.split(" ")[0], str(count), words.partition(" ")[2].strip("()"))
        for words, count in sorted(now.mails.items())
        if words.split(" ")[0] not in HANDED_OVER
    ]
    lines.append(("Mails caught", str(sum(now.caught.values())), f"{len(now.caught)} different"))
    return lines


def _news(more: int) -> str:
    return f"{more} new in this run"


def _caught(folder: Path) -> Counter[str]:
    """Message-IDs of the mails in the catcher's folder, with their copies."""
    files = folder.glob("*.eml") if folder.exists() else ()
    return Counter(str(message_from_bytes(file.read_bytes())["Message-ID"]).strip() for file in files)
