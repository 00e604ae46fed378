from datetime import timedelta

import week

from briefings.domain.entries import Entry, plan
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
