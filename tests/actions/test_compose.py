from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import week
from sqlalchemy import select, update
from week import MONDAY_EVENING

from briefings.errors import InputError
from briefings.store.issues import Edition, EditionStory, Issue, Slot, value_of
from briefings.store.items import Item
from briefings.store.subscribers import Plan, PlanWeek, Subscriber, WeekContent, replace_weeks, weeks


def test_every_confirmed_subscriber_gets_an_edition_of_their_plan_week_with_a_mail_at_their_own_hour(app):
    week.add_items(app, week.add_feed(app), "vLLM halves the KV cache")
    week.enrol(app, "ana@readers.example", week=5, timezone="Europe/Berlin")
    week.enrol(app, "aiko@readers.example", week=2, timezone="Asia/Tokyo")

    assert app.compose() == 2

    ana, aiko = week.deliveries(app, kind="briefing")
    assert ana.send_at.isoformat() == "2026-11-23T06:00:00+00:00"
    assert aiko.send_at.isoformat() == "2026-11-22T22:00:00+00:00"
    with app.database.read() as session:
        edition = value_of(session, session.get_one(Edition, ana.edition_id))
    assert (edition.issue, edition.week) == ("2026-W48", 5)
    assert edition.subject == "Week 5 of 12: predict the cache before tuning"
    assert [story.title for story in edition.stories] == ["vLLM halves the KV cache"]
    assert edition.stories[0].reasons[0] == "week 5 of your plan builds KV cache management"


def test_composing_again_decides_nobody_twice(app):
    week.enrol(app)
    assert (app.compose(), app.compose()) == (1, 0)
    assert len(week.deliveries(app)) == 1


def test_an_interrupted_run_is_taken_up_where_it_ended(app):
    for number in range(3):
        week.enrol(app, f"p{number}@readers.example")
    app.compose()
    with app.database.write() as session:
        session.execute(update(Slot).values(done_at=None))
    week.enrol(app, "late@readers.example")

    assert app.compose() == 1
    assert len(week.deliveries(app)) == 4


def test_a_person_who_confirms_after_the_cut_off_is_no_candidate(app):
    week.enrol(app)
    with app.database.write() as session:
        session.execute(update(Subscriber).values(confirmed_at=app.clock()))
    assert app.compose() == 0


def test_each_reason_to_skip_is_written_down_and_costs_nobody_else_their_briefing(app):
    broken = week.enrol(app, "broken@readers.example")
    paused = week.enrol(app, "paused@readers.example")
    elsewhere = week.enrol(app, "elsewhere@readers.example")
    gone = week.enrol(app, "gone@readers.example")
    planless = week.enrol(app, "planless@readers.example")
    future = week.enrol(app, "future@readers.example")
    finished = week.enrol(app, "finished@readers.example", week=13)
    well = week.enrol(app, "well@readers.example")
    with app.database.write() as session:
        plan_of = dict(session.execute(select(Plan.subscriber_id, Plan.id)).all())
        session.add(WeekContent(digest="broken", text='{"number": 1}'))
        session.execute(update(PlanWeek).where(PlanWeek.plan_id == plan_of[broken]).values(content_digest="broken"))
        session.execute(update(Subscriber).where(Subscriber.id == paused).values(state="paused"))
        session.execute(update(Subscriber).where(Subscriber.id == elsewhere).values(timezone="Mars/Olympus"))
        session.execute(update(Plan).where(Plan.id == plan_of[gone]).values(specialization="lamplighter"))
        session.execute(update(Plan).where(Plan.id == plan_of[planless]).values(state="replaced"))
        in_a_month = app.clock().date() + timedelta(days=30)
        session.execute(update(Plan).where(Plan.id == plan_of[future]).values(starts_on=in_a_month))

    assert app.compose() == 8

    with app.database.read() as session:
        reasons = dict(session.execute(select(Edition.subscriber_id, Edition.skip_reason)).all())
    assert reasons == {
        broken: "plan-broken",
        paused: "paused",
        elsewhere: "no-such-timezone",
        gone: "role-left-catalogue",
        planless: "no-plan",
        future: "not-started",
        finished: "finished",
        well: None,
    }
    assert app.ledger().imbalances() == []


def test_the_cut_off_waits_a_while_for_feeds_that_were_never_read(app):
    week.add_feed(app, polled_at=None)
    week.enrol(app)

    assert app.compose() == 0
    app.clock.move(minutes=16)
    assert app.compose() == 1


def test_a_story_that_a_person_got_never_comes_again(app):
    week.add_items(app, week.add_feed(app), "vLLM halves the KV cache")
    week.enrol(app, week=5)
    app.compose()
    app.clock.move(days=7)
    app.compose()

    with app.database.read() as session:
        first, second = (
            value_of(session, edition) for edition in session.scalars(select(Edition).order_by(Edition.id))
        )
    assert (first.week, len(first.stories)) == (5, 1)
    assert (second.week, len(second.stories)) == (6, 0)


