import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
import services

from briefings.adapters.processes import LONGEST_SOCKET_PATH, Child, python_module, valkey
from briefings.errors import DependencyError

SLEEPER = "import time; time.sleep(600)"
#: Starts a grandchild that ignores a polite end, and says its process id.
PARENT = """
import subprocess, sys, time
code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"
grandchild = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
grandchild.stdout.readline()
print(grandchild.pid, flush=True)
time.sleep(600)
"""
LONGEST_WAIT = 20


@pytest.fixture
def child(tmp_path):
    """Makes children that are stopped in the end."""
    made: list[Child] = []

    def start(code: str, environ: dict[str, str] | None = None) -> Child:
        made.append(
            Child("sleeper", [sys.executable, "-c", code], environ or os.environ, tmp_path / "log" / "child.log")
        )
        made[-1].start()
        return made[-1]

    yield start
    for one in made:
        one.stop()


def wait_until(condition):
    """Come back with what the condition gives as soon as it is true."""
    deadline = time.monotonic() + LONGEST_WAIT
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited for nothing"
        time.sleep(0.01)
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie that nobody has collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def written(tmp_path) -> str:
    return (tmp_path / "log" / "child.log").read_text()


# ---------------------------------------------------------------- children


def test_a_child_that_runs_is_left_alone(child):
    sleeper = child(SLEEPER)
    pid = sleeper.pid
    assert not sleeper.keep_alive()
    assert (sleeper.pid, sleeper.quick_ends) == (pid, 0)
    assert is_alive(pid)


def test_a_child_that_was_killed_is_started_again(child):
    sleeper = child(SLEEPER)
    first = sleeper.pid
    os.kill(first, signal.SIGKILL)

    assert wait_until(sleeper.keep_alive)

    assert sleeper.pid != first
    assert sleeper.quick_ends == 1
    assert is_alive(sleeper.pid)
    assert not is_alive(first)


def test_what_a_killed_child_left_behind_is_ended_before_it_starts_again(child, tmp_path):
    parent = child(PARENT)
    grandchild = int(wait_until(lambda: written(tmp_path)))
    os.kill(parent.pid, signal.SIGKILL)
    wait_until(parent.keep_alive)
    wait_until(lambda: not is_alive(grandchild))
    assert is_alive(parent.pid)


def test_what_a_dead_child_of_a_dead_supervisor_left_behind_is_ended_by_the_next(child, tmp_path):
    orphaned = child(PARENT)
    grandchild = int(wait_until(lambda: written(tmp_path)))
    os.kill(orphaned.pid, signal.SIGKILL)
    orphaned._process.wait()
    child(SLEEPER)
    wait_until(lambda: not is_alive(grandchild))


def test_stopping_ends_the_whole_group_even_those_that_do_not_listen(child, tmp_path):
    parent = child(PARENT)
    pid, grandchild = parent.pid, int(wait_until(lambda: written(tmp_path)))
    assert is_alive(grandchild)

    parent.stop()

    wait_until(lambda: not is_alive(grandchild))
    assert not is_alive(pid)
    assert parent.pid is None


def test_a_child_that_does_not_end_when_asked_is_ended(child, tmp_path, monkeypatch):
    monkeypatch.setattr("briefings.adapters.processes.STOP_SECONDS", 0.05)
    deaf = child("import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)")
    wait_until(lambda: written(tmp_path))
    pid = deaf.pid
    deaf.stop()
    assert not is_alive(pid)


def test_a_stopped_child_stays_stopped_and_can_be_stopped_twice(child):
    sleeper = child(SLEEPER)
    sleeper.stop()
    sleeper.stop()
    assert not sleeper.keep_alive()
    assert sleeper.pid is None


def test_both_outputs_go_to_the_log_and_the_environment_is_only_what_was_given(child, tmp_path):
    child(
        "import os, sys; print(sorted(os.environ)); print('oh', file=sys.stderr)",
        {"ONLY_THIS": "1", "LC_CTYPE": "C.UTF-8"},
    )
    wait_until(lambda: "oh" in written(tmp_path))
    wait_until(lambda: "['LC_CTYPE', 'ONLY_THIS']" in written(tmp_path))
    assert "PATH" not in written(tmp_path)


def test_a_module_runs_with_this_interpreter():
    done = subprocess.run(python_module("platform", "--terse"), capture_output=True, check=True)
    assert python_module("platform")[0] == sys.executable
    assert done.stdout


# ---------------------------------------------------------------- valkey


def test_the_server_answers_on_its_socket_and_on_no_port():
    with services.valkey() as socket:
        client = redis.Redis(unix_socket_path=str(socket))
        assert client.ping()
        assert listening_ports(client.info("server")["process_id"]) == []
        client.close()
        assert socket.parent.stat().st_mode & 0o777 == 0o700
        assert socket.stat().st_mode & 0o077 == 0


def listening_ports(pid: int) -> list[str]:
    """The TCP addresses on which a process listens (state 0A in the kernel's tables)."""
    handles = {str(handle.readlink()) for handle in Path(f"/proc/{pid}/fd").iterdir() if handle.is_symlink()}
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        if (file := Path(f"/proc/{pid}/net/{table}")).exists()
        for line in file.read_text().splitlines()[1:]
    ]
    return [line[1] for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in handles]


def test_what_was_rung_survives_a_killed_server():
    with services.valkey() as socket:
        server = valkey(socket.parent.parent / "second" / "s", socket.parent / "log")
        server.start()
        client = redis.Redis(unix_socket_path=str(socket.parent.parent / "second" / "s"))
        wait_until(lambda: answers(client))
        client.lpush("deliver", "ring")
        client.execute_command("WAITAOF", 1, 0, 5000)
        os.kill(server.pid, signal.SIGKILL)
        wait_until(server.keep_alive)
        wait_until(lambda: answers(client))
        assert client.llen("deliver") == 1
        client.close()
        server.stop()


def answers(client: redis.Redis) -> bool:
    try:
        return client.ping()
    except redis.RedisError:
        return False


def test_a_path_too_long_for_a_socket_says_what_to_shorten(tmp_path):
    socket = tmp_path / ("x" * LONGEST_SOCKET_PATH) / "valkey.sock"
    with pytest.raises(DependencyError, match="set BRIEFINGS_HOME to a shorter one"):
        valkey(socket, tmp_path / "log")
    assert not socket.parent.exists()


def test_a_kill_asks_nobody_and_leaves_no_grandchild(child, tmp_path):
    parent = child(PARENT)
    log = tmp_path / "log" / "child.log"
    grandchild = int(wait_until(lambda: log.read_text().strip()))
    pid = parent.pid
    parent.kill()
    assert parent.pid is None
    wait_until(lambda: not is_alive(grandchild))
    assert not is_alive(pid)
    assert not log.with_suffix(".pid").exists()


def test_killing_what_does_not_run_does_nothing(child):
    sleeper = child(SLEEPER)
    sleeper.kill()
    sleeper.kill()
    assert sleeper.pid is None
