"""docker-compose.yml speaks only of commands and variables that exist."""

import re

import click
import pytest
import yaml

from briefings.cli import main
from briefings.settings import ROOT, VARIABLES


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def test_it_has_the_parts_of_the_outgrown_form(services):
    assert {"db", "broker", "web", "beat", "catcher", "migrate"} <= services.keys()
    assert sum("beat" in service.get("command", []) for service in services.values()) == 1


def test_every_command_exists(services):
    for service in services.values():
        command = service.get("command", [])
        if command[:1] == ["briefings"]:
            context, group = click.Context(main), main
            assert group.get_command(context, command[1]) is not None, command
        elif command[:1] == ["celery"]:
            assert command[1:3] == ["-A", "workers.app"]
            assert command[3] in {"worker", "beat"}


def test_every_variable_exists(services):
    known = {variable.name for variable in VARIABLES}
    text = (ROOT / "docker-compose.yml").read_text() + (ROOT / ".env.example").read_text()
    assert set(re.findall(r"BRIEFINGS_\w+", text)) <= known


def test_it_has_no_default_secret(services):
    text = (ROOT / "docker-compose.yml").read_text()
    assert "${BRIEFINGS_SECRET_KEY:?" in text
    assert "${POSTGRES_PASSWORD:?" in text


def test_the_settings_page_explains_every_variable():
    page = (ROOT / "docs" / "settings.md").read_text()
    for variable in VARIABLES:
        assert f"| `{variable.name}` |" in page
        assert variable.meaning in page
