"""Which topics an item is about, with the words that say so.

A gazetteer: the aliases of the catalogue, found by their tokens, so that `multi-agent` and `multi agent` are one.
Words that mean something else outside AI ("Claude", "Gemini") count only where the text is about AI anyway.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from math import exp, prod
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from briefings.domain.catalogue import Catalogue, Skill

TAGGER_VERSION = "aliases-1"
TOKEN = re.compile(r"[^\W_]+(?:\+\+|#)?")
#: What may stand between the words of an alias: nothing, one space, one joining mark or apostrophe, or `&`.
GAP = re.compile(r"[ \-\u2010-\u2014/._'\u2019]?| ?& ?")
#: A hit behind one of these is part of an address, a path or a name.
NOT_AFTER = frozenset("@#/.")
SHORT_NAME = 6
AI_WORDS = re.compile(
    r"\b(AI|A\.I\.|AGI|LLMs?|GPTs?|GenAI|ML|NLP|GPUs?|TPUs?|artificial intelligence|machine learning|deep learning|"
    r"neural|language models?|foundation models?|transformers?|chatbots?|inference|fine-?tun\w+|prompts?|tokens?|"
    r"embeddings?|multimodal|generative|copilots?|agentic|agents?|OpenAI|Anthropic|DeepMind|Hugging ?Face|models?)\b"
)
#: Aliases that are first of all something else: a painter, a star sign, a harbour worker.
AMBIGUOUS = frozenset(
    {
        *("claude", "gemini", "mistral", "kimi", "devin", "codex", "docker", "blackwell", "phoenix", "triton"),
        *("cursor", "modal", "instructor", "spark", "comet", "llama", "falcon", "bert", "ray", "haystack"),
        *("chroma", "weave", "guidance", "mojo", "pinecone", "copilot"),
    }
)
#: Weights of the score, before the logistic function.
BIAS, TITLE, SUMMARY, AGAIN, FEED, ABOUT_AI = -1.5, 2.0, 1.2, 0.4, 0.8, 1.0
ACCEPT = {"technical": 0.6, "tool": 0.6, "human": 0.8}
ACCEPT_ROLE = 0.25
MOST_SKILLS = 6


@dataclass(frozen=True)
class Text:
    """What the tagger reads of an item, and the topics of the feed it came from."""

    title: str
    summary: str
    feed_topics: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tag:
    """A topic of an item: score 0..1, the words found, and a reason that a person can read."""

    topic: str
    score: float
    evidence: tuple[str, ...]
    reason: str


class Hit(NamedTuple):
    """An alias found in a text."""

    skill: str
    words: str
    start: int
    end: int
    ambiguous: bool


class _Alias(NamedTuple):
    tokens: tuple[str, ...]
    skill: str
    cased: bool
    ambiguous: bool


class Tagger:
    """Tags texts by a catalogue. Building it takes a few milliseconds; keep it."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Index the aliases by their first word."""
        self.version = f"{TAGGER_VERSION}/{catalogue.version}"
        self._skills = catalogue.skill
        self._index = _index(catalogue.skills)
        self._shares = _shares(catalogue)
        self._roles = {role.id: [spec.id for spec in role.specializations] for role in catalogue.roles}
        self._names = catalogue.topic_names

    def tag(self, text: Text) -> list[Tag]:
        """The skills that the text is about, then the specializations and roles that follow from them."""
        skills = self._skill_tags(text)
        specs = self._specialization_tags({tag.topic: tag.score for tag in skills})
        return [*skills, *specs, *self._role_tags(specs)]

    def hits(self, text: str) -> list[Hit]:
        """Every alias in the text, longest first at each place, without overlaps."""
        tokens = [(match.group(), match.start(), match.end()) for match in TOKEN.finditer(text)]
        found, position = [], 0
        while position < len(tokens):
            hit = self._hit_at(text, tokens, position)
            if hit:
                found.append(hit)
            position += 1 if hit is None else _tokens_within(tokens, position, hit.end)
        return found

    def _hit_at(self, text: str, tokens: Sequence[tuple[str, int, int]], position: int) -> Hit | None:
        first, start, _ = tokens[position]
        if start and text[start - 1] in NOT_AFTER:
            return None
        for alias in self._index.get(first.casefold().removesuffix("s"), ()):
            span = tokens[position : position + len(alias.tokens)]
            if _says(text, span, alias):
                end = span[-1][2]
                return Hit(alias.skill, text[start:end], start, end, alias.ambiguous)
        return None

    def _skill_tags(self, text: Text) -> list[Tag]:
        title, summary = self.hits(text.title), self.hits(text.summary)
        about_ai = _is_about_ai(text, [*title, *summary])
        by_skill: dict[str, tuple[list[Hit], list[Hit]]] = defaultdict(lambda: ([], []))
        for place, hits in enumerate((title, summary)):
            for hit in hits:
                if about_ai or not hit.ambiguous:
                    by_skill[hit.skill][place].append(hit)
        tags = [
            self._skill_tag(skill, hits, about_ai=about_ai, feed_topics=text.feed_topics)
            for skill, hits in by_skill.items()
        ]
        accepted = [tag for tag in tags if tag.score >= ACCEPT[self._skills[tag.topic].kind]]
        return sorted(accepted, key=lambda tag: (-tag.score, tag.topic))[:MOST_SKILLS]

    def _skill_tag(
        self, skill: str, hits: tuple[list[Hit], list[Hit]], *, about_ai: bool, feed_topics: tuple[str, ...]
    ) -> Tag:
        title, summary = hits
        parts = [
            (TITLE, f"“{title[0].words}” in the title") if title else None,
            (SUMMARY, f"“{summary[0].words}” in the summary") if summary else None,
            (AGAIN, "said more than once") if len(summary) > 1 else None,
            (FEED, "the feed is about it") if skill in feed_topics else None,
        ]
        present = [part for part in parts if part]
        score = _logistic(BIAS + ABOUT_AI * about_ai + sum(weight for weight, _ in present))
        evidence = tuple(dict.fromkeys(hit.words for hit in [*title, *summary]))
        return Tag(skill, round(score, 3), evidence, ", ".join(words for _, words in present))

    def _specialization_tags(self, skills: Mapping[str, float]) -> list[Tag]:
        tags = []
        for spec, shares in self._shares.items():
            parts = {skill: score * shares[skill] for skill, score in skills.items() if skill in shares}
            score = 1 - prod(1 - part for part in parts.values())
            if score >= ACCEPT_ROLE:
                best = sorted(parts, key=lambda skill: (-parts[skill], skill))[:3]
                words = ", ".join(self._names[skill] for skill in best)
                tags.append(Tag(spec, round(score, 3), tuple(best), f"because of {words}"))
        return tags

    def _role_tags(self, specs: Iterable[Tag]) -> Iterator[Tag]:
        best = {tag.topic: tag for tag in specs}
        for role, members in self._roles.items():
            scored = [best[spec] for spec in members if spec in best]
            if scored:
                top = max(scored, key=lambda tag: (tag.score, tag.topic))
                yield Tag(role, top.score, (top.topic,), f"because of {self._names[top.topic]}")


