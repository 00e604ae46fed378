import json

import foreign_profession
import pytest
from click.testing import CliRunner, Result

from briefings.cli import main

MLOPS = "mlops-ai-infrastructure"


def run(*arguments: str, catalogue=None) -> Result:
    """A command, with no database anywhere."""
    environment = {"BRIEFINGS_HOME": "nowhere", "COLUMNS": "200"}
    environment |= {"BRIEFINGS_CATALOGUE": str(catalogue)} if catalogue else {}
    return CliRunner().invoke(main, arguments, env=environment)


@pytest.fixture
def nurses(tmp_path):
    return foreign_profession.write(tmp_path / "nurses")


# ---------------------------------------------------------------- check


def test_the_bundled_catalogue_passes_its_check():
    result = run("catalogue", "check")
    assert result.exit_code == 0
    assert result.output.strip().endswith("No faults.")


def test_every_fault_of_a_folder_is_printed_with_file_key_and_remedy(nurses):
    spec = nurses / "roles" / "nurse" / "ward-nursing.toml"
    spec.write_text(
        spec.read_text()
        .replace("minutes = 45", "minutes = 5", 1)
        .replace('"medication-safety"]', '"medication-safety", "juggling"]', 1)
        .replace('title = "Tell one doctor', 'title = "Explore what one doctor', 1)
    )
    result = run("catalogue", "check", str(nurses))
    assert result.exit_code == 1
    assert "roles/nurse/ward-nursing.toml: ward-1-charts: 5 minutes; a task takes 10 to 240" in result.output
    assert "roles/nurse/ward-nursing.toml: juggling: unknown skill" in result.output
    assert "roles/nurse/ward-nursing.toml: ward-1-tell: “Explore” has no end" in result.output
    assert result.output.strip().endswith("3 faults.")


def test_a_broken_model_is_a_fault_too(nurses):
    (nurses / "tagger.model").write_bytes(b"no model")
    result = run("catalogue", "check", str(nurses))
    assert result.exit_code == 1
    assert "make it again with training/train_tagger.py, or delete it" in result.output
    assert result.output.strip().endswith("1 fault.")


# ---------------------------------------------------------------- plan


def test_a_plan_is_printed_without_any_database(nurses):
    result = run("plan", "--specialization", "ward-nursing", "--hours", "1", catalogue=nurses)
    assert result.exit_code == 0, result.output
    assert "WARD NURSING: 12 WEEKS" in result.output
    assert result.output.count("Done when:") == 24
    assert "Left out “Count wrong doses, part 1” (30 min)" in " ".join(result.output.split())


def test_a_plan_as_markdown_is_a_list_to_tick(nurses):
    result = run("plan", "--specialization", "ward-nursing", "--format", "md", catalogue=nurses)
    assert "## Week 12: Charts, part 12 (1 h 40)" in result.output
    assert result.output.count("- [ ] **") == 37


def test_a_plan_as_json_has_everything(nurses):
    known = "medication-safety"
    result = run("plan", "--specialization", "ward-nursing", "--known", known, "--format", "json", catalogue=nurses)
    made = json.loads(result.output)
    assert made["profile"]["known"] == [known]
    assert len(made["weeks"]) == 12
    assert made["weeks"][0]["minutes"] == sum(task["minutes"] for task in made["weeks"][0]["tasks"])
    assert made["weeks"][0]["changes"] == ["Skipped “Count wrong doses, part 1”: you already know Medication safety."]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--specialization", "alchemy"), "choose one of ai-application-security, "),
        (("--specialization", MLOPS, "--known", "juggling"), "unknown skills: juggling; use ids of skills.toml"),
        (("--specialization", MLOPS, "--hours", "0"), "choose between 1 and 12"),
    ],
)
def test_an_answer_that_cannot_be_used_is_told_in_words(arguments, words):
    result = run("plan", *arguments)
    assert result.exit_code != 0
    assert words in " ".join(result.output.split())


# ---------------------------------------------------------------- coverage and schema


def test_coverage_shows_each_skill_by_week(nurses):
    result = run("catalogue", "coverage", str(nurses))
    rows = {line.split()[0]: line.split() for line in result.output.splitlines() if line.split()}
    assert rows["ambient-documentation"][1:] == ["F"] * 12 + ["540"]
    assert rows["handover"][1:] == ["·"] * 12 + ["190"]


def test_coverage_of_a_specialization_that_is_not_there_names_those_that_are(nurses):
    result = run("catalogue", "coverage", str(nurses), "--specialization", "surgery")
    assert result.exit_code == 2
    assert "choose one of ward-nursing" in result.output


def test_a_plan_that_asks_for_less_than_its_person_gives_says_so(nurses):
    for shape in ("text", "md", "json"):
        result = run("plan", "--specialization", "ward-nursing", "--hours", "9", "--format", shape, catalogue=nurses)
        assert "You give 9 h a week, and the weeks ask for" in result.output


def test_a_folder_that_is_no_catalogue_is_named(tmp_path):
    result = run("plan", "--specialization", "ward-nursing", catalogue=tmp_path)
    assert result.exit_code == 1
    assert str(tmp_path) in result.output.replace("\n", "")


def test_the_schemas_are_written_into_a_folder(tmp_path):
    assert run("catalogue", "schema", str(tmp_path)).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{name}.schema.json" for name in ("feeds", "role", "skills", "specialization", "tasks")
    ]
