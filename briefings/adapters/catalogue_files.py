"""Reads a catalogue folder: `skills.toml`, `feeds.toml`, `tasks.toml`, `roles/<role>/{role,<specialization>}.toml`."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from briefings.adapters.catalogue_mending import MARK, REMEDIES, UNKNOWN_KEY, mended, misshapen, named, sums_over
from briefings.domain.catalogue import Catalogue, Fault, ListedFeed, Role, Skill, Specialization, Task
from briefings.domain.catalogue_faults import faults
from briefings.errors import CatalogueError

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")
N = TypeVar("N", Role, Specialization)
#: Mending a missing table shows what is missing inside it; no table lies deeper than four others.
MENDINGS = 6
ROLE, SPECIALIZATION = TypeAdapter(Role), TypeAdapter(Specialization)
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
        raise CatalogueError(f"The catalogue in {folder} has {len(found)} fault(s). Correct and start again:\n{listed}")
    return catalogue


def check(folder: Path) -> tuple[Catalogue, list[Fault]]:
    """What could be read in `folder`, and every fault: of the files' shape, and of what they say together."""
    reader = _Reader(folder)
    skills = reader.listed("skills.toml", "skills", tuple[Skill, ...])
    if not skills and not reader.faults:
        reader.faults.append(Fault("skills.toml", "skills", "no skill found; write the skills of the profession first"))
    feeds = reader.listed("feeds.toml", "feeds", tuple[ListedFeed, ...])
    reader.read_shared()
    folders = sorted(path for path in folder.glob("roles/*") if path.is_dir())
    if not folders and not reader.faults:
        reader.faults.append(Fault("roles/", "*/role.toml", "no role found; is this the folder of a catalogue?"))
    roles = [role for path in folders if (role := reader.role(path.name))]
    if not reader.unread:
        reader.check_shared()
    catalogue = Catalogue(tuple(roles), skills, feeds, reader.files | {skill.id: "skills.toml" for skill in skills})
    # Without skills every id would be unknown, which tells nobody anything.
    together = faults(catalogue) if skills else []
    return catalogue, reader.faults + [fault for fault in together if not reader.invented(fault)]


