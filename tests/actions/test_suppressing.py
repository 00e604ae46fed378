from threading import Thread

import pytest
from sent_mail import add_sent, bounce, event_kinds, state_of, suppressions

from briefings.errors import InputError

#: Of so many mails sent, twenty bounces are more than five in a hundred.
FEW = [f"few{number}" for number in range(30)]


def storm(app, *uids: str) -> None:
    for uid in uids:
        assert app.record_bounce(bounce(uid)) == "bounced"


def test_a_storm_suppresses_nobody_more_and_still_moves_the_deliveries(app):
    add_sent(app, *FEW)
    storm(app, *FEW)
    assert len(suppressions(app)) == 19
    assert event_kinds(app).count("suppression-held") == 11
    assert {state_of(app, uid) for uid in FEW} == {"bounced"}


def test_twenty_bounces_of_many_mails_are_no_storm(app):
    add_sent(app, *FEW, *(f"many{number}" for number in range(600)))
    storm(app, *FEW)
    assert len(suppressions(app)) == 30
    assert app.held_words() == []


def test_the_brake_stays_on_until_the_operator_speaks(app):
    add_sent(app, *FEW)
    storm(app, *FEW[:20])
    app.clock.move(days=3)
    storm(app, *FEW[20:])
    assert len(suppressions(app)) == 19
    assert "11 suppressions are held since 2026-11-22 09:30 UTC" in app.held_words()[0]


@pytest.mark.parametrize(("suppress_held", "suppressed"), [(True, 30), (False, 19)])
def test_the_operator_suppresses_those_that_were_held_or_spares_them(app, suppress_held, suppressed):
    add_sent(app, *FEW)
    storm(app, *FEW)
    assert app.resume_suppressing(suppress_held=suppress_held) == 11
    assert len(suppressions(app)) == suppressed
    assert app.held_words() == []
    with pytest.raises(InputError, match="nothing to decide"):
        app.resume_suppressing(suppress_held=suppress_held)


def test_after_the_operators_word_the_count_begins_anew(app):
    more = [f"more{number}" for number in range(30)]
    add_sent(app, *FEW, *more)
    storm(app, *FEW)
    app.resume_suppressing(suppress_held=True)
    storm(app, *more)
    assert len(suppressions(app)) == 30 + 19


def test_suppressions_of_an_hour_ago_are_no_part_of_a_storm(app):
    add_sent(app, *FEW)
    storm(app, *FEW[:15])
    app.clock.move(minutes=61)
    storm(app, *FEW[15:])
    assert len(suppressions(app)) == 30


def test_notices_that_come_at_once_do_not_pass_the_brake_together(app):
    add_sent(app, *FEW)
    threads = [Thread(target=storm, args=(app, *FEW[start::3])) for start in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(suppressions(app)) == 19


def test_an_address_that_is_suppressed_already_is_counted_once(app):
    add_sent(app, "aa", "bb", address_key="ana")
    storm(app, "aa", "bb")
    assert event_kinds(app).count("suppressed") == 1
