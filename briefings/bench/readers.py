"""Many subscribers with plans, and a week of invented news, before the issue is composed."""

from __future__ import annotations

from datetime import timedelta
from itertools import cycle, islice, product
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from briefings.bench.world import HOURS, SUMMARY
from briefings.domain import tokens
from briefings.domain.catalogue import LEVELS, PLAN_WEEKS
from briefings.domain.entries import canonical_url
from briefings.domain.planning import make_plan
from briefings.domain.plans import Profile
from briefings.domain.weeks import issue_at
from briefings.store.feeds import Feed
from briefings.store.items import Item, Story, Tag
from briefings.store.subscribers import Plan, PlanWeek, Subscriber, keep_weeks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from briefings.bootstrap import App
    from briefings.domain.catalogue import Level

FEEDS, ITEMS_A_SKILL = 40, 2
BATCH = 500
LONG_AGO = timedelta(weeks=30)

Kind = tuple[str, "Level", int, int]  # specialization, level, hours a week, week to come


def fill(app: App, count: int, told: Callable[[int], object]) -> int:
    """Make `count` subscribers, each with a plan and its three weeks around the coming one. Returns the items made."""
    now = app.clock()
    items = _fill_news(app, issue_at(now).cutoff)
    plans = _Plans(app)
    kinds = cycle(product(app.catalogue.specialization, LEVELS, HOURS, range(1, PLAN_WEEKS + 1)))
    everybody = enumerate(islice(kinds, count), 1)
    while batch := list(islice(everybody, BATCH)):
        rows: dict[type, list[dict[str, Any]]] = {Subscriber: [], Plan: [], PlanWeek: []}
        with app.database.write() as session:
            for number, kind in batch:
                rows[Subscriber].append(_person(app, number, now))
                rows[Plan].append(_plan(app, number, kind, now))
                rows[PlanWeek] += [{"plan_id": number, **week} for week in plans.weeks(session, kind)]
            for table, added in rows.items():
                session.execute(insert(table), added)
        told(len(batch))
    return items


class _Plans:
    """Made plans, kept: making one takes longer than storing it."""

    def __init__(self, app: App) -> None:
        self._catalogue = app.catalogue
        self._made: dict[tuple[str, str, int], Sequence[Mapping[str, Any]]] = {}

    def weeks(self, session: Session, kind: Kind) -> Sequence[Mapping[str, Any]]:
        specialization, level, hours, number = kind
        key = (specialization, level, hours)
        if key not in self._made:
            made = make_plan(self._catalogue, Profile(specialization, level, hours))
            digests = keep_weeks(session, made)
            self._made[key] = [{"number": number, "content_digest": digest} for number, digest in digests.items()]
        return self._made[key][max(0, number - 2) : number + 1]


def _person(app: App, number: int, now: datetime) -> dict[str, Any]:
    address = f"reader{number}@bench.example"
    key = tokens.address_key(app.settings.secret_key, address)
    came = {"created_at": now - LONG_AGO, "confirmed_at": now - LONG_AGO}
    return {"id": number, "address": address, "address_key": key, "state": "active", "timezone": "Europe/Berlin"} | came


def _plan(app: App, number: int, kind: Kind, now: datetime) -> dict[str, Any]:
    specialization, level, hours, week = kind
    answers = {"specialization": specialization, "level": level, "hours": hours, "weeks_before": week - 1}
    made = {"catalogue_version": app.catalogue.version, "created_at": now - LONG_AGO}
    return {"id": number, "subscriber_id": number, "starts_on": (now - LONG_AGO).date()} | answers | made


def _fill_news(app: App, cutoff: datetime) -> int:
    rows: dict[type, list[dict[str, Any]]] = {Feed: list(_feeds(cutoff)), Story: [], Item: [], Tag: []}
    skills = [skill for skill in app.catalogue.skill for _ in range(ITEMS_A_SKILL)]
    for number, skill in enumerate(skills, 1):
        at = cutoff - timedelta(hours=number % 150)
        rows[Story].append({"id": number, "lead_item_id": number, "created_at": at})
        rows[Item].append(_item(app, number, skill, at))
        rows[Tag] += [{"item_id": number, "source": "rule", **tag} for tag in _tags(app, skill)]
    with app.database.write() as session:
        for table, added in rows.items():
            session.execute(insert(table), added)
    return len(skills)


def _feeds(cutoff: datetime) -> Iterator[dict[str, Any]]:
    for number in range(1, FEEDS + 1):
        host = f"news{number}.example"
        seen = {"next_poll_at": cutoff + LONG_AGO, "polled_at": cutoff}
        yield {"id": number, "url": f"https://{host}/feed", "host": host, "title": f"News {number}"} | seen


def _item(app: App, number: int, skill: str, at: datetime) -> dict[str, Any]:
    url = f"https://news{number % FEEDS + 1}.example/articles/{number}"
    title = f"{app.catalogue.topic_names[skill]} becomes twice as fast in release {number}"
    said = {"url": url, "canonical_url": canonical_url(url), "title": title, "summary": SUMMARY}
    known = {"key": url, "digest": url, "published_at": at, "first_seen_at": at, "tagged_by": app.tagger.version}
    return {"id": number, "feed_id": number % FEEDS + 1, "story_id": number} | said | known


def _tags(app: App, skill: str) -> Iterator[dict[str, Any]]:
    yield {"topic": skill, "score": 0.9, "evidence": [app.catalogue.topic_names[skill]]}
    for specialization in app.catalogue.specialization.values():
        if skill in specialization.core_skills:
            yield {"topic": specialization.id, "score": 0.7, "evidence": []}
