from dataclasses import replace
from datetime import timedelta

import pytest
import services
import week
from sqlalchemy import select, update
from week import MONDAY_EVENING

from briefings.actions import account
from briefings.adapters.mail_catcher import keep
from briefings.domain.deliveries import State, Step
from briefings.errors import DependencyError, InputError, NotFoundError
from briefings.settings import Relay
from briefings.store import deliveries as rows
from briefings.store import subscribers
from briefings.store.deliveries import Delivery, Event
from briefings.store.issues import Content, Edition
from briefings.store.subscribers import Subscriber, Suppression

NOBODY = Relay("127.0.0.1", 9, "none")


@pytest.fixture
def composed(app):
    """Two people's briefings, composed and due; both say the same, so that the first is sent first."""
    week.add_items(app, week.add_feed(app), "vLLM halves the KV cache")
    week.enrol(app, "ana@readers.example", week=5)
    week.enrol(app, "bo@readers.example", week=5)
    app.compose()
    app.clock.now = MONDAY_EVENING
    return app


def states(app) -> list[tuple[str, str]]:
    return [(one.state, one.reason) for one in week.deliveries(app, kind="briefing")]


def test_a_briefing_leaves_with_the_headers_that_a_weekly_mail_needs(composed, relay):
    assert composed.deliver() == 2

    mail = next(mail for mail in relay.mails if mail["To"] == "ana@readers.example")
    assert mail["Subject"] == "Week 5 of 12: predict the cache before tuning"
    assert mail["From"] == "Weekly Briefing <briefing@briefings.example>"
    assert (
        mail["Message-ID"] == f"<{week.deliveries(composed, address='ana@readers.example')[0].uid}@briefings.example>"
    )
    assert mail["List-ID"] == '"Weekly Briefing" <weekly.briefings.example>'
    assert mail["List-Unsubscribe"].startswith("<http://127.0.0.1:8025/u/")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Feedback-ID"] == "2026-w48:wk05:weekly:briefbrf1"
    assert mail["Date"] == "Mon, 23 Nov 2026 06:00:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail.defects == []
    assert "vLLM halves the KV cache" in mail.get_body(("plain",)).get_content()


def test_every_line_of_a_mail_is_short_and_ends_in_crlf(composed, relay):
    composed.deliver()
    _, content = relay.accepted[0]
    head, _, body = content.partition(b"\r\n\r\n")
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(len(line) for line in body.split(b"\r\n")) <= 78
    assert max(len(line) for line in head.split(b"\r\n")) < 998


def test_delivering_again_sends_nothing_twice(composed, relay):
    assert (composed.deliver(), composed.deliver()) == (2, 0)
    assert len(relay.accepted) == 2


def test_nothing_is_sent_before_its_hour(app, relay):
    week.enrol(app, timezone="Pacific/Honolulu")
    app.compose()
    app.clock.now = MONDAY_EVENING - timedelta(hours=6)
    assert app.deliver() == 0
    app.clock.move(hours=6)
    assert app.deliver() == 1


def test_a_refused_recipient_bounces_is_suppressed_and_gets_the_week_back_while_the_next_is_served(composed, relay):
    relay.answers["RCPT ana@readers.example"] = "550 5.1.1 no such person"

    assert composed.deliver() == 1

    assert states(composed) == [("bounced", "refused"), ("sent", "")]
    with composed.database.read() as session:
        assert [one.reason for one in session.scalars(select(Suppression))] == ["bounced"]
        assert [one.week_number for one in session.scalars(select(Edition).order_by(Edition.id))] == [None, 5]
        replies = session.scalars(select(Event).where(Event.kind == "bounced")).one().detail
    assert replies["reply"] == "550 5.1.1 no such person"


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_refusal_for_now_is_tried_again_later_with_the_same_bytes(composed, relay, verb):
    relay.answers[verb] = "451 4.3.0 come back later"
    assert composed.deliver() == 0
    assert states(composed) == [("deferred", "refused-for-now")] * 2
    tried = list(relay.accepted)

    relay.answers.clear()
    assert composed.deliver() == 0
    composed.clock.move(minutes=2)
    assert composed.deliver() == 2
    assert tried == []
    assert len({mail["Message-ID"] for mail in relay.mails}) == 2


