"""How minutes and lists are said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ARTICLE = re.compile(r"^(An?|The)\b")


def spoken_minutes(minutes: int) -> str:
    """`45 min`, `2 h` or `3 h 20`."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest:02d}" if rest else f"{hours} h"


def inside(name: str) -> str:
    """A name as it stands inside a sentence: `The C4 model` becomes `the C4 model`."""
    return ARTICLE.sub(lambda found: found.group().lower(), name)


def listed(names: Sequence[str]) -> str:
    """`vLLM`, `vLLM and Ray` or `vLLM, Ray and Docker`."""
    *others, last = names or [""]
    return f"{', '.join(others)} and {last}" if others else last
