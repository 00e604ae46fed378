import json
import tomllib
from copy import deepcopy
from functools import reduce
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from briefings.adapters.catalogue_files import load, schemas
from briefings.domain.catalogue import PLAN_WEEKS
from briefings.errors import CatalogueError

ROOT = Path(__file__).parents[2]
SKILLS = """
[[skills]]
id = "vllm"
name = "vLLM"
kind = "tool"
aliases = ["vLLM"]

[[skills]]
id = "kv-cache"
name = "KV cache"
kind = "technical"
aliases = ["KV cache"]

[[skills]]
id = "communication"
name = "Communication"
kind = "human"
"""
FEEDS = """
[[feeds]]
url = "https://a.example/rss"
title = "A"
topics = ["vllm"]
authority = 1.0
"""
ASSESSMENT = """
[assessment]
risk = "low"
why = "w"
summary = "s"
automating = ["1", "2", "3", "4", "5"]
augmenting = ["1", "2", "3", "4", "5"]
next_two_years = "n"
three_to_five_years = "t"
positioning = "p"
portfolio = ["p"]
learn = [
  { group = "ai-tools", skill = "vllm", why = "w" },
  { group = "technical", skill = "kv-cache", why = "w" },
  { group = "human", skill = "communication", why = "w" },
]
opportunities = [{ title = "1", why = "w" }, { title = "2", why = "w" }, { title = "3", why = "w" }]
"""
ROLE = (
    """
id = "engineer"
name = "Engineer"
category = "AI"
specializations = ["serving"]
"""
    + ASSESSMENT
)
TASK = """
[[plan.weeks.tasks]]
id = "task-{0}{1}"
title = "Title"
minutes = 45
done_when = "Done"
first_step = "Go"
skills = ["vllm", "{2}"]
artefact = "a.csv"
"""
WEEK = """
[[plan.weeks]]
week = {0}
theme = "Theme"
headline = "headline"
goal = "Goal"
focus_skills = ["vllm", "kv-cache"]
tool = {{ name = "vLLM", why = "w", alternative = "a", cost = "c", skip_when = "Skip", skill = "vllm" }}
"""


def week(number: int) -> str:
    tasks = zip("abc", ("kv-cache", "kv-cache", "communication"), strict=True)
    return WEEK.format(number) + "".join(TASK.format(number, letter, skill) for letter, skill in tasks)


SPEC = (
    """
id = "serving"
name = "Serving"
core_skills = ["kv-cache"]
"""
    + ASSESSMENT
    + """
[plan]
promise = "Promise"
hours = 4
"""
    + "".join(week(number) for number in range(1, PLAN_WEEKS + 1))
)
SHARED = """
[[tasks]]
id = "shared-show"
title = "Show it"
minutes = 15
done_when = "Three questions stand in your notes with the answers that you gave"
first_step = "Go"
skills = ["communication"]
artefact = "A note"
"""
SPEC_FILE = "roles/engineer/serving.toml"
#: Keys whose damage is told in one line, because nothing is made of a stand-in.
ALONE = {"title", "done_when", "goal", "why", "minutes", "hours", "week", "authority", "group", "skills", "tasks"}
NOBODY_KNOWS = "nobody knows this key; remove it or correct its spelling"
NO_LIST = 'write the ids of the files beside it in brackets, such as ["ward-nursing"]'
NOT_BUILT = "no task of the week builds quantization; name it in a task or drop it"
WEEK_MISSING = "the weeks are [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]; write weeks 1 to 12, once each and in order"


@pytest.fixture
def folder(tmp_path):
    """A small sound catalogue."""
    (tmp_path / "roles" / "engineer").mkdir(parents=True)
    (tmp_path / "skills.toml").write_text(SKILLS)
    (tmp_path / "feeds.toml").write_text(FEEDS)
    (tmp_path / "roles" / "engineer" / "role.toml").write_text(ROLE)
    (tmp_path / SPEC_FILE).write_text(SPEC)
    return tmp_path


def faults_of(folder) -> list[str]:
    with pytest.raises(CatalogueError) as refusal:
        load(folder)
    head, *listed = str(refusal.value).splitlines()
    assert head == f"The catalogue in {folder} has {len(listed)} fault(s). Correct and start again:"
    return [fault.strip() for fault in listed]


def change(folder, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))


