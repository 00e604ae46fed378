"""What the learned model sees of an item: words, pieces of words, the source, and the aliases found.

Training and tagging both call `features`, so that the model meets nothing that it was not trained on.
"""

from __future__ import annotations

import re
from collections import Counter
from math import log, sqrt
from typing import TYPE_CHECKING

from briefings.domain.aliases import TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from briefings.domain.aliases import Hit

#: So many characters of a summary are read: what an item is about stands at its beginning.
SUMMARY_READ = 300
PIECE = 4
#: How much each kind of feature counts: chosen by cross-validation on the training labels.
TITLE, SUMMARY, PIECES, SOURCE, TITLE_HIT, SUMMARY_HIT, ABOUT = 1.0, 0.8, 1.5, 0.5, 0.7, 0.5, 0.5
SHORTEST_WORD = 2
EMPTY_WORDS = frozenset(
    {
        *("a", "an", "as", "at", "be", "by", "if", "in", "is", "it", "no", "of", "on", "or", "so", "to", "up", "us"),
        *("about", "after", "all", "also", "and", "any", "are", "been", "but", "can", "could", "does", "for"),
        *("from", "get", "had", "has", "have", "her", "his", "how", "into", "its", "just", "like", "make", "may"),
        *("more", "most", "new", "not", "now", "off", "one", "our", "out", "over", "own", "say", "says", "she"),
        *("should", "some", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this"),
        *("too", "use", "via", "was", "way", "we", "were", "what", "when", "where", "which", "while", "who", "why"),
        *("will", "with", "would", "you", "your"),
    }
)
#: Abbreviations and names as they are written, spelt-out words also in a headline's capitals.
AI_WORDS = re.compile(
    r"\b(AI|A\.I\.|AGI|LLMs?|GPTs?|GenAI|ML|NLP|GPUs?|TPUs?|OpenAI|Anthropic|DeepMind|Hugging ?Face|"
    r"(?i:artificial intelligence|machine learning|deep learning|neural|language models?|foundation models?|"
    r"transformers?|chatbots?|inference|fine-?tun\w+|prompts?|tokens?|embeddings?|multimodal|generative|copilots?|"
    r"agentic|agents?|models?))\b"
)


def features(
    title: str, summary: str, source: str, title_hits: Iterable[Hit], summary_hits: Iterable[Hit]
) -> dict[str, float]:
    """The features of an item and how strong each is. `source` is the host or feed it came from, "" when unknown."""
    summary = summary[:SUMMARY_READ]
    in_title, in_summary = TOKEN.findall(title.casefold()), TOKEN.findall(summary.casefold())
    found = {f"o:{source}": SOURCE} if source else {}
    found.update(_weighed("t:", Counter(in_title), TITLE))
    found.update(_weighed("s:", Counter(in_summary), SUMMARY))
    found.update(_weighed("c:", Counter(_pieces([*in_title, *in_summary])), PIECES))
    found.update((f"at:{hit.skill}", TITLE_HIT) for hit in title_hits)
    found.update((f"as:{hit.skill}", SUMMARY_HIT) for hit in summary_hits)
    found.update((f"ai:{place}", ABOUT) for place in _about(title, summary))
    return found


def word_of(feature: str) -> str:
    """The word that a feature is, or "" when it is a piece, a source, an alias or a word that tells nobody anything."""
    word = feature[2:] if feature.startswith(("t:", "s:")) else ""
    return word if len(word) > SHORTEST_WORD and word not in EMPTY_WORDS else ""


def _weighed(kind: str, counts: Counter[str], weight: float) -> Iterator[tuple[str, float]]:
    """Sublinear counts of length one, so that a long summary weighs no more than a short one."""
    damped = {part: 1 + log(count) for part, count in counts.items()}
    length = sqrt(sum(value * value for value in damped.values())) or 1.0
    return ((kind + part, weight * value / length) for part, value in damped.items())


def _pieces(tokens: Iterable[str]) -> Iterator[str]:
    for token in tokens:
        marked = f" {token} "
        yield from (marked[start : start + PIECE] for start in range(len(marked) - PIECE + 1))


def _about(title: str, summary: str) -> Iterator[str]:
    spoken = [place for place, text in (("t", title), ("s", summary)) if AI_WORDS.search(text)]
    yield from spoken or ["no"]
