from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Lock

import pytest
import week
from sent_mail import bounce
from sqlalchemy import event, select, update
from week import MONDAY_EVENING

from briefings.actions import account, deliver, tidy
from briefings.domain.brakes import Brakes, Canary
from briefings.domain.rates import Rate, Rates
from briefings.errors import InputError
from briefings.store import brakes as brake_rows
from briefings.store.base import Database
from briefings.store.brakes import Brake, StoredBucket
from briefings.store.deliveries import Delivery, Event

POLICY = "550 5.7.1 your reputation is bad"


@pytest.fixture
def crowd(app):
    """Makes an issue for so many people, composed and due, and gives the app back."""

    def made(number: int, domain: str = "readers.example"):
        for one in range(number):
            week.enrol(app, f"p{one}@{domain}")
        app.compose()
        app.clock.now = MONDAY_EVENING
        return app

    return made


@pytest.fixture
def whole_windows(monkeypatch):
    """The first window of a pass is as large as any."""
    monkeypatch.setattr(deliver, "FIRST_WINDOW", deliver.WINDOW)


def reasons(app) -> Counter[tuple[str, str]]:
    return Counter((one.state, one.reason) for one in week.deliveries(app, kind="briefing"))


def brakes(app) -> Brakes:
    with app.database.read() as session:
        return brake_rows.brakes(session)


def events(app, *kinds: str) -> list[Event]:
    with app.database.read() as session:
        return list(session.scalars(select(Event).where(Event.kind.in_(kinds)).order_by(Event.id)))


def confirm_later(app) -> None:
    """One briefing becomes account mail."""
    with app.database.write() as session:
        last = session.scalars(select(Delivery).order_by(Delivery.id.desc()).limit(1)).one()
        last.kind, last.plan_id = "welcome", None


