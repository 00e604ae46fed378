"""Brings the sample feeds and subscribers into the demo's database; a second time changes nothing."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING

from briefings.actions import curate
from briefings.domain import plans, tokens
from briefings.domain.catalogue import ListedFeed
from briefings.store import subscribers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from briefings.bootstrap import App
    from briefings.demo.feed_server import FeedServer

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Person:
    """A sample subscriber."""

    address: str
    timezone: str
    specialization: str
    level: str
    hours: int
    week: int
    known: tuple[str, ...] = ()
    state: str = "active"
    suppressed: str = ""


def people(number: int | None) -> Iterator[Person]:
    """The sample subscribers; with a number, that many, the later ones being numbered copies."""
    samples = [Person(**one) for one in tomllib.loads((FOLDER / "people.toml").read_text("utf-8"))["people"]]
    if number is None:
        return iter(samples)
    return islice(_copies(samples), number)


def _copies(samples: list[Person]) -> Iterator[Person]:
    yield from samples
    active = [person for person in samples if person.state == "active" and not person.suppressed]
    for number in count(2):
        for person in active:
            yield Person(**{**vars(person), "address": person.address.replace("@", f".{number}@")})


def feeds(app: App, server: FeedServer, now: datetime) -> int:
    """Take over the sample feeds, at the addresses where they are served. Returns how many are new."""
    listed = tomllib.loads((FOLDER / "feeds" / "feeds.toml").read_text("utf-8"))["feeds"]
    return curate.add_feeds(
        app.database,
        [ListedFeed(url=server.url(one.pop("file")), **{**one, "topics": tuple(one["topics"])}) for one in listed],
        now,
    )


def enrol(app: App, person: Person, monday: datetime) -> None:
    """Bring in one person; `monday` is the start of the demo's week (UTC)."""
    profile = plans.profile(app.catalogue, person.specialization, person.level, person.hours, person.known)
    if person.state == "pending":
        _sign_up_once(app, person, profile)
        return
    weeks_before = max(0, person.week - 1)
    confirmed = monday - timedelta(weeks=weeks_before, days=5)
    joined = app.clock() if app.ledger() else confirmed  # after this week's cut-off, one joins the next
    enrolled = app.subscribing.enrol(
        person.address,
        person.timezone,
        profile,
        confirmed_at=confirmed,
        joined_at=joined,
        weeks_before=weeks_before,
    )
    if enrolled:
        _set_state(app, person, confirmed)


def _sign_up_once(app: App, person: Person, profile: plans.Profile) -> None:
    with app.database.read() as session:
        known = subscribers.by_address_key(session, tokens.address_key(app.settings.secret_key, person.address))
    if known is None:
        app.subscribing.sign_up(person.address, person.timezone, profile, app.clock())


def _set_state(app: App, person: Person, at: datetime) -> None:
    key = tokens.address_key(app.settings.secret_key, person.address)
    with app.database.write() as session:
        if person.suppressed:
            subscribers.suppress(session, key, person.suppressed, at)
        subscriber = subscribers.by_address_key(session, key)
        if subscriber:
            subscriber.state = person.state