def test_a_hidden_item_is_in_no_briefing(app):
    (item,) = week.add_items(app, week.add_feed(app), "vLLM halves the KV cache")
    week.enrol(app, week=5)
    from briefings.actions import curate

    curate.set_item_state(app.database, item, "hidden", "eda", app.clock())
    app.compose()
    with app.database.read() as session:
        assert value_of(session, session.scalars(select(Edition)).one()).stories == ()


def test_the_issue_remembers_what_was_read(app):
    week.add_items(app, week.add_feed(app), "One", "Two", "Three")
    app.compose()
    with app.database.read() as session:
        issue = session.scalars(select(Issue)).one()
    assert (issue.key, issue.items_read, issue.feeds_read) == ("2026-W48", 3, 1)


def test_a_preview_is_the_mail_that_would_be_composed_and_changes_nothing(app):
    week.enrol(app, week=2)
    assert dict(app.preview("ana@readers.example", 7).headers)["Subject"].startswith("Week 7 of 12: ")
    assert week.deliveries(app) == []
    with app.database.read() as session:
        assert session.scalars(select(Issue)).all() == []


def test_a_preview_of_a_composed_week_is_exactly_its_mail(app, relay):
    week.enrol(app, week=2)
    app.compose()
    letter = app.preview("ana@readers.example", 2)
    app.clock.now = MONDAY_EVENING
    app.deliver()
    from briefings.adapters.letters import write

    assert relay.accepted[0][1].rstrip() == write(letter).rstrip()


def test_a_preview_says_why_there_is_none(app):
    week.enrol(app)
    with app.database.write() as session:
        session.execute(update(Subscriber).values(state="paused"))
    with pytest.raises(InputError, match="paused"):
        app.preview("ana@readers.example", 3)


def test_readers_of_one_plan_week_get_what_is_theirs_and_share_only_what_is_the_same(app):
    week.add_items(app, week.add_feed(app), "vLLM halves the KV cache")
    names = ("ana", "ben", "bo", "cy", "di")
    people = {name: week.enrol(app, f"{name}@readers.example", week=5) for name in names}
    with app.database.write() as session:
        plans = {plan.subscriber_id: plan for plan in session.scalars(select(Plan))}
        _has_read(session, people["bo"], session.scalars(select(Item.story_id)).one())
        hers = plans[people["cy"]].id
        changed = replace(weeks(session, [hers])[hers][5], theme="Her own theme")
        replace_weeks(session, hers, [changed])
        plans[people["di"]].hours = 9
    app.compose()
    with app.database.read() as session:
        found = {
            name: session.scalars(select(Edition).where(Edition.subscriber_id == one, Edition.week_number == 5)).one()
            for name, one in people.items()
        }
        said = {name: value_of(session, edition) for name, edition in found.items()}
    assert {name: len(one.stories) for name, one in said.items()} == {"ana": 1, "ben": 1, "bo": 0, "cy": 1, "di": 1}
    assert [name for name, one in said.items() if one.theme == "Her own theme"] == ["cy"]
    assert {name: one.hours for name, one in said.items()} == {"ana": 4, "ben": 4, "bo": 4, "cy": 4, "di": 9}
    assert found["ana"].content_digest == found["ben"].content_digest
    assert len({one.content_digest for one in found.values()}) == 4


def _has_read(session, subscriber: int, story: int) -> None:
    """An edition of long ago brought the story."""
    long_ago = datetime(2026, 1, 5, tzinfo=UTC)
    issue = Issue(key="2026-W02", monday=long_ago.date(), cutoff_at=long_ago, opened_at=long_ago)
    session.add(issue)
    session.flush()
    edition = Edition(issue_id=issue.id, subscriber_id=subscriber, week_number=1, created_at=long_ago)
    session.add(edition)
    session.flush()
    session.add(EditionStory(edition_id=edition.id, story_id=story))


def test_a_briefing_tells_which_skills_moved_against_their_four_week_mean(app):
    feed = week.add_feed(app)
    for back in range(5):
        many = 9 if back == 0 else 2
        titles = [f"vLLM note {back}-{number}" for number in range(many)]
        others = [f"Terraform note {back}-{number}" for number in range(12)]
        at = app.clock() - timedelta(days=2, weeks=back)
        week.add_items(app, feed, *titles, at=at, folder=f"v{back}/")
        week.add_items(app, feed, *others, summary="A Terraform release.", at=at, folder=f"t{back}/")
    week.enrol(app, week=5)
    app.compose()
    with app.database.read() as session:
        told = value_of(session, session.scalars(select(Edition)).one()).pulse
    assert ("vLLM", 9, 2) in [(move.skill, move.items, move.mean) for move in told]
    assert "Terraform" not in [move.skill for move in told]
