from math import isclose, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from briefings.domain.aliases import Hit
from briefings.domain.features import PIECES, SOURCE, SUMMARY, SUMMARY_READ, TITLE, features, word_of

HIT = Hit("vllm", "vLLM", 0, 4, ambiguous=False)


def test_words_of_title_and_summary_are_apart_and_pieces_are_of_both():
    found = features("Fast LLM", "LLM news", "a.example", [HIT], [])
    assert {name for name in found if name.startswith("t:")} == {"t:fast", "t:llm"}
    assert {name for name in found if name.startswith("s:")} == {"s:llm", "s:news"}
    assert {"c: llm", "c:llm ", "c:news", "o:a.example", "at:vllm", "ai:t", "ai:s"} <= found.keys()
    assert found["o:a.example"] == SOURCE


def test_a_text_without_a_word_of_ai_says_so():
    assert "ai:no" in features("A bakery", "in Lyon", "", [], [])


@pytest.mark.parametrize("said", ["Machine Learning at Scale", "Why Language Models Forget", "DEEP LEARNING", "an LLM"])
def test_words_of_ai_are_known_in_a_headlines_capitals(said):
    assert "ai:t" in features(said, "", "", [], [])


@pytest.mark.parametrize("said", ["they said ai nothing", "200 ml of milk", "the anthropic principle"])
def test_abbreviations_and_names_of_ai_are_known_only_as_they_are_written(said):
    assert "ai:no" in features(said, "", "", [], [])


def test_only_the_beginning_of_a_summary_is_read():
    assert "s:late" not in features("", "x" * SUMMARY_READ + " late", "", [], [])


def test_words_that_tell_nothing_are_no_evidence():
    assert [word_of(name) for name in ("t:vllm", "s:the", "t:ai", "c:vllm", "o:x", "at:vllm")] == ["vllm", *[""] * 5]


@given(title=st.text(max_size=80), summary=st.text(max_size=400))
def test_each_kind_has_the_same_length_however_long_the_text_is(title, summary):
    found = features(title, summary, "", [], [])
    for kind, weight in (("t:", TITLE), ("s:", SUMMARY), ("c:", PIECES)):
        length = sqrt(sum(value**2 for name, value in found.items() if name.startswith(kind)))
        assert length == 0 or isclose(length, weight, rel_tol=1e-6)
