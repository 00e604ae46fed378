from datetime import timedelta

import week
from sqlalchemy import select

from briefings.domain.entries import Entry, plan
from briefings.domain.stories import Group
from briefings.store import items


def add(app, feed_id: int, guid: str, title: str, *, days_ago: float) -> None:
    now = app.clock()
    new, _ = plan([Entry(guid, f"https://{guid}.example/", title, "vLLM.", now - timedelta(days=days_ago))], {}, now)
    with app.database.write() as session:
        items.add(session, feed_id, new, now)


def test_a_candidate_names_the_older_stories_that_its_feed_told_under_its_title(app):
    guide, other = "Quantization: everything to know about KV cache", week.add_feed(app, "https://other.example/")
    feed = week.add_feed(app)
    add(app, feed, "old", guide, days_ago=60)
    add(app, other, "foreign", guide, days_ago=50)
    add(app, feed, "new", guide, days_ago=1)
    app.tag()
    app.group()
    now = app.clock()
    with app.database.read() as session:
        found = items.candidates(session, now - timedelta(days=70), now, app.catalogue)
        old = items.stories_of(session, [1])
    retold = {one.url: one.retells for one in found}
    assert retold["https://new.example/"] == frozenset(old)
    assert (
        retold.get("https://old.example/", frozenset()) == retold.get("https://foreign.example/", frozenset()) == set()
    )


def test_what_was_retold_is_found_without_comparing_every_item_with_every_other(app):
    feed, many, now = week.add_feed(app), 1000, app.clock()
    entries = [
        Entry(f"{n}", f"https://a.example/{n}", f"Title {n % (many // 2)}", "", now - timedelta(minutes=many - n))
        for n in range(many)
    ]
    new, _ = plan(entries, {}, now)
    with app.database.write() as session:
        items.add(session, feed, new, now)
        items.set_stories(session, [Group(None, (n,)) for n in range(1, many + 1)], now)
        leads = list(session.scalars(select(items.Item).order_by(items.Item.id)))
        thousands = []
        if session.get_bind().dialect.name == "sqlite":
            session.connection().connection.driver_connection.set_progress_handler(lambda: thousands.append(1), 1000)
        retold = items.retold(session, leads)
    assert [len(retold[lead.id]) for lead in leads] == [0] * (many // 2) + [1] * (many // 2)
    assert len(thousands) < 300


def test_of_a_title_that_always_comes_again_the_newest_stories_are_named(app, monkeypatch):
    monkeypatch.setattr(items, "MOST_RETOLD", 2)
    feed = week.add_feed(app)
    for days in (80, 60, 40, 20):
        add(app, feed, f"d{days}", "Changelog", days_ago=days)
    app.group()
    with app.database.read() as session:
        leads = list(session.scalars(select(items.Item).order_by(items.Item.id)))
        retold = items.retold(session, leads)
    assert [retold[lead.id] for lead in leads] == [
        frozenset(),
        {leads[0].story_id},
        {leads[0].story_id, leads[1].story_id},
        {leads[1].story_id, leads[2].story_id},
    ]
