import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import insert

from briefings.cli import main
from briefings.embedded import free_port
from briefings.store.base import Database
from briefings.store.deliveries import Delivery
from briefings.store.issues import Slot
from briefings.store.subscribers import Subscriber


@pytest.fixture
def database(tmp_path, migrated_sqlite):
    shutil.copy(migrated_sqlite, tmp_path / "briefings.db")
    database = Database(f"sqlite:///{tmp_path / 'briefings.db'}")
    yield database
    database.close()


@pytest.fixture
def doctor(tmp_path, database):
    environment = {"BRIEFINGS_HOME": str(tmp_path), "BRIEFINGS_SECRET_KEY": "k" * 40, "COLUMNS": "200"}
    return lambda *words: CliRunner().invoke(main, ("doctor", *words), env=environment)


def hold_a_mail(database) -> None:
    """A delivery that a worker holds for ever."""
    now = datetime.now(UTC)
    person = {"id": 1, "address": "ana@readers.example", "address_key": "a", "timezone": "UTC", "created_at": now}
    moments = dict.fromkeys(("send_at", "not_after", "next_at", "changed_at"), now)
    mail = {"id": 7, "uid": "7", "kind": "welcome", "subscriber_id": 1, "address": "", "address_key": "", "epoch": 1}
    with database.write() as session:
        session.execute(insert(Subscriber).values(person))
        session.execute(insert(Delivery).values(mail | moments | {"state": "sending"}))


def test_a_new_installation_is_well_and_each_invariant_has_its_line(doctor):
    told = doctor()
    assert told.exit_code == 0
    lines = [line.strip("│ ").split("│") for line in told.output.splitlines()]
    said = {line[0].strip(): line[1].strip() for line in lines if len(line) == 3}
    assert list(said.values()).count("ok") == 8
    assert "what the relay took is sent or unknown (proved by: briefings chaos)" in told.output
    assert "BROKEN" not in told.output


def test_a_broken_invariant_names_the_offender_and_what_to_do_and_fails(doctor, database):
    hold_a_mail(database)
    told = doctor("--all")
    assert told.exit_code == 1
    assert "none-past-lease is broken by deliveries 7 (1 in all): any worker frees them" in told.output
    assert "BROKEN" in told.output


def test_programs_get_the_same(doctor, database):
    hold_a_mail(database)
    told = doctor("--json")
    found = json.loads(told.output)
    (lease,) = [one for one in found["invariants"] if one["name"] == "none-past-lease"]
    assert (lease["count"], lease["ids"], lease["of"]) == (1, [7], "deliveries")
    assert [one["name"] for one in found["invariants"] if one.get("proved_by") == "briefings chaos"] == [
        "none-without-trace",
        "sent-was-accepted",
        "broker-is-disposable",
    ]
    assert [one["job"] for one in found["runs"]] == ["compose", "tidy"]
    assert found["faults"][0].startswith("none-past-lease is broken")
    assert told.exit_code == 1


def test_a_run_that_is_overdue_fails_and_missed_ones_are_named(doctor, database):
    now = datetime.now(UTC)
    first = datetime(now.year, now.month, now.day, 3, tzinfo=UTC) - timedelta(days=9)
    with database.write() as session:
        session.execute(insert(Slot).values(job="tidy", due_at=first, seen_at=first, done_at=first, result=""))
    told = doctor()
    assert told.exit_code == 1
    assert "tidy is overdue (due at" in told.output
    assert f"never done: those due at {first + timedelta(days=1):%Y-%m-%d} 03:00, " in told.output


def test_doctor_tells_which_relays_answer_and_no_password(tmp_path, migrated_sqlite, relay):
    shutil.copy(migrated_sqlite, tmp_path / "briefings.db")
    urls = f"smtp://127.0.0.1:{relay.port} smtps://ana:hush@127.0.0.1:{free_port()}?weight=3"
    environment = {
        "BRIEFINGS_HOME": str(tmp_path),
        "BRIEFINGS_SECRET_KEY": "k" * 40,
        "BRIEFINGS_SMTP_URL": urls,
        "COLUMNS": "200",
    }
    told = CliRunner().invoke(main, ["doctor"], env=environment)
    assert f"The relay 127.0.0.1:{relay.port} answers." in told.output
    assert ": ConnectionRefusedError" in told.output
    assert "hush" not in told.output

    relays = json.loads(CliRunner().invoke(main, ["doctor", "--json"], env=environment).output)["relays"]
    assert [line.endswith("answers") for line in relays] == [True, False]
    assert relay.accepted == []
