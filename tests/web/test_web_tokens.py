from __future__ import annotations

from datetime import timedelta

import pytest
from web_world import deliveries_of, path, snapshot

from briefings.store.deliveries import Delivery
from briefings.store.subscribers import current_plan

KINDS = ("confirm", "plan", "unsubscribe", "briefing")


def token_path(app, subscriber_id, kind):
    if kind == "confirm":
        plan_id = deliveries_of(app, "confirm")[0].plan_id
        return path(app.links.confirm(plan_id, "Europe/Berlin", app.clock() + timedelta(days=7)))
    if kind == "briefing":
        return path(app.links.briefing(composed(app)))
    return path({"plan": app.links.plan, "unsubscribe": app.links.unsubscribe}[kind](subscriber_id))


def composed(app):
    """The id of a briefing's delivery: the first issue after the cut-off."""
    if not deliveries_of(app, "briefing"):
        app.clock.move(days=5)
        app.compose()
    return deliveries_of(app, "briefing")[0].id


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_changes_nothing_and_tells_nobody_the_address(app, browser, subscriber_id, kind, method):
    place = token_path(app, subscriber_id, kind)
    before = snapshot(app)
    answer = browser.request(method, place)
    assert answer.status_code == 200
    assert snapshot(app) == before
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert answer.headers["cache-control"] == "no-store"
    assert (answer.text == "") == (method == "HEAD")


@pytest.mark.parametrize("kind", KINDS)
def test_an_altered_link_leads_nowhere(app, browser, subscriber_id, kind):
    before, _, token = token_path(app, subscriber_id, kind).rpartition("/")
    altered = ("A" if token[0] != "A" else "B") + token[1:]
    for wrong in (altered, token[:-6], "x", "a.b.c", "%00", "é"):
        answer = browser.get(f"{before}/{wrong}")
        assert answer.status_code == 404
        assert "<h1>There is nothing here</h1>" in answer.text
        assert browser.post(f"{before}/{wrong}").status_code in {404, 405}


def test_an_expired_confirmation_says_so(app, browser, subscriber_id):
    place = token_path(app, subscriber_id, "confirm")
    app.clock.move(days=8)
    assert "has expired" in browser.get(place).text
    assert browser.post(place).status_code == 404


def test_a_briefing_is_shown_as_it_was_sent_and_can_load_nothing(app, browser, subscriber_id):
    delivery_id = composed(app)
    with app.database.read() as session:
        sent = app.writer.rendered(session, session.get_one(Delivery, delivery_id)).html
    answer = browser.get(path(app.links.briefing(delivery_id)))
    assert answer.text == sent
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")


def test_only_a_briefing_is_shown(app, browser, subscriber_id):
    welcome = deliveries_of(app, "welcome")[0].id
    assert browser.get(path(app.links.briefing(welcome))).status_code == 404


def test_a_task_is_ticked_and_unticked(app, browser, subscriber_id):
    place = token_path(app, subscriber_id, "plan")
    form = {"task": "mlops-01-workload", "week": "1"}
    answer = browser.post(f"{place}/tick", data={**form, "done": "true"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{place}?week=1#week-1")
    assert '<span class="figure">1 of' in browser.get(place).text
    browser.post(f"{place}/tick", data={**form, "done": "false"})
    assert '<span class="figure">0 of' in browser.get(place).text


def test_a_task_of_another_plan_cannot_be_ticked(app, browser, subscriber_id):
    place = token_path(app, subscriber_id, "plan")
    answer = browser.post(f"{place}/tick", data={"task": "<b>x</b>", "week": "1", "done": "true"})
    assert answer.status_code == 422
    assert browser.post(f"{place}/tick", data={}).status_code == 422


def test_the_plan_shows_the_week_that_a_briefing_was_composed_for(app, browser, subscriber_id):
    assert "Your plan is ready" in browser.get(token_path(app, subscriber_id, "plan")).text
    composed(app)
    page = browser.get(token_path(app, subscriber_id, "plan")).text
    assert "You are in week 1 of 12" in page
    assert page.count("this week</span>") == 1


def test_a_finished_plan_can_be_looked_at_but_not_ticked(app, browser, subscriber_id):
    place = token_path(app, subscriber_id, "plan")
    with app.database.write() as session:
        current_plan(session, subscriber_id).state = "finished"
    page = browser.get(place)
    assert page.status_code == 200
    assert "Twelve weeks, done" in page.text
    assert 'class="tick"' not in page.text
