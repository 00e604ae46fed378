from __future__ import annotations

import pytest
from fastapi.routing import APIRoute
from web_world import PASSWORD, add_item, add_staff, deliveries_of, snapshot

from briefings.actions import curate, staff
from briefings.errors import InputError
from briefings.store.items import Item, Tag
from briefings.store.staff import Staff
from briefings.web.console import deliveries, feeds, items, login, overview
from briefings.web.sessions import COOKIE

HOSTILE = '<script>alert(1)</script>{{7*7}}"><img src=x onerror=y>\u202eevil'
FREE = {("/console/login", "GET"), ("/console/login", "POST")}


def console_routes():
    """Every route of the console, with a path that can be asked for."""
    routers = [overview.looks, feeds.looks, items.looks, items.changes, deliveries.looks, login.routes, login.changes]
    found = {
        (route.path, method)
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods
    }
    return sorted(
        (path.replace("{item_id}", "1").replace("{delivery_id}", "1"), method) for path, method in found - FREE
    )


def state_of(app, item_id):
    with app.database.read() as session:
        return session.get(Item, item_id).state


@pytest.mark.parametrize(("path", "method"), console_routes())
def test_nobody_gets_past_the_login(app, browser, item_id, path, method):
    before = snapshot(app)
    answer = browser.request(
        method, path, data={"state": "pinned", "about": "vllm", "csrf": "x"} if method == "POST" else None
    )
    assert (answer.status_code, answer.headers.get("location")) == (303, "/console/login")
    assert snapshot(app) == before


def test_all_routes_of_the_console_are_walked(browser):
    listed = {path for path, _ in console_routes()}
    assert {"/console", "/console/feeds", "/console/items", "/console/deliveries", "/console/logout"} <= listed


def test_a_viewer_may_look_and_change_nothing(app, browser, item_id):
    add_staff(app, "vera", "viewer")
    browser.log_in("vera")
    assert [browser.get(f"/console{page}").status_code for page in ("", "/feeds", "/items")] == [200, 200, 200]
    csrf = browser.csrf()
    before = snapshot(app)
    for change in ("state", "topic"):
        form = {"csrf": csrf, "state": "pinned", "about": "ray", "belongs": "true"}
        assert browser.post(f"/console/items/{item_id}/{change}", data=form).status_code == 403
    assert browser.get("/console/deliveries").status_code == 403
    assert browser.get("/console/deliveries/1").status_code == 403
    assert snapshot(app) == before
    assert ">Pin</button>" not in browser.get("/console/items").text


def test_an_editor_pins_hides_and_leaves_open(app, browser, item_id):
    add_staff(app, "edda", "editor")
    browser.log_in("edda")
    form = {"csrf": browser.csrf(), "q": "vLLM", "topic": "vllm", "page": "1"}
    for state in ("pinned", "hidden", "open"):
        answer = browser.post(f"/console/items/{item_id}/state", data={**form, "state": state})
        assert answer.headers["location"] == f"/console/items?q=vLLM&topic=vllm&page=1#item-{item_id}"
        assert state_of(app, item_id) == state
    assert browser.post(f"/console/items/{item_id}/state", data={**form, "state": "burnt"}).status_code == 422
    assert browser.post("/console/items/999/state", data={**form, "state": "open"}).status_code == 404
    assert browser.post("/console/items/99999999999999999999/state", data={**form, "state": "open"}).status_code == 404


def test_an_editors_word_on_a_topic_decides(app, browser, item_id):
    add_staff(app, "edda", "editor")
    browser.log_in("edda")
    form = {"csrf": browser.csrf()}
    browser.post(f"/console/items/{item_id}/topic", data={**form, "about": "vllm", "belongs": "false"})
    assert f'id="item-{item_id}"' not in browser.get("/console/items", params={"topic": "vllm"}).text
    browser.post(f"/console/items/{item_id}/topic", data={**form, "about": "ray", "belongs": "true"})
    page = browser.get("/console/items", params={"topic": "ray"}).text
    assert f'id="item-{item_id}"' in page
    assert "vllm serve" not in page
    assert browser.post(f"/console/items/{item_id}/topic", data={**form, "about": "nonsense"}).status_code == 422


def test_tags_stand_with_their_evidence_and_score(app, browser, item_id):
    add_staff(app, "vera", "viewer")
    browser.log_in("vera")
    assert "0.92 · vllm serve" in browser.get("/console/items").text


@pytest.mark.parametrize("words", ["100%", "_", "'; DROP TABLE items; --"])
def test_a_search_means_what_it_says(app, browser, item_id, words):
    add_staff(app, "vera", "viewer")
    browser.log_in("vera")
    answer = browser.get("/console/items", params={"q": words})
    assert answer.status_code == 200
    assert "No item matches" in answer.text


def test_a_hostile_title_is_shown_as_text(app, browser):
    with app.database.write() as session:
        item_id = add_item(session, HOSTILE, summary=HOSTILE)
        session.get_one(Item, item_id).url = "javascript:alert(1)"
        session.scalars(items.item_rows.select(Tag)).one().evidence = [HOSTILE]
    add_staff(app, "edda", "editor")
    browser.log_in("edda")
    page = browser.get("/console/items").text
    assert "<script>" not in page
    assert "<img" not in page
    assert "{{7*7}}" in page
    assert "javascript:" not in page


def test_fifty_items_stand_on_a_page(app, browser):
    with app.database.write() as session:
        for number in range(53):
            add_item(session, f"Item {number}")
    add_staff(app, "vera", "viewer")
    browser.log_in("vera")
    first, second = browser.get("/console/items").text, browser.get("/console/items?page=2").text
    assert (first.count("<article"), second.count("<article")) == (50, 3)
    assert "Next page" in first
    assert "Next page" not in second
    assert browser.get("/console/items?page=0").status_code == 422


