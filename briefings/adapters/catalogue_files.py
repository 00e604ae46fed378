"""Reads a catalogue folder: `skills.toml`, `feeds.toml`, `tasks.toml`, `roles/<role>/{role,<specialization>}.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from briefings.domain.catalogue import Catalogue, Fault, ListedFeed, Role, Skill, Specialization, Task
from briefings.domain.catalogue_faults import faults
from briefings.errors import CatalogueError

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")
ROLE, SPECIALIZATION = TypeAdapter(Role), TypeAdapter(Specialization)

#: What to do about a kind of fault, by pydantic's name for it; any other kind carries pydantic's own sentence.
REMEDIES = {
    "missing": "this key is missing; add it",
    "unexpected_keyword_argument": "nobody knows this key; remove it or correct its spelling",
}
#: A task of a week that stands in `tasks.toml`, for the schema.
SHARED_TASK = {
    "type": "object",
    "description": "A task of tasks.toml that several plans share.",
    "properties": {"use": {"type": "string"}},
    "required": ["use"],
    "additionalProperties": False,
}


def load(folder: Path) -> Catalogue:
    """The catalogue in `folder`, checked as a whole.

    Raises CatalogueError that lists every fault with file, key and remedy.
    """
    catalogue, found = check(folder)
    if found:
        listed = "\n".join(f"  {fault}" for fault in found)
        raise CatalogueError(f"The catalogue has {len(found)} fault(s). Correct and start again:\n{listed}")
    return catalogue


def check(folder: Path) -> tuple[Catalogue, list[Fault]]:
    """What could be read in `folder`, and every fault: of the files' shape, and of what they say together."""
    reader = _Reader(folder)
    skills = reader.listed("skills.toml", "skills", tuple[Skill, ...])
    if not skills and not reader.faults:
        reader.faults.append(Fault("skills.toml", "skills", "no skill found; write the skills of the profession first"))
    feeds = reader.listed("feeds.toml", "feeds", tuple[ListedFeed, ...])
    shared = reader.listed("tasks.toml", "tasks", tuple[Task, ...]) if (folder / "tasks.toml").exists() else ()
    reader.shared = {task.id: task for task in shared}
    if len(reader.shared) < len(shared):
        reader.faults.append(Fault("tasks.toml", "tasks", "an id stands more than once; give each task its own id"))
    paths = sorted(folder.glob("roles/*/role.toml"))
    if not paths and not reader.faults:
        reader.faults.append(Fault("roles/", "*/role.toml", "no role found; is this the folder of a catalogue?"))
    roles = [role for path in paths if (role := reader.role(path.parent.name))]
    catalogue = Catalogue(tuple(roles), skills, feeds, reader.files | {skill.id: "skills.toml" for skill in skills})
    # Without skills every id would be unknown, which tells nobody anything.
    return catalogue, reader.faults + (faults(catalogue) if skills else [])


