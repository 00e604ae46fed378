from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import week
from sqlalchemy import select
from week import MONDAY_EVENING, SUNDAY

from briefings.actions.subscribe import checked_address
from briefings.domain import plans
from briefings.errors import InputError, NotFoundError
from briefings.store.subscribers import Plan, Subscriber, Suppression


def sign_up(app, address: str = "ana@readers.example", timezone: str = "Europe/Berlin", hours: int = 4) -> int:
    profile = plans.profile(app.catalogue, week.MLOPS, "practitioner", hours)
    return app.subscribing.sign_up(address, timezone, profile, app.clock())


def confirm_token(app, address: str = "ana@readers.example") -> str:
    delivery = week.deliveries(app, address=address, kind="confirm")[-1]
    with app.database.read() as session:
        return app.writer.mail(session, delivery).confirm_url.rpartition("/")[2]


def person(app, address: str = "ana@readers.example") -> Subscriber:
    with app.database.read() as session:
        return session.scalars(select(Subscriber).where(Subscriber.address == address)).one()


def test_signing_up_asks_first_and_confirming_starts_the_plan_on_the_next_monday(app, relay):
    sign_up(app)
    assert person(app).state == "pending"
    assert app.deliver() == 1
    assert relay.mails[0]["From"] == "Weekly Briefing <account@briefings.example>"
    assert relay.mails[0]["List-Unsubscribe"] is None

    app.clock.move(hours=1)
    app.subscribing.confirm(confirm_token(app), app.clock())

    assert person(app).state == "active"
    assert app.deliver() == 1
    text = " ".join(relay.mails[1].get_body(("plain",)).get_content().split())
    assert "Monday 30 November, 07:00 (Europe/Berlin)" in text


def test_the_first_briefing_comes_on_the_monday_that_the_welcome_promised(app, relay):
    sign_up(app)
    app.subscribing.confirm(confirm_token(app), app.clock())
    assert app.compose() == 0
    app.clock.move(days=7)
    assert app.compose() == 1
    app.clock.now = MONDAY_EVENING + timedelta(days=7)
    app.deliver()
    assert relay.mails[-1]["Subject"].startswith("Week 1 of 12: ")


def test_confirming_twice_welcomes_once(app):
    sign_up(app)
    token = confirm_token(app)
    app.subscribing.confirm(token, app.clock())
    app.subscribing.confirm(token, app.clock())
    assert len(week.deliveries(app, kind="welcome")) == 1


def test_a_confirmation_expires_after_a_week(app):
    sign_up(app)
    token = confirm_token(app)
    app.clock.move(days=8)
    with pytest.raises(NotFoundError, match="expired"):
        app.subscribing.confirm(token, app.clock())


def test_somebody_elses_sign_up_changes_nothing_for_a_subscriber_until_they_confirm_it(app):
    subscriber = week.enrol(app, hours=4)
    sign_up(app, timezone="Asia/Tokyo", hours=2)

    assert person(app).timezone == "Europe/Berlin"
    with app.database.read() as session:
        current = session.scalars(select(Plan).where(Plan.subscriber_id == subscriber, Plan.state == "current")).one()
    assert current.hours == 4

    app.subscribing.confirm(confirm_token(app), app.clock())
    assert person(app).timezone == "Asia/Tokyo"


def test_an_address_gets_three_confirmations_a_day_however_often_it_is_entered(app):
    for _ in range(9):
        sign_up(app)
    assert len(week.deliveries(app, kind="confirm")) == 3


def test_leaving_ends_mail_that_is_queued_already_and_can_be_undone(app, relay):
    subscriber = week.enrol(app)
    app.compose()
    token = app.links.unsubscribe(subscriber).rpartition("/")[2]

    app.subscribing.unsubscribe(token, app.clock())
    app.subscribing.unsubscribe(token, app.clock())
    app.clock.now = MONDAY_EVENING

    assert app.deliver() == 0
    assert [(one.state, one.reason) for one in week.deliveries(app)] == [("skipped", "unsubscribed")]
    assert app.ledger().imbalances() == []

    app.subscribing.resubscribe(token, app.clock())
    assert person(app).state == "active"
    with app.database.read() as session:
        assert session.scalars(select(Suppression)).all() == []


def test_undoing_does_not_lift_a_bounce(app):
    from briefings.store import subscribers

    subscriber = week.enrol(app)
    with app.database.write() as session:
        subscribers.suppress(session, person(app).address_key, "bounced", app.clock())
    token = app.links.unsubscribe(subscriber).rpartition("/")[2]
    app.subscribing.unsubscribe(token, app.clock())
    app.subscribing.resubscribe(token, app.clock())
    with app.database.read() as session:
        assert session.scalars(select(Suppression.reason)).all() == ["bounced"]


