"""What an editor decided for all items at once: always, or never, this skill for a phrase or a source."""

from __future__ import annotations

import hashlib
import re
from dataclasses import astuple, dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from briefings.domain.aliases import TOKEN, Gazetteer
from briefings.domain.catalogue import Skill
from briefings.domain.entries import canonical_url
from briefings.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from briefings.domain.catalogue import Catalogue
    from briefings.domain.tagging import Text

PHRASE, SOURCE = "phrase", "source"
ALWAYS, NEVER = "always", "never"
SHORTEST_PHRASE, LONGEST_PHRASE, LONGEST_SOURCE = 2, 80, 300
WORD = re.compile(r"[^\W\d_]{2}")
#: A host such as `techcrunch.com`, or a feed's address without its scheme.
ADDRESS = re.compile(r"[^\s/]+\.[^\s/]+(/\S*)?")


@dataclass(frozen=True)
class TagRule:
    """Always or never a topic, for items that say a phrase or come from a source (a host, or a feed's address)."""

    kind: str
    value: str
    topic: str
    verdict: str

    def __str__(self) -> str:
        return f"{self.verdict} {self.topic} for {self.kind} “{self.value}”"


def checked(rule: TagRule, catalogue: Catalogue) -> TagRule:
    """The rule, its value as texts are compared with. Raises InputError with what to enter instead."""
    if rule.kind not in {PHRASE, SOURCE} or rule.verdict not in {ALWAYS, NEVER}:
        raise InputError("A rule is for a phrase or a source, and says always or never; choose one of each")
    _check_topic(rule.topic, catalogue)
    return replace(rule, value=_phrase(rule.value) if rule.kind == PHRASE else _source(rule.value))


class RuleBook:
    """Finds the rules that a text calls for. Building it takes a few microseconds a rule; keep it."""

    def __init__(self, rules: Iterable[TagRule]) -> None:
        """`rules` are checked ones; their order does not matter."""
        self._rules = sorted(set(rules), key=astuple)
        self._phrases = {rule.value: _Phrase(rule.value) for rule in self._rules if rule.kind == PHRASE}

    @property
    def fingerprint(self) -> str:
        """Changes with what the rules say; empty without rules."""
        said = repr([astuple(rule) for rule in self._rules])
        return hashlib.sha256(said.encode()).hexdigest()[:12] if self._rules else ""

    def called(self, text: Text) -> Iterator[tuple[TagRule, tuple[str, ...]]]:
        """The rules that the text calls for, each with its phrase as the text has it."""
        sources = {text.source, address_key(text.feed_url)}
        for rule in self._rules:
            words = self._phrases[rule.value].found(text) if rule.kind == PHRASE else ()
            if words or (rule.kind == SOURCE and rule.value in sources):
                yield rule, words


class _Phrase:
    """Finds a phrase as the gazetteer finds an alias."""

    def __init__(self, words: str) -> None:
        self._start = next(iter(TOKEN.findall(words.casefold())), words).removesuffix("s")
        self._gazetteer = Gazetteer([Skill(words, words, "technical")])

    def found(self, text: Text) -> tuple[str, ...]:
        places = [place for place in (text.title, text.summary) if self._start in place.casefold()]  # most say no here
        return tuple(dict.fromkeys(hit.words for place in places for hit in self._gazetteer.hits(place)))

    def finds_itself(self, words: str) -> bool:
        return [hit.words for hit in self._gazetteer.hits(words)] == [words]


def address_key(url: str) -> str:
    """What the spellings of one address share; a host alone stands without `www.`, as the source of a text does."""
    typed = url.strip()
    key = canonical_url(typed if "://" in typed else f"https://{typed}").partition("://")[2]
    return key if "/" in key else key.removeprefix("www.")


def _check_topic(topic: str, catalogue: Catalogue) -> None:
    if topic in catalogue.skill:
        return
    if topic in catalogue.topic_names:
        raise InputError(
            f"{topic} is no skill: roles and specializations follow from skills; choose one of their skills"
        )
    close = ", ".join(get_close_matches(topic, catalogue.skill, 3)) or "an id of the catalogue's skills.toml"
    raise InputError(f"There is no skill {topic[:60]!r}; try {close}")


def _phrase(typed: str) -> str:
    phrase = " ".join(typed.split())
    if not (SHORTEST_PHRASE <= len(phrase) <= LONGEST_PHRASE and phrase.isprintable() and WORD.search(phrase)):
        raise InputError("A phrase has 2 to 80 characters and a word of two letters or more; enter such a one")
    if not _Phrase(phrase).finds_itself(phrase):
        raise InputError("A phrase begins and ends with a letter or digit, one mark at most between its words")
    return phrase


def _source(typed: str) -> str:
    source = address_key(typed)
    if not (len(source) <= LONGEST_SOURCE and source.isprintable() and ADDRESS.fullmatch(source)):
        raise InputError("A source is a host such as techcrunch.com, or the address of a feed; enter one of these")
    return source