def test_a_sound_catalogue_is_read_whole(folder):
    catalogue = load(folder)
    assert list(catalogue.specialization) == ["serving"]
    assert catalogue.specialization["serving"].plan.weeks[11].tasks[0].id == "task-12a"
    assert [feed.url for feed in catalogue.feeds] == ["https://a.example/rss"]


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("skills.toml", 'kind = "tool"\n', "", "skills.toml: skills[vllm].kind: this key is missing; add it"),
        (SPEC_FILE, 'goal = "Goal"\n', "", f"{SPEC_FILE}: plan.weeks[1].goal: this key is missing; add it"),
        (
            SPEC_FILE,
            "minutes = 45\n",
            "",
            f"{SPEC_FILE}: plan.weeks[1].tasks[task-1a].minutes: this key is missing; add it",
        ),
        (
            "roles/engineer/role.toml",
            "category",
            "categry",
            "roles/engineer/role.toml: categry: nobody knows this key; remove it or correct its spelling: category?",
        ),
        (
            "skills.toml",
            "aliases",
            "alias",
            f"skills.toml: skills[vllm].alias: {NOBODY_KNOWS}: aliases?",
        ),
        (
            SPEC_FILE,
            "first_step",
            'colour = "red"\nfirst_step',
            f"{SPEC_FILE}: plan.weeks[1].tasks[task-1a].colour: {NOBODY_KNOWS}",
        ),
        (
            "feeds.toml",
            "[[feeds]]",
            "[[feed]]",
            "feeds.toml: feed: nobody knows this key; remove it or correct its spelling",
        ),
        (
            "skills.toml",
            '"tool"',
            '"gadget"',
            "skills.toml: skills[vllm].kind: Input should be 'technical', 'tool' or 'human'",
        ),
        (
            SPEC_FILE,
            'core_skills = ["kv-cache"]',
            'core_skills = ["kv-cash"]',
            f"{SPEC_FILE}: kv-cash: unknown skill; use an id of skills.toml, or add the skill there",
        ),
        (
            SPEC_FILE,
            "task-2a",
            "task-1a",
            f"{SPEC_FILE}: task-1a: this task stands twice in the plan; keep one",
        ),
        (
            "skills.toml",
            '"KV cache"]',
            '"KV cache", "vllm"]',
            "skills.toml: kv-cache: the alias 'vllm' belongs to vllm already; keep it in one of them",
        ),
        (
            SPEC_FILE,
            'headline = "headline"',
            f'headline = "{"x" * 36}"',
            f"{SPEC_FILE}: plan.weeks[1].headline: longer than 35 characters; it must fit the mail's subject",
        ),
        (
            SPEC_FILE,
            'focus_skills = ["vllm", "kv-cache"]',
            'focus_skills = ["vllm", "quantization"]',
            f"{SPEC_FILE}: plan.weeks[1].focus_skills: {NOT_BUILT}",
        ),
        (
            SPEC_FILE,
            week(12),
            "",
            f"{SPEC_FILE}: plan.weeks: {WEEK_MISSING}",
        ),
        (
            "roles/engineer/role.toml",
            '["serving"]',
            '["serving", "training"]',
            "roles/engineer/training.toml: -: this file is missing; write it, or take it out of the catalogue",
        ),
        (
            "roles/engineer/role.toml",
            '["serving"]',
            "3",
            f"roles/engineer/role.toml: specializations: {NO_LIST}",
        ),
    ],
)
def test_a_fault_names_the_file_the_key_and_the_remedy(folder, file, old, new, fault):
    change(folder, file, old, new)
    assert fault in faults_of(folder)


@pytest.mark.parametrize(
    ("file", "remedy"),
    [
        ("skills.toml", "a catalogue has one; is {folder} its folder?"),
        ("feeds.toml", "a catalogue has one; is {folder} its folder?"),
        (SPEC_FILE, "write it, or take it out of the catalogue"),
    ],
)
def test_a_missing_file_is_named(folder, file, remedy):
    (folder / file).unlink()
    assert f"{file}: -: this file is missing; {remedy.format(folder=folder)}" in faults_of(folder)


@pytest.mark.parametrize("file", ["skills.toml", "feeds.toml", "roles/engineer/role.toml", SPEC_FILE])
@pytest.mark.parametrize("content", [b'id = "unclosed', b"\xff\xfe", b"a = 1\na = 2"])
def test_what_is_no_toml_is_named_with_the_line(folder, file, content):
    (folder / file).write_bytes(content)
    (fault,) = faults_of(folder)
    assert fault.startswith(f"{file}: -: not readable as TOML in UTF-8 (")
    assert fault.endswith("); correct the line named")


