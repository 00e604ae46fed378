import shutil
import sqlite3

import pytest
from click.testing import CliRunner

from briefings.adapters import opml
from briefings.cli import main
from briefings.demo.feed_server import FeedServer

ITEMS = "".join(
    f"<item><title>vLLM 0.{n} [bold]serves[/bold]</title><link>https://feed.example/{n}</link>"
    f"<pubDate>{n:02} Nov 2026 08:00:00 GMT</pubDate></item>"
    for n in range(1, 6)
)
FEED = f'<?xml version="1.0"?><rss version="2.0"><channel><title>Serving notes</title>{ITEMS}</channel></rss>'
PAGE = b'<link rel="alternate" type="application/rss+xml" href="rss.xml">'


@pytest.fixture
def run(tmp_path, migrated_sqlite):
    shutil.copy(migrated_sqlite, tmp_path / "briefings.db")
    environment = {
        "BRIEFINGS_HOME": str(tmp_path),
        "BRIEFINGS_DATABASE_URL": f"sqlite:///{tmp_path / 'briefings.db'}",
        "BRIEFINGS_SECRET_KEY": "a-secret-key-of-the-tests-with-40-letters",
        "BRIEFINGS_ALLOW_PRIVATE_FEEDS": "yes",
        "COLUMNS": "220",
    }
    return lambda *words, **more: CliRunner().invoke(main, ["feeds", *words], env=environment, **more)


@pytest.fixture
def site():
    with FeedServer({"rss.xml": FEED.encode(), "page.html": PAGE}, 0) as server:
        yield server


def test_testing_a_page_shows_its_feed_and_stores_nothing(run, site):
    result = run("test", site.url("page.html"))
    assert result.exit_code == 0, result.output
    for words in (
        f"{site.url('rss.xml')} (announced by the page)",
        "Serving notes",
        "5, the newest of 2026-11-05",
        "about every day",
        "vLLM 0.5 [bold]serves[/bold]",
        "vllm 0.82 (“vLLM” in the title)",
    ):
        assert words in result.output
    assert "Serving notes" not in run("list").output


def test_testing_what_is_no_feed_exits_with_1_and_words(run):
    with FeedServer({"page.html": b"<html>"}, 0) as site:
        result = run("test", site.url("page.html"))
    assert result.exit_code == 1
    assert "look for the feed's address on that page" in result.output


def test_adding_asks_first(run, site):
    assert run("add", site.url("page.html"), input="n\n").exit_code == 1
    assert "Serving notes" not in run("list").output
    result = run("add", site.url("page.html"), "--topics", "vllm", input="y\n")
    assert "It is feed 1, and will be polled at once." in result.output
    listed = run("list").output
    assert site.url("rss.xml") in listed
    assert "never read yet" in listed
    again = run("add", site.url("rss.xml"))
    assert again.exit_code == 1
    assert "Feed 1 has this address already" in again.output


def test_a_feed_is_changed_retired_and_brought_back(run, site):
    run("add", site.url("rss.xml"), "--yes")
    assert "Serving notes is changed." in run("change", "1", "--topics", "vLLM", "--authority", "1").output
    assert "no topic 'alchemy'" in run("change", "1", "--topics", "alchemy").output
    assert "Say what changes" in run("change", "1").output
    assert "Serving notes is retired." in run("retire", site.url("rss.xml")).output
    assert "retired: Taken out by an operator" in run("list").output
    assert "adding it brings it back" in run("test", site.url("rss.xml")).output
    assert run("add", site.url("rss.xml"), "--yes").exit_code == 0
    assert "retired" not in run("list").output


def test_lists_go_in_and_out(run, tmp_path):
    theirs = tmp_path / "theirs.opml"
    theirs.write_bytes(opml.write("T", [opml.OpmlFeed("https://a.example/rss", "A", ("vLLM", "Misc"))]))
    assert "1 new feeds, 0 were here already.\nFolders that name no topic: Misc." in run("import", str(theirs)).output
    assert "0 new feeds, 1 were here already." in run("import", str(theirs)).output
    assert run("export", str(tmp_path / "ours.opml")).exit_code == 0
    (feed,) = opml.read((tmp_path / "ours.opml").read_bytes())
    assert (feed.url, feed.folders, feed.categories) == ("https://a.example/rss", ("vLLM",), ("vllm",))
    assert run("export").output.startswith("<?xml")


def test_a_file_that_is_no_list_is_refused_in_words(run, tmp_path):
    (tmp_path / "evil.opml").write_text('<!DOCTYPE opml [<!ENTITY a "b">]><opml>&a;</opml>')
    result = run("import", str(tmp_path / "evil.opml"))
    assert result.exit_code == 1
    assert "Error: The list declares a document type" in result.output


def test_health_shows_only_the_feeds_that_need_somebody(run, site, tmp_path):
    run("add", site.url("rss.xml"), "--yes")
    assert "All 1 feeds are well." in run("health").output
    with sqlite3.connect(tmp_path / "briefings.db") as database:
        database.execute("update feeds set read_at = '2026-11-24 08:00:00', newest_at = '2026-09-01 08:00:00'")
    output = run("health").output
    assert "silent for" in output
    assert "look at the site; retire it if it has ended" in output
