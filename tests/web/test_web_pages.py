from __future__ import annotations

import re

import pytest
from web_world import MLOPS, Browser, add_staff, path

from briefings.bootstrap import App
from briefings.errors import BriefingsError, DependencyError
from briefings.web.security import LARGEST_BODY

PUBLIC = (
    "/",
    "/start",
    f"/start?specialization={MLOPS}",
    f"/specializations/{MLOPS}",
    f"/plan-preview?specialization={MLOPS}&level=expert&hours=3",
    "/check-your-mail",
    "/inbox",
    "/console/login",
    "/nowhere",
)
CONSOLE = ("/console", "/console/feeds", "/console/items", "/console/deliveries", "/console/deliveries/1")


def assert_is_a_proper_page(answer):
    assert answer.text.count("<h1") == 1
    assert '<html lang="en">' in answer.text
    assert re.search(r"<title>[^<]*\w[^<]*</title>", answer.text)
    assert "<script" not in answer.text
    assert " style=" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"]


@pytest.mark.parametrize("place", PUBLIC)
def test_every_public_page_has_one_heading_a_language_and_a_title(browser, place):
    assert_is_a_proper_page(browser.get(place))


@pytest.mark.parametrize("place", CONSOLE)
def test_every_console_page_has_one_heading_a_language_and_a_title(app, browser, subscriber_id, item_id, place):
    add_staff(app, "all", "viewer", "editor", "operator")
    browser.log_in("all")
    answer = browser.get(place)
    assert answer.status_code == 200
    assert_is_a_proper_page(answer)


def test_every_page_of_a_subscriber_has_one_heading_a_language_and_a_title(app, browser, subscriber_id):
    plan, leave = path(app.links.plan(subscriber_id)), path(app.links.unsubscribe(subscriber_id))
    for answer in (browser.get(plan), browser.get(leave), browser.post(leave), browser.post(f"{leave}/undo")):
        assert answer.status_code == 200
        assert_is_a_proper_page(answer)


def test_the_front_page_names_every_role_and_starts_every_plan(app, browser):
    page = browser.get("/").text.replace("&amp;", "&")
    assert all(role.name in page for role in app.catalogue.roles)
    assert all(f'href="/start?specialization={spec}"' in page for spec in app.catalogue.specialization)


def test_a_role_shows_its_assessment_and_its_specializations(app, browser):
    page = browser.get("/roles/ai-engineer").text
    role = next(role for role in app.catalogue.roles if role.id == "ai-engineer")
    assert f"{role.assessment.risk.capitalize()} risk" in page
    for spec in role.specializations:
        assert f'href="/specializations/{spec.id}"' in page


def test_a_role_that_nobody_knows_is_not_found(browser):
    assert browser.get("/roles/alchemist").status_code == 404


def test_an_assessment_shows_everything_the_catalogue_says(app, browser):
    page = browser.get(f"/specializations/{MLOPS}").text
    assessment = app.catalogue.specialization[MLOPS].assessment
    assert "Low risk" in page
    for words in (*assessment.automating, *assessment.augmenting, *assessment.portfolio):
        assert words in page
    assert "AI Safety &amp; Alignment" in page


@pytest.mark.parametrize("spec", ["nobody", "%3Cb%3E"])
def test_a_specialization_that_nobody_knows_has_no_page(browser, spec):
    assert browser.get(f"/specializations/{spec}").status_code == 404


def test_a_body_of_more_than_64_kb_is_refused_before_it_is_read(browser):
    assert browser.post("/sign-up", data={"email": "x" * LARGEST_BODY}).status_code == 413
    assert browser.post("/sign-up", content=b"x", headers={"Content-Length": "1e9"}).status_code == 413


def test_a_body_that_does_not_say_its_length_is_refused_too(browser):
    async def endless():
        while True:
            yield b"x" * 8192

    answer = browser.post("/sign-up", content=endless())
    assert answer.status_code == 413
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_process_says_that_it_lives(browser):
    assert browser.get("/health/live").status_code == 200


def test_a_ready_process_shows_the_rings_of_the_broker(browser):
    answer = browser.get("/health/ready")
    assert (answer.status_code, answer.json()["status"], answer.json()["rings"]["deliver"]) == (200, "ready", 2)


def test_a_dead_broker_is_told_and_costs_nothing(app, browser):
    app.doorbell.depths = None
    answer = browser.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")


def test_a_dead_database_makes_the_process_not_ready(app, settings, tmp_path):
    (tmp_path / "folder").mkdir()
    unreachable = type(settings)(**{**vars(settings), "database_url": f"sqlite:///{tmp_path / 'folder'}"})
    browser = Browser(App(unreachable, app.clock, app.catalogue, app.fetcher, app.doorbell))
    answer = browser.get("/health/ready")
    assert answer.status_code == 503
    assert "does not answer" in answer.json()["database"]
    assert browser.get(path(app.links.plan(1))).status_code == 503
    browser.close()


@pytest.mark.parametrize(
    ("error", "status"),
    [(DependencyError("secret"), 503), (BriefingsError("secret"), 500), (ValueError("secret"), 500)],
)
def test_a_stranger_sees_no_traceback_and_no_words_of_an_inner_error(app, browser, error, status, caplog):
    def fail():
        raise error

    browser.web.add_api_route("/fail", fail)
    answer = browser.get("/fail")
    assert answer.status_code == status
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert_is_a_proper_page(answer)


def test_a_wrong_method_is_refused_in_words(browser):
    answer = browser.get("/sign-up")
    assert answer.status_code == 405
    assert_is_a_proper_page(answer)


def test_nothing_tells_how_the_app_is_built(browser):
    assert [browser.get(place).status_code for place in ("/docs", "/redoc", "/openapi.json")] == [404, 404, 404]


def test_the_style_sheet_is_served_and_kept(browser):
    link = re.search(r'href="(/static/briefings.css[^"]*)"', browser.get("/").text)
    answer = browser.get(link[1])
    assert answer.status_code == 200
    assert "max-age" in answer.headers["cache-control"]
    assert browser.get("/static/../base.html").status_code == 404


def test_a_sweep_runs_while_the_app_is_served(app, browser):
    import asyncio
    from threading import enumerate as threads

    async def serve():
        async with browser.web.router.lifespan_context(browser.web):
            return [thread.name for thread in threads()]

    assert "sweeper" in asyncio.run(serve())
