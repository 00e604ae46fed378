from briefings.adapters.item_lines import text_of
from briefings.domain.tagging import Text


def test_the_source_of_a_line_is_the_host_of_its_link_and_without_one_its_source_as_given():
    line = {"title": "A <b>title</b>", "summary": "A summary", "source": "feed:feed_the_batch"}
    linked = line | {"link": "https://www.deeplearning.ai/the-batch/1"}
    assert text_of(linked) == Text("A title", "A summary", source="deeplearning.ai")
    assert text_of(line).source == "feed:feed_the_batch"
    assert text_of(line | {"source": "www.deeplearning.ai"}).source == "deeplearning.ai"


def test_a_line_may_lack_everything():
    assert text_of({"title": None}) == Text("", "")
