import json

import pytest
from click.testing import CliRunner, Result

from briefings.cli import main

ITEMS = [
    {
        "id": "1",
        "source": "a.example",
        "title": "vLLM 0.9 halves the KV cache",
        "summary": "Serving LLMs on fewer <b>GPUs</b>.",
    },
    {
        "id": "2",
        "source": "b.example",
        "title": "Black Friday: the best TV deals",
        "summary": "Save 40 % on a soundbar.",
    },
]
LABELS = [
    {
        "id": "1",
        "on_topic": True,
        "skills": ["vllm", "kv-cache"],
        "optional_skills": [],
        "relevance": {"mlops-ai-infrastructure": 3},
    },
    {"id": "2", "on_topic": False, "skills": [], "relevance": {"mlops-ai-infrastructure": 0}},
]


def lines(rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def run(*arguments: str, text: str = "") -> Result:
    return CliRunner().invoke(main, arguments, input=text, env={"BRIEFINGS_HOME": "nowhere", "COLUMNS": "160"})


def test_lines_of_items_become_lines_of_tags_without_a_database():
    result = run("tag", "--jsonl", text=lines(ITEMS))
    first, second = map(json.loads, result.output.splitlines())
    assert first["id"] == "1"
    assert first["on_topic"]
    assert {"vllm", "kv-cache"} <= {skill["id"] for skill in first["skills"]}
    assert all(set(skill) == {"id", "score", "evidence"} for skill in first["skills"])
    assert any(role["id"] == "ai-engineer" for role in first["roles"])
    assert first["specializations"][0]["score"] >= first["specializations"][-1]["score"] > 0
    assert (second["on_topic"], second["skills"]) == (False, [])


def test_a_line_says_where_it_comes_from_by_its_link_or_by_its_source():
    item = {"id": "1", "title": "Data Points: the week", "summary": "What happened."}
    known, link = "deeplearning.ai", "https://www.deeplearning.ai/the-batch/1"
    rows = [item | more for more in ({}, {"source": known}, {"source": "feed:x", "link": link})]
    unknown, by_source, by_link = run("tag", "--jsonl", text=lines(rows)).output.splitlines()
    assert unknown != by_source == by_link


@pytest.mark.parametrize("line", ["{", "[1]", '{"title": "no id"}', "7"])
def test_a_line_that_is_no_item_is_named_by_its_number(line):
    result = run("tag", "--jsonl", text=lines(ITEMS[:1]) + line + "\n")
    assert result.exit_code == 1
    assert "Line 2 is no JSON object with an id" in result.output


def test_the_evaluation_prints_figures_with_intervals_and_mistakes(tmp_path):
    (tmp_path / "items.jsonl").write_text(lines(ITEMS))
    (tmp_path / "labels.jsonl").write_text(lines(LABELS))
    result = run("evaluate", "tags", str(tmp_path / "items.jsonl"), str(tmp_path / "labels.jsonl"))
    assert result.exit_code == 0, result.output
    for words in ("micro-F1 of skills", "off-topic let through", "nDCG@10 mlops-ai-infrastructure", " to "):
        assert words in result.output


def test_an_evaluation_without_a_label_of_an_item_says_what_to_give(tmp_path):
    (tmp_path / "items.jsonl").write_text(lines(ITEMS))
    (tmp_path / "labels.jsonl").write_text(lines([{**LABELS[0], "id": "9"}]))
    result = run("evaluate", "tags", str(tmp_path / "items.jsonl"), str(tmp_path / "labels.jsonl"))
    assert "give the items first and their labels second" in result.output
