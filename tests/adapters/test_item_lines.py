import json
from datetime import UTC, datetime
from io import BytesIO, TextIOWrapper

import pytest

from briefings.adapters.item_lines import dated, text_of
from briefings.domain.tagging import Text
from briefings.errors import InputError


def test_the_source_of_a_line_is_the_host_of_its_link_and_without_one_its_source_as_given():
    line = {"title": "A <b>title</b>", "summary": "A summary", "source": "feed:feed_the_batch"}
    linked = line | {"link": "https://www.deeplearning.ai/the-batch/1"}
    assert text_of(linked) == Text("A title", "A summary", source="deeplearning.ai")
    assert text_of(line).source == "feed:feed_the_batch"
    assert text_of(line | {"source": "www.deeplearning.ai"}).source == "deeplearning.ai"


def test_a_line_may_lack_everything():
    assert text_of({"title": None}) == Text("", "")


def test_a_date_that_cannot_be_one_of_news_is_none():
    dates = ["0001-01-01T00:00:00+05:00", "9999-12-31", "1989-12-31", "1990-01-01", "2100-12-31T23:00:00+00:00", "soon"]
    lines = [json.dumps({"id": number, "date": date}) for number, date in enumerate(dates)]
    assert [moment for moment, _ in dated(lines)] == [
        datetime(1990, 1, 1, tzinfo=UTC),
        datetime(2100, 12, 31, 23, tzinfo=UTC),
    ]


def test_a_file_that_is_not_utf_8_says_so():
    file = TextIOWrapper(BytesIO(b'{"id": "caf\xe9"}\n'), encoding="utf-8")
    with pytest.raises(InputError, match="What follows line 0 is not UTF-8"):
        dated(file)
