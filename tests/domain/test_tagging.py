from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from catalogue_samples import ASSESSMENT, PLAN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from briefings.adapters import tagger_model
from briefings.domain.catalogue import Catalogue, Role, Skill, Specialization
from briefings.domain.tagging import ACCEPT, ENOUGH_EXAMPLES, MOST_SKILLS, Judgement, Tagger, Text

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


@pytest.mark.parametrize(
    "text",
    [
        "Gemini/MCP",
        "tools (A2A/MCP) compared",
        "RAG/MCP/Gemini.",
        "“agents/MCP”",
        "C++/MCP servers",
        "multi-user/MCP's",
    ],
)
def test_a_word_in_a_list_with_slashes_is_said(small, text):
    assert "mcp" in [hit.skill for hit in small.hits(text)]


def test_each_name_of_a_list_with_slashes_is_found(tagger):
    assert [hit.words for hit in tagger.hits("PyTorch/vLLM and Claude/ChatGPT/etc.")] == [
        *("PyTorch", "vLLM", "Claude", "ChatGPT"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("x.example/MCP", "https://x.example/docs/MCP", "http://localhost/MCP", "@user/MCP", "r/MCP", "mail@host/MCP"),
        *("/usr/MCP", "./MCP", "~/MCP", "../docs/MCP", "C:/docs/MCP", "src/MCP/engine.py", "docs/MCP.md", "docs/MCP/"),
        *("#tag/MCP", "and //MCP", "3/MCP", "?q=a/MCP", "_private/MCP"),
    ],
)
def test_a_word_behind_a_slash_of_an_address_or_a_path_is_not_said(small, text):
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


def test_the_version_changes_with_all_that_roles_and_specializations_say_of_tags():
    spec = Specialization("serving", "Serving", ("vllm",), ASSESSMENT, PLAN)
    role = Role("engineer", "Engineer", "AI", ASSESSMENT, (spec,))
    skills = (Skill("vllm", "vLLM", "tool", ("vLLM",)), Skill("mcp", "MCP", "technical"))
    others = (
        replace(role, specializations=(replace(spec, core_skills=("mcp",)),)),
        replace(role, specializations=(replace(spec, name="Fast serving"),)),
        replace(role, name="Builder"),
    )
    twin = replace(role, id="twin", specializations=())
    catalogues = [
        Catalogue((role,), skills),
        *(Catalogue((other,), skills) for other in others),
        Catalogue((role, twin), skills),
        Catalogue((replace(role, specializations=()), replace(twin, specializations=(spec,))), skills),
    ]
    assert len({Tagger(catalogue).version for catalogue in catalogues}) == len(catalogues)


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


# ---------------------------------------------------------------- who decides, the rule or the model


class Told:
    """A model that is told what to say of skills."""

    version = "told"

    def __init__(self, skills: dict[str, float], examples: dict[str, int]) -> None:
        self.skills = skills
        self.about = {"thresholds": {"on-topic": 0.5, "skill": 0.4}, "examples": examples}

    def judge(self, features):
        return Judgement(0.9, self.skills, {})

    def knows(self, source):
        return True

    def because(self, features, skill, most):
        return ()


def scores(skills: dict[str, float], examples: dict[str, int], title: str, summary: str = "") -> dict[str, float]:
    catalogue = Catalogue((), (Skill("vllm", "vLLM", "tool", ("vLLM",)), Skill("mcp", "MCP", "technical", ("MCP",))))
    return {tag.topic: tag.score for tag in Tagger(catalogue, Told(skills, examples)).tag(Text(title, summary))}


def test_what_only_a_summary_says_is_decided_by_the_model_where_it_has_learnt_the_skill():
    text = ("A fast server for LLMs", "It is vLLM.")
    assert scores({"vllm": 0.1}, {"vllm": ENOUGH_EXAMPLES}, *text) == {}
    assert set(scores({"vllm": 0.1}, {"vllm": ENOUGH_EXAMPLES - 1}, *text)) == {"vllm"}


def test_what_the_title_says_is_decided_by_the_rule():
    learnt = {"vllm": ENOUGH_EXAMPLES, "mcp": ENOUGH_EXAMPLES}
    assert set(scores({"vllm": 0.1, "mcp": 0.1}, learnt, "vLLM is out", "With MCP.")) == {"vllm"}


def test_the_model_is_believed_from_its_threshold_on_and_only_of_skills_that_it_saw_enough_of():
    title = "A fast server for LLMs"
    assert scores({"vllm": 0.4}, {"vllm": ENOUGH_EXAMPLES}, title) == {"vllm": 0.4}
    assert scores({"vllm": 0.39}, {"vllm": ENOUGH_EXAMPLES}, title) == {}
    assert scores({"vllm": 0.9}, {"vllm": ENOUGH_EXAMPLES - 1}, title) == {}
    assert scores({"vllm": 0.9}, {}, title) == {}


def test_where_rule_and_model_agree_the_higher_score_counts():
    by_rule = scores({}, {"vllm": ENOUGH_EXAMPLES}, "vLLM is out")["vllm"]
    assert 0.5 < by_rule < 0.95
    assert scores({"vllm": 0.5}, {"vllm": ENOUGH_EXAMPLES}, "vLLM is out") == {"vllm": by_rule}
    assert scores({"vllm": 0.95}, {"vllm": ENOUGH_EXAMPLES}, "vLLM is out") == {"vllm": 0.95}


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
