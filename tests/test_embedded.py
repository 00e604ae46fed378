import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from briefings.adapters.processes import Child, python_module
from briefings.embedded import HOPELESS_AFTER, Stack, free_port, only_one, prepare_home, require_free, wait_for_port
from briefings.errors import DependencyError
from briefings.settings import Address, Settings, secret_path


@pytest.fixture
def settings(tmp_path):
    prepare_home(tmp_path / "home")
    return Settings.from_env({"BRIEFINGS_HOME": str(tmp_path / "home")})


def test_a_home_is_private_and_has_a_secret_of_its_own(settings):
    key = secret_path(settings.home)
    assert settings.home.stat().st_mode & 0o777 == 0o700
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(settings.secret_key) >= 32


def test_preparing_a_home_again_keeps_its_secret(settings):
    prepare_home(settings.home)
    assert Settings.from_env({"BRIEFINGS_HOME": str(settings.home)}).secret_key == settings.secret_key


def test_a_part_that_cannot_live_is_named_instead_of_being_started_for_ever(settings, tmp_path):
    stack = Stack(settings, {})
    stack.children.append(Child("broken", python_module("no_such_module"), {}, tmp_path / "broken.log"))
    stack.children[0].start()
    deadline = time.monotonic() + 20
    while stack.children[0].quick_ends < HOPELESS_AFTER and time.monotonic() < deadline:
        stack.children[0].keep_alive()

    with pytest.raises(DependencyError, match=r"broken ends as soon as it is started; read .*broken\.log"):
        stack.check()
    stack.stop()


def test_two_stacks_in_one_home_are_refused(settings):
    with (
        only_one(settings.home),
        pytest.raises(DependencyError, match=rf"runs already in .* \(process {os.getpid()}\)"),
        only_one(settings.home),
    ):
        pass
    with only_one(settings.home):
        pass


def test_a_port_that_somebody_has_is_named_with_its_variable():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DependencyError, match=f"Port {port} .* set BRIEFINGS_LISTEN"):
            require_free(Address("127.0.0.1", port), "BRIEFINGS_LISTEN")
    require_free(Address("127.0.0.1", port), "BRIEFINGS_LISTEN")


def test_a_home_that_is_a_file_is_refused_in_words(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DependencyError, match="set BRIEFINGS_HOME"):
        prepare_home(tmp_path / "file")


def test_what_a_killed_supervisor_left_behind_is_ended_by_the_next(tmp_path):
    def sleeper() -> Child:
        return Child("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"], {}, tmp_path / "sleeper.log")

    orphan, successor = sleeper(), sleeper()
    orphan.start()
    successor.start()
    assert orphan._process.wait(10) == -9
    assert successor.pid != orphan.pid
    successor.stop()


def test_a_wait_for_nobody_ends_in_words(monkeypatch, tmp_path):
    monkeypatch.setattr("briefings.embedded.LISTEN_SECONDS", 0.2)
    with pytest.raises(DependencyError, match="Nothing listens"):
        wait_for_port("127.0.0.1", free_port(), tmp_path / "log")


def test_a_path_too_long_for_a_socket_says_what_to_do(settings, tmp_path):
    far = replace(settings, home=tmp_path / ("x" * 120), broker_url="redis+socket://somewhere")
    with suppress(FileNotFoundError), pytest.raises(DependencyError, match="BRIEFINGS_HOME"):
        Stack(far, {}).start()