def test_a_policy_refusal_blames_nobodys_address(composed, relay):
    relay.answers["RCPT"] = "550 5.7.26 not authenticated"
    composed.deliver()
    assert states(composed) == [("deferred", "policy")] * 2
    with composed.database.read() as session:
        assert session.scalars(select(Suppression)).all() == []


def test_a_drop_before_the_final_dot_is_tried_again(composed, relay):
    relay.answers["RCPT"] = "drop"
    composed.deliver()
    assert {state for state, _ in states(composed)} == {"deferred"}


@pytest.mark.parametrize("number", [1, 2])
def test_without_a_relay_no_delivery_is_touched(composed, number):
    composed.settings = replace(composed.settings, relays=(NOBODY,) * number)
    with pytest.raises(DependencyError, match=r"The relay 127\.0\.0\.1:9"):
        composed.deliver()
    assert states(composed) == [("queued", "")] * 2
    assert [one.epoch for one in week.deliveries(composed, kind="briefing")] == [0, 0]


@pytest.mark.parametrize("others", [(), (NOBODY,)])
def test_a_relay_that_goes_away_in_the_middle_costs_no_attempt_and_the_rest_is_given_back(
    composed, relay, monkeypatch, others
):
    composed.settings = replace(composed.settings, relays=composed.settings.relays + others)
    monkeypatch.setattr(relay, "on_data", relay.go_away)
    with pytest.raises(DependencyError):
        composed.deliver()
    assert states(composed) == [("sent", ""), ("deferred", "no-relay")]
    assert week.deliveries(composed, kind="briefing")[1].attempts == 0


@pytest.mark.parametrize(
    ("verb", "reply", "state"),
    [
        ("RCPT", "550 5.1.1 no such person", "bounced"),
        ("RCPT", "550 no such person", "bounced"),
        ("RCPT", "550 5.2.1 mailbox disabled", "bounced"),
        ("RCPT", "552 5.2.2 mailbox full", "deferred"),
        ("DATA", "550 5.4.5 daily user sending limit exceeded", "deferred"),
        ("DATA", "554 your reputation is bad", "deferred"),
        ("DATA", "550 5.7.1 looks like spam", "deferred"),
        ("DATA", "552 5.3.4 too large", "bounced"),
        ("DATA", "554 5.6.0 malformed", "bounced"),
        ("MAIL", "550 5.1.8 sender refused", "deferred"),
    ],
)
def test_only_an_answer_that_blames_the_address_suppresses_it(composed, relay, verb, reply, state):
    relay.answers[verb] = reply
    composed.deliver()
    assert {one for one, _ in states(composed)} == {state}
    with composed.database.read() as session:
        suppressed = session.scalars(select(Suppression.reason)).all()
    assert bool(suppressed) == (verb == "RCPT" and state == "bounced")


def test_attempts_end_at_last(composed, relay):
    relay.answers["RCPT"] = "451 4.3.0 come back later"
    composed.settings = replace(composed.settings, latest=timedelta(days=9))
    with composed.database.write() as session:
        session.execute(update(Delivery).values(not_after=MONDAY_EVENING + timedelta(days=9)))
    for _ in range(9):
        composed.deliver()
        composed.clock.move(hours=13)
    assert states(composed) == [("dead", "attempts-spent")] * 2


def test_no_verdict_after_the_final_dot_is_unknown_and_sent_once_more_with_the_same_message_id(composed, relay):
    relay.answers["DATA ana@readers.example"] = "accept-and-drop"
    composed.deliver()
    assert states(composed) == [("unknown", "no-verdict"), ("sent", "")]

    composed.clock.move(minutes=10)
    assert composed.deliver() == 0
    composed.clock.move(minutes=6)
    relay.answers.clear()
    assert composed.deliver() == 1
    assert states(composed) == [("sent", ""), ("sent", "")]
    copies = [mail["Message-ID"] for mail in relay.mails if mail["To"] == "ana@readers.example"]
    assert len(copies) == 2
    assert len(set(copies)) == 1


