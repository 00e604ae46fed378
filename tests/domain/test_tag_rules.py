from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from briefings.adapters import tagger_model
from briefings.domain.tag_rules import RuleBook, TagRule, checked
from briefings.domain.tagging import MOST_SKILLS, Tagger, Text
from briefings.errors import InputError

ROOT = Path(__file__).parents[2]
CACHE = TagRule("phrase", "KV cache", "kv-cache", "always")
OFF_TOPIC = Text("A bakery in Lyon opens its doors", "Bread, and a pastry of the day.", (), "bread.example")


@pytest.fixture(scope="module")
def learnt(catalogue):
    return Tagger(catalogue, tagger_model.load(ROOT / "briefings" / "catalogue"))


def called(rule: TagRule, title: str, **more) -> bool:
    return bool(list(RuleBook([rule]).called(Text(title, "", **more))))


@pytest.mark.parametrize("title", ["the KV cache", "kv caches", "the KV-Cache."])
def test_a_phrase_is_found_as_an_alias_is(title):
    assert called(CACHE, title)
    assert not called(CACHE, "KV: a cache")
    assert not called(CACHE, "serving without KV cache")


def test_a_short_phrase_with_capitals_is_found_only_so():
    rule = replace(CACHE, value="MoE")
    assert called(rule, "A new MoE model")
    assert not called(rule, "Eeny, meeny, miny, moe")


def test_a_source_is_the_host_of_an_item_or_the_address_of_its_feed(catalogue):
    host = checked(TagRule("source", " HTTPS://www.Bread.example/ ", "vllm", "always"), catalogue)
    feed = checked(TagRule("source", "feed.example/rss/?utm_source=x", "vllm", "always"), catalogue)
    assert (host.value, feed.value) == ("bread.example", "feed.example/rss")
    assert called(host, "News", source="bread.example")
    assert not called(host, "News", source="notbread.example", feed_url="https://other.example/rss")
    assert called(feed, "News", feed_url="http://feed.example/rss")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "author"}, "for a phrase or a source"),
        ({"verdict": "maybe"}, "says always or never"),
        ({"topic": "vlm"}, "no skill 'vlm'; try vllm"),
        ({"topic": "ai-engineer"}, "ai-engineer is no skill: roles and specializations follow"),
        ({"topic": "mlops-ai-infrastructure"}, "is no skill"),
        ({"value": "x"}, "2 to 80 characters"),
        ({"value": "x" * 81}, "2 to 80 characters"),
        ({"value": "1 2 3"}, "a word of two letters"),
        ({"value": "nul\0byte"}, "2 to 80 characters"),
        ({"value": "@karpathy"}, "begins and ends with a letter"),
        ({"value": "so ... far"}, "one mark at most between"),
        ({"kind": "source", "value": "tech crunch"}, "a host such as techcrunch.com"),
        ({"kind": "source", "value": "https://"}, "a host such as techcrunch.com"),
        ({"kind": "source", "value": "[::1"}, "a host such as techcrunch.com"),
    ],
)
def test_what_is_no_rule_is_refused_in_words(catalogue, change, words):
    with pytest.raises(InputError) as refused:
        checked(replace(CACHE, **change), catalogue)
    assert words in str(refused.value)


def test_always_gives_the_skill_and_makes_the_item_on_topic(learnt):
    assert not learnt.read(OFF_TOPIC).is_on_topic
    read = learnt.under([TagRule("phrase", "A Pastry", "vllm", "always")]).read(OFF_TOPIC)
    (tag,) = read.skills
    assert (read.is_on_topic, tag.topic, tag.score, tag.evidence) == (True, "vllm", 1.0, ("a pastry",))
    assert tag.reason == "an editor's rule: always for “A Pastry”"
    assert "mlops-ai-infrastructure" in [spec.topic for spec in read.specialization_tags]
    assert "ai-engineer" in [role.topic for role in read.roles]


def test_never_takes_the_skill_and_what_follows_from_it(catalogue, learnt):
    text = Text("vLLM 0.9 is out", "", (), "bread.example")
    tagger = learnt.under([TagRule("source", "bread.example", skill, "never") for skill in catalogue.skill])
    assert learnt.read(text).tags
    assert tagger.read(text).tags == []


def test_where_two_rules_disagree_never_wins(learnt):
    rules = [CACHE, replace(CACHE, kind="source", value="a.example", verdict="never")]
    text = Text("The KV cache", "", (), "a.example")
    assert "kv-cache" not in [tag.topic for tag in learnt.under(rules).tag(text)]


def test_rules_are_part_of_the_version_whatever_their_order(learnt):
    other = replace(CACHE, topic="vllm")
    assert learnt.under([CACHE]).version != learnt.version
    assert learnt.under([CACHE]).version != learnt.under([replace(CACHE, verdict="never")]).version
    assert learnt.under([CACHE, other]).version == learnt.under([other, CACHE]).version
    assert learnt.under([CACHE]).under([]).version == learnt.version


def test_a_rule_about_a_skill_that_is_no_more_does_nothing(learnt):
    gone = learnt.under([replace(CACHE, topic="alchemy")])
    assert gone.version == learnt.version
    assert "alchemy" not in [tag.topic for tag in gone.tag(Text("The KV cache", ""))]


# ---------------------------------------------------------------- any rules, any text

WORDS = ("LLM", "kv cache", "vLLM", "Gemini", "bakery", "Agents", "C++", "without", "“", "-", ".", "İ", "ß", "the")
TEXTS = st.text(max_size=40) | st.lists(st.sampled_from(WORDS), max_size=15).map(" ".join)
SKILLS = ("kv-cache", "vllm", "ai-agents", "rag", "prompt-engineering", "gemini", "fine-tuning", "kubernetes")
PHRASES = st.tuples(st.just("phrase"), st.sampled_from(("KV Cache", "LLM", "bakery", "cache", "agents", "GEMINI")))
SOURCES = st.tuples(st.just("source"), st.sampled_from(("a.example", "feed.example/rss")))
RULES = st.lists(
    st.builds(
        lambda what, topic, verdict: TagRule(*what, topic, verdict),
        PHRASES | SOURCES,
        st.sampled_from(SKILLS),
        st.sampled_from(("always", "never")),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rules=RULES, title=TEXTS, summary=TEXTS, source=st.sampled_from(("a.example", "b.example")))
def test_never_is_absent_always_is_present_and_evidence_stands_in_the_text(
    catalogue, learnt, rules, title, summary, source
):
    rules = [checked(rule, catalogue) for rule in rules if rule.topic in catalogue.skill]
    text = Text(title, summary, (), source, "https://feed.example/rss")
    told = [rule for rule, _ in RuleBook(rules).called(text)]
    never = {rule.topic for rule in told if rule.verdict == "never"}
    always = {rule.topic for rule in told if rule.verdict == "always"} - never
    read = learnt.under(rules).read(text)
    skills = {tag.topic: tag for tag in read.skills}
    assert never.isdisjoint(skills)
    assert always <= skills.keys()
    assert all(skills[topic].score == 1 for topic in always)
    assert read.is_on_topic or not read.tags
    assert len(skills) <= max(MOST_SKILLS, len(always))
    assert all(words in title or words in summary for tag in read.skills for words in tag.evidence)
    if not told:
        assert read == learnt.read(text)