def test_a_token_of_another_purpose_ends_nothing(app):
    subscriber = week.enrol(app)
    with pytest.raises(NotFoundError):
        app.subscribing.unsubscribe(app.links.plan(subscriber).rpartition("/")[2], app.clock())


@pytest.mark.parametrize(
    "address",
    [
        "ana@a.example, bo@b.example",
        "ana@a.example\nBcc: bo@b.example",
        "ana <ana@a.example>",
        "ana",
        "@a.example",
        "ana@",
        "",
        "a" * 300 + "@a.example",
        "änä@a.example",
        "ana@a.example\x00",
    ],
)
def test_what_is_not_one_plain_address_is_refused_in_words(address):
    with pytest.raises(InputError, match="address"):
        checked_address(address)


def test_an_international_domain_is_kept_in_its_ascii_form():
    assert checked_address("ana@bücher.example") == "ana@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"timezone": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
        ({"hours": 0}, "0 hours a week"),
        ({"hours": 13}, "choose between 1 and 12"),
    ],
)
def test_answers_that_cannot_be_used_are_named(app, answer, words):
    with pytest.raises(InputError, match=words):
        sign_up(app, **answer)


def test_who_comes_back_after_being_forgotten_gets_mail_again_whenever_the_house_is_tidied(app, relay):
    subscriber = week.enrol(app)
    app.subscribing.unsubscribe(app.links.unsubscribe(subscriber).rpartition("/")[2], app.clock())
    app.clock.move(days=31)
    app.tidy()
    sign_up(app)
    token = confirm_token(app)
    app.clock.move(days=1)
    app.tidy()
    app.subscribing.confirm(token, app.clock())
    app.deliver()
    assert relay.recipients[-1] == "ana@readers.example"


def test_two_clicks_at_once_on_confirm_welcome_once(app):
    sign_up(app)
    token = confirm_token(app)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: app.subscribing.confirm(token, app.clock()), range(4)))
    assert len(week.deliveries(app, kind="welcome")) == 1


def test_an_old_confirmation_does_not_bring_back_who_has_left(app):
    sign_up(app)
    token = confirm_token(app)
    subscriber = app.subscribing.confirm(token, app.clock())
    app.subscribing.unsubscribe(app.links.unsubscribe(subscriber.id).rpartition("/")[2], app.clock())
    with pytest.raises(NotFoundError, match="sign up again"):
        app.subscribing.confirm(token, app.clock())


def test_undoing_brings_back_who_had_paused_as_paused(app):
    subscriber = week.enrol(app)
    app.adjusting.change_state(subscriber, "pause", app.clock())
    token = app.links.unsubscribe(subscriber).rpartition("/")[2]
    app.subscribing.unsubscribe(token, app.clock())
    assert app.subscribing.resubscribe(token, app.clock()).state == "paused"
    app.adjusting.change_state(subscriber, "resume", app.clock())
    app.subscribing.unsubscribe(token, app.clock())
    assert app.subscribing.resubscribe(token, app.clock()).state == "active"


def test_undoing_brings_back_who_had_finished_as_finished(app):
    subscriber = week.enrol(app, week=13)
    app.compose()
    token = app.links.unsubscribe(subscriber).rpartition("/")[2]
    app.subscribing.unsubscribe(token, app.clock())
    app.subscribing.resubscribe(token, app.clock())
    assert person(app).state == "finished"


def test_whoever_confirms_in_the_last_minutes_before_a_cut_off_starts_a_week_later_and_the_ledger_balances(app):
    app.clock.now = SUNDAY.replace(hour=8, minute=0)
    sign_up(app)
    app.clock.now = SUNDAY.replace(hour=8, minute=57)
    app.subscribing.confirm(confirm_token(app), app.clock())
    app.clock.now = SUNDAY
    assert app.compose() == 0
    assert app.ledger().imbalances() == []
    with app.database.read() as session:
        assert session.scalars(select(Plan.starts_on)).one().isoformat() == "2026-11-30"


def test_whoever_is_taken_over_after_a_cut_off_is_no_candidate_of_its_issue(app):
    week.enrol(app)
    app.compose()
    profile = plans.profile(app.catalogue, week.MLOPS, "expert", 4)
    long_ago = app.clock() - timedelta(days=40)
    app.subscribing.enrol("bo@r.example", "UTC", profile, confirmed_at=long_ago, joined_at=app.clock())
    assert app.ledger().imbalances() == []
