"""Every mail in every state that its template has, made as in real life: sign-up, composing and the real writer."""

from __future__ import annotations

import shutil
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import chain, cycle
from typing import TYPE_CHECKING

from fakes import Bell, FakeClock, NoFetcher
from sqlalchemy import select

from briefings.actions.digest import Digesting
from briefings.adapters import catalogue_files
from briefings.adapters.feed_parser import LONGEST_FEED_TITLE, LONGEST_SUMMARY, LONGEST_TITLE
from briefings.adapters.http import HttpFetcher
from briefings.adapters.letters import write
from briefings.adapters.text import LONGEST_LINK
from briefings.bootstrap import App
from briefings.demo.enrol import feeds as add_sample_feeds
from briefings.demo.feed_server import FeedServer, rendered
from briefings.domain import plans, weeks
from briefings.domain.catalogue import HOURS, LEVELS, PLAN_WEEKS
from briefings.domain.entries import Entry, plan
from briefings.domain.planning import CHECKPOINT
from briefings.settings import ROOT, Settings
from briefings.store import issues, items, subscribers
from briefings.store.deliveries import Delivery
from briefings.store.feeds import Feed
from briefings.store.schema import migrate
from briefings.store.subscribers import Plan, Subscriber
from mail_check.sent import Sent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sqlalchemy.orm import Session

#: A Sunday after the cut-off of 2026-W48 and before anybody's Monday.
SUNDAY = datetime.fromisoformat("2026-11-22T09:30:00+00:00")
ZONE = "America/Argentina/ComodRivadavia"  # the longest name of a zone
#: What a feed may say that is hard to show: markup, another direction, no place to break, and plain length.
HARD = (
    "<script>alert('x')</script> {{7*7}} {% raw %} \"quoted\" & 'single' </style></title><b onclick=\"x\"> ",
    "إطلاق نموذج جديد لتوليد النصوص العربية ",
    "Unbreakable" * 9,
    "what forty teams pay for a million tokens, and what they could have paid ",
    "\N{ROCKET} 大規模言語モデルの評価と運用 ",
)
NOTE = (
    "Two engines changed their defaults in the same week. If your numbers moved and you changed nothing, look at the "
    "cache size before you look at your code. "
)
CHECKPOINTS = {f"week {number}" for number in range(CHECKPOINT, PLAN_WEEKS, CHECKPOINT)}
ENVIRONMENT = {
    "BRIEFINGS_SECRET_KEY": "a-secret-key-of-the-mail-check-with-40-letters",
    "BRIEFINGS_PUBLIC_URL": "https://briefings.example",
    "BRIEFINGS_POSTAL_ADDRESS": "Weekly Briefing, 12 Harbour Row, Bristol BS1 4RB, United Kingdom",
    "BRIEFINGS_ALLOW_PRIVATE_FEEDS": "yes",
}


def every_state(folder: Path) -> Iterator[Sent]:
    """Every mail, from databases that are made in `folder`."""
    start = _app(folder, "people")
    migrate(start.database.engine, ROOT / "migrations")
    _enrol_everybody(start)
    start.database.close()
    for make in (_news, _longest, _quiet, _account):
        world = make.__name__.strip("_")
        shutil.copy(folder / "people.db", folder / f"{world}.db")
        app = _app(folder, world)
        make(app)
        yield from _letters(app, world)
        if world == "news":
            yield _digest(app)
        app.database.close()


def representative(mails: Iterable[Sent]) -> list[Sent]:
    """For what is dear: of each pattern the mail with the most HTML, and the one with the least."""
    of_pattern = defaultdict(list)
    for mail in mails:
        of_pattern[mail.pattern].append(mail)
    ordered = [sorted(alike, key=lambda mail: (len(mail.html), mail.name)) for alike in of_pattern.values()]
    return list(dict.fromkeys(chain.from_iterable((alike[-1], alike[0]) for alike in ordered)))


def absent(mails: Iterable[Sent], specializations: Iterable[str], templates: Iterable[str]) -> list[str]:
    """What nobody has looked at: a template without a mail, or a week of a plan without a briefing."""
    there = list(mails)
    kinds, names = {mail.kind for mail in there}, {mail.name for mail in there}
    weeks_due = [
        f"{world}, briefing, week-{week}.{name}"
        for world in ("news", "longest", "quiet")
        for week in range(1, PLAN_WEEKS + 1)
        for name in specializations
    ]
    return [*sorted(set(templates) - kinds), *(name for name in weeks_due if name not in names)]


def _app(folder: Path, name: str) -> App:
    url = f"sqlite:///{folder / name}.db"
    settings = Settings.from_env({**ENVIRONMENT, "BRIEFINGS_HOME": str(folder), "BRIEFINGS_DATABASE_URL": url})
    return App(settings, FakeClock(SUNDAY), catalogue_files.load(settings.catalogue), NoFetcher(), Bell())


def _enrol_everybody(app: App) -> None:
    """Each specialization in each week, and beyond: finished, and in the field. Hours and levels take turns."""
    for place, name in enumerate(app.catalogue.specialization):
        for week in range(1, PLAN_WEEKS + 1):
            _enrol(app, f"week-{week}", name, place + week, week - 1)
        _enrol(app, "finished", name, place, PLAN_WEEKS)
        _enrol(app, "field", name, place, PLAN_WEEKS)
    with app.database.write() as session:
        for followed in session.scalars(select(Plan).join(Subscriber).where(Subscriber.address.startswith("field."))):
            followed.state = "field"
    _tick_everything(app)


