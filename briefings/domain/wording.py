"""How minutes, moments and lists are said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

ARTICLE = re.compile(r"^(An?|The)\b")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[^a-z])")
#: How many words a person reads in a minute.
PACE = 200
#: Text without spaces is cut after so many characters for each word that it may have.
LONG_WORD = 8


def spoken_minutes(minutes: int) -> str:
    """`45 min`, `2 h` or `3 h 20`."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest:02d}" if rest else f"{hours} h"


def spoken_moment(moment: datetime) -> str:
    """`2026-11-23 06:00 UTC`."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def inside(name: str) -> str:
    """A name as it stands inside a sentence: `The C4 model` becomes `the C4 model`."""
    return ARTICLE.sub(lambda found: found.group().lower(), name)


def listed(names: Sequence[str]) -> str:
    """`vLLM`, `vLLM and Ray` or `vLLM, Ray and Docker`."""
    *others, last = names or [""]
    return f"{', '.join(others)} and {last}" if others else last


def reading_minutes(words: int) -> int:
    """How many whole minutes so many words take to read; one at least."""
    return max(1, -(-words // PACE))


def in_words(text: str, most: int) -> str:
    """The first sentences of a text, of at most so many words together; else the beginning of the first one."""
    if count(text) <= most:
        return in_letters(text, most * LONG_WORD)
    told: list[str] = []
    for sentence in SENTENCE_END.split(text):
        if count(*told, sentence) > most:
            break
        told.append(sentence)
    begun = " ".join(text.split()[:most]).rstrip(" ,;:.") + "\u2026"
    return in_letters(" ".join(told) or begun, most * LONG_WORD)


def in_letters(text: str, most: int) -> str:
    """A text of at most so many characters, cut after a word where it has words."""
    if len(text) <= most:
        return text
    words = text[:most].rpartition(" ")[0] or text[: most - 1]
    return f"{words[: most - 1].rstrip(' ,;:.')}\u2026"


def count(*texts: str) -> int:
    """How many words stand in texts."""
    return sum(len(text.split()) for text in texts)
