"""Another profession is a folder of files: nothing in the code knows AI engineers."""

from datetime import timedelta

import foreign_profession
import pytest
import week
from week import MONDAY_EVENING

from briefings.adapters import catalogue_files

TITLE = "Ambient scribe trial halves charting time on three wards"


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory):
    """In place of the bundled one."""
    return catalogue_files.load(foreign_profession.write(tmp_path_factory.mktemp("nurses")))


def test_a_nurse_gets_a_briefing_with_her_week_and_the_news_that_touches_it(app, relay):
    feed = week.add_feed(app, "https://ward.example/rss", title="Ward News", topics=["ward-nursing"])
    week.add_items(
        app, feed, "Ambient scribe trial halves charting time on three wards", summary="A hospital AI study."
    )
    week.enrol(app, "florence@readers.example", specialization="ward-nursing", week=3, hours=2)

    assert app.compose() == 1
    app.clock.now = MONDAY_EVENING + timedelta(hours=1)
    assert app.deliver() == 1

    mail = relay.mails[0]
    assert mail["Subject"] == "Week 3 of 12: check ten charts"
    text = " ".join(mail.get_body(("plain",)).get_content().split())
    assert "Compare ten charts, part 3 (45 min)" in text
    assert TITLE in text
    assert "Because week 3 of your plan builds Ambient documentation." in text
