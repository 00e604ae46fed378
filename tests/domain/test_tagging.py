from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from catalogue_samples import ASSESSMENT, PLAN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from briefings.adapters import tagger_model
from briefings.domain.catalogue import Catalogue, Role, Skill, Specialization
from briefings.domain.tagging import ACCEPT, ENOUGH_EXAMPLES, MOST_SKILLS, Tagger, Text

ROOT = Path(__file__).parents[2]
CARRIERS = (
    "A new guide to {alias} for language models.",
    "{alias}: what changed in the LLM world",
    "Teams use LLMs and {alias}.",
)
TRAPS = (
    "Claude Monet's water lilies go on show in Paris",
    "Gemini horoscope: what the stars say this week",
    "Devin Booker scores 40 as the Suns win",
    "Port dockers strike over pay in Rotterdam",
    "Blackwell Publishing names a new director",
    "Kimi Raikkonen returns to racing",
    "Docker workers and phoenix tattoos",
    "The mistral closes the road to Marseille",
    "Ray of light: a spark of hope after the storm",
)


@pytest.fixture(scope="module")
def tagger(catalogue):
    return Tagger(catalogue)


@pytest.fixture(scope="module")
def learnt(catalogue):
    """The tagger as the product uses it, with the bundled model."""
    return Tagger(catalogue, tagger_model.load(ROOT / "briefings" / "catalogue"))


@pytest.fixture(scope="module")
def small():
    """Three skills, of which two matter to one specialization."""
    skills = (
        Skill("agents", "Agents", "technical", ("multi-agent", "agent framework")),
        Skill("gemini", "Gemini models", "tool", ("Gemini",)),
        Skill("mcp", "MCP", "technical", ("MCP", "Model Context Protocol")),
    )
    spec = Specialization("agent-building", "Agent building", ("agents", "mcp"), ASSESSMENT, PLAN)
    return Tagger(Catalogue((Role("engineer", "Engineer", "AI", ASSESSMENT, (spec,)),), skills))


def topics(tagger: Tagger, title: str, summary: str = "", feed: tuple[str, ...] = ()) -> list[str]:
    return [tag.topic for tag in tagger.tag(Text(title, summary, feed))]


# ---------------------------------------------------------------- the bundled catalogue


@pytest.mark.parametrize("carrier", CARRIERS)
def test_every_alias_of_every_skill_is_found_in_a_sentence(catalogue, tagger, carrier):
    missed = [
        (skill.id, alias)
        for skill in catalogue.skills
        for alias in skill.aliases
        if (skill.id, alias) not in [(hit.skill, hit.words) for hit in tagger.hits(carrier.format(alias=alias))]
    ]
    assert missed == []


@pytest.mark.parametrize("carrier", CARRIERS)
def test_every_alias_in_a_title_about_ai_gives_its_tag(catalogue, tagger, carrier):
    missed = [
        (skill.id, alias)
        for skill in catalogue.skills
        for alias in skill.aliases
        if skill.id not in topics(tagger, carrier.format(alias=alias))
    ]
    assert missed == []


@pytest.mark.parametrize("headline", TRAPS)
def test_news_from_another_world_gets_no_tag(tagger, headline):
    assert topics(tagger, headline) == []
    assert topics(tagger, "Of the day", headline) == []


@pytest.mark.parametrize(
    ("off_topic", "about_ai", "skill"),
    [
        ("Blackwell opens a bookshop", "Blackwell GPUs halve the cost of inference", "ai-hardware"),
        ("Docker workers go on strike", "Docker images for LLM inference", "docker"),
        ("The mistral blows again", "Mistral releases open model weights", "open-model-families"),
    ],
)
def test_the_same_word_counts_where_the_text_is_about_ai(tagger, off_topic, about_ai, skill):
    assert topics(tagger, off_topic) == []
    assert skill in topics(tagger, about_ai)


# ---------------------------------------------------------------- how aliases are found


@pytest.mark.parametrize("said", ["multi-agent", "multi agent", "Multi-Agent", "multi\u2011agent", "multi_agent"])
def test_an_alias_is_found_however_it_is_joined(small, said):
    assert [hit.skill for hit in small.hits(f"A {said} system")] == ["agents"]


@pytest.mark.parametrize(
    "said", ["multi  agent", "multiagent", "multi, agent", "multi (agent)", "agent multi", "multi-agentic"]
)
def test_words_that_do_not_belong_together_are_no_alias(small, said):
    assert small.hits(f"A {said} system") == []


def test_a_plural_is_the_same_word(small):
    assert [hit.words for hit in small.hits("Two agent frameworks")] == ["agent frameworks"]


def test_a_short_name_is_matched_with_its_case(small):
    assert small.hits("the mcp of a game") == []
    assert [hit.words for hit in small.hits("the MCP of a client")] == ["MCP"]


@pytest.mark.parametrize("text", ["https://x.example/MCP", "@MCP", "#MCP", "file.MCP"])
def test_a_word_inside_an_address_or_a_name_is_not_said(small, text):
    assert small.hits(text) == []


@pytest.mark.parametrize("said", ["a non-MCP server", "without MCP", "instead of MCP", "not an MCP server"])
def test_a_word_that_is_denied_is_not_said(small, said):
    assert small.hits(f"It is {said}") == []


def test_the_longest_alias_wins_and_nothing_overlaps(small):
    assert [hit.words for hit in small.hits("Model Context Protocol (MCP)")] == ["Model Context Protocol", "MCP"]


