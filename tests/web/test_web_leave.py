from __future__ import annotations

import pytest
from web_world import deliveries_of, enrol, path, snapshot

from briefings.store.subscribers import Subscriber

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def leave_path(app, subscriber_id):
    return path(app.links.unsubscribe(subscriber_id))


def state_of(app, subscriber_id):
    with app.database.read() as session:
        return session.get(Subscriber, subscriber_id).state


@pytest.mark.parametrize("body", [{"data": ONE_CLICK}, {"files": {"List-Unsubscribe": (None, "One-Click")}}])
def test_a_mail_provider_unsubscribes_with_one_click(app, browser, subscriber_id, body):
    answer = browser.post(leave_path(app, subscriber_id), **body)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert "set-cookie" not in answer.headers
    assert state_of(app, subscriber_id) == "left"
    assert [one.state for one in deliveries_of(app, "welcome")] == ["skipped"]


def test_a_second_click_changes_nothing(app, browser, subscriber_id):
    browser.post(leave_path(app, subscriber_id), data=ONE_CLICK)
    before = snapshot(app)
    assert browser.post(leave_path(app, subscriber_id), data=ONE_CLICK).status_code == 200
    assert snapshot(app) == before


def test_the_pages_button_unsubscribes_and_offers_an_undo(app, browser, subscriber_id):
    place = leave_path(app, subscriber_id)
    assert ">Unsubscribe</button>" in browser.get(place).text
    done = browser.post(place)
    assert f'action="{place}/undo"' in done.text
    assert state_of(app, subscriber_id) == "left"
    assert f'action="{place}/undo"' in browser.get(place).text
    assert browser.post(f"{place}/undo").status_code == 200
    assert state_of(app, subscriber_id) == "active"


def test_an_undo_is_refused_once_the_persons_data_is_gone(app, browser, subscriber_id):
    place = leave_path(app, subscriber_id)
    browser.post(place)
    with app.database.write() as session:
        session.get_one(Subscriber, subscriber_id).address = ""
    assert "undo" not in browser.get(place).text
    assert browser.post(f"{place}/undo").status_code == 404


def test_the_link_of_one_person_ends_nobody_elses_mails(app, browser, subscriber_id):
    other = enrol(app, "grace@example.org")
    browser.post(leave_path(app, subscriber_id), data=ONE_CLICK)
    assert state_of(app, other) == "active"


def test_the_link_of_another_purpose_ends_nothing(app, browser, subscriber_id):
    token = app.links.plan(subscriber_id).rpartition("/")[2]
    assert browser.post(f"/u/{token}", data=ONE_CLICK).status_code == 404
    assert state_of(app, subscriber_id) == "active"


def test_only_the_pages_button_is_followed_by_a_receipt(app, browser, subscriber_id):
    other = enrol(app, "grace@example.org")
    browser.post(leave_path(app, subscriber_id), data=ONE_CLICK)
    browser.post(leave_path(app, other))
    assert [one.subscriber_id for one in deliveries_of(app, "goodbye")] == [other]
