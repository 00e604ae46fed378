from __future__ import annotations

import pytest
from web_world import MLOPS, deliveries_of, path

from briefings.actions.subscribe import CONFIRMS_A_DAY

ANSWERS = {"specialization": MLOPS, "level": "practitioner", "hours": "4", "known": ["docker", "kubernetes"]}
FORM = {**ANSWERS, "email": "ada@example.org", "timezone": "Europe/Berlin"}


def confirm_path(app):
    newest = deliveries_of(app, "confirm")[0]
    with app.database.read() as session:
        return path(app.writer.mail(session, newest).confirm_url)


def test_a_visitor_signs_up_confirms_and_gets_a_welcome(app, browser):
    answer = browser.post("/sign-up", data=FORM)
    assert (answer.status_code, answer.headers["location"]) == (303, "/check-your-mail")
    assert len(deliveries_of(app, "confirm")) == 1
    assert app.doorbell.rung == ["deliver"]
    assert "One press" in browser.get(confirm_path(app)).text
    assert deliveries_of(app, "welcome") == []
    confirmed = browser.post(confirm_path(app))
    assert "Monday 30 November, 07:00 (Europe/Berlin)" in confirmed.text
    assert "/plan/" in confirmed.text
    assert [one.address for one in deliveries_of(app, "welcome")] == ["ada@example.org"]
    assert app.doorbell.rung == ["deliver", "deliver"]


def test_a_second_confirmation_sends_no_second_welcome(app, browser):
    browser.post("/sign-up", data=FORM)
    place = confirm_path(app)
    assert browser.post(place).status_code == browser.post(place).status_code == 200
    assert len(deliveries_of(app, "welcome")) == 1


def test_a_second_sign_up_of_an_address_looks_the_same_to_whoever_does_it(app, browser):
    first, second = browser.post("/sign-up", data=FORM), browser.post("/sign-up", data=FORM)
    assert (first.status_code, first.headers["location"]) == (second.status_code, second.headers["location"])
    assert len({one.subscriber_id for one in deliveries_of(app, "confirm")}) == 1


def test_the_newest_sign_up_replaces_the_older_ones_when_it_is_confirmed(app, browser):
    browser.post("/sign-up", data=FORM)
    older = confirm_path(app)
    browser.post("/sign-up", data={**FORM, "hours": "9"})
    browser.post(confirm_path(app))
    assert browser.get(older).status_code == 404
    assert "newest mail" in browser.post(older).text


def test_an_address_is_not_flooded_with_confirmations(app, browser):
    statuses = {browser.post("/sign-up", data=FORM).status_code for _ in range(CONFIRMS_A_DAY + 2)}
    assert statuses == {303}
    assert len(deliveries_of(app, "confirm")) == CONFIRMS_A_DAY


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b.example, c@d.example", "a@b.example\nBcc: c@d.example", "a@b.example\r\n", "é@b.org"]
)
def test_an_address_that_cannot_be_used_comes_back_with_everything_that_was_typed(app, browser, address):
    answer = browser.post("/sign-up", data={**FORM, "email": address})
    if address.strip() == "a@b.example":
        assert answer.status_code == 303  # a line break around an address is a slip of the hand
        assert deliveries_of(app, "confirm")[0].address == "a@b.example"
        return
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert '<option value="Europe/Berlin" selected>' in answer.text
    assert 'name="known" value="kubernetes"' in answer.text
    assert deliveries_of(app, "confirm") == []
    assert app.doorbell.rung == []


def test_what_was_typed_comes_back_escaped(browser):
    answer = browser.post("/sign-up", data={**FORM, "email": '"><script>alert(1)</script>'})
    assert answer.status_code == 422
    assert "<script>" not in answer.text
    assert "&#34;&gt;&lt;script&gt;" in answer.text


def test_an_international_domain_is_accepted_in_its_ascii_form(app, browser):
    assert browser.post("/sign-up", data={**FORM, "email": "ada@bücher.example"}).status_code == 303
    assert deliveries_of(app, "confirm")[0].address == "ada@xn--bcher-kva.example"


def test_a_time_zone_that_does_not_exist_is_refused(app, browser):
    answer = browser.post("/sign-up", data={**FORM, "timezone": "Europe/Atlantis"})
    assert answer.status_code == 422
    assert "no time zone" in answer.text
    assert 'value="ada@example.org"' in answer.text


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"level": ""}, "Experience is not chosen"),
        ({"level": "wizard"}, "wizard"),
        ({"hours": "13"}, "choose between 1 and 12"),
        ({"hours": "9" * 5000}, "choose between 1 and 12"),
        ({"hours": "four"}, "choose between 1 and 12"),
        ({"specialization": "nobody"}, "no specialization"),
    ],
)
def test_answers_that_cannot_be_used_lead_back_to_the_question(browser, changed, words):
    preview = browser.get("/plan-preview", params={**ANSWERS, **changed})
    posted = browser.post("/sign-up", data={**FORM, **changed})
    assert (preview.status_code, posted.status_code) == (422, 422)
    assert words in preview.text
    assert words in posted.text


def test_the_questions_begin_with_the_specialization(browser):
    assert f'value="{MLOPS}"' in browser.get("/start").text
    second = browser.get("/start", params={"specialization": MLOPS, "known": "docker", "hours": "7"}).text
    assert 'name="known" value="docker" checked' in second
    assert 'name="hours" value="7" checked' in second


@pytest.mark.parametrize("spec", ["nobody", "<b>"])
def test_a_specialization_that_nobody_knows_leads_to_the_choice(browser, spec):
    answer = browser.get("/start", params={"specialization": spec})
    assert answer.status_code == 422
    assert 'name="specialization"' in answer.text
    assert "<b>;" not in answer.text


def test_the_preview_shows_the_whole_plan_and_what_was_left_out(browser):
    answer = browser.get("/plan-preview", params={**ANSWERS, "hours": "1"})
    assert answer.status_code == 200
    assert all(f'id="week-{number}"' in answer.text for number in range(1, 13))
    assert "no room in 1 h a week" in answer.text


def test_the_preview_without_answers_leads_to_the_questions(browser):
    assert browser.get("/plan-preview").headers["location"] == "/start"


def test_an_unknown_skill_is_passed_over(browser):
    assert browser.get("/plan-preview", params={**ANSWERS, "known": "<script>"}).status_code == 200