def test_an_unknown_outcome_is_settled_by_what_the_relay_says_afterwards(composed, relay, tmp_path):
    composed.settings = replace(composed.settings, caught_mail=tmp_path)
    relay.answers["DATA"] = "accept-and-drop"
    composed.deliver()
    keep(tmp_path, "", ["ana@readers.example"], relay.accepted[0][1])
    relay.answers.clear()
    composed.clock.move(minutes=16)

    assert composed.deliver() == 1
    assert states(composed) == [("sent", "relay-says-so"), ("sent", "")]


def test_with_the_policy_hold_an_unknown_outcome_waits_for_the_operator(composed, relay):
    composed.settings = replace(composed.settings, unknown_policy="hold")
    relay.answers["DATA"] = "accept-and-drop"
    composed.deliver()
    composed.clock.move(hours=5)
    assert composed.deliver() == 0
    assert states(composed) == [("unknown", "no-verdict")] * 2


def begun_by(app, owner: str, limit: int) -> list[rows.Due]:
    """The next deliveries, as a worker leaves them that dies before it sends."""
    with app.database.write() as session:
        window = rows.lock_due(session, app.clock(), limit)
        rows.begin(session, window, owner, app.clock(), timedelta(minutes=1))
        return window


def test_what_a_dead_worker_was_sending_is_unknown(composed, relay):
    begun_by(composed, "dead-worker", 1)
    composed.clock.move(minutes=2)
    assert composed.deliver() == 1
    assert states(composed) == [("unknown", "crashed-while-sending"), ("sent", "")]


def test_a_worker_that_wakes_up_after_its_lease_changes_nothing(composed, relay):
    (mine,) = begun_by(composed, "zombie", 1)
    for minutes in (2, 16):
        composed.clock.move(minutes=minutes)
        composed.deliver()
    with composed.database.write() as session:
        assert not rows.change_all(session, [mine], State.SENDING, Step(State.DEFERRED), composed.clock())
    assert states(composed) == [("sent", "")] * 2


def test_a_verdict_that_comes_after_the_lease_still_counts(composed, relay):
    def think_for_long() -> None:
        relay.on_data = lambda: None
        composed.clock.move(minutes=5)
        composed.delivering.recover()
        assert states(composed)[0] == ("unknown", "crashed-while-sending")

    relay.on_data = think_for_long
    composed.deliver()
    assert states(composed)[0] == ("sent", "")
    composed.clock.move(minutes=20)
    composed.deliver()
    assert len(relay.accepted) == len(set(relay.recipients)) == 2


def test_what_was_taken_over_while_the_relay_was_thinking_is_not_sent_by_its_first_worker(composed, relay):
    def think_for_hours() -> None:
        """Meanwhile another worker finds both unknown, waits out the patience, takes them over and sends them."""
        for minutes in (5, 16):
            composed.clock.move(minutes=minutes)
            composed.delivering.recover()
        taken = begun_by(composed, "other", 20)
        with composed.database.write() as session:
            rows.change_all(session, taken, State.SENDING, Step(State.SENT), composed.clock())

    relay.on_data = think_for_hours
    composed.deliver()
    assert relay.recipients == ["ana@readers.example"]
    taken_over = [(one.state, one.resent, one.epoch) for one in week.deliveries(composed, kind="briefing")]
    assert taken_over == [("sent", 1, 2), ("sent", 0, 1)]


def test_a_person_who_leaves_while_another_mail_is_sent_gets_nothing(composed, relay):
    def leave() -> None:
        relay.on_data = lambda: None
        _leave(composed, "bo@readers.example")

    relay.on_data = leave
    composed.deliver()
    assert relay.recipients == ["ana@readers.example"]
    assert states(composed) == [("sent", ""), ("skipped", "unsubscribed")]


