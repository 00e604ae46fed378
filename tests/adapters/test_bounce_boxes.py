import ssl

import pytest
from imap_server import PASSWORD, USER, ImapServer
from sent_mail import add_sent, bounce, state_of

from briefings.adapters.bounce_boxes import PIECE, imap_mails
from briefings.chaos import certificates
from briefings.errors import DependencyError
from briefings.settings import Mailbox

LETTER = b"From: ana@readers.example\r\n\r\n" + b"x" * (2 * PIECE)


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pem")
    key, certificate = certificates.make("imap.test")
    (folder / "key").write_bytes(certificates.key_pem(key))
    (folder / "certificate").write_bytes(certificate)
    return folder


@pytest.fixture
def server(pem, request):
    server = ImapServer(pem / "certificate", pem / "key", uidplus=getattr(request, "param", True)).start()
    yield server
    server.stop()


@pytest.fixture
def trust(pem):
    return ssl.create_default_context(cafile=pem / "certificate")


def box(server, password: str = PASSWORD) -> Mailbox:
    return Mailbox("127.0.0.1", server.port, USER, password, 'IN"BOX')


def read(app, server, trust) -> dict[str, int]:
    with imap_mails(box(server), trust) as mails:
        return dict(app.taking_in.all_of(mails))


def test_bounces_are_taken_out_of_a_mailbox(app, server, trust):
    add_sent(app, "aa")
    server.mails = {7: bounce("aa"), 9: bounce("ff" * 16)}
    assert read(app, server, trust) == {"bounced": 1, "not-ours": 1}
    assert state_of(app, "aa") == "bounced"
    assert server.mails == {}
    assert app.review.count() == 1
    assert server.folders == [r'SELECT "IN\"BOX"']


@pytest.mark.parametrize("server", [False], indirect=True)
def test_without_uidplus_they_stay_marked_as_deleted_and_are_not_read_again(app, server, trust):
    server.mails = {7: LETTER}
    assert read(app, server, trust) == {"not-a-bounce": 1}
    assert (server.deleted, list(server.mails)) == ({7}, [7])
    assert read(app, server, trust) == {}


def test_a_large_mail_is_fetched_in_pieces(app, server, trust):
    server.mails = {7: LETTER}
    read(app, server, trust)
    assert max(server.fetched) == PIECE
    (kept,) = app.review.folder.iterdir()
    assert kept.read_bytes() == LETTER


def test_a_certificate_that_we_do_not_trust_ends_it_before_the_password(server):
    with pytest.raises(DependencyError, match="CERTIFICATE_VERIFY_FAILED"), imap_mails(box(server)):
        pass


def test_a_wrong_password_is_not_told(server, trust):
    refused = pytest.raises(DependencyError, match="refuses our user or password")
    with refused as refusal, imap_mails(box(server, "hush-hush"), trust):
        pass
    assert "hush" not in str(refusal.value)
    assert refusal.value.__suppress_context__


def test_a_server_that_breaks_off_leaves_the_mails(app, server, trust, monkeypatch):
    server.mails = {7: bounce("aa")}
    monkeypatch.setattr("imap_server._Conversation.on_fetch", lambda *_: b"NO not now")
    with pytest.raises(DependencyError, match="refused a command"):
        read(app, server, trust)
    assert list(server.mails) == [7]