def _enrol(app: App, state: str, specialization: str, turn: int, weeks_before: int) -> None:
    joined = SUNDAY - timedelta(days=10)
    app.subscribing.enrol(
        f"{state}.{specialization}@readers.example",
        ZONE,
        _profile(app, specialization, turn),
        confirmed_at=joined,
        joined_at=joined,
        weeks_before=weeks_before,
    )


def _profile(app: App, specialization: str, turn: int) -> plans.Profile:
    return plans.profile(app.catalogue, specialization, LEVELS[turn % len(LEVELS)], HOURS[turn % len(HOURS)])


def _tick_everything(app: App) -> None:
    """Every second of those who finished has done all of it, the others nothing."""
    with app.database.read() as session:
        finished = select(Plan).join(Subscriber).where(Subscriber.address.startswith("finished."))
        owners = {one.id: one.subscriber_id for one in session.scalars(finished.order_by(Plan.id)).all()[::2]}
        made = subscribers.weeks(session, owners)
    for plan_id, owner in owners.items():
        for task in (task for week in made[plan_id].values() for task in week.tasks):
            app.adjusting.tick(owner, task.id, done=True, now=SUNDAY)


def _news(app: App) -> None:
    """An ordinary week: the sample feeds."""
    app.fetcher = HttpFetcher(user_agent="mail-check", allow_private=True)
    with FeedServer(rendered((SUNDAY + timedelta(days=1)).date()), 0) as server:
        add_sample_feeds(app, server, SUNDAY)
        app.poll()
    _compose(app)


def _longest(app: App) -> None:
    """As much as feeds and an editor can say, and as hostile, for everybody."""
    with app.database.write() as session:
        issues.open_issue(session, weeks.issue_at(SUNDAY), SUNDAY).note = NOTE * 4
        for name, specialization in app.catalogue.specialization.items():
            skills = [app.catalogue.topic_names[skill] for skill in specialization.core_skills]
            for number, (skill, hard) in enumerate(zip(cycle(skills), HARD, strict=False)):
                for source in ("first", "second"):
                    entry = _long_entry(f"https://{source}-{number}.{name}.example/", skill, f"{name} {number}. {hard}")
                    _publish(session, entry, [name, *specialization.core_skills])
    _compose(app)


def _long_entry(url: str, skill: str, words: str) -> Entry:
    title, summary = _filled(f"{skill}: {words}", LONGEST_TITLE), _filled(f"{skill} {words}", LONGEST_SUMMARY)
    return Entry(url, _filled(f"{url}?a=1&b=", LONGEST_LINK), title, summary, SUNDAY - timedelta(days=2))


def _publish(session: Session, entry: Entry, topics: list[str]) -> None:
    """The entry as an item of a feed of its own: no mail has many stories of one feed."""
    title = _filled(f"A source whose name is as long as can be, {entry.title}, ", LONGEST_FEED_TITLE)
    feed = Feed(url=entry.guid, title=title, topics=topics, authority=1.0)
    feed.polled_at, feed.next_poll_at = SUNDAY, SUNDAY + timedelta(hours=1)
    session.add(feed)
    session.flush()
    new, _ = plan([entry], {}, SUNDAY)
    items.add(session, feed.id, new, SUNDAY)


def _filled(text: str, length: int) -> str:
    """The text, over and over, to this length."""
    return (text * (length // len(text) + 1))[:length].strip()


def _quiet(app: App) -> None:
    """A week without news."""
    _compose(app)


def _account(app: App) -> None:
    """New people, one for each specialization: they sign up, confirm and leave."""
    for place, name in enumerate(app.catalogue.specialization):
        made = app.subscribing.sign_up(f"new.{name}@readers.example", ZONE, _profile(app, name, place), SUNDAY)
        link = app.links.confirm(made, ZONE, SUNDAY + timedelta(days=1))
        person = app.subscribing.confirm(_token(link), SUNDAY)
        app.subscribing.unsubscribe(_token(app.links.unsubscribe(person.id)), SUNDAY)
        app.subscribing.say_goodbye(person.id, SUNDAY)


def _token(link: str) -> str:
    return link.rpartition("/")[2]


def _compose(app: App) -> None:
    app.tag()
    app.group()
    app.compose()


def _letters(app: App, world: str) -> Iterator[Sent]:
    with app.database.read() as session:
        for delivery in session.scalars(select(Delivery).order_by(Delivery.id)).all():
            if delivery.kind != "briefing" and world in {"longest", "quiet"}:
                continue  # these say nothing of the news
            state = delivery.address.partition("@")[0]
            raw = write(app.writer.letter(session, delivery))
            yield Sent(f"{world}, {delivery.kind}, {state}", delivery.kind, _pattern(world, delivery.kind, state), raw)


def _digest(app: App) -> Sent:
    """What the staff is told of the issue."""
    digesting = Digesting(app.database, app.writer, app.namespace, app.clock)
    with app.database.read() as session:
        raw = write(digesting.letter(session, issues.latest(session)))
    return Sent("news, digest", "digest", "digest", raw)


def _pattern(world: str, kind: str, state: str) -> str:
    """`checkpoint week, longest`: what is particular of the week and of the news."""
    if kind != "briefing":
        return kind
    week = state.partition(".")[0].replace("-", " ")
    if week in CHECKPOINTS:
        week = "checkpoint week"
    elif week not in {"week 1", "week 12", "field"}:
        week = "other week"
    return week if world == "news" else f"{week}, {world}"