def test_an_empty_specialization_does_not_vanish_without_a_word(folder):
    (folder / SPEC_FILE).write_text("")
    assert f"{SPEC_FILE}: id: this key is missing; add it" in faults_of(folder)


def test_an_empty_folder_is_no_catalogue(tmp_path):
    assert faults_of(tmp_path) == [
        f"skills.toml: -: this file is missing; a catalogue has one; is {tmp_path} its folder?",
        f"feeds.toml: -: this file is missing; a catalogue has one; is {tmp_path} its folder?",
    ]


def test_a_file_in_place_of_the_folder_is_no_catalogue_either(tmp_path):
    (tmp_path / "file").write_text("")
    assert len(faults_of(tmp_path / "file")) == 2


def test_a_folder_without_roles_says_so(folder):
    (folder / "roles").rename(folder / "rolls")
    assert faults_of(folder) == ["roles/: */role.toml: no role found; is this the folder of a catalogue?"]


def test_the_faults_of_all_files_are_told_at_once(folder):
    change(folder, "skills.toml", 'kind = "tool"\n', "")
    change(folder, "feeds.toml", 'title = "A"\n', "")
    change(folder, SPEC_FILE, 'goal = "Goal"\n', "")
    assert {fault.partition(":")[0] for fault in faults_of(folder)} == {"skills.toml", "feeds.toml", SPEC_FILE}


def places(data, path=()):
    """Every key, and the first entry of every list, that can be damaged."""
    parts = data.items() if isinstance(data, dict) else enumerate(data[:1]) if isinstance(data, list) else ()
    for key, value in parts:
        yield (*path, key)
        yield from places(value, (*path, key))


def damaged(data, path, how) -> str:
    """The file with one thing wrong, as TOML of inline tables."""
    whole = deepcopy(data)
    *parents, key = path
    around = reduce(lambda inner, part: inner[part], parents, whole)
    if how == "missing":
        del around[key]
    elif how == "misspelt":
        around[f"{key[:-1]}zz"] = around.pop(key)
    else:
        wrong = 7 if isinstance(around[key], str) else "seven"
        around[key] = {"dataclass": [[1]]} if how == "table" else wrong
    return "".join(f"{json.dumps(name)} = {inline(value)}\n" for name, value in whole.items())


def inline(value) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {inline(part)}" for key, part in value.items()) + "}"
    return f"[{', '.join(map(inline, value))}]" if isinstance(value, list) else json.dumps(value)


@pytest.mark.parametrize("how", ["missing", "misspelt", "table", "retyped"])
@pytest.mark.parametrize("file", [SPEC_FILE, "roles/engineer/role.toml", "skills.toml", "feeds.toml"])
def test_whatever_is_damaged_a_fault_elsewhere_is_still_told_and_no_stand_in_shows(folder, file, how):
    change(folder, SPEC_FILE, week(12), week(12).replace('goal = "Goal"', 'goal = "Explore it"'))
    seeded = f"{SPEC_FILE}: plan.weeks[12].goal: “Explore” has no end that can be checked; say what is made or measured"
    whole = tomllib.loads((folder / file).read_text())
    beyond = [("plan",), ("plan", "weeks"), ("skills",), ("specializations",), ("specializations", 0)]
    for path in (path for path in places(whole) if path not in beyond):
        if how == "misspelt" and isinstance(path[-1], int):
            continue
        (folder / file).write_text(damaged(whole, path, how))
        told = faults_of(folder)
        assert seeded in told, path
        assert "\ufffd" not in " ".join(told), (path, told)
        if how == "retyped" and path[-1] in ALONE:
            assert len(told) == 2, (path, told)


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        (
            SPEC_FILE,
            "minutes = 45",
            'minutes = "45"',
            "plan.weeks[1].tasks[task-1a].minutes: write a whole number, without",
        ),
        (
            SPEC_FILE,
            "minutes = 45",
            "minutes = 45.0",
            "plan.weeks[1].tasks[task-1a].minutes: write a whole number, without",
        ),
        (
            SPEC_FILE,
            "minutes = 45",
            "minuts = 45",
            "plan.weeks[1].tasks[task-1a].minuts: nobody knows this key; remove",
        ),
        (
            SPEC_FILE,
            'done_when = "Done"',
            "done_when = [1]",
            "tasks[task-1a].done_when: write a text, in quotes",
        ),
        (
            SPEC_FILE,
            'skills = ["vllm", "kv-cache"]',
            'skills = ["vllm", 3]',
            "plan.weeks[1].focus_skills[2]: write a text, in quotes",
        ),
        (SPEC_FILE, 'artefact = "a.csv"', "", "plan.weeks[1].tasks[task-1a].artefact: this key is missing; add it"),
        (
            SPEC_FILE,
            'skip_when = "Skip"',
            'skip = "s"',
            "plan.weeks[1].tool.skip: nobody knows this key; remove it or corr",
        ),
        (SPEC_FILE, ASSESSMENT, "", f"{SPEC_FILE}: assessment: this key is missing; add it"),
        (SPEC_FILE, 'promise = "Promise"', "", f"{SPEC_FILE}: plan.promise: this key is missing; add it"),
    ],
)
def test_a_fault_of_shape_hides_no_other_fault_of_its_file(folder, file, old, new, fault):
    change(folder, file, old, new)
    change(folder, SPEC_FILE, week(7), week(7).replace('theme = "Theme"', 'theme = " "'))
    told = faults_of(folder)
    assert any(fault in one for one in told), told
    assert f"{SPEC_FILE}: plan.weeks[7].theme: nothing is written here; say it, or take the entry out" in told
    assert len(told) <= 3, told


