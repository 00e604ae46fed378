"""Reads a catalogue folder: `skills.toml`, `feeds.toml` and `roles/<role>/{role,<specialization>}.toml`."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from briefings.domain.catalogue import Catalogue, Fault, ListedFeed, Role, Skill, Specialization, faults
from briefings.errors import CatalogueError

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")

#: What to do about a kind of fault, by pydantic's name for it; any other kind carries pydantic's own sentence.
REMEDIES = {
    "missing": "this key is missing; add it",
    "unexpected_keyword_argument": "nobody knows this key; remove it or correct its spelling",
}


def load(folder: Path) -> Catalogue:
    """The catalogue in `folder`, checked as a whole.

    Raises CatalogueError that lists every fault with file, key and remedy.
    """
    found: list[Fault] = []
    skills = _read(folder, "skills.toml", "skills", tuple[Skill, ...], found)
    feeds = _read(folder, "feeds.toml", "feeds", tuple[ListedFeed, ...], found)
    files: dict[str, str] = {skill.id: "skills.toml" for skill in skills}
    roles = [_read_role(folder, path.parent.name, files, found) for path in sorted(folder.glob("roles/*/role.toml"))]
    if not roles and not found:
        found.append(Fault("roles/", "*/role.toml", "no role found; is this the folder of a catalogue?"))
    catalogue = Catalogue(tuple(role for role in roles if role), skills, feeds, files)
    _refuse(found or faults(catalogue))
    return catalogue


def _refuse(found: list[Fault]) -> None:
    if found:
        listed = "\n".join(f"  {fault}" for fault in found)
        raise CatalogueError(f"The catalogue has {len(found)} fault(s). Correct and start again:\n{listed}")


def _read_role(folder: Path, name: str, files: dict[str, str], found: list[Fault]) -> Role | None:
    file = f"roles/{name}/role.toml"
    data = _toml(folder, file, found)
    if data is None:
        return None
    listed, specializations = data.get("specializations", []), []
    if not isinstance(listed, list):
        found.append(Fault(file, "specializations", "not a list; write the ids of the files beside it in brackets"))
        return None
    for spec_id in listed:
        spec_file = f"roles/{name}/{spec_id}.toml"
        spec = _check(Specialization, _toml(folder, spec_file, found), spec_file, found)
        if spec:
            files[spec.id] = spec_file
            specializations.append(spec)
    return _check(Role, {**data, "specializations": specializations}, file, found)


def _read(folder: Path, file: str, key: str, shape: Any, found: list[Fault]) -> Any:  # noqa: ANN401 - a tuple of `shape`
    data = _toml(folder, file, found) or {}
    found += [Fault(file, other, REMEDIES["unexpected_keyword_argument"]) for other in data if other != key]
    return _check(shape, data.get(key, ()), file, found) or ()


def _toml(folder: Path, file: str, found: list[Fault]) -> dict[str, Any] | None:
    try:
        return tomllib.loads((folder / file).read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        listed = file.startswith("roles/")
        remedy = "write it or take its id out of role.toml" if listed else "a catalogue has one; is this its folder?"
        found.append(Fault(file, "-", f"this file is missing; {remedy}"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        found.append(Fault(file, "-", f"not readable as TOML in UTF-8 ({error}); correct the line named"))
    return None


def _check(shape: type[T], data: Any, file: str, found: list[Fault]) -> T | None:  # noqa: ANN401 - untrusted TOML
    if data is None:
        return None  # the file could not be read, which is a fault of its own
    try:
        return TypeAdapter(shape).validate_python(data)
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False):
            key = ".".join(str(part) for part in one["loc"] if part != "dataclass")
            found.append(Fault(file, key or "-", REMEDIES.get(one["type"], one["msg"])))
        return None
