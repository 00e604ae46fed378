import re
from datetime import timedelta

import week
from sqlalchemy import select, update
from week import MONDAY_EVENING

from briefings.actions import write as writing
from briefings.actions.write import Press
from briefings.adapters.letters import write
from briefings.domain import plans
from briefings.store.deliveries import Delivery, Due, lock_due
from briefings.store.subscribers import Plan, weeks

MONDAY_MORNING = MONDAY_EVENING.replace(hour=6)
LAST_WEEK = re.compile("No ticks|You ticked \\d tasks?")


def window(session) -> list[Due]:
    return lock_due(session, MONDAY_EVENING, 100)


def composed(app, count: int = 3) -> None:
    feed = week.add_feed(app)
    week.add_items(app, feed, "vLLM halves the KV cache \ue000plan_url\ue001", "Claude & <b>Gemini</b>")
    for number in range(count):
        week.enrol(app, f"reader{number}@readers.example", week=5 + number % 2)
    app.compose()


def test_letters_written_together_are_byte_for_byte_those_written_one_by_one(app):
    composed(app)
    with app.database.write() as session:
        together = app.press.letters(session, window(session))
        alone = {one.id: write(app.writer.letter(session, one)) for one in session.scalars(select(Delivery))}
    assert together == alone
    assert len(set(together.values())) == 3


def test_account_mail_goes_through_the_same_press(app):
    profile = plans.profile(app.catalogue, week.MLOPS, "practitioner", 4)
    app.subscribing.sign_up("ana@readers.example", "Europe/Berlin", profile, app.clock())
    with app.database.write() as session:
        made = app.press.letters(session, window(session))
        assert made == {one.id: write(app.writer.letter(session, one)) for one in session.scalars(select(Delivery))}
    assert made


def test_what_readers_share_is_rendered_once(app, monkeypatch):
    composed(app, 4)
    rendered = []
    templates = app.writer.templates
    render = templates.render
    monkeypatch.setattr(templates, "render", lambda mail: rendered.append(mail) or render(mail))
    press = Press(app.writer)
    with app.database.write() as session:
        found = window(session)
        for _ in range(2):
            press.letters(session, found)
    assert len(rendered) == len({one.content_digest for one in found}) == 2


def test_no_more_forms_are_kept_than_memory_is_meant_for(app, monkeypatch):
    monkeypatch.setattr(writing, "MOST_FORMS", 1)
    composed(app)
    press = Press(app.writer)
    with app.database.write() as session:
        assert len(press.letters(session, window(session))) == 3
    assert len(press._forms) == 1


def test_a_letter_that_cannot_be_written_is_left_out_and_the_others_are_there(app):
    composed(app)
    with app.database.write() as session:
        session.execute(update(Delivery).where(Delivery.id == 1).values(content_digest="gone"))
        assert set(app.press.letters(session, window(session))) == {2, 3}


def test_each_reader_is_told_of_their_own_ticks_of_the_last_seven_days(app):
    composed(app)
    with app.database.read() as session:
        tasks = {
            plan.subscriber_id: [task.id for one in weeks(session, [plan.id])[plan.id].values() for task in one.tasks]
            for plan in session.scalars(select(Plan))
        }
    first, second, _ = sorted(tasks)
    app.adjusting.tick(first, tasks[first][0], done=True, now=MONDAY_MORNING - timedelta(days=8))
    for task in tasks[second][:3]:
        app.adjusting.tick(second, task, done=True, now=MONDAY_MORNING - timedelta(days=2))
    app.adjusting.tick(second, tasks[second][0], done=False, now=MONDAY_MORNING - timedelta(days=1))
    app.adjusting.tick(second, tasks[second][5], done=True, now=MONDAY_EVENING)
    with app.database.write() as session:
        found = window(session)
        together = app.press.letters(session, found)
        alone = {one.id: write(app.writer.letter(session, one)) for one in session.scalars(select(Delivery))}
    told = {one.subscriber_id: LAST_WEEK.search(together[one.id].decode()).group() for one in found}
    assert told == {first: "No ticks", second: "You ticked 2 tasks", max(tasks): "No ticks"}
    assert together == alone
