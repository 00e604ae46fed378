import json
from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import Bell, FakeClock
from sent_mail import add_sent, state_of, suppressions
from sns_world import SUBSCRIBE_URL, TOPIC, Amazon, ses_bounce
from web_world import TUESDAY, Browser, snapshot

from briefings.adapters.signed_notices import sign
from briefings.bootstrap import App
from briefings.domain.deliveries import State

SECRET = b"an invented secret of more than 32 letters"


@pytest.fixture(scope="module")
def amazon():
    return Amazon(TUESDAY - timedelta(days=1))


@pytest.fixture
def app(settings, catalogue, amazon):
    believing = replace(settings, ses_topics=frozenset({TOPIC}), notices_secret=SECRET)
    app = App(believing, FakeClock(TUESDAY), catalogue, amazon, Bell())
    add_sent(app, "aa", "bb")
    yield app
    app.database.close()


def notices(browser, told, *, moment=TUESDAY, secret=SECRET, **headers):
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    at = str(int(moment.timestamp()))
    signed = {"Briefings-Timestamp": at, "Briefings-Signature": sign(secret, at, body)}
    return browser.post("/hooks/notices", content=body, headers=signed | headers)


def one(uid="aa", kind="bounced", status="5.1.1", number="1", **more):
    return {"id": number, "uid": uid, "kind": kind, "status": status, **more}


# ---------------------------------------------------------------- Amazon SES


def test_a_bounce_of_ses_suppresses_the_address(app, browser, amazon):
    answer = browser.post("/hooks/ses", content=amazon.post(ses_bounce("aa"), TUESDAY))
    assert (answer.status_code, answer.json()) == (200, {"bounced": 1})
    assert state_of(app, "aa") == "bounced"
    assert suppressions(app) == {"key of aa": ("bounced", None)}


def test_a_message_of_ses_that_is_played_again_changes_nothing(app, browser, amazon):
    body = amazon.post(ses_bounce("aa", "Transient"), TUESDAY)
    browser.post("/hooks/ses", content=body)
    before = snapshot(app)
    assert browser.post("/hooks/ses", content=body).json() == {"nothing-new": 1}
    assert snapshot(app) == before


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda body: body.replace(b"aa@", b"bb@"), 403),
        (lambda body: body.replace(TOPIC.encode(), TOPIC.encode() + b"2"), 403),
        (lambda body: body.replace(b"sns.eu-west-1", b"evil.example/sns"), 403),
        (lambda body: body[:-1], 422),
        (lambda body: b"", 422),
        (lambda body: body + b" " * 70_000, 413),
    ],
)
def test_a_forged_message_of_ses_has_no_effect(app, browser, amazon, change, status):
    before = snapshot(app)
    body = change(amazon.post(ses_bounce("aa"), TUESDAY))
    assert browser.post("/hooks/ses", content=body).status_code == status
    assert snapshot(app) == before


def test_an_unknown_delivery_of_ses_is_counted(browser, amazon):
    answer = browser.post("/hooks/ses", content=amazon.post(ses_bounce("ff"), TUESDAY))
    assert (answer.status_code, answer.json()) == (200, {"not-ours": 1})


def test_a_subscription_of_our_topic_is_confirmed(browser, amazon):
    words = {"Type": "SubscriptionConfirmation", "Token": "1", "SubscribeURL": SUBSCRIBE_URL}
    assert browser.post("/hooks/ses", content=amazon.post("Hello", TUESDAY, **words)).status_code == 200
    assert amazon.fetched[-1] == SUBSCRIBE_URL


def test_the_end_of_a_subscription_is_only_logged(browser, amazon, caplog):
    words = {"Type": "UnsubscribeConfirmation", "Token": "1", "SubscribeURL": SUBSCRIBE_URL}
    assert browser.post("/hooks/ses", content=amazon.post("Bye", TUESDAY, **words)).json() == {}
    assert "UnsubscribeConfirmation" in caplog.text


def test_without_a_topic_nothing_of_ses_is_believed(app, amazon):
    closed = App(replace(app.settings, ses_topics=frozenset()), app.clock, app.catalogue, amazon, Bell())
    browser = Browser(closed)
    assert browser.post("/hooks/ses", content=amazon.post(ses_bounce("aa"), TUESDAY)).status_code == 403
    browser.close()
    closed.database.close()


# ---------------------------------------------------------------- our own form


def test_signed_notices_are_taken(app, browser):
    told = [one(), one("bb", "deferred", "4.4.1", "2", words="busy"), one("ff", number="3")]
    answer = notices(browser, told)
    assert (answer.status_code, answer.json()) == (200, {"bounced": 1, "deferred": 1, "not-ours": 1})
    assert (state_of(app, "aa"), state_of(app, "bb")) == ("bounced", "sent")
    assert suppressions(app) == {"key of aa": ("bounced", None)}


def test_a_message_id_names_the_delivery_too(app, browser):
    told = {"id": "1", "message_id": "<aa@briefings.example>", "kind": "complained"}
    assert notices(browser, [told]).json() == {"complained": 1}
    assert suppressions(app) == {"key of aa": ("complained", None)}


def test_signed_notices_that_come_again_change_nothing(app, browser):
    told = [one(kind="deferred"), one("bb", "delivered", number="2")]
    notices(browser, told)
    before = snapshot(app)
    assert notices(browser, told).json() == {"nothing-new": 2}
    assert snapshot(app) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": b"another secret of more than 32 letters, too"},
        {"moment": TUESDAY - timedelta(minutes=6)},
        {"moment": TUESDAY + timedelta(minutes=6)},
        {"Briefings-Signature": ""},
        {"Briefings-Signature": "0" * 64},
        {"Briefings-Timestamp": ""},
        {"Briefings-Timestamp": "soon"},
        {"Briefings-Timestamp": "9" * 4000},
        {"Briefings-Timestamp": str(int(TUESDAY.timestamp()) + 1)},
    ],
)
def test_a_wrong_signature_has_no_effect(app, browser, wrong):
    before = snapshot(app)
    assert notices(browser, [one()], **wrong).status_code == 403
    assert snapshot(app) == before


def test_a_signature_beyond_ascii_is_only_wrong(browser):
    assert notices(browser, [one()], **{"Briefings-Signature": b"\xe4\xff"}).status_code == 403


def test_without_a_secret_no_notice_is_taken(app):
    closed = App(replace(app.settings, notices_secret=b""), app.clock, app.catalogue, app.fetcher, Bell())
    browser = Browser(closed)
    assert notices(browser, [one()], secret=b"").status_code == 403
    browser.close()
    closed.database.close()


@pytest.mark.parametrize(
    "told",
    [
        {},
        [one(kind="opened")],
        [one(number="")],
        [one(number="a\x00")],
        [one(uid="aa\x00")],
        [one(surprise="x")],
        [{"uid": "aa", "kind": "bounced"}],
        b"[" * 60_000,
        b"\xff",
        b"",
    ],
)
def test_what_is_no_list_of_notices_has_no_effect(app, browser, told):
    before = snapshot(app)
    assert notices(browser, told).status_code == 422
    assert snapshot(app) == before


def test_a_body_that_is_too_large_is_refused(browser):
    assert notices(browser, b" " * 70_000).status_code == 413


def test_a_notice_that_comes_too_early_asks_to_be_sent_again(app, browser):
    add_sent(app, "cc", state=State.SENDING)
    answer = notices(browser, [one(), one("cc", "delivered", number="2")])
    assert (answer.status_code, answer.json()) == (503, {"bounced": 1, "too-early": 1})
