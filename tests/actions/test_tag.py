import pytest
import week

from briefings.actions import tag
from briefings.domain.tagging import Text
from briefings.store import items
from briefings.store.feeds import Feed


def make_all_wait(app) -> None:
    with app.database.write() as session:
        for item in session.query(items.Item):
            item.tagged_by = "an older tagger"


@pytest.fixture
def waiting(app, monkeypatch):
    """Ten items that wait for tags, in batches of three."""
    monkeypatch.setattr(tag, "BATCH", 3)
    week.add_items(app, week.add_feed(app), *(f"vLLM 0.{n} is out" for n in range(10)))
    make_all_wait(app)
    return app


def test_an_item_is_read_with_the_host_of_its_address_and_the_topics_and_address_of_its_feed():
    feed = Feed(url="https://feed.example/rss", title="Serving notes", topics=["vllm"])
    item = items.Item(title="vLLM is out", summary="Faster.", url="https://www.Blog.example/1", feed=feed)
    assert tag.text_of(item) == Text("vLLM is out", "Faster.", ("vllm",), "blog.example", "https://feed.example/rss")


class Interrupted:
    """The app's tagger, until it has read so many items."""

    def __init__(self, app, after: int) -> None:
        self._tagger, self._left = app.tagger, after
        self.version = self._tagger.version

    def tag(self, text):
        if not self._left:
            raise KeyboardInterrupt
        self._left -= 1
        return self._tagger.tag(text)


def test_an_interruption_in_a_batch_loses_this_batch_and_no_more(waiting):
    tagger = Interrupted(waiting, after=5)
    with pytest.raises(KeyboardInterrupt):
        tag.tag(waiting.database, lambda: tagger)
    assert waiting.untagged() == 7
    assert waiting.tag() == 7
    assert waiting.untagged() == 0


def test_the_size_of_each_batch_is_told(waiting):
    told = []
    assert waiting.tag(told.append) == 10
    assert told == [3, 3, 3, 1]