@dataclass
class _Reader:
    """Reads the files of a folder and collects what is wrong with them."""

    folder: Path
    shared: dict[str, Task] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  #: topic id -> file
    faults: list[Fault] = field(default_factory=list)

    def listed(self, file: str, key: str, shape: Any) -> Any:  # noqa: ANN401 - a tuple of `shape`
        """The list under the one key of a file."""
        data = self.toml(file) or {}
        self.faults += [Fault(file, other, REMEDIES["unexpected_keyword_argument"]) for other in data if other != key]
        return self.shaped(TypeAdapter(shape), data.get(key, ()), file) or ()

    def role(self, name: str) -> Role | None:
        """A role with its specializations, which are files beside it."""
        file = f"roles/{name}/role.toml"
        data = self.toml(file)
        listed = data.get("specializations", []) if data else []
        if not isinstance(listed, list):
            self.faults.append(Fault(file, "specializations", "write the ids of the files beside it in brackets"))
            return None
        found = [self.specialization(f"roles/{name}/{spec_id}.toml") for spec_id in listed]
        role = self.shaped(ROLE, data and {**data, "specializations": [spec for spec in found if spec]}, file)
        if role:
            self.files[role.id] = file
        return role

    def specialization(self, file: str) -> Specialization | None:
        """A specialization, with the shared tasks that its weeks refer to."""
        data = self.toml(file)
        for week in _weeks(data):
            week["tasks"] = [self._resolved(task, file) for task in week["tasks"]]
        spec = self.shaped(SPECIALIZATION, data, file)
        if spec:
            self.files[spec.id] = file
        return spec

    def _resolved(self, task: Any, file: str) -> Any:  # noqa: ANN401 - untrusted TOML
        if not isinstance(task, dict) or set(task) != {"use"}:
            return task
        shared = self.shared.get(str(task["use"]))
        if shared is None:
            self.faults.append(Fault(file, f"use = {task['use']!r}", "no shared task has this id; see tasks.toml"))
        return shared or task

    def toml(self, file: str) -> dict[str, Any] | None:
        """The content of a file, or None with a fault."""
        try:
            return tomllib.loads((self.folder / file).read_text("utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            listed = file.startswith("roles/")
            remedy = (
                "write it or take its id out of role.toml" if listed else "a catalogue has one; is this its folder?"
            )
            self.faults.append(Fault(file, "-", f"this file is missing; {remedy}"))
        except OSError as error:
            self.faults.append(Fault(file, "-", f"this file cannot be read ({error.strerror}); correct that first"))
        except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, or made to exhaust the reader
            self.faults.append(Fault(file, "-", f"not readable as TOML in UTF-8 ({error}); correct the line named"))
        return None

    def shaped(self, adapter: TypeAdapter[T], data: Any, file: str) -> T | None:  # noqa: ANN401 - untrusted TOML
        """The value in the shape of the domain, or None with its faults."""
        if data is None:
            return None  # the file could not be read, which is a fault of its own
        try:
            return adapter.validate_python(data)
        except ValidationError as error:
            for one in error.errors(include_url=False, include_input=False):
                key = ".".join(str(part) for part in one["loc"] if part != "dataclass")
                self.faults.append(Fault(file, key or "-", REMEDIES.get(one["type"], one["msg"])))
            return None


def _weeks(data: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - untrusted TOML
    """The weeks of a specialization's file that have a list of tasks."""
    plan = data.get("plan") if isinstance(data, dict) else None
    weeks = plan.get("weeks") if isinstance(plan, dict) else None
    if not isinstance(weeks, list):
        return []
    return [week for week in weeks if isinstance(week, dict) and isinstance(week.get("tasks"), list)]


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema (draft 2020-12) of each kind of file, by its name."""
    shapes = {
        "skills": _list_of("skills", Skill),
        "feeds": _list_of("feeds", ListedFeed),
        "tasks": _list_of("tasks", Task),
        "role": ROLE.json_schema(),
        "specialization": SPECIALIZATION.json_schema(),
    }
    ids = {"type": "array", "items": {"type": "string"}, "description": "The names of the files beside this one."}
    shapes["role"]["properties"]["specializations"] = ids
    for name in ("Specialization", "PlanTemplate", "TemplateWeek", "Tool", "Reading"):
        shapes["role"]["$defs"].pop(name, None)
    tasks = shapes["specialization"]["$defs"]["TemplateWeek"]["properties"]["tasks"]
    tasks["items"] = {"anyOf": [tasks["items"], SHARED_TASK]}
    return shapes


def _list_of(key: str, shape: type) -> dict[str, Any]:
    schema = TypeAdapter(shape).json_schema()
    definitions = schema.pop("$defs", {})
    whole = {"type": "object", "properties": {key: {"type": "array", "items": schema}}, "additionalProperties": False}
    return {**whole, "$defs": definitions} if definitions else whole
