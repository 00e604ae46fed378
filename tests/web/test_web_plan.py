"""What a person can change on their plan page."""

import re

import pytest
import week
from web_world import path

from briefings.domain import plans
from briefings.store.subscribers import Subscriber, newest_plan, weeks


@pytest.fixture
def page(app, subscriber_id) -> str:
    return path(app.links.plan(subscriber_id))


def plan_weeks(app, subscriber_id) -> dict:
    with app.database.read() as session:
        plan = newest_plan(session, subscriber_id)
        return weeks(session, [plan.id])[plan.id]


def test_the_pace_is_changed_and_the_page_shows_it(app, browser, page, subscriber_id):
    answer = browser.post(f"{page}/pace", data={"hours": "1", "known": ["docker"]})
    assert answer.status_code == 303
    assert "practitioner · 1 h a week" in browser.get(page).text
    assert all(one.minutes <= 60 for one in plan_weeks(app, subscriber_id).values())


def test_a_task_is_put_away_and_the_week_says_so(app, browser, page, subscriber_id):
    task = plan_weeks(app, subscriber_id)[7].tasks[1]
    answer = browser.post(f"{page}/task", data={"week": "7", "out": task.id, "into": ""})
    assert answer.headers["location"].endswith("?week=7#week-7")
    assert f"Put away “{task.title}”: your choice." in browser.get(page).text.replace("&#39;", "'")


def test_a_change_that_cannot_be_made_is_told_on_the_page(browser, page):
    for route, data in (
        ("pace", {"hours": "40"}),
        ("task", {"week": "3", "out": "nonsense"}),
        ("start", {"monday": "2020-01-01"}),
        ("field", {}),
    ):
        answer = browser.post(f"{page}/{route}", data=data)
        assert answer.status_code == 422, route
        assert 'role="alert"' in answer.text


@pytest.mark.parametrize("data", [{"hours": "many"}, {}])
def test_a_form_that_no_page_of_ours_sends_is_refused(browser, page, data):
    assert browser.post(f"{page}/pace", data=data).status_code == 422


def test_a_pause_shows_and_can_be_ended(browser, page):
    browser.post(f"{page}/state", data={"act": "pause"})
    assert "Your plan is paused" in browser.get(page).text
    browser.post(f"{page}/state", data={"act": "resume"})
    assert "Your plan is paused" not in browser.get(page).text


def test_nobody_changes_a_plan_with_an_altered_link(browser, page):
    assert browser.post(f"{page[:-2]}xx/state", data={"act": "pause"}).status_code == 404


def test_a_finished_plan_sums_up_and_goes_on_with_the_field(app, browser, page, subscriber_id):
    task = plan_weeks(app, subscriber_id)[1].tasks[0]
    app.adjusting.tick(subscriber_id, task.id, done=True, now=app.clock())
    with app.database.write() as session:
        newest_plan(session, subscriber_id).state = "finished"
        session.get(Subscriber, subscriber_id).state = "finished"
    text = browser.get(page).text
    assert "Twelve weeks, done" in text
    assert task.artefact in text
    assert browser.post(f"{page}/field").status_code == 303
    assert "You follow the field" in browser.get(page).text


def test_a_goal_in_somebodys_own_words_is_no_markup(app, browser):
    reader = week.enrol(app, "goal@readers.example", goal="<b>Lead</b> the team")
    text = browser.get(path(app.links.plan(reader))).text
    assert "&lt;b&gt;Lead&lt;/b&gt; the team" in text


def test_the_confirm_page_says_which_plan_would_be_replaced(app, browser, subscriber_id):
    answers = {"specialization": "llm-products", "level": "starter", "hours": 2}
    app.subscribing.sign_up("ada@example.org", "Europe/Berlin", plans.profile(app.catalogue, **answers), app.clock())
    delivery = week.deliveries(app, kind="confirm")[-1]
    with app.database.read() as session:
        url = app.writer.mail(session, delivery).confirm_url
    assert "takes the place of your present plan, <b>MLOps &amp; AI Infrastructure</b>" in browser.get(path(url)).text


def test_a_task_put_away_is_offered_again_beside_the_others(app, browser, page, subscriber_id):
    task = plan_weeks(app, subscriber_id)[7].tasks[1]
    browser.post(f"{page}/task", data={"week": "7", "out": task.id})
    offered = browser.get(page).text.partition('id="add-7"')[2].partition("</select>")[0]
    assert f'value="{task.id}"' in offered
    assert browser.post(f"{page}/task", data={"week": "7", "into": task.id}).status_code == 303
    assert task.id in {one.id for one in plan_weeks(app, subscriber_id)[7].tasks}


def test_every_exchange_that_the_page_offers_can_be_made(app, browser):
    reader = week.enrol(app, "few@readers.example", hours=2)
    for number, one in plan_weeks(app, reader).items():
        task = one.tasks[0].id
        text = browser.get(path(app.links.plan(reader))).text
        offered = re.findall(r'value="([^"]+)"', text.partition(f'id="into-{task}"')[2].partition("</select>")[0])
        for other in offered[:1]:
            data = {"week": str(number), "out": task, "into": other}
            assert browser.post(f"{path(app.links.plan(reader))}/task", data=data).status_code == 303, (number, other)


def test_who_gives_more_hours_than_the_plan_asks_for_is_told(app, browser, page):
    assert "We do not invent more" not in browser.get(page).text
    browser.post(f"{page}/pace", data={"hours": "12"})
    assert "We do not invent more" in browser.get(page).text


def test_an_old_confirmation_says_that_nothing_has_changed(app, browser, subscriber_id):
    answers = {"specialization": "llm-products", "level": "starter", "hours": 2}
    app.subscribing.sign_up("eva@example.org", "Europe/Berlin", plans.profile(app.catalogue, **answers), app.clock())
    with app.database.read() as session:
        url = path(app.writer.mail(session, week.deliveries(app, kind="confirm")[-1]).confirm_url)
    fresh = browser.post(url).text
    assert "<h1>You are in</h1>" in fresh
    eva = week.deliveries(app, kind="welcome")[-1].subscriber_id
    app.adjusting.change_state(eva, "pause", app.clock())
    again = browser.post(url).text
    assert "<h1>You are in already</h1>" in again
    assert "Your plan is paused" in again
    assert "first briefing comes" not in again


def test_who_follows_the_field_can_pause(app, browser, page, subscriber_id):
    with app.database.write() as session:
        newest_plan(session, subscriber_id).state = "field"
    assert "Pause the briefing" in browser.get(page).text
    browser.post(f"{page}/state", data={"act": "pause"})
    assert "Your briefing is paused" in browser.get(page).text


def test_the_page_offers_starts_exchanges_and_the_next_plan(app, browser):
    fresh = week.enrol(app, "new@readers.example")
    text = browser.get(path(app.links.plan(fresh))).text
    assert text.count('<option value="2026-') + text.count('<option value="2027-') == 12
    assert re.search(r'name="into"><option value="">what comes next</option><option value="mlops-', text)
    begun = browser.get(path(app.links.plan(week.enrol(app, "begun@readers.example", week=3)))).text
    assert 'name="monday"' not in begun
    with app.database.write() as session:
        newest_plan(session, fresh).state = "finished"
        session.get(Subscriber, fresh).state = "finished"
    assert 'href="/start?specialization=llm-application-development"' in browser.get(path(app.links.plan(fresh))).text
