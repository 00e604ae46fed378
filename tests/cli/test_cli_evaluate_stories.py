import json

from click.testing import CliRunner

from briefings.cli import main

NEWS = "Northwind halves KV cache memory on Blackwell"
ITEMS = [
    {"id": "a", "title": NEWS, "link": "https://a.example/", "date": "2026-11-20T10:00:00Z"},
    {"id": "b", "title": f"{NEWS} cards", "link": "https://b.example/", "date": "2026-11-21"},
    {"id": "c", "title": "Acme sues Northwind [over] socks", "link": "https://c.example/", "date": "2026-11-21"},
    {"id": "c", "title": NEWS, "link": "https://again.example/", "date": "2026-11-21"},
    {"id": "d", "title": "Of no known day", "date": "some day"},
]
PAIRS = """id_a\tid_b\tsame\tkind\thard\tsplit
a\tb\t1\tpress\t0\tdev
a\tc\t1\tcompany\t1\ttest
a\td\t1\tx\t0\tdev
"""


def evaluate(tmp_path, pairs: str = PAIRS, *options: str, encoding: str = "utf-8"):
    items, judged = tmp_path / "items.jsonl", tmp_path / "pairs.tsv"
    items.write_text("".join(json.dumps(item) + "\n" for item in ITEMS), "utf-8")
    judged.write_text(pairs, encoding)
    return CliRunner().invoke(main, ["evaluate", "stories", str(items), str(judged), *options], env={"COLUMNS": "150"})


def test_stories_are_compared_with_judged_pairs_and_mistakes_are_shown_with_their_reasons(tmp_path):
    found = evaluate(tmp_path)
    assert found.exit_code == 0, found.output
    assert "2 pairs; 3 items" in found.output
    assert "recall, all pairs" in found.output
    assert "0.500 (" in found.output
    assert "Acme sues Northwind [over] socks" in found.output
    assert "words +" in found.output


def test_only_the_pairs_of_a_split_are_looked_at(tmp_path):
    found = evaluate(tmp_path, PAIRS, "--split", "dev")
    assert "1 pairs" in found.output
    assert "company" not in found.output


def test_pairs_without_their_columns_or_their_items_say_what_is_wanted(tmp_path):
    assert "columns hard, id_a" in str(evaluate(tmp_path, "a\tb\n").output)
    assert "give the items first" in str(evaluate(tmp_path, PAIRS, "--split", "none").output)


def test_pairs_that_are_cut_off_or_no_text_say_what_is_wrong(tmp_path):
    for pairs, words in (
        (f"{PAIRS}a\tb\t1\n", "Line 5 of the pairs has too few columns"),
        (f"{PAIRS}a\tb\t1\t{'k' * 200_000}\t0\tdev\n", "no tab-separated UTF-8 text after line 4"),
    ):
        found = evaluate(tmp_path, pairs)
        assert (found.exit_code, words in found.output) == (1, True)
    found = evaluate(tmp_path, f"{PAIRS}a\tb\t1\tcafé\t0\tdev\n", encoding="latin-1")
    assert (found.exit_code, "no tab-separated UTF-8 text" in found.output) == (1, True)
