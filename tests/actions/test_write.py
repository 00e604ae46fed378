from datetime import UTC, datetime

import week
from sqlalchemy import update

from briefings.actions import write as writing
from briefings.actions.write import Press
from briefings.adapters.letters import write
from briefings.domain import plans
from briefings.store.deliveries import Delivery, receivers


def letters(session, press: Press, found: list[Delivery]) -> dict[int, bytes]:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    return press.letters(session, found, receivers(session, [one.id for one in found], now))


def due(app, count: int = 3) -> list[Delivery]:
    feed = week.add_feed(app)
    week.add_items(app, feed, "vLLM halves the KV cache \ue000plan_url\ue001", "Claude & <b>Gemini</b>")
    for number in range(count):
        week.enrol(app, f"reader{number}@readers.example", week=5 + number % 2)
    app.compose()
    return week.deliveries(app, kind="briefing")


def test_letters_written_together_are_byte_for_byte_those_written_one_by_one(app):
    found = due(app)
    with app.database.read() as session:
        together = letters(session, app.press, found)
        alone = {one.id: write(app.writer.letter(session, one)) for one in found}
    assert together == alone
    assert len(set(together.values())) == 3


def test_account_mail_goes_through_the_same_press(app):
    profile = plans.profile(app.catalogue, week.MLOPS, "practitioner", 4)
    app.subscribing.sign_up("ana@readers.example", "Europe/Berlin", profile, app.clock())
    found = week.deliveries(app, kind="confirm")
    with app.database.read() as session:
        made = letters(session, app.press, found)
        assert made == {one.id: write(app.writer.letter(session, one)) for one in found}
    assert made


def test_what_readers_share_is_rendered_once(app, monkeypatch):
    found, rendered = due(app, 4), []
    templates = app.writer.templates
    render = templates.render
    monkeypatch.setattr(templates, "render", lambda mail: rendered.append(mail) or render(mail))
    press = Press(app.writer)
    with app.database.read() as session:
        for _ in range(2):
            letters(session, press, found)
    assert len(rendered) == len({one.content_digest for one in found}) == 2


def test_no_more_forms_are_kept_than_memory_is_meant_for(app, monkeypatch):
    monkeypatch.setattr(writing, "MOST_FORMS", 1)
    found, press = due(app), Press(app.writer)
    with app.database.read() as session:
        assert len(letters(session, press, found)) == 3
    assert len(press._forms) == 1


def test_a_letter_that_cannot_be_written_is_left_out_and_the_others_are_there(app):
    found = due(app)
    with app.database.write() as session:
        session.execute(update(Delivery).where(Delivery.id == found[0].id).values(content_digest="gone"))
    found = week.deliveries(app, kind="briefing")
    with app.database.read() as session:
        assert set(letters(session, app.press, found)) == {one.id for one in found[1:]}
