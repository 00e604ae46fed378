"""Stands in for what is missing or misspelt in a catalogue file, so that its other faults are found in the same run."""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from briefings.domain import catalogue as shapes
from briefings.domain.catalogue import ENTRY_NAMES, LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pydantic_core import ErrorDetails

UNKNOWN_KEY = "unexpected_keyword_argument"
#: What to do about a kind of fault, by pydantic's name for it; any other kind carries pydantic's own sentence.
REMEDIES = {
    "missing": "this key is missing; add it",
    UNKNOWN_KEY: "nobody knows this key; remove it or correct its spelling",
    "int_type": "write a whole number, without quotes",
    "int_from_float": "write a whole number, without a point",
    "float_type": "write a number, without quotes",
    "bool_type": "write true or false, without quotes",
    "string_type": "write a text, in quotes",
    "tuple_type": "write a list, in brackets",
    "dataclass_type": "write a table, with its keys",
}
TABLES: tuple[type, ...] = (
    *(shapes.Skill, shapes.ListedFeed, shapes.Role, shapes.Specialization, shapes.Assessment, shapes.SkillToLearn),
    *(shapes.Opportunity, shapes.PlanTemplate, shapes.TemplateWeek, shapes.Task, shapes.Tool, shapes.Reading),
)
#: Every key that a catalogue file can have.
KEYS = sorted({one.name for table in TABLES for one in fields(table)})
#: Stands in every text that stands in, so that a fault which quotes it can be told from others.
MARK = "\ufffd"
#: What stands in for a key that is no prose. Prose is nobody's business but its own.
STAND_INS: dict[str, object] = {
    **dict.fromkeys(("minutes", "hours"), 30),
    **dict.fromkeys(("focus_skills", "core_skills", "topics", "aliases", "needs", "goal_needs", "weeks"), ()),
    **dict.fromkeys(("automating", "augmenting", "portfolio", "learn", "opportunities", "tasks", "reading"), ()),
    **dict.fromkeys(("kind", "group"), "technical"),
    "assessment": {},
    "authority": 0.7,
    "levels": LEVELS,
    "plan": {},
    "risk": "low",
    "skills": (MARK,),
    "stretch": False,
    "tool": {},
}
ENTRY = re.compile(r"\[[^\]]*\][^\[]*$")


@dataclass(frozen=True)
class Misshapen:
    """A place in a file where a key is missing, unknown or of the wrong kind."""

    path: tuple[str | int, ...]  #: keys, and places in lists
    remedy: str
    unknown: bool = False  #: whether the key itself is the fault
    meant: str = ""  #: the key that an unknown one probably is


def misshapen(errors: Iterable[ErrorDetails], data: Any) -> list[Misshapen]:  # noqa: ANN401 - untrusted TOML
    """What pydantic found, in words for the author of the file."""
    places = []
    for error in errors:
        path, remedy = _path(error), REMEDIES.get(error["type"], error["msg"])
        if error["type"] != UNKNOWN_KEY:
            places.append(Misshapen(path, remedy))
            continue
        present = _inside(data, path[:-1])
        free = [key for key in KEYS if key not in present]
        meant = next(iter(get_close_matches(str(path[-1]), free, n=1, cutoff=0.75)), "")
        places.append(Misshapen(path, f"{remedy}: {meant}?" if meant else remedy, unknown=True, meant=meant))
    return places


def named(path: Sequence[str | int], data: Any, key: str = "") -> str:  # noqa: ANN401 - untrusted TOML
    """A path, below `key`, as the author would say it: `plan.weeks[3].tasks[llm-03-cases].minutes`."""
    said = key
    for depth, part in enumerate(path, 1):
        said += f"[{_name(_inside(data, path[:depth]), part)}]" if isinstance(part, int) else f".{part}"
    return said.removeprefix(".") or "-"


def sums_over(place: Misshapen, where: str) -> Iterator[str]:
    """The keys of lists, and what is made of them, that say nothing while an entry has a stand-in."""
    field = place.path[-1] if place.path else ""
    if isinstance(field, int):
        yield where.rpartition("[")[0]
    elif field in {"plan", "weeks"}:
        yield "core_skills"
    elif field in STAND_INS or field == "week":
        yield f"{where.rpartition('.')[0]}.focus_skills"
        while ENTRY.search(where):
            where = ENTRY.sub("", where)
            yield where
            yield f"{where.rpartition('.')[0]}.focus_skills"


def mended(data: Any, places: Sequence[Misshapen]) -> Any:  # noqa: ANN401 - untrusted TOML
    """A copy in which unknown keys are gone or renamed, and what is missing or of a wrong kind has a stand-in."""
    copy = deepcopy(data)
    for place in places:
        around = _inside(copy, place.path[:-1])
        if isinstance(around, dict) and place.unknown and place.path[-1] in around:
            value = around.pop(place.path[-1])
            around |= {place.meant: value} if place.meant and place.meant not in around else {}
    for place in places:
        around, key = _inside(copy, place.path[:-1]), place.path[-1] if place.path else ""
        renamed = any(other.meant == key and other.path[:-1] == place.path[:-1] for other in places)
        if isinstance(around, dict) and not place.unknown and not renamed:
            around[str(key)] = _stand_in(place.path)
    # Last and from behind, because it moves the places of others.
    entries = sorted((place.path for place in places if place.path and isinstance(place.path[-1], int)), key=str)
    for path in sorted(entries, key=lambda path: -int(path[-1])):
        around = _inside(copy, path[:-1])
        del around[path[-1]]
    return copy


def _stand_in(path: Sequence[str | int]) -> object:
    key, number = str(path[-1]), next((part + 1 for part in reversed(path) if isinstance(part, int)), 0)
    if key == "week":
        return number
    if key in {"id", "url", "skill"}:
        return f"https://{MARK}.{'-'.join(map(str, path))}" if key == "url" else f"{MARK}{'-'.join(map(str, path))}"
    return deepcopy(STAND_INS.get(key, "-"))


def _path(error: ErrorDetails) -> tuple[str | int, ...]:
    *parents, last = error["loc"] or ("",)
    kept = [part for part in parents if part != "dataclass"]
    return (*kept, last) if last != "dataclass" or error["type"] == UNKNOWN_KEY else tuple(kept)


def _inside(data: Any, path: Iterable[str | int]) -> Any:  # noqa: ANN401 - untrusted TOML
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _name(entry: Any, place: int) -> str:  # noqa: ANN401 - untrusted TOML
    found = [entry[key] for key in ENTRY_NAMES if key in entry] if isinstance(entry, dict) else []
    return str(found[0]) if found and isinstance(found[0], str | int) else str(place + 1)
