"""Which topics an item is about, with the words that say so.

Two voices. The rule: an alias of the catalogue in the title of a text about AI is what it is about, unless the word
means something else first ("Claude", "Gemini"). The model: linear weights learnt from items that careful readers
labelled, for what no alias says. Skills that the model never saw enough of are left to the rule; a catalogue without
a model is tagged by the rule alone. An editor's rules ("always", "never") decide over both. Roles and specializations
follow from the skills.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from math import exp, prod
from typing import TYPE_CHECKING, Protocol

from briefings.domain.aliases import TOKEN, Gazetteer
from briefings.domain.features import AI_WORDS, features
from briefings.domain.tag_rules import ALWAYS, NEVER, RuleBook

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from briefings.domain.aliases import Hit
    from briefings.domain.catalogue import Catalogue
    from briefings.domain.tag_rules import TagRule

TAGGER_VERSION = "rule-and-model-3"
ON_TOPIC = "on-topic"
#: Weights of the rule's score, before the logistic function.
BIAS, TITLE, SUMMARY, AGAIN, FEED, ABOUT_AI = -1.5, 2.0, 1.2, 0.4, 0.8, 1.0
ACCEPT = {"technical": 0.6, "tool": 0.6, "human": 0.8}
ACCEPT_ROLE = 0.25
MOST_SKILLS = 6
#: A skill with fewer examples than this in the model's training is tagged by the rule.
ENOUGH_EXAMPLES = 15
MOST_WORDS = 2


@dataclass(frozen=True)
class Text:
    """What the tagger reads of an item: plain text, where it came from, and the topics of its feed."""

    title: str
    summary: str
    feed_topics: tuple[str, ...] = ()
    source: str = ""  #: the host of the item's address, such as `techcrunch.com`
    feed_url: str = ""  #: the address of its feed


@dataclass(frozen=True)
class Tag:
    """A topic of an item: score 0..1, the words found, and a reason that a person can read."""

    topic: str
    score: float
    evidence: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Judgement:
    """What a model thinks of an item: probabilities, and how useful it is to a specialization (0..1)."""

    on_topic: float
    skills: Mapping[str, float]
    specializations: Mapping[str, float]


@dataclass(frozen=True)
class Reading:
    """What the tagger makes of an item."""

    is_on_topic: bool
    skills: tuple[Tag, ...] = ()  #: best first
    roles: tuple[Tag, ...] = ()
    specialization_tags: tuple[Tag, ...] = ()
    specializations: Mapping[str, float] = field(default_factory=dict)  #: usefulness to each, also below a tag's

    @property
    def tags(self) -> list[Tag]:
        """All tags: skills, then the specializations and roles that follow from them."""
        return [*self.skills, *self.specialization_tags, *self.roles]


class Model(Protocol):
    """Something that has learnt from labelled items."""

    @property
    def version(self) -> str:
        """Changes with what it has learnt."""

    @property
    def about(self) -> Mapping[str, object]:
        """Its thresholds, and how many examples of each skill it saw."""

    def judge(self, features: Mapping[str, float]) -> Judgement:
        """What it thinks of an item, by its features."""

    def knows(self, source: str) -> bool:
        """Whether it has learnt from items of this source."""

    def because(self, features: Mapping[str, float], skill: str, most: int) -> tuple[str, ...]:
        """The words of the item that speak most for a skill."""


class Tagger:
    """Tags texts by a catalogue, a model if there is one, and the rules of editors.

    Building it takes a few milliseconds; keep it.
    """

    def __init__(self, catalogue: Catalogue, model: Model | None = None, rules: Sequence[TagRule] = ()) -> None:
        """Index the aliases, and learn from the catalogue what follows from a skill.

        Rules about what is no skill of the catalogue (any more) are left out.
        """
        self.rules = tuple(rules)
        self._book = RuleBook(rule for rule in rules if rule.topic in catalogue.skill)
        self._catalogue = catalogue
        self._skills = catalogue.skill
        self._gazetteer = Gazetteer(catalogue.skills)
        self._shares = _shares(catalogue)
        self._roles = {role.id: [spec.id for spec in role.specializations] for role in catalogue.roles}
        self._names = catalogue.topic_names
        self._model = model
        self._thresholds = _numbers(model, "thresholds")
        self._examples = _numbers(model, "examples")
        parts = (TAGGER_VERSION, _fingerprint(catalogue), model.version if model else "no-model")
        self.version = "/".join(filter(None, (*parts, self._book.fingerprint)))

    def under(self, rules: Sequence[TagRule]) -> Tagger:
        """A tagger of the same catalogue and model, under these rules of editors and no others."""
        return Tagger(self._catalogue, self._model, rules)

    def heeds(self, text: Text) -> bool:
        """Whether a rule of an editor speaks about the text."""
        return any(True for _ in self._book.called(text))

    @property
    def kinds(self) -> dict[str, str]:
        """The kind of each skill id: technical, tool or human."""
        return {skill.id: skill.kind for skill in self._skills.values()}

    def tag(self, text: Text) -> list[Tag]:
        """The skills that the text is about, then the specializations and roles that follow from them."""
        return self.read(text).tags

    def hits(self, text: str) -> list[Hit]:
        """Every alias in a text; see `Gazetteer.hits`."""
        return self._gazetteer.hits(text)

    def read(self, text: Text) -> Reading:
        """Whether the text is on topic, its tags, and what it is worth to each specialization."""
        skills, learnt = self._skills_of(text)
        return self._ruled(text, skills, learnt)

    def _skills_of(self, text: Text) -> tuple[dict[str, Tag] | None, Mapping[str, float]]:
        """What rule and model find: the skills (None when off topic), and what the text is worth by the model."""
        found = (self.hits(text.title), self.hits(text.summary))
        rule = {tag.topic: tag for tag in self._rule_tags(text, found)}
        if self._model is None:
            return (rule if rule or _is_about_ai(text, [*found[0], *found[1]]) else None), {}
        seen = features(text.title, text.summary, text.source, *found)
        judged = self._model.judge(seen)
        tags = {topic: tag for topic, tag in rule.items() if self._rule_decides(tag, found[0])}
        named = any(hit.skill in tags and not hit.ambiguous for hit in found[0])
        if not named and (judged.on_topic < self._thresholds[ON_TOPIC] or self._is_a_namesake(text, found)):
            return None, judged.specializations
        for skill, score in judged.skills.items():
            if skill in self._skills and score >= self._thresholds["skill"] and self._is_learnt(skill):
                tags[skill] = self._model_tag(skill, score, rule.get(skill), seen, text)
        return tags, judged.specializations

    def _ruled(self, text: Text, skills: dict[str, Tag] | None, learnt: Mapping[str, float]) -> Reading:
        """Let the rules of editors decide over what was found; where two disagree, never wins.

        What the model says of a specialization does not count where a rule gave or took one of its core skills.
        """
        called = list(self._book.called(text))
        never = {rule.topic for rule, _ in called if rule.verdict == NEVER}
        told = [(rule, words) for rule, words in called if rule.verdict == ALWAYS and rule.topic not in never]
        always = {rule.topic: _told_tag(rule, words) for rule, words in reversed(told)}
        if skills is None and not always:
            return Reading(is_on_topic=False, specializations=learnt)
        kept = {topic: tag for topic, tag in ((skills or {}) | always).items() if topic not in never}
        changed = kept.keys() ^ (skills or {}).keys()
        left = {spec: worth for spec, worth in learnt.items() if changed.isdisjoint(self._shares.get(spec, ()))}
        return self._reading(kept, left, always)

    def _is_a_namesake(self, text: Text, found: tuple[list[Hit], list[Hit]]) -> bool:
        """Whether all that speaks for a text is a name of double meaning, and it comes from nobody the model knows."""
        hits = [*found[0], *found[1]]
        known = self._model is not None and self._model.knows(text.source)
        return bool(hits) and not known and not _is_about_ai(text, hits)

    def _is_learnt(self, skill: str) -> bool:
        return self._examples.get(skill, 0) >= ENOUGH_EXAMPLES

    def _rule_decides(self, tag: Tag, in_title: Iterable[Hit]) -> bool:
        """The title says what a text is about; what a summary mentions is for the model to weigh."""
        return not self._is_learnt(tag.topic) or any(hit.skill == tag.topic for hit in in_title)

    def _model_tag(self, skill: str, score: float, rule: Tag | None, seen: Mapping[str, float], text: Text) -> Tag:
        if rule:
            return Tag(skill, round(max(score, rule.score), 3), rule.evidence, rule.reason)
        words = _as_written(self._model.because(seen, skill, MOST_WORDS) if self._model else (), text)
        quoted = " and ".join(f"“{word}”" for word in words)
        reason = f"words such as {quoted}" if words else "it reads like items about it"
        return Tag(skill, round(score, 3), words, reason)

    def _reading(self, skills: Mapping[str, Tag], learnt: Mapping[str, float], always: Collection[str]) -> Reading:
        ranked = sorted(skills.values(), key=lambda tag: (tag.topic not in always, -tag.score, tag.topic))
        best = ranked[: max(MOST_SKILLS, len(always))]
        specs = self._specialization_tags({tag.topic: tag.score for tag in best}, learnt)
        worth = {tag.topic: tag.score for tag in specs} | dict(learnt)
        return Reading(True, tuple(best), tuple(self._role_tags(specs)), tuple(specs), worth)

    # ------------------------------------------------------------ the rule

    def _rule_tags(self, text: Text, found: tuple[list[Hit], list[Hit]]) -> Iterator[Tag]:
        about_ai = _is_about_ai(text, [*found[0], *found[1]])
        by_skill: dict[str, tuple[list[Hit], list[Hit]]] = defaultdict(lambda: ([], []))
        for place, hits in enumerate(found):
            for hit in hits:
                if about_ai or not hit.ambiguous:
                    by_skill[hit.skill][place].append(hit)
        for skill, places in by_skill.items():
            tag = _rule_tag(skill, places, about_ai=about_ai, feed_topics=text.feed_topics)
            if tag.score >= ACCEPT[self._skills[skill].kind]:
                yield tag

    # ------------------------------------------------------------ what follows from the skills

    def _specialization_tags(self, skills: Mapping[str, float], learnt: Mapping[str, float]) -> list[Tag]:
        tags = []
        for spec, shares in self._shares.items():
            parts = {skill: score * shares[skill] for skill, score in skills.items() if skill in shares}
            score = learnt.get(spec, 1 - prod(1 - part for part in parts.values()))
            if score >= ACCEPT_ROLE:
                best = sorted(parts, key=lambda skill: (-parts[skill], skill))[:3]
                words = ", ".join(self._names[skill] for skill in best)
                reason = f"because of {words}" if words else "it reads like items useful to it"
                tags.append(Tag(spec, round(score, 3), tuple(best), reason))
        return tags

    def _role_tags(self, specs: Iterable[Tag]) -> Iterator[Tag]:
        best = {tag.topic: tag for tag in specs}
        for role, members in self._roles.items():
            scored = [best[spec] for spec in members if spec in best]
            if scored:
                top = max(scored, key=lambda tag: (tag.score, tag.topic))
                yield Tag(role, top.score, (top.topic,), f"because of {self._names[top.topic]}")


def _rule_tag(skill: str, hits: tuple[list[Hit], list[Hit]], *, about_ai: bool, feed_topics: Sequence[str]) -> Tag:
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


def _told_tag(rule: TagRule, words: tuple[str, ...]) -> Tag:
    return Tag(rule.topic, 1.0, words, f"an editor's rule: always for “{rule.value}”")


def _as_written(words: Iterable[str], text: Text) -> tuple[str, ...]:
    """Words of the model as the text has them, for people to find."""
    written = {token.casefold(): token for token in reversed(TOKEN.findall(f"{text.title} {text.summary}"))}
    return tuple(written[word] for word in words if word in written)


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


def _fingerprint(catalogue: Catalogue) -> str:
    """Changes with whatever decides tags, and not with the sentences of plans."""
    roles = [(role.id, role.name, [spec.id for spec in role.specializations]) for role in catalogue.roles]
    specs = [(spec.id, spec.name, spec.core_skills) for spec in catalogue.specialization.values()]
    return hashlib.sha256(repr((catalogue.skills, roles, specs)).encode()).hexdigest()[:12]


def _numbers(model: Model | None, key: str) -> dict[str, float]:
    found = model.about.get(key) if model else None
    return {str(name): float(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _logistic(z: float) -> float:
    return 1 / (1 + exp(-z))
