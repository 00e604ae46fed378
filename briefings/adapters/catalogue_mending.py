"""Stands in for what is missing or misspelt in a catalogue file, so that its other faults are found in the same run."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from briefings.domain.catalogue import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic_core import ErrorDetails

#: What to do about a kind of fault, by pydantic's name for it; any other kind carries pydantic's own sentence.
REMEDIES = {
    "missing": "this key is missing; add it",
    "unexpected_keyword_argument": "nobody knows this key; remove it or correct its spelling",
}
#: The keys by which an entry of a list is known to its author.
NAMES = ("id", "week", "url", "skill", "title")
#: Values that bring no fault of their own, by key. Any other key is prose.
STAND_INS: dict[str, object] = {
    **dict.fromkeys(("minutes", "hours"), 30),
    **dict.fromkeys(("skills", "focus_skills", "core_skills", "topics", "aliases", "needs", "goal_needs"), ()),
    **dict.fromkeys(("automating", "augmenting", "portfolio", "learn", "opportunities", "tasks", "reading"), ()),
    **dict.fromkeys(("kind", "group"), "technical"),
    "assessment": {},
    "authority": 0.7,
    "levels": LEVELS,
    "risk": "low",
    "stretch": False,
    "tool": {},
    "url": "https://missing.example",
    "week": 0,
}


@dataclass(frozen=True)
class Misshapen:
    """A place in a file where a key is missing, unknown or of the wrong kind."""

    path: tuple[str | int, ...]  #: keys, and places in lists
    remedy: str
    meant: str = ""  #: the missing key that an unknown one probably is

    @property
    def is_unknown(self) -> bool:
        """Whether the key itself is the fault."""
        return self.remedy.startswith(REMEDIES["unexpected_keyword_argument"])


def misshapen(errors: Iterable[ErrorDetails]) -> list[Misshapen]:
    """What pydantic found, in words for the author of the file."""
    found = [(tuple(part for part in error["loc"] if part != "dataclass"), error) for error in errors]
    missing = [path for path, error in found if error["type"] == "missing"]
    places = []
    for path, error in found:
        remedy, meant = REMEDIES.get(error["type"], error["msg"]), ""
        if error["type"] == "unexpected_keyword_argument":
            absent = [str(other[-1]) for other in missing if other[:-1] == path[:-1]]
            meant = next(iter(get_close_matches(str(path[-1]), absent, n=1)), "")
        places.append(Misshapen(path, f"{remedy}: {meant}?" if meant else remedy, meant))
    return places


def named(path: Sequence[str | int], data: Any, key: str = "") -> str:  # noqa: ANN401 - untrusted TOML
    """A path, below `key`, as the author would say it: `plan.weeks[3].tasks[llm-03-cases].minutes`."""
    said = key
    for part in path:
        data = _inside(data, part)
        said += f"[{_name(data, part)}]" if isinstance(part, int) else f".{part}"
    return said.removeprefix(".") or "-"


def mended(data: Any, places: Iterable[Misshapen]) -> Any:  # noqa: ANN401 - untrusted TOML
    """A copy in which unknown keys are gone or renamed, and what is missing or of a wrong kind has a stand-in."""
    copy = deepcopy(data)
    # From behind, so that taking an entry out of a list moves no other place.
    for place in sorted(places, key=lambda place: (place.is_unknown, _behind(place.path))):
        *parents, key = place.path or ("",)
        around = copy
        for part in parents:
            around = _inside(around, part)
        if isinstance(around, list) and isinstance(key, int):
            del around[key]
        elif isinstance(around, dict) and place.is_unknown:
            value = around.pop(key, None)
            around |= {place.meant: value} if place.meant else {}
        elif isinstance(around, dict):
            around[key] = deepcopy(STAND_INS.get(str(key), _unique(place.path) if key == "id" else "-"))
    return copy


def _unique(path: Sequence[str | int]) -> str:
    return "-".join(str(part) for part in ("missing", *path) if str(part).isalnum())


def _behind(path: Sequence[str | int]) -> list[tuple[int, str]]:
    return [(-part, "") if isinstance(part, int) else (0, part) for part in path]


def _inside(data: Any, part: str | int) -> Any:  # noqa: ANN401 - untrusted TOML
    try:
        return data[part]
    except (KeyError, IndexError, TypeError):
        return None


def _name(entry: Any, place: int) -> str:  # noqa: ANN401 - untrusted TOML
    named = [entry[key] for key in NAMES if key in entry] if isinstance(entry, dict) else []
    return str(named[0]) if named and isinstance(named[0], str | int) else str(place + 1)