# ---------------------------------------------------------------- scores and reasons


def test_a_double_meaning_counts_only_where_the_text_is_about_ai(small):
    assert topics(small, "Gemini season begins") == []
    assert topics(small, "Gemini beats other chatbots") == ["gemini"]
    assert topics(small, "Gemini season begins", "A multi-agent system writes horoscopes")[0] == "gemini"


def test_a_tag_says_where_the_word_stands(small):
    (tag, *_) = small.tag(Text("A multi-agent LLM", "Multi agent work. More multi-agent.", ("agents",)))
    assert tag.evidence == ("multi-agent", "Multi agent")
    assert tag.reason == (
        "“multi-agent” in the title, “Multi agent” in the summary, said more than once, the feed is about it"
    )


def test_a_title_weighs_more_than_a_summary_and_a_topical_feed_adds_to_both(small):
    def score(*text) -> float:
        return small.tag(Text(*text))[0].score

    assert score("An LLM with MCP", "") > score("An LLM", "It has MCP.")
    assert score("An LLM with MCP", "", ("mcp",)) > score("An LLM with MCP", "")


def test_a_specialization_and_its_role_follow_from_their_skills(small):
    assert topics(small, "MCP for multi-agent systems") == ["agents", "mcp", "agent-building", "engineer"]
    assert topics(small, "Gemini for chatbots") == ["gemini"]


def test_the_version_changes_with_the_catalogue(small, tagger):
    assert small.version != tagger.version


# ---------------------------------------------------------------- with the learned model


@pytest.mark.parametrize("headline", TRAPS)
def test_news_from_another_world_gets_no_tag_from_the_model_either(learnt, headline):
    assert topics(learnt, headline) == []


def test_a_shopping_deal_is_off_topic_whatever_it_mentions(learnt):
    read = learnt.read(Text("Black Friday: the best tablet and TV deals", "Save 40 % on an iPad and a soundbar today."))
    assert (read.is_on_topic, read.tags) == (False, [])


def test_the_model_finds_what_no_alias_says_and_names_the_words(learnt):
    text = Text("AI companies sued by authors over books used in training", "A judge lets three novelists go ahead.")
    (tag,) = learnt.read(text).skills
    assert learnt.hits(text.title) == learnt.hits(text.summary) == []
    assert (tag.topic, tag.evidence) == ("ai-copyright", ("authors", "books"))
    assert tag.reason == "words such as “authors” and “books”"


def test_what_a_summary_mentions_in_passing_is_for_the_model_to_weigh(learnt):
    told = "A bakery in Lyon opens a shop. Its owner once tried LangChain for an AI side project, and gave it up."
    assert "langchain" in topics(learnt, "LangChain 1.0 for agents", told)
    assert "ai-agents" not in topics(learnt, "A bakery in Lyon", told)


def test_a_skill_with_few_examples_is_tagged_by_the_rule(learnt):
    assert learnt._examples.get("vllm", 0) < ENOUGH_EXAMPLES
    assert topics(learnt, "vLLM 0.9 serves faster")[0] == "vllm"


def test_what_a_specialization_is_worth_is_said_also_below_a_tag(learnt):
    read = learnt.read(Text("vLLM 0.9 halves the KV cache for LLM serving", ""))
    assert read.specializations["mlops-ai-infrastructure"] > read.specializations["ai-safety-alignment"]


def test_the_version_changes_with_the_model_and_not_with_a_sentence_of_a_plan(catalogue, tagger, learnt):
    assert learnt.version != tagger.version
    other = replace(catalogue, roles=tuple(replace(role, category="Other") for role in catalogue.roles))
    assert Tagger(other).version == tagger.version


# ---------------------------------------------------------------- any text

WORDS = st.sampled_from(
    [
        *(
            "LLM",
            "RAG",
            "vLLM",
            "Claude",
            "Gemini",
            "agents",
            "KV cache",
            "fine-tuning",
            "W&B",
            "C++",
            "Kubernetes",
            "GPU",
        ),
        *(
            " ",
            "-",
            ".",
            "/",
            "@",
            "the",
            "\n",
            "“",
            "Humanity\u2019s Last Exam",
            "\uff2c\uff2c\uff2d",
            "İ",
            "ß",
            "\u200d",
        ),
    ]
)
TEXTS = st.text(max_size=60) | st.lists(WORDS, max_size=20).map(" ".join) | st.lists(WORDS, max_size=20).map("".join)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(title=TEXTS, summary=TEXTS)
def test_the_evidence_of_a_tag_stands_literally_in_the_text(catalogue, tagger, learnt, title, summary):
    tags = tagger.tag(Text(title, summary))
    skills = [tag for tag in tags if tag.topic in catalogue.skill]
    assert len(skills) <= MOST_SKILLS
    for tag in skills:
        assert tag.evidence
        assert all(words in title or words in summary for words in tag.evidence)
        assert ACCEPT[catalogue.skill[tag.topic].kind] <= tag.score <= 1
    for tag in tags[len(skills) :]:
        assert set(tag.evidence) <= {one.topic for one in tags}
    for tag in learnt.read(Text(title, summary)).skills:
        assert all(words in title or words in summary for words in tag.evidence)
        assert 0 <= tag.score <= 1
    hits = tagger.hits(title)
    assert all(title[hit.start : hit.end] == hit.words for hit in hits)
    assert all(before.end <= after.start for before, after in pairwise(hits))
