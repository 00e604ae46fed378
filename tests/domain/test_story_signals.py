import pytest

from briefings.domain.story_signals import is_lasting, leaning, speakers, title_words


@pytest.mark.parametrize(
    ("url", "topics", "who"),
    [
        ("https://www.press.example/a", (), {"source Press", "press.example"}),
        ("https://platform.openai.com/docs", (), {"source Press", "openai"}),
        ("https://press.example/a", ("openai-platform", "anthropic-claude"), {"source Press", "press.example"}),
        ("https://github.com/vllm-project/vllm", ("open-model-families",), {"source Press"}),
        ("no address", (), {"source Press"}),
        ("http://[broken", (), {"source Press"}),
    ],
)
def test_a_source_its_host_and_the_vendors_of_the_models_named_speak_in_a_story(url, topics, who):
    named = {"openai", "anthropic"} if "anthropic-claude" in topics else set()
    assert speakers("Press", url, topics) == who | named


@pytest.mark.parametrize(
    "title", ["vLLM v0.12", "Ray 2.49.1", "Acme releases a cache", "The AI Act applies", "A new law", "Now available"]
)
def test_a_release_and_a_law_last(title):
    assert is_lasting(title)


@pytest.mark.parametrize("title", ["We act on AI", "A $1.5 billion round", "Caches are hard", "A lawless week", ""])
def test_an_opinion_or_a_round_of_money_does_not_last(title):
    assert not is_lasting(title)


@pytest.mark.parametrize(
    ("title", "leans"),
    [
        ("A beginner guide to RAG", -1),
        ("Serving models at scale", 1),
        ("How to read a research paper", 0),
        ("RAG", 0),
    ],
)
def test_a_title_says_whether_it_is_for_the_beginning_or_for_later(title, leans):
    assert leaning(title) == leans


def test_titles_are_compared_by_their_longer_words_whatever_their_case():
    assert title_words("The KV Cache, HALVED for 2026") == {"cache", "halved", "2026"}