def statements(app) -> list[str]:
    seen: list[str] = []
    event.listen(app.database.engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
    return seen


# ---------------------------------------------------------------- stop


def test_nothing_is_begun_while_sending_is_stopped_and_all_goes_after_it(crowd, relay):
    app = crowd(3)
    app.stop("wrong issue", "ana")
    assert app.deliver() == 0
    assert reasons(app) == {("queued", ""): 3}
    assert app.resume("bo") == ["sending is stopped by ana since 2026-11-23 20:00 UTC: wrong issue"]
    assert app.deliver() == 3


def test_a_stop_acts_before_the_next_window(crowd, relay, monkeypatch):
    monkeypatch.setattr(deliver, "WINDOW", 2)
    monkeypatch.setattr(deliver, "FIRST_WINDOW", 2)
    app = crowd(6)
    relay.on_data = lambda: app.stop("enough", "ana") if len(relay.accepted) == 1 else None
    assert app.deliver() == 2
    assert reasons(app) == {("sent", ""): 2, ("queued", ""): 4}


def test_a_stop_acts_before_the_next_letter_of_a_window_and_costs_no_attempt(crowd, relay, whole_windows):
    app = crowd(6)

    def a_second_passes() -> None:
        app.clock.move(seconds=1)
        if len(relay.accepted) == 2:
            app.stop("enough", "ana")

    relay.on_data = a_second_passes
    assert app.deliver() == 2
    assert reasons(app) == {("sent", ""): 2, ("deferred", "stopped"): 4}
    assert {one.attempts for one in week.deliveries(app, state="deferred")} == {0}
    app.resume("ana")
    app.clock.move(seconds=1)
    assert app.deliver() == 4
    assert len(set(relay.recipients)) == 6


def test_no_letter_is_begun_while_nobody_could_keep_what_becomes_of_it(crowd, relay, tmp_path, whole_windows):
    app = crowd(3)
    gone = Database(f"sqlite:///{tmp_path / 'nowhere' / 'gone.db'}")
    relay.on_data = lambda: app.clock.move(seconds=1)
    delivering = replace(app.delivering, brakes=replace(app.delivering.brakes, database=gone))
    assert delivering.deliver(app.connect) == 1
    assert reasons(app) == {("sent", ""): 1, ("deferred", "stopped"): 2}


def test_who_stopped_and_why_is_written_down_and_shown(app):
    app.stop("wrong\r\nissue", "ana")
    (told,) = app.faults()
    assert told.startswith("sending is stopped by ana since 2026-11-22 09:30 UTC: wrong issue; ")
    assert told.endswith("run: briefings resume")
    app.resume("bo")
    assert app.faults() == []
    stopped, resumed = events(app, "sending-stopped", "sending-resumed")
    assert stopped.detail == {"reason": "wrong issue", "who": "ana"}
    assert resumed.detail["who"] == "bo"


def test_a_stop_needs_a_reason_and_a_resumption_something_to_resume(app):
    with pytest.raises(InputError, match="Say why"):
        app.stop(" ", "ana")
    with pytest.raises(InputError, match="nothing to resume"):
        app.resume("ana")


def test_what_a_brake_holds_is_not_called_stuck(crowd):
    app = crowd(2)
    app.clock.move(minutes=20)
    assert len(account.stuck_words(app.database, app.clock())) == 2
    app.stop("wrong issue", "ana")
    assert account.stuck_words(app.database, app.clock()) == []


# ---------------------------------------------------------------- the breaker


def test_three_policy_refusals_in_a_row_stop_the_run_and_not_the_readers(crowd, relay, whole_windows):
    app = crowd(30)
    relay.answers["MAIL"] = POLICY
    assert app.deliver() == 0
    assert reasons(app) == {("deferred", "policy"): 3, ("deferred", "stopped"): 17, ("queued", ""): 10}
    assert "3 mails in a row were refused: 550 5.7.1" in app.faults()[0]
    assert len(events(app, "sending-braked")) == 1

    relay.answers.clear()
    app.clock.move(minutes=5)
    assert app.deliver() == 0
    app.resume("ana")
    assert app.deliver() == 30


def test_policy_refusals_with_an_acceptance_in_between_open_nothing(crowd, relay):
    app = crowd(6)
    for one in (0, 1, 3, 4):
        relay.answers[f"RCPT p{one}@readers.example"] = POLICY
    assert app.deliver() == 2
    assert brakes(app).breaker is None


def test_refusals_are_counted_over_passes(crowd, relay):
    app = crowd(2)
    relay.answers["MAIL"] = POLICY
    app.deliver()
    assert brakes(app).refusals == 2
    app.clock.move(minutes=1)
    app.deliver()
    assert brakes(app).breaker
    assert Counter(one.attempts for one in week.deliveries(app, kind="briefing")) == {2: 1, 1: 1}


def test_account_mail_goes_on_while_the_breaker_is_open(crowd, relay):
    app = crowd(5)
    confirm_later(app)
    relay.answers["MAIL"] = POLICY
    app.deliver()
    relay.answers.clear()
    app.clock.move(minutes=2)
    assert brakes(app).breaker
    assert app.deliver() == 1
    assert Counter(one.kind for one in week.deliveries(app, state="sent")) == {"welcome": 1}


def test_too_many_bounces_open_the_breaker(crowd, relay, whole_windows):
    app = crowd(70)
    for one in range(0, 60, 5):
        relay.answers[f"RCPT p{one}@readers.example"] = "550 5.1.1 no such person"
    app.deliver()
    assert brakes(app).breaker.reason == "12 of 60 briefings bounced"
    assert reasons(app)["queued", ""] == 10

    app.resume("ana")
    assert app.deliver() == 10
    assert brakes(app).breaker is None


def test_few_bounces_open_nothing(crowd, relay):
    app = crowd(60)
    for one in range(4):
        relay.answers[f"RCPT p{one}@readers.example"] = "550 5.1.1 no such person"
    assert app.deliver() == 56
    assert app.faults() == []


def test_bounce_mails_and_complaints_open_the_breaker_too(crowd, relay):
    app = crowd(60)
    app.deliver()
    app.clock.move(minutes=1)
    sent = week.deliveries(app, kind="briefing")
    for one in sent[:4]:
        app.record_bounce(bounce(one.uid))
    assert brakes(app).breaker is None
    app.record_bounce(bounce(sent[4].uid))
    assert brakes(app).breaker.reason == "5 of 60 briefings bounced"
    app.clock.move(minutes=1)
    app.resume("ana")
    app.record_bounce(bounce(sent[5].uid))
    assert brakes(app).breaker is None


# ---------------------------------------------------------------- domains


def test_a_domain_that_asks_for_patience_is_left_alone_and_the_others_are_served(crowd, relay, monkeypatch):
    monkeypatch.setattr(deliver, "WINDOW", 1)
    app = crowd(4)
    with app.database.write() as session:
        last = max(session.scalars(select(Delivery.id)))
        session.execute(update(Delivery).where(Delivery.id == last).values(address="cy@other.example"))
    relay.answers["RCPT p0@readers.example"] = "421 4.7.28 too many messages"
    assert app.deliver() == 1
    assert reasons(app) == {("deferred", "refused-for-now"): 1, ("deferred", "domain-paused"): 2, ("sent", ""): 1}
    assert app.pause_words() == ["readers.example asked for patience; nothing is sent there until 2026-11-23 20:01 UTC"]

    relay.answers.clear()
    app.clock.move(minutes=6)
    assert app.deliver() == 3
    assert app.pause_words() == []
    assert brakes(app).pauses == {}


# ---------------------------------------------------------------- rates


def limited(app, everywhere: tuple[Rate, ...] = (), **domains: Rate):
    """The app with rates, whose workers move the clock instead of sleeping."""
    named = {name.replace("_", "."): rate for name, rate in domains.items()}
    app.settings = replace(app.settings, rates=Rates(everywhere, named))
    delivering, moving = app.delivering, Lock()

    def sleep(seconds: float) -> None:
        with moving:
            app.clock.move(seconds=seconds)

    return replace(delivering, brakes=replace(delivering.brakes, sleep=sleep))


def taken_at(app, relay) -> list[float]:
    """A list that grows by the moment (seconds) at which each letter is taken."""
    began, moments = app.clock(), []
    relay.on_data = lambda: moments.append((app.clock() - began).total_seconds())
    return moments


def most_in(moments: list[float], seconds: float) -> int:
    return max(sum(start <= moment < start + seconds for moment in moments) for start in moments)


def test_without_rates_no_bucket_is_asked_for(crowd, relay, whole_windows):
    app = crowd(3)
    seen = statements(app)
    app.deliver()
    assert not any("buckets" in statement for statement in seen)
    windows = [one for one in seen if "FROM brakes" in one and one.startswith("SELECT brakes")]
    assert len(windows) == 1


def test_a_rate_is_kept_and_the_pass_waits_for_tokens(crowd, relay):
    app = crowd(30)
    delivering, moments = limited(app, (Rate(5, 1),)), taken_at(app, relay)
    assert delivering.deliver(app.connect) == 30
    assert most_in(moments, 1) <= 10
    assert 5 <= max(moments) <= 7
    assert reasons(app) == {("sent", ""): 30}


def test_two_workers_together_keep_a_rate_and_so_does_who_comes_after_a_restart(crowd, relay):
    app = crowd(60)
    moments = taken_at(app, relay)
    workers = [limited(app, (Rate(5, 1), Rate(7200, 3600))) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        first = sum(pool.map(lambda one: one.deliver(app.connect), workers))
    later = limited(app, (Rate(5, 1), Rate(7200, 3600)))
    while later.deliver(app.connect):
        pass
    assert first > 0
    assert len(set(relay.recipients)) == len(relay.recipients) == 60
    for seconds in (1, 5, 10):
        assert most_in(moments, seconds) <= 2 + 2 * seconds


def test_a_domain_without_a_token_waits_in_line_while_others_are_served(crowd, relay):
    app = crowd(12)
    with app.database.write() as session:
        ids = session.scalars(select(Delivery.id).order_by(Delivery.id)).all()
        session.execute(update(Delivery).where(Delivery.id.in_(ids[8:])).values(address="cy@other.example"))
    delivering = limited(app, readers_example=Rate(12, 60))
    assert delivering.deliver(app.connect) == 12
    assert relay.recipients[1:5] == ["cy@other.example"] * 4
    waited = events(app, "deferred")
    assert {one.detail["reason"] for one in waited} == {"rate"}
    assert len(waited) == 7
    assert app.clock() - MONDAY_EVENING == timedelta(seconds=35)
    assert {one.attempts for one in week.deliveries(app, kind="briefing")} == {1}


def test_two_workers_that_ask_the_same_bucket_at_once_share_its_tokens(crowd, relay):
    app = crowd(40)
    app.settings = replace(app.settings, rates=Rates((), {"*": Rate(8, 1)}))
    waiting = week.deliveries(app, kind="briefing")

    def ask(part: int) -> int:
        asked = waiting[part::2]
        with app.database.write() as session:
            return len(asked) - len(app.delivering.brakes.ration(session, asked))

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(ask, range(2))) == 8


def test_full_buckets_and_pauses_that_are_over_are_let_go(app):
    now = app.clock()
    with app.database.write() as session:
        session.add(StoredBucket(key="domain a.example", tokens=1, updated_at=now, line_until=now))
        over = {"is_on": True, "reason": "", "who": "", "number": 1, "until": now, "changed_at": now}
        session.add(Brake(name="domain a.example", **over))
        session.add(Brake(name="breaker", **over))
    app.clock.move(days=3)
    assert tidy.tidy(app.database, app.clock)
    with app.database.read() as session:
        assert session.scalars(select(StoredBucket)).all() == []
        assert [one.name for one in session.scalars(select(Brake))] == ["breaker"]


# ---------------------------------------------------------------- canary


def test_a_share_goes_first_and_the_rest_ten_minutes_later(crowd, relay):
    app = crowd(30)
    confirm_later(app)
    app.settings = replace(app.settings, canary=1)
    assert app.deliver() == 21
    app.clock.move(minutes=9)
    assert app.deliver() == 0
    assert brakes(app).canary.holds
    app.clock.move(minutes=1)
    assert app.deliver() == 9
    assert not brakes(app).canary.holds


def test_two_workers_begin_one_canary(crowd, relay):
    app = crowd(50)
    app.settings = replace(app.settings, canary=1)
    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(lambda _: app.deliver(), range(2))) == 20


def test_the_rest_waits_for_the_operator_when_the_canary_bounces(crowd, relay):
    app = crowd(30)
    app.settings = replace(app.settings, canary=1)
    app.deliver()
    for one in week.deliveries(app, state="sent")[:2]:
        app.record_bounce(bounce(one.uid))
    app.clock.move(minutes=11)
    assert app.deliver() == 0
    assert "of those sent first, 2 of 20 briefings bounced" in app.faults()[0]
    app.resume("ana")
    assert app.deliver() == 10


def test_the_operator_may_let_the_rest_go_at_once(crowd, relay):
    app = crowd(30)
    app.settings = replace(app.settings, canary=1)
    app.deliver()
    app.deliver()
    assert app.resume("ana") == ["the rest of the issue waited for its canary"]
    assert app.deliver() == 10


def test_a_canary_that_is_switched_off_holds_nobody(crowd, relay):
    app = crowd(30)
    app.settings = replace(app.settings, canary=1)
    app.deliver()
    app.deliver()
    assert brakes(app).canary == Canary(1, holds=True)
    app.settings = replace(app.settings, canary=0)
    assert app.deliver() == 10
