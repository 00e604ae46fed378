from datetime import UTC, datetime, timedelta

import pytest

from briefings import clock
from briefings.chaos.victim import write_clock

SOON = timedelta(seconds=30)


def test_a_shifted_clock_runs_ahead_of_the_world():
    ahead = clock.shifted(timedelta(hours=1))() - datetime.now(UTC)
    assert abs(ahead - timedelta(hours=1)) < SOON


def test_a_led_clock_follows_its_file_forth_and_back(tmp_path):
    file = tmp_path / "clock"
    led = clock.led(timedelta(hours=1), file)
    for lead in (timedelta(), timedelta(hours=2), timedelta(minutes=-5)):
        write_clock(file, lead)
        assert abs(led() - datetime.now(UTC) - timedelta(hours=1) - lead) < SOON


def test_without_its_file_a_led_clock_is_a_shifted_one(tmp_path):
    ahead = clock.led(timedelta(hours=1), tmp_path / "none")() - datetime.now(UTC)
    assert abs(ahead - timedelta(hours=1)) < SOON


def test_a_file_that_holds_no_number_stops_the_clock_loudly(tmp_path):
    (tmp_path / "clock").write_text("tomorrow")
    with pytest.raises(ValueError, match="tomorrow"):
        clock.led(timedelta(), tmp_path / "clock")()
