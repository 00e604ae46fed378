import mailbox
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from sent_mail import add_sent, bounce, event_kinds, state_of

from briefings.adapters.bounce_boxes import PIECE, MaildirMail, in_maildir
from briefings.domain.deliveries import State
from briefings.errors import DependencyError
from briefings.store.base import Database

LETTER = b"From: ana@readers.example\r\nTo: b+aa@briefings.example\r\nSubject: Thank you\r\n\r\nI liked it.\r\n"


@pytest.fixture
def maildir(tmp_path):
    return mailbox.Maildir(tmp_path / "mail", create=True)


def read(app, maildir):
    return dict(app.taking_in.all_of(in_maildir(Path(maildir._path))))


def reviewed(app) -> list[bytes]:
    return [file.read_bytes() for file in sorted(app.review.folder.glob("*"))]


class Kept:
    """A mail whose removal a crash prevents."""

    def __init__(self, mail) -> None:
        self.recipients, self.pieces = mail.recipients, mail.pieces

    def remove(self) -> None:
        pass


def test_bounces_are_taken_out_of_a_maildir(app, maildir):
    add_sent(app, "aa", "bb")
    maildir.add(bounce("aa"))
    seen = mailbox.MaildirMessage(bounce("bb"))
    seen.set_subdir("cur")
    maildir.add(seen)
    assert read(app, maildir) == {"bounced": 2}
    assert (len(maildir), state_of(app, "aa"), state_of(app, "bb")) == (0, "bounced", "bounced")
    assert reviewed(app) == []


def test_what_is_no_bounce_of_ours_goes_to_the_review_box_as_it_came(app, maildir):
    maildir.add(LETTER)
    maildir.add(bounce("ff" * 16))
    assert read(app, maildir) == {"not-a-bounce": 1, "not-ours": 1}
    assert len(maildir) == 0
    assert set(reviewed(app)) == {LETTER, bounce("ff" * 16)}
    assert app.review.count() == 2


def test_a_bounce_stays_where_it_is_when_its_event_cannot_be_committed(app, maildir, tmp_path):
    maildir.add(bounce("aa"))
    broken = Database(f"sqlite:///{tmp_path / 'nowhere' / 'no.db'}")
    with pytest.raises(DependencyError):
        replace(app.taking_in, database=broken).all_of(in_maildir(Path(maildir._path)))
    assert len(maildir) == 1


def test_a_mail_stays_where_it_is_when_the_review_box_is_full(app, maildir, monkeypatch):
    monkeypatch.setattr("briefings.adapters.review_box.MOST", 0)
    maildir.add(LETTER)
    with pytest.raises(DependencyError, match="is full"):
        read(app, maildir)
    assert len(maildir) == 1


def test_a_crash_before_the_removal_is_made_good_by_the_next_run(app, maildir):
    add_sent(app, "aa")
    for raw in (bounce("aa"), LETTER):
        maildir.add(raw)
    mails = [Kept(mail) for mail in in_maildir(Path(maildir._path))]
    assert dict(app.taking_in.all_of(mails)) == {"bounced": 1, "not-a-bounce": 1}
    assert read(app, maildir) == {"nothing-new": 1, "not-a-bounce": 1}
    assert event_kinds(app).count("bounced") == 1
    assert app.review.count() == 1


def test_a_bounce_that_comes_too_early_waits_for_the_next_run(app, maildir):
    add_sent(app, "aa", state=State.SENDING)
    maildir.add(bounce("aa", "delivered"))
    assert read(app, maildir) == {"too-early": 1}
    assert len(maildir) == 1


def test_a_huge_mail_is_never_in_memory_as_a_whole(app, maildir):
    maildir.add(LETTER)
    (file,) = (Path(maildir._path) / "new").iterdir()
    with file.open("ab") as mail:
        for _ in range(40):
            mail.write(b"x" * 999_999 + b"\n")
    app.taking_in.one(MaildirMail(file.with_name("none")))  # what is loaded once is not measured
    tracemalloc.start()
    assert read(app, maildir) == {"not-a-bounce": 1}
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 12 * PIECE
    assert len(reviewed(app)[0]) > 40 * PIECE


def test_links_and_hidden_files_are_no_mails(app, maildir, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(LETTER)
    new = Path(maildir._path) / "new"
    (new / "link").symlink_to(secret)
    (new / ".hidden").write_bytes(LETTER)
    (new / "folder").mkdir()
    assert read(app, maildir) == {}
    assert secret.exists()


def test_a_mail_that_another_reader_took_is_gone(app, maildir):
    maildir.add(LETTER)
    mails = in_maildir(Path(maildir._path))
    maildir.clear()
    assert dict(app.taking_in.all_of(mails)) == {"gone": 1}


def test_what_is_no_maildir_is_refused(app, tmp_path):
    with pytest.raises(FileNotFoundError):
        in_maildir(tmp_path)
