import mailbox
import shutil
import signal
import smtplib
import subprocess
import sys
import time
from io import BytesIO
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from fakes import FakeClock
from sent_mail import add_sent, bounce, state_of, suppressions
from week import SUNDAY

from briefings.cli import main
from briefings.domain.bounces import LARGEST
from briefings.embedded import free_port
from briefings.settings import ROOT
from briefings.store.base import Database

LETTER = b"Subject: Thank you\n\nI liked it.\n"


@pytest.fixture
def app(tmp_path, migrated_sqlite):
    """Two mails that were sent."""
    shutil.copy(migrated_sqlite, tmp_path / "briefings.db")
    app = SimpleNamespace(database=Database(f"sqlite:///{tmp_path / 'briefings.db'}"), clock=FakeClock(SUNDAY))
    add_sent(app, "aa", "bb")
    return app


@pytest.fixture
def environment(tmp_path):
    return {
        "BRIEFINGS_HOME": str(tmp_path),
        "BRIEFINGS_SECRET_KEY": "a-secret-key-of-the-tests-with-40-letters",
        "COLUMNS": "200",
    }


@pytest.fixture
def run(app, environment):
    return lambda *words, **more: CliRunner().invoke(main, words, env=environment | more.pop("env", {}), **more)


def test_a_bounce_is_recorded_from_standard_input(app, run):
    assert run("record-bounce", input=bounce("aa")).output == "Recorded: bounced.\n"
    assert run("record-bounce", input=bounce("aa")).output == "Recorded: nothing-new.\n"
    assert state_of(app, "aa") == "bounced"


class Pipe(BytesIO):
    """Remembers how much of it was asked for at a time."""

    def read(self, size: int | None = -1) -> bytes:
        self.sizes = [*getattr(self, "sizes", []), size]
        return super().read(size)


def test_a_huge_bounce_on_standard_input_is_read_to_its_end_piece_by_piece(app, run):
    huge = Pipe(bounce("aa") + b"x" * 40_000_000)
    assert run("record-bounce", input=huge).exit_code == 0
    assert set(huge.sizes) - {0} == {LARGEST}
    assert huge.sizes.count(LARGEST) > 40
    assert state_of(app, "aa") == "bounced"


def test_a_letter_on_standard_input_is_left_to_the_caller(run):
    refused = run("record-bounce", input=LETTER)
    assert refused.exit_code == 1
    assert "Nothing was recorded (not-a-bounce)" in refused.output


def test_a_maildir_is_read_and_doctor_tells_of_what_waits_for_a_person(app, run, tmp_path):
    box = mailbox.Maildir(tmp_path / "mail", create=True)
    for raw in (bounce("aa"), LETTER):
        box.add(raw)
    said = run("bounces", "read", "--maildir", str(tmp_path / "mail"))
    assert said.exit_code == 0
    assert "1 bounced, 1 not-a-bounce" in said.output
    assert f"1 mails to look at yourself: {tmp_path / 'review'}" in said.output
    assert len(box) == 0
    assert "Bounce mails to look at yourself: 1" in run("doctor").output
    assert run("bounces", "read", "--maildir", str(tmp_path / "mail")).output.startswith("There was no mail.")


def test_exactly_one_source_is_named(run):
    for words in ((), ("--imap", "--listen", "127.0.0.1:1")):
        assert run("bounces", "read", *words).exit_code == 2


def test_a_mailbox_must_be_set(run):
    assert "set BRIEFINGS_BOUNCES_IMAP_URL" in run("bounces", "read", "--imap").output


def test_a_mailbox_that_does_not_answer_is_told_without_its_password(run):
    url = f"imaps://ana:canary@127.0.0.1:{free_port()}/INBOX"
    said = run("bounces", "read", "--imap", env={"BRIEFINGS_BOUNCES_IMAP_URL": url})
    assert said.exit_code == 1
    assert "The mailbox at 127.0.0.1 does not answer" in said.output
    assert "canary" not in said.output


def test_a_place_to_listen_is_written_with_its_port(run):
    assert "--listen is 'here'; write it as 127.0.0.1:8025" in run("bounces", "read", "--listen", "here").output


def test_a_mail_server_hands_bounces_over(app, environment, tmp_path):
    port = free_port()
    command = [sys.executable, "-m", "briefings.cli", "bounces", "read", "--listen", f"127.0.0.1:{port}"]
    listener = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with connected(port) as client:
        client.sendmail("", ["b+aa@briefings.example"], bounce("aa"))
    listener.send_signal(signal.SIGTERM)
    said, _ = listener.communicate(timeout=20)
    assert listener.returncode == 0, said
    assert state_of(app, "aa") == "bounced"


def connected(port: int) -> smtplib.LMTP:
    deadline = time.monotonic() + 20
    while True:
        try:
            return smtplib.LMTP("127.0.0.1", port)
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_storm_is_told_by_doctor_and_ended_by_the_operator(app, run, tmp_path):
    uids = [f"few{number}" for number in range(22)]
    add_sent(app, *uids)
    box = mailbox.Maildir(tmp_path / "mail", create=True)
    for uid in uids:
        box.add(bounce(uid))
    assert "22 bounced" in run("bounces", "read", "--maildir", str(tmp_path / "mail")).output
    told = run("doctor")
    assert told.exit_code == 1
    assert "3 suppressions are held since" in told.output
    assert run("bounces", "resume").exit_code == 2
    assert "3 held suppressions are carried out" in run("bounces", "resume", "--suppress").output
    assert len(suppressions(app)) == 22
    assert run("bounces", "resume", "--spare").exit_code == 1
