"""What can be told of a story from its title, its address and its tags, without knowing the reader."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from briefings.domain.feeds import host_of

if TYPE_CHECKING:
    from collections.abc import Collection

#: Skills that are the models of a vendor, or of several. One story in five names one.
MODEL_FAMILIES = {
    "openai-platform": "openai",
    "anthropic-claude": "anthropic",
    "google-gemini": "google",
    "open-model-families": "",
}
#: Hosts on which everybody publishes: they do not say who speaks.
SHARED_HOSTS = frozenset({"arxiv.org", "github.com", "huggingface.co", "medium.com", "reddit.com", "youtube.com"})
LASTING = re.compile(
    r"\b((?i:releas(?:e|es|ed|ing)|launch(?:es|ed)?|now available|general availability|changelog)"
    r"|(?i:regulations?|ruling|directive)|v\d+(?:\.\d+)*|\d+\.\d+\.\d+|[A-Z]\w+ Act|[Ll]aws?)\b"
)
BASIC = re.compile(
    r"\b(tutorial|guide|how to|getting started|beginners?|introduction|explained|release notes)\b", re.IGNORECASE
)
ADVANCED = re.compile(
    r"\b(research\w*|paper|arxiv|benchmark\w*|post-?mortem|at scale|in production|incident)\b", re.IGNORECASE
)
WORD = re.compile(r"[^\W_]{4,}")


def speakers(source: str, url: str, topics: Collection[str]) -> frozenset[str]:
    """Who speaks in a story or is spoken of: its source, its host, and the vendors of the models it names."""
    host = host_of(url).removeprefix("www.")
    named = {vendor for topic, vendor in MODEL_FAMILIES.items() if topic in topics}
    own = {vendor for vendor in MODEL_FAMILIES.values() if vendor in host.split(".")}
    return frozenset({f"source {source}", *named, *(own or {host} - SHARED_HOSTS)} - {""})


def is_lasting(title: str) -> bool:
    """Whether it tells of a release or a law, which is news for longer than an opinion."""
    return bool(LASTING.search(title))


def leaning(title: str) -> int:
    """-1 for what helps to begin, 1 for research and operation, 0 where the title does not say or says both."""
    return bool(ADVANCED.search(title)) - bool(BASIC.search(title))


def title_words(title: str) -> frozenset[str]:
    """The words by which two titles are compared: those of four letters and more."""
    return frozenset(WORD.findall(title.casefold()))