def test_a_refusal_for_now_that_comes_after_the_lease_still_counts(composed, relay):
    def think_for_long() -> None:
        relay.on_data = lambda: None
        composed.clock.move(minutes=5)
        composed.delivering.recover()

    relay.on_data = think_for_long
    relay.answers["DATA ana@readers.example"] = "451 4.3.0 not now"
    composed.deliver()
    assert states(composed)[0] == ("deferred", "refused-for-now")


def test_a_pass_ends_after_two_minutes_and_leaves_the_rest_for_the_next(app, relay):
    for number in range(30):
        week.enrol(app, f"p{number}@readers.example")
    app.compose()
    app.clock.now = MONDAY_EVENING
    relay.on_data = lambda: app.clock.move(seconds=10)
    app.settings = replace(app.settings, lease=timedelta(hours=1))
    assert [app.deliver() for _ in range(3)] == [12, 12, 6]
    assert len(set(relay.recipients)) == 30


def test_an_unknown_outcome_that_was_sent_again_is_still_settled_by_evidence(composed, relay, tmp_path):
    composed.settings = replace(composed.settings, caught_mail=tmp_path)
    relay.answers["DATA ana@readers.example"] = "accept-and-drop"
    for _ in range(2):
        composed.deliver()
        composed.clock.move(minutes=16)
    assert states(composed)[0] == ("unknown", "no-verdict")
    keep(tmp_path, "", ["ana@readers.example"], relay.accepted[0][1])
    composed.deliver()
    assert states(composed)[0] == ("sent", "relay-says-so")


@pytest.mark.parametrize(("verdict", "state"), [("sent", "sent"), ("resend", "queued"), ("dead", "dead")])
def test_the_operator_settles_what_nobody_knows(composed, relay, verdict, state):
    composed.settings = replace(composed.settings, unknown_policy="hold")
    relay.answers["DATA"] = "accept-and-drop"
    composed.deliver()
    composed.clock.move(hours=2)
    (first, _) = week.deliveries(composed, kind="briefing")
    assert "briefings settle" in account.stuck_words(composed.database, composed.clock())[0]
    assert "deliver" not in composed.due_queues()

    composed.settle(first.id, verdict)
    assert states(composed)[0] == (state, "operator")


def test_a_dead_briefing_that_is_sent_after_all_holds_its_week_again_unless_the_week_has_come_since(composed, relay):
    composed.settings = replace(composed.settings, unknown_policy="hold")
    relay.answers["DATA"] = "accept-and-drop"
    composed.deliver()
    first, second = week.deliveries(composed, kind="briefing")
    for one in (first, second):
        composed.settle(one.id, "dead")
    composed.settle(first.id, "resend")
    with composed.database.write() as session:
        held = dict(session.execute(select(Edition.id, Edition.week_number)).all())
        assert held == {first.edition_id: 5, second.edition_id: None}
        plan = session.get_one(Edition, second.edition_id).plan_id
        session.execute(update(Edition).where(Edition.id == first.edition_id).values(plan_id=plan))
    with pytest.raises(InputError, match="has come with a later issue"):
        composed.settle(second.id, "resend")
    assert states(composed) == [("queued", "operator"), ("dead", "operator")]


def test_a_dead_mail_that_cannot_be_read_may_be_tried_again(composed):
    (first, _) = week.deliveries(composed, kind="briefing")
    with composed.database.write() as session:
        session.execute(update(Edition).where(Edition.id == first.edition_id).values(content_digest="gone"))
        session.execute(update(Delivery).where(Delivery.id == first.id).values(state="dead"))
    composed.settle(first.id, "resend")
    assert states(composed)[0] == ("queued", "operator")


def test_what_is_settled_cannot_be_settled_again(composed, relay):
    composed.deliver()
    with pytest.raises(InputError, match="is sent"):
        composed.settle(week.deliveries(composed, kind="briefing")[0].id, "resend")
    with pytest.raises(NotFoundError, match="no delivery 4711"):
        composed.settle(4711, "sent")


def test_a_change_that_the_lifecycle_does_not_have_is_refused(composed):
    (first, _) = week.deliveries(composed, kind="briefing")
    with composed.database.write() as session, pytest.raises(ValueError, match="cannot go from queued to sent"):
        rows.change(session, first, State.QUEUED, Step(State.SENT), composed.clock())