def test_a_kind_that_nobody_knows_brings_no_fault_of_others(folder):
    change(folder, "skills.toml", 'kind = "human"', 'kind = "soft"')
    assert len(faults_of(folder)) == 1


def test_a_plan_beyond_reading_makes_no_shared_task_unused(folder):
    (folder / "tasks.toml").write_text(SHARED)
    change(folder, SPEC_FILE, "hours = 4", "hours = 4 h")
    assert [one for one in faults_of(folder) if "no plan uses" in one] == []


def test_a_key_that_is_like_a_known_one_is_named(folder):
    change(folder, SPEC_FILE, 'goal = "Goal"', 'goal = "Goal"\ngoal_need = []')
    told = f"{SPEC_FILE}: plan.weeks[1].goal_need: {NOBODY_KNOWS}: goal_needs?"
    assert faults_of(folder) == [told]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("roles/engineer/role.toml", 'specializations = [["a"], {b = 1}, 2024-01-01]'),
        (SPEC_FILE, "x" + ".x" * 5000 + " = 1"),
        (SPEC_FILE, "[y" + ".y" * 3000 + "]"),
        ("skills.toml", "skills = " + "[" * 300 + "]" * 300),
        (SPEC_FILE, 'dataclass = 1\nplan = "dataclass"'),
    ],
)
def test_a_file_made_to_break_the_reader_is_a_fault_and_no_crash(folder, file, content):
    (folder / file).write_text(content)
    assert any(one.startswith(file) for one in faults_of(folder))


def test_a_date_is_no_prose(folder):
    change(folder, SPEC_FILE, 'promise = "Promise"', "promise = 2024-01-01")
    assert faults_of(folder) == [f"{SPEC_FILE}: plan.promise: write a text, in quotes"]


def test_an_entry_taken_out_moves_no_other(folder):
    task = TASK.format(7, "d", "vllm").replace("Title", "Explore").replace("title", "tilte")
    change(folder, SPEC_FILE, week(7), week(7) + task)
    told = faults_of(folder)
    assert any(
        "tasks[task-7d].tilte: nobody knows this key; remove it or correct its spelling: title?" in one for one in told
    )
    assert any("task-7d: “Explore” has no end" in one for one in told)


def test_a_place_and_its_id_have_one_name(folder):
    change(folder, SPEC_FILE, 'id = "serving"', 'id = "server"')
    assert f"{SPEC_FILE}: id: 'server' in a place called 'serving'; give both the same name" in faults_of(folder)


def test_a_file_that_no_role_lists_is_a_fault(folder):
    (folder / "roles/engineer/training.toml").write_text("")
    told = "roles/engineer/training.toml: -: role.toml does not list this file; add its id there or remove it"
    assert faults_of(folder) == [told]


def test_a_role_folder_without_its_file_is_a_fault(folder):
    (folder / "roles/nurse").mkdir()
    told = "roles/nurse/role.toml: -: this file is missing; write it, or take it out of the catalogue"
    assert faults_of(folder) == [told]