@pytest.mark.parametrize("csrf", [None, "", "x", "é"])
def test_a_form_of_another_site_is_refused(app, browser, item_id, csrf):
    add_staff(app, "edda", "editor")
    browser.log_in("edda")
    form = {"state": "pinned"} | ({"csrf": csrf} if csrf is not None else {})
    assert browser.post(f"/console/items/{item_id}/state", data=form).status_code == 403
    assert browser.post("/console/logout", data=form).status_code == 403
    assert state_of(app, item_id) == "open"


def test_a_form_of_another_session_is_refused(app, browser, item_id):
    add_staff(app, "edda", "editor")
    browser.log_in("edda")
    other = browser.csrf()
    app.clock.move(minutes=1)
    browser.log_in("edda")
    assert browser.csrf() != other
    assert browser.post(f"/console/items/{item_id}/state", data={"state": "pinned", "csrf": other}).status_code == 403


def test_the_browsers_word_that_another_site_posted_is_heard(app, browser, item_id):
    add_staff(app, "edda", "editor")
    headers = {"Sec-Fetch-Site": "cross-site"}
    login = browser.post("/console/login", data={"name": "edda", "password": PASSWORD}, headers=headers)
    assert login.status_code == 403
    browser.log_in("edda")
    form = {"state": "pinned", "csrf": browser.csrf()}
    assert browser.post(f"/console/items/{item_id}/state", data=form, headers=headers).status_code == 403


def test_the_session_cookie_is_for_the_console_alone(app, browser):
    add_staff(app, "vera", "viewer")
    cookie = browser.log_in("vera").headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Path=/console", "Max-Age=43200"))


def test_a_session_ends_after_twelve_hours_at_logout_and_with_a_new_password(app, browser):
    add_staff(app, "vera", "viewer")
    browser.log_in("vera")
    browser.post("/console/logout", data={"csrf": browser.csrf()})
    assert browser.get("/console").status_code == 303
    browser.log_in("vera")
    assert browser.get("/console").status_code == 200
    app.clock.move(hours=12, seconds=1)
    assert browser.get("/console").status_code == 303
    browser.log_in("vera")
    with app.database.write() as session:
        session.get_one(Staff, 1).password_hash = "another"
    assert browser.get("/console").status_code == 303


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(app, browser):
    add_staff(app, "vera", "viewer")
    wrong, unknown = browser.log_in("vera", "not the password"), browser.log_in("vero", "not the password")
    assert wrong.status_code == unknown.status_code == 403
    assert wrong.text == unknown.text.replace("vero", "vera")


def test_five_failures_lock_an_account_for_a_quarter_of_an_hour(app, browser):
    add_staff(app, "vera", "viewer")
    for _ in range(staff.MOST_FAILURES):
        browser.log_in("vera", "not the password")
    assert browser.log_in("vera").status_code == 403
    app.clock.move(minutes=14)
    assert browser.log_in("vera").status_code == 403
    app.clock.move(minutes=2)
    assert browser.log_in("vera").status_code == 303


@pytest.mark.parametrize(
    ("name", "password", "duties"),
    [
        ("vera", "eleven char", ["viewer"]),
        ("vera", "x" * 201, ["viewer"]),
        ("", PASSWORD, ["viewer"]),
        ("a\nb", PASSWORD, ["viewer"]),
        (" vera", PASSWORD, ["viewer"]),
        ("vera", PASSWORD, ["king"]),
        ("vera", PASSWORD, []),
    ],
)
def test_staff_that_cannot_be_is_refused(app, name, password, duties):
    with pytest.raises(InputError):
        staff.add_staff(app.database, name, password, duties, app.clock())


def test_a_staff_name_is_given_once(app):
    add_staff(app, "vera", "viewer")
    with pytest.raises(InputError, match="already"):
        add_staff(app, "vera", "operator")


def test_an_operator_finds_a_delivery_and_what_happened_to_it(app, browser, subscriber_id):
    add_staff(app, "oleg", "operator")
    browser.log_in("oleg")
    assert "ada@example.org" in browser.get("/console/deliveries", params={"address": "ADA@", "state": "queued"}).text
    assert "No delivery matches" in browser.get("/console/deliveries", params={"address": "grace"}).text
    assert "No delivery matches" in browser.get("/console/deliveries", params={"state": "dead"}).text
    page = browser.get(f"/console/deliveries/{deliveries_of(app, 'welcome')[0].id}")
    assert "queued" in page.text
    assert browser.get("/console/deliveries/999").status_code == 404
    assert browser.get("/console/deliveries/-1").status_code == 404


def test_the_overview_balances_and_shows_the_broker(app, browser, subscriber_id):
    add_staff(app, "vera", "viewer")
    browser.log_in("vera")
    assert "No issue has been composed yet" in browser.get("/console").text
    app.clock.move(days=5)
    app.compose()
    browser.log_in("vera")
    page = browser.get("/console").text
    assert ">balances</span>" in page
    assert "broker answers" in page
    app.doorbell.depths = None
    assert "broker does not answer" in browser.get("/console").text


def test_a_failing_feed_says_what_is_wrong(app, browser):
    app.load_feeds()
    with app.database.write() as session:
        feed = session.scalars(items.item_rows.select(items.item_rows.Feed)).first()
        feed.problem, feed.failures = "The server answers 500", 4
    add_staff(app, "vera", "viewer")
    browser.log_in("vera")
    assert "The server answers 500" in browser.get("/console").text
    assert "The server answers 500" in browser.get("/console/feeds").text


def test_what_an_editor_does_is_written_down(app, browser, item_id):
    curate.set_item_state(app.database, item_id, "pinned", "edda", app.clock())
    assert any("edda" in str(row) for row in snapshot(app))