@dataclass
class _Reader:
    """Reads the files of a folder and collects what is wrong with them."""

    folder: Path
    shared: dict[str, dict[str, Any]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)  #: ids of shared tasks
    files: dict[str, str] = field(default_factory=dict)  #: topic id -> file
    faults: list[Fault] = field(default_factory=list)
    unsure: set[tuple[str, str]] = field(default_factory=set)  #: file and key of what has a stand-in
    sums: set[tuple[str, str]] = field(default_factory=set)  #: file and key of what adds up stand-ins
    unread: bool = False  #: whether a plan is beyond reading, so that nobody knows what it uses

    def invented(self, fault: Fault) -> bool:
        """Whether a fault is only about a stand-in, whose own fault is told already."""
        if fault.about_kinds and any(key.endswith(".kind") for _, key in self.unsure):
            return True
        if MARK in f"{fault.key}{fault.remedy}" or (fault.file, fault.key) in self.sums:
            return True
        return any(fault.file == file and _within(fault.key, key) for file, key in self.unsure)

    def listed(self, file: str, key: str, shape: Any) -> Any:  # noqa: ANN401 - a tuple of `shape`
        """The list under the one key of a file."""
        return self.shaped(TypeAdapter(shape), self._entries(file, key), file, key) or ()

    def read_shared(self) -> None:
        """The tasks of `tasks.toml`, which a catalogue need not have."""
        if not (self.folder / "tasks.toml").exists():
            return
        entries = self._entries("tasks.toml", "tasks")
        tasks = self.shaped(TypeAdapter(tuple[Task, ...]), entries, "tasks.toml", "tasks") or ()
        if len({task.id for task in tasks}) < len(tasks):
            self.faults.append(Fault("tasks.toml", "tasks", "an id stands more than once; give each task its own id"))
        self.shared = {task.id: asdict(task) for task in tasks}

    def check_shared(self) -> None:
        """After the plans are read: a shared task that no plan uses is a mistake."""
        for unused in sorted(self.shared.keys() - self.used):
            self.faults.append(
                Fault("tasks.toml", unused, "no plan uses this task; refer to it by `use`, or remove it")
            )

    def role(self, name: str) -> Role | None:
        """A role with its specializations, which are files beside it."""
        file = f"roles/{name}/role.toml"
        self.files.setdefault(name, file)
        data = self.toml(file)
        if data is None:
            return None
        found = [self.specialization(name, spec_id) for spec_id in self._listed_ids(data, file, name)]
        role = self.shaped(ROLE, {**data, "specializations": []}, file)
        return role and replace(self._owned(role, file, name), specializations=tuple(spec for spec in found if spec))

    def _listed_ids(self, data: dict[str, Any], file: str, role: str) -> list[str]:
        """The ids under `specializations`; a file beside that they do not name is a fault."""
        key = next(iter(get_close_matches("specializations", data, n=1)), "specializations")
        listed = data.pop(key, None)
        ids = [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
        if not ids or listed != ids or key != "specializations":
            remedy = 'write the ids of the files beside it in brackets, such as ["ward-nursing"]'
            self.faults.append(
                Fault(file, key, remedy if key == "specializations" else f"write specializations; {remedy}")
            )
        for path in sorted((self.folder / "roles" / role).glob("*.toml")):
            if path.stem not in {"role", *ids}:
                other = f"roles/{role}/{path.name}"
                self.faults.append(
                    Fault(other, "-", "role.toml does not list this file; add its id there or remove it")
                )
        return ids

    def specialization(self, role: str, name: str) -> Specialization | None:
        """A specialization, with the shared tasks that its weeks refer to."""
        file = f"roles/{role}/{name}.toml"
        spec = self.shaped(SPECIALIZATION, self.toml(file), file)
        self.unread |= spec is None
        # Known though it may not be whole, so that a feed that names it is not at fault.
        self.files.setdefault(name, file)
        return spec and self._owned(spec, file, name)

    def _with_shared(self, data: Any, file: str) -> Any:  # noqa: ANN401 - untrusted TOML
        for week in _weeks(data):
            week["tasks"] = [found for task in week["tasks"] if (found := self._resolved(task, file))]
        return data

    def _owned(self, topic: N, file: str, name: str) -> N:
        self.files[topic.id] = file
        if topic.id != name and MARK not in topic.id:
            self.faults.append(Fault(file, "id", f"{topic.id!r} in a place called {name!r}; give both the same name"))
        return topic

    def _resolved(self, task: Any, file: str) -> Any:  # noqa: ANN401 - untrusted TOML
        if not isinstance(task, dict) or set(task) != {"use"}:
            return task
        shared = self.shared.get(str(task["use"]))
        if shared is None:
            self.faults.append(Fault(file, f"use = {task['use']!r}", "no shared task has this id; see tasks.toml"))
        self.used.add(str(task["use"]))
        return shared

    def _entries(self, file: str, key: str) -> Any:  # noqa: ANN401 - untrusted TOML
        data = self.toml(file) or {}
        unknown = REMEDIES[UNKNOWN_KEY]
        self.faults += [Fault(file, other, unknown) for other in data if other != key]
        return data.get(key, [])

    def toml(self, file: str) -> dict[str, Any] | None:
        """The content of a file, or None with a fault."""
        try:
            return tomllib.loads((self.folder / file).read_text("utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            listed = file.startswith("roles/")
            remedy = (
                "write it, or take it out of the catalogue"
                if listed
                else f"a catalogue has one; is {self.folder} its folder?"
            )
            self.faults.append(Fault(file, "-", f"this file is missing; {remedy}"))
        except OSError as error:
            self.faults.append(Fault(file, "-", f"this file cannot be read ({error.strerror}); correct that first"))
        except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, or made to exhaust the reader
            self.faults.append(Fault(file, "-", f"not readable as TOML in UTF-8 ({error}); correct the line named"))
        return None

    def shaped(self, adapter: TypeAdapter[T], data: Any, file: str, key: str = "") -> T | None:  # noqa: ANN401 - TOML
        """The value in the shape of the domain, mended where it has faults, or None when it is beyond that.

        Strict, as JSON: a number in quotes is no number.
        """
        if data is None:
            return None  # the file could not be read, which is a fault of its own
        for attempt in range(MENDINGS):
            data = self._with_shared(data, file)
            try:
                return adapter.validate_json(json.dumps(data, default=lambda _: {}), strict=True)
            except RecursionError:
                self.faults.append(Fault(file, "-", "its tables lie too deep in each other; a catalogue needs five"))
                return None
            except ValidationError as error:
                places = misshapen(error.errors(include_url=False, include_input=False), data)
            for place in places:
                where = named(place.path, data, key)
                if attempt == 0:
                    self.faults.append(Fault(file, where, place.remedy))
                if not place.unknown:
                    self.unsure.add((file, where))
                    self.sums |= {(file, one) for one in sums_over(place, where)}
            data = mended(data, places)
        return None


def _within(key: str, other: str) -> bool:
    return key == other or key.startswith((f"{other}.", f"{other}["))


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
