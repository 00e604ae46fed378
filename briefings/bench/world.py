"""Many subscribers in many specializations and weeks, with an issue that is composed and due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from itertools import cycle, islice
from typing import TYPE_CHECKING

from sqlalchemy import insert

from briefings.domain import editions, matching, tokens
from briefings.domain.catalogue import LEVELS
from briefings.domain.editions import News, Reader
from briefings.domain.matching import Candidate
from briefings.domain.planning import make_plan
from briefings.domain.plans import Profile
from briefings.domain.weeks import issue_at
from briefings.store import issues as issue_rows
from briefings.store.deliveries import Delivery
from briefings.store.issues import CONTENT, Content, Edition
from briefings.store.subscribers import Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy.orm import Session

    from briefings.bootstrap import App
    from briefings.domain.catalogue import Catalogue, Specialization
    from briefings.domain.plans import PlanWeek

HOURS = (2, 4, 6)
STORIES = 5
BATCH = 1000
LATEST = timedelta(hours=36)
SUMMARY = (
    "The release halves the memory of long conversations, and the authors publish the numbers with the scripts that "
    "made them; whoever serves models on one card can try it this week, since nothing but a flag has to change. "
)


@dataclass(frozen=True)
class Shared:
    """What editions of one specialization, level, pace and week say."""

    digest: str
    text: str
    week: int


def fill(app: App, count: int, told: Callable[[int], object]) -> int:
    """Make `count` subscribers with a due delivery each. Returns how many different editions they share."""
    now = app.clock()
    contents = list({one.digest: one for one in _contents(app.catalogue, now)}.values())
    week = issue_at(now)
    with app.database.write() as session:
        issue = issue_rows.open_issue(session, week, now)
        rows = [{"issue_id": issue.id, "digest": one.digest, "text": one.text} for one in contents]
        session.execute(insert(Content), rows)
    everybody = enumerate(islice(cycle(contents), count), 1)
    while batch := list(islice(everybody, BATCH)):
        with app.database.write() as session:
            _add(session, app.settings.secret_key, issue.id, batch, now)
        told(len(batch))
    return min(count, len(contents))


def _add(session: Session, key: bytes, issue_id: int, batch: list[tuple[int, Shared]], now: datetime) -> None:
    people, made, due = [], [], []
    for number, shared in batch:
        address = f"reader{number}@bench.example"
        address_key = tokens.address_key(key, address)
        people.append(
            {
                "id": number,
                "address": address,
                "address_key": address_key,
                "state": "active",
                "timezone": "Europe/Berlin",
                "created_at": now,
                "confirmed_at": now - timedelta(days=number % 300),
            }
        )
        edition = {"id": number, "issue_id": issue_id, "subscriber_id": number, "created_at": now}
        made.append(edition | {"week_number": shared.week, "content_digest": shared.digest})
        due.append(
            {
                "uid": sha256(address.encode()).hexdigest()[:32],
                "kind": "briefing",
                "subscriber_id": number,
                "edition_id": number,
                "content_digest": shared.digest,
                "address": address,
                "address_key": address_key,
                "send_at": now,
                "not_after": now + LATEST,
                "next_at": now,
                "changed_at": now,
            }
        )
    for table, rows in ((Subscriber, people), (Edition, made), (Delivery, due)):
        session.execute(insert(table), rows)


def _contents(catalogue: Catalogue, now: datetime) -> Iterator[Shared]:
    for specialization in catalogue.specialization.values():
        stories = {story.story: story for story in _stories(specialization, now)}
        for level in LEVELS:
            for hours in HOURS:
                for week in make_plan(catalogue, Profile(specialization.id, level, hours)):
                    yield _shared(catalogue, specialization.id, hours, week, stories, now)


def _shared(
    catalogue: Catalogue, specialization: str, hours: int, week: PlanWeek, stories: dict[int, Candidate], now: datetime
) -> Shared:
    focus = editions.focus_of(week, [], specialization, catalogue)
    names = catalogue.topic_names
    matches = matching.rank(stories.values(), focus, (), now, names)
    reader = Reader(0, "active", specialization, hours)
    news = News(issue_at(now).key, 312, 41)
    text = CONTENT.dump_json(editions.compose(reader, week, matches, stories, news, catalogue)).decode()
    return Shared(sha256(text.encode()).hexdigest(), text, week.number)


def _stories(specialization: Specialization, now: datetime) -> Iterator[Candidate]:
    """Invented news of each core skill."""
    for number, skill in enumerate(specialization.core_skills):
        yield Candidate(
            story=number + 1,
            item=number + 1,
            title=f"{skill.replace('-', ' ').capitalize()} becomes twice as fast in release {number + 1}",
            summary=SUMMARY,
            url=f"https://news{number}.example/articles/{skill}",
            source=f"News {number}",
            authority=0.7,
            published=now - timedelta(hours=6 * number),
            topics={skill: 0.9, specialization.id: 0.8},
            words={skill: (skill.replace("-", " "),)},
        )