def meaning(alias: str) -> tuple[str, ...]:
    """What the tagger makes of an alias: two of one meaning find the same words."""
    *before, last = TOKEN.findall(alias.casefold()) or [alias.casefold()]
    return (*before, last.removesuffix("s"))


def _index(skills: Iterable[Skill]) -> dict[str, list[_Alias]]:
    index: dict[str, list[_Alias]] = defaultdict(list)
    for skill in skills:
        for alias in dict.fromkeys((*skill.aliases, skill.name)):
            cased = len(alias) <= SHORT_NAME and alias != alias.lower()
            words = alias if cased else alias.casefold()
            tokens = tuple(TOKEN.findall(words))
            ambiguous = alias.casefold() in AMBIGUOUS
            if tokens:
                index[tokens[0].casefold().removesuffix("s")].append(_Alias(tokens, skill.id, cased, ambiguous))
    for aliases in index.values():
        aliases.sort(key=lambda alias: -sum(map(len, alias.tokens)))
    return dict(index)


def _says(text: str, span: Sequence[tuple[str, int, int]], alias: _Alias) -> bool:
    if len(span) != len(alias.tokens):
        return False
    said = [token if alias.cased else token.casefold() for token, _, _ in span]
    last_fits = said[-1] == alias.tokens[-1] or said[-1] == alias.tokens[-1] + "s"
    gaps = (text[before[2] : after[1]] for before, after in pairwise(span))
    return last_fits and tuple(said[:-1]) == alias.tokens[:-1] and all(GAP.fullmatch(gap) for gap in gaps)


def _tokens_within(tokens: Sequence[tuple[str, int, int]], position: int, end: int) -> int:
    return sum(1 for _, start, _ in tokens[position : position + 12] if start < end)


def _is_about_ai(text: Text, hits: Iterable[Hit]) -> bool:
    named = any(not hit.ambiguous for hit in hits)
    return named or bool(AI_WORDS.search(text.title) or AI_WORDS.search(text.summary))


def _shares(catalogue: Catalogue) -> dict[str, dict[str, float]]:
    """How strongly a skill speaks for a specialization: rarer core skills speak louder."""
    uses: dict[str, int] = defaultdict(int)
    for spec in catalogue.specialization.values():
        for skill in spec.core_skills:
            uses[skill] += 1
    return {
        spec.id: {skill: 0.9 / uses[skill] ** 0.5 for skill in spec.core_skills}
        for spec in catalogue.specialization.values()
    }


def _logistic(z: float) -> float:
    return 1 / (1 + exp(-z))
