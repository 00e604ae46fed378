"""What a person can change on their plan page."""

import pytest
import week
from web_world import path

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
        ("state", {"act": "resume"}),
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
