from datetime import UTC, datetime, timedelta

import pytest

from briefings.domain import marks
from briefings.domain.marks import Mark

BORN = datetime(2026, 11, 1, 9, 0, 0, 123456, tzinfo=UTC)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TOLD = Mark(BORN, 100, NOON)


def newest(event: int, database: datetime = BORN) -> Mark:
    return Mark(database, event, NOON + timedelta(hours=1))


def test_a_mark_is_read_as_it_was_told():
    assert marks.read(TOLD.words) == TOLD


@pytest.mark.parametrize(
    "words",
    [
        "",
        "\ufffd",
        TOLD.words[:-1] + "x",
        TOLD.words[:40],
        "-1" + TOLD.words,
        "9" * 30 + TOLD.words[3:],
        "100 2026-11-23T12:00:00 2026-11-01T09:00:00",
        TOLD.words + " more",
    ],
)
def test_whatever_else_a_witness_says_is_no_mark(words):
    assert marks.read(words) is None


@pytest.mark.parametrize(
    ("present", "at", "missing"),
    [
        (newest(100), NOON, False),
        (newest(200), NOON, False),
        (newest(200), None, False),  # its mail was of somebody who never confirmed, and was tidied away
        (newest(99), None, True),
        (newest(200), NOON + timedelta(seconds=1), True),
        (newest(99, BORN + timedelta(days=1)), None, False),  # another database
    ],
)
def test_a_database_without_the_told_event_is_older_than_its_witness(present, at, missing):
    assert marks.is_missing(TOLD, present, at) is missing
