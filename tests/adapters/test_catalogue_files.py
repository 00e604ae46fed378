import pytest

from briefings.adapters.catalogue_files import load
from briefings.domain.catalogue import PLAN_WEEKS
from briefings.errors import CatalogueError

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
"""
FEEDS = """
[[feeds]]
url = "https://a.example/rss"
title = "A"
topics = ["vllm"]
authority = 1.0
"""
ROLE = """
id = "engineer"
name = "Engineer"
category = "AI"
specializations = ["serving"]
"""
WEEK = """
[[plan.weeks]]
week = {0}
theme = "Theme"
headline = "headline"
goal = "Goal"
focus_skills = ["vllm"]
tool = {{ name = "vLLM", why = "w", alternative = "a", cost = "c", skip_when = "s", skill = "vllm" }}

[[plan.weeks.tasks]]
id = "task-{0}"
title = "Title"
minutes = 45
done_when = "Done"
first_step = "Go"
skills = ["vllm"]
artefact = "a.csv"
"""
SPEC = """
id = "serving"
name = "Serving"
core_skills = ["kv-cache"]

[plan]
promise = "Promise"
""" + "".join(WEEK.format(number) for number in range(1, PLAN_WEEKS + 1))
SPEC_FILE = "roles/engineer/serving.toml"
NOT_BUILT = "no task of the week builds kv-cache; name it in a task or drop it"
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
    assert head == f"The catalogue has {len(listed)} fault(s). Correct and start again:"
    return [fault.strip() for fault in listed]


def change(folder, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))


def test_a_sound_catalogue_is_read_whole(folder):
    catalogue = load(folder)
    assert [spec.id for spec in catalogue.enrollable()] == ["serving"]
    assert catalogue.specialization["serving"].plan.weeks[11].tasks[0].id == "task-12"
    assert [feed.url for feed in catalogue.feeds] == ["https://a.example/rss"]


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("skills.toml", 'kind = "tool"\n', "", "skills.toml: 0.kind: this key is missing; add it"),
        (SPEC_FILE, 'goal = "Goal"\n', "", f"{SPEC_FILE}: plan.weeks.0.goal: this key is missing; add it"),
        (SPEC_FILE, "minutes = 45\n", "", f"{SPEC_FILE}: plan.weeks.0.tasks.0.minutes: this key is missing; add it"),
        (
            "roles/engineer/role.toml",
            "category",
            "categry",
            "roles/engineer/role.toml: category: this key is missing; add it",
        ),
        (
            "skills.toml",
            "aliases",
            "alias",
            "skills.toml: 0.alias: nobody knows this key; remove it or correct its spelling",
        ),
        (
            SPEC_FILE,
            "first_step",
            'colour = "red"\nfirst_step',
            f"{SPEC_FILE}: plan.weeks.0.tasks.0.colour: nobody knows this key; remove it or correct its spelling",
        ),
        (
            "feeds.toml",
            "[[feeds]]",
            "[[feed]]",
            "feeds.toml: feed: nobody knows this key; remove it or correct its spelling",
        ),
        ("skills.toml", '"tool"', '"gadget"', "skills.toml: 0.kind: Input should be 'technical', 'tool' or 'human'"),
        (
            SPEC_FILE,
            'core_skills = ["kv-cache"]',
            'core_skills = ["kv-cash"]',
            f"{SPEC_FILE}: kv-cash: unknown skill; use an id of skills.toml, or add the skill there",
        ),
        (
            SPEC_FILE,
            "task-2",
            "task-1",
            "roles/: task-1: this task id stands 2 times; task ids are unique over all plans",
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
            'focus_skills = ["vllm"]',
            'focus_skills = ["kv-cache"]',
            f"{SPEC_FILE}: plan.weeks[1].focus_skills: {NOT_BUILT}",
        ),
        (
            SPEC_FILE,
            WEEK.format(12),
            "",
            f"{SPEC_FILE}: plan.weeks: {WEEK_MISSING}",
        ),
        (
            "roles/engineer/role.toml",
            '["serving"]',
            '["serving", "training"]',
            "roles/engineer/training.toml: -: this file is missing; write it or take its id out of role.toml",
        ),
        (
            "roles/engineer/role.toml",
            '["serving"]',
            "3",
            "roles/engineer/role.toml: specializations: not a list; write the ids of the files beside it in brackets",
        ),
    ],
)
def test_a_fault_names_the_file_the_key_and_the_remedy(folder, file, old, new, fault):
    change(folder, file, old, new)
    assert fault in faults_of(folder)


@pytest.mark.parametrize(
    ("file", "remedy"),
    [
        ("skills.toml", "a catalogue has one; is this its folder?"),
        ("feeds.toml", "a catalogue has one; is this its folder?"),
        (SPEC_FILE, "write it or take its id out of role.toml"),
    ],
)
def test_a_missing_file_is_named(folder, file, remedy):
    (folder / file).unlink()
    assert f"{file}: -: this file is missing; {remedy}" in faults_of(folder)


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
        "skills.toml: -: this file is missing; a catalogue has one; is this its folder?",
        "feeds.toml: -: this file is missing; a catalogue has one; is this its folder?",
    ]


def test_a_file_in_place_of_the_folder_is_no_catalogue_either(tmp_path):
    (tmp_path / "file").write_text("")
    assert len(faults_of(tmp_path / "file")) == 2


def test_a_folder_without_roles_says_so(folder):
    (folder / "roles/engineer/role.toml").unlink()
    assert faults_of(folder) == ["roles/: */role.toml: no role found; is this the folder of a catalogue?"]


def test_the_faults_of_all_files_are_told_at_once(folder):
    change(folder, "skills.toml", 'kind = "tool"\n', "")
    change(folder, "feeds.toml", 'title = "A"\n', "")
    change(folder, SPEC_FILE, 'goal = "Goal"\n', "")
    assert {fault.partition(":")[0] for fault in faults_of(folder)} == {"skills.toml", "feeds.toml", SPEC_FILE}