@pytest.mark.parametrize("line", ["", "specializations = []"])
def test_a_role_without_specializations_is_a_fault(folder, line):
    change(folder, "roles/engineer/role.toml", 'specializations = ["serving"]', line)
    assert any("role.toml: specializations: write the ids of the files beside it" in one for one in faults_of(folder))


def test_a_specialization_that_is_at_fault_is_still_a_topic_for_feeds(folder):
    change(folder, "feeds.toml", '["vllm"]', '["serving"]')
    change(folder, SPEC_FILE, "[plan]", "[plaan]")
    assert all(one.startswith(SPEC_FILE) for one in faults_of(folder))


def test_a_fault_of_a_files_shape_hides_no_fault_of_another_file(folder):
    change(folder, "feeds.toml", 'title = "A"\n', "")
    change(folder, SPEC_FILE, "minutes = 45", "minutes = 9")
    assert {fault.partition(":")[0] for fault in faults_of(folder)} == {"feeds.toml", SPEC_FILE}


def test_a_catalogue_without_skills_is_a_fault(folder):
    (folder / "skills.toml").write_text("")
    assert faults_of(folder) == ["skills.toml: skills: no skill found; write the skills of the profession first"]


def test_a_name_that_no_file_can_have_is_a_fault_and_no_crash(folder):
    change(folder, "roles/engineer/role.toml", '["serving"]', f'["serving", "{"x" * 400}"]')
    assert any("this file cannot be read (File name too long)" in fault for fault in faults_of(folder))


# ---------------------------------------------------------------- shared tasks


def test_a_plan_refers_to_a_shared_task(folder):
    (folder / "tasks.toml").write_text(SHARED)
    change(folder, SPEC_FILE, week(2), week(2) + '\n[[plan.weeks.tasks]]\nuse = "shared-show"\n')
    assert load(folder).specialization["serving"].plan.weeks[1].tasks[-1].title == "Show it"


def test_two_shared_tasks_of_one_id_are_a_fault(folder):
    (folder / "tasks.toml").write_text(SHARED + SHARED)
    change(folder, SPEC_FILE, week(2), week(2) + '\n[[plan.weeks.tasks]]\nuse = "shared-show"\n')
    assert faults_of(folder) == ["tasks.toml: tasks: an id stands more than once; give each task its own id"]


def test_a_shared_task_that_is_not_there_is_a_fault(folder):
    change(folder, SPEC_FILE, week(2), week(2) + '\n[[plan.weeks.tasks]]\nuse = "shared-show"\n')
    told = f"{SPEC_FILE}: use = 'shared-show': no shared task has this id; see tasks.toml"
    assert faults_of(folder) == [told]


def test_a_shared_task_that_no_plan_uses_is_a_fault(folder):
    (folder / "tasks.toml").write_text(SHARED)
    told = "tasks.toml: shared-show: no plan uses this task; refer to it by `use`, or remove it"
    assert faults_of(folder) == [told]


# ---------------------------------------------------------------- schemas


def test_the_schemas_in_the_documentation_are_those_of_the_code():
    for name, schema in schemas().items():
        written = (ROOT / "docs" / "schema" / f"{name}.schema.json").read_text("utf-8")
        assert json.loads(written) == schema, "run: briefings catalogue schema docs/schema"


def kinds() -> list[tuple[str, Path]]:
    bundled = ROOT / "briefings" / "catalogue"
    single = [(name, bundled / f"{name}.toml") for name in ("skills", "feeds", "tasks")]
    roles = [("role" if path.stem == "role" else "specialization", path) for path in bundled.glob("roles/*/*.toml")]
    return single + roles


def test_every_bundled_file_fits_its_schema():
    validators = {name: Draft202012Validator(schema) for name, schema in schemas().items()}
    for name, path in kinds():
        found = tomllib.loads(path.read_text("utf-8"))
        assert [error.message for error in validators[name].iter_errors(found)] == [], path


def test_a_schema_refuses_what_the_loader_refuses():
    broken = tomllib.loads(SPEC.replace("minutes = 45", 'minutes = "long"', 1).replace('risk = "low"', 'risk = "none"'))
    paths = {error.json_path for error in Draft202012Validator(schemas()["specialization"]).iter_errors(broken)}
    assert "$.assessment.risk" in paths
    assert any(path.startswith("$.plan.weeks[0].tasks[0]") for path in paths)