def test_the_person_is_looked_at_again_when_the_mail_is_begun(composed, relay):
    with composed.database.write() as session:
        session.execute(update(Subscriber).where(Subscriber.address == "ana@readers.example").values(state="paused"))
        bo = session.scalars(select(Subscriber).where(Subscriber.address == "bo@readers.example")).one()
        subscribers.suppress(session, bo.address_key, "complained", composed.clock())
    assert composed.deliver() == 0
    assert states(composed) == [("skipped", "paused"), ("skipped", "suppressed")]
    assert composed.ledger().imbalances() == []


def test_a_briefing_that_is_a_day_and_a_half_late_is_not_sent(composed, relay):
    composed.clock.move(days=2)
    assert composed.deliver() == 0
    assert states(composed) == [("skipped", "too-late")] * 2
    with composed.database.read() as session:
        assert session.scalars(select(Edition.week_number)).all() == [None, None]


def test_a_mail_that_cannot_be_rendered_costs_nobody_else_theirs(composed, relay):
    with composed.database.write() as session:
        edition = session.scalars(select(Edition).order_by(Edition.id)).first()
        session.add(Content(issue_id=edition.issue_id, digest="broken", text='{"broken": true}'))
        broken = update(Delivery).where(Delivery.edition_id == edition.id).values(content_digest="broken")
        session.execute(broken)
    assert composed.deliver() == 1
    assert states(composed) == [("dead", "cannot-render"), ("sent", "")]


def test_two_workers_at_once_send_each_mail_once(app, relay):
    from concurrent.futures import ThreadPoolExecutor

    for number in range(60):
        week.enrol(app, f"p{number}@readers.example")
    app.compose()
    app.clock.now = MONDAY_EVENING
    with ThreadPoolExecutor(4) as pool:
        sent = sum(pool.map(lambda _: app.deliver(), range(4)))
    assert sent == 60
    assert sorted(relay.recipients) == sorted(f"p{number}@readers.example" for number in range(60))


def test_of_two_relays_one_dies_in_the_middle_and_each_mail_is_sent_once_in_one_pass(app, relay, monkeypatch):
    for number in range(30):
        week.enrol(app, f"p{number}@readers.example")
    app.compose()
    app.clock.now = MONDAY_EVENING
    other = services.Relay().start()
    app.settings = replace(app.settings, relays=(*app.settings.relays, Relay("127.0.0.1", other.port, "none")))
    monkeypatch.setattr(relay, "on_data", lambda: relay.go_away() if len(relay.accepted) == 5 else None)
    try:
        assert app.deliver() == 30
    finally:
        other.stop()
    assert (len(relay.accepted), len(other.accepted)) == (5, 25)
    assert {*relay.recipients, *other.recipients} == {f"p{number}@readers.example" for number in range(30)}
    assert set(states(app)) == {("sent", "")}


def test_the_next_pass_knows_which_relay_rests(composed, caplog):
    composed.settings = replace(composed.settings, relays=(NOBODY, *composed.settings.relays))
    for _ in range(2):
        mailer = composed.connect()
        mailer.open()
        mailer.close()
    assert [message.endswith("It rests for 1 min") for message in caplog.messages] == [True]


def test_no_password_stands_in_what_is_recorded(composed, relay):
    wrong = Relay("127.0.0.1", relay.port, "none", "ana", "canary-secret")
    composed.settings = replace(composed.settings, relays=(wrong,))
    with pytest.raises(DependencyError) as refusal:
        composed.deliver()
    assert "canary-secret" not in str(refusal.value)
    with composed.database.read() as session:
        assert "canary-secret" not in str([event.detail for event in session.scalars(select(Event))])
    assert "canary-secret" not in repr(composed.settings)


def _leave(app, address: str) -> None:
    (delivery,) = week.deliveries(app, address=address, kind="briefing")
    token = app.links.unsubscribe(delivery.subscriber_id).rpartition("/")[2]
    app.subscribing.unsubscribe(token, app.clock())
