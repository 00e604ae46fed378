"""Where the words of the catalogue stand in a text.

A gazetteer: the aliases of the skills, found by their tokens, so that `multi-agent` and `multi agent` are one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from briefings.domain.catalogue import Skill

TOKEN = re.compile(r"[^\W_]+(?:\+\+|#)?")
#: What may stand between the words of an alias: nothing, one space, one joining mark or apostrophe, or `&`.
GAP = re.compile(r"[ \-\u2010-\u2014/._'\u2019]?| ?& ?")
#: A hit behind one of these is part of an address, a path or a name, unless it stands in a list.
NOT_AFTER = frozenset("@#/.")
#: Words with slashes between them, such as `PyTorch/TensorFlow`; `r/LocalLLaMA` and `src/vllm/engine.py` are none.
LIST = re.compile(r"{word}(?:/{word})+(?:['\u2019]s)?".format(word=r"[^\W\d_](?:[^\W_]|\+\+|#)+(?:-[^\W_]+)*"))
OPENING, CLOSING = "([{\"'\u201c\u2018", ")]}\"'\u201d\u2019.,;:!?\u2026"
SHORT_NAME = 6
#: Aliases that are first of all something else: a painter, a star sign, a harbour worker.
AMBIGUOUS = frozenset(
    {
        *("claude", "gemini", "mistral", "kimi", "devin", "codex", "docker", "blackwell", "phoenix", "triton"),
        *("cursor", "modal", "instructor", "spark", "comet", "llama", "falcon", "bert", "ray", "haystack"),
        *("chroma", "weave", "guidance", "mojo", "pinecone", "copilot"),
    }
)
#: Words right before an alias that say it is not what the text is about.
NEGATION = re.compile(r"(?:\b(?:non|without|instead of|rather than|not an?|no more|unlike)[ -]+)$", re.IGNORECASE)


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


class Gazetteer:
    """Finds the aliases of skills. Building it takes a few milliseconds; keep it."""

    def __init__(self, skills: Iterable[Skill]) -> None:
        """Index the aliases by their first word."""
        self._index = _index(skills)

    def hits(self, text: str) -> list[Hit]:
        """Every alias in the text that is not negated, longest first at each place, without overlaps."""
        tokens = [(match.group(), match.start(), match.end()) for match in TOKEN.finditer(text)]
        found, position = [], 0
        while position < len(tokens):
            hit = self._hit_at(text, tokens, position)
            if hit and not NEGATION.search(text, max(0, hit.start - 14), hit.start):
                found.append(hit)
            position += 1 if hit is None else _tokens_within(tokens, position, hit.end)
        return found

    def _hit_at(self, text: str, tokens: Sequence[tuple[str, int, int]], position: int) -> Hit | None:
        first, start, _ = tokens[position]
        if start and text[start - 1] in NOT_AFTER and not _is_listed(text, start):
            return None
        for alias in self._index.get(first.casefold().removesuffix("s"), ()):
            span = tokens[position : position + len(alias.tokens)]
            if _says(text, span, alias):
                end = span[-1][2]
                return Hit(alias.skill, text[start:end], start, end, alias.ambiguous)
        return None


def meaning(alias: str) -> tuple[str, ...]:
    """What the gazetteer makes of an alias: two of one meaning find the same words."""
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


def _is_listed(text: str, start: int) -> bool:
    """Whether the word that starts here, behind a mark, is one of a list of words with slashes between them."""
    written = text[:start].rsplit(maxsplit=1)[-1] + text[start:].split(maxsplit=1)[0]
    return LIST.fullmatch(written.lstrip(OPENING).rstrip(CLOSING)) is not None


def _says(text: str, span: Sequence[tuple[str, int, int]], alias: _Alias) -> bool:
    if len(span) != len(alias.tokens):
        return False
    said = [token if alias.cased else token.casefold() for token, _, _ in span]
    last_fits = said[-1] == alias.tokens[-1] or said[-1] == alias.tokens[-1] + "s"
    gaps = (text[before[2] : after[1]] for before, after in pairwise(span))
    return last_fits and tuple(said[:-1]) == alias.tokens[:-1] and all(GAP.fullmatch(gap) for gap in gaps)


def _tokens_within(tokens: Sequence[tuple[str, int, int]], position: int, end: int) -> int:
    return sum(1 for _, start, _ in tokens[position : position + 12] if start < end)
