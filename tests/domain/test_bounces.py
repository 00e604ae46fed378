import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from briefings.domain.bounces import LARGEST, Bounce, read

ID = "<8f1c@briefings.example>"
NOTICE = """\
From: MAILER-DAEMON@mx.example
To: b+8f1c@briefings.example
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind}; boundary=edge

--edge
Content-Type: text/plain

Your mail did not arrive.
--edge
Content-Type: {type}

{fields}

--edge
Content-Type: {returned}

{headers}

--edge--
"""
FAILED = """\
Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; ana@readers.example
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1
 no such person"""


def notice(
    fields: str,
    *,
    kind: str = "delivery-status",
    returned: str = "message/rfc822",
    headers: str = f"From: briefing@briefings.example\nMessage-ID: {ID}\n\nHello",
) -> bytes:
    return (
        NOTICE.format(kind=kind, type=f"message/{kind}", fields=fields, returned=returned, headers=headers)
        .replace("\n", "\r\n")
        .encode("latin-1")
    )


@pytest.mark.parametrize(
    ("action", "kind"),
    [("failed", "bounced"), ("Failed", "bounced"), ("delayed", "deferred"), ("delivered", "delivered")],
)
def test_a_delivery_status_notice_says_what_became_of_which_mail(action, kind):
    assert read(notice(FAILED.format(action=action))) == Bounce(ID, kind, "5.1.1", "smtp; 550 5.1.1 no such person")


@pytest.mark.parametrize("action", ["relayed", "expanded", ""])
def test_a_status_that_settles_nothing_is_no_bounce(action):
    assert read(notice(FAILED.format(action=action))) is None


def test_a_complaint_names_the_mail():
    fields = "Feedback-Type: abuse\nUser-Agent: Complaints/1.0\nVersion: 1"
    assert read(notice(fields, kind="feedback-report")) == Bounce(ID, "complained", "", "")


def test_returned_headers_are_enough():
    raw = notice(FAILED.format(action="failed"), returned="text/rfc822-headers", headers=f"Message-ID:\n {ID}")
    assert read(raw).message_id == ID


@pytest.mark.parametrize("charset", ["x-nobody-knows", "utf-16", '"'])
def test_returned_headers_in_a_strange_charset_are_read_all_the_same(charset):
    returned = f"text/rfc822-headers; charset={charset}"
    raw = notice(FAILED.format(action="failed"), returned=returned, headers=f"Message-ID: {ID}")
    assert read(raw).message_id == ID


def test_a_header_on_which_the_library_trips_is_taken_as_it_stands():
    broken = '<))5.1.1"5.1.1'
    raw = notice(FAILED.format(action="failed"), returned="text/rfc822-headers", headers=f"Message-ID: {broken}")
    assert read(raw).message_id == broken


def test_an_ordinary_mail_is_no_bounce():
    assert read(b"From: ana@readers.example\r\nSubject: Thank you\r\n\r\nAction: failed\r\n") is None


def test_a_notice_that_does_not_name_our_mail_is_no_bounce():
    assert read(notice(FAILED.format(action="failed"), headers="From: briefing@briefings.example\n\nHello")) is None


def test_a_huge_returned_mail_is_cut_and_read():
    headers = f"Message-ID: {ID}\n\n{'x' * 70}\n" + "y" * LARGEST
    assert read(notice(FAILED.format(action="failed"), headers=headers)).kind == "bounced"


def test_the_words_of_the_remote_host_become_one_short_line():
    fields = FAILED.format(action="failed") + "".join(f"\n {'word ' * 15}" for _ in range(30))
    words = read(notice(fields)).words
    assert len(words) == 300
    assert "\n" not in words
    assert "\r" not in words


PIECES = st.sampled_from(
    [
        *(
            "message/rfc822",
            "text/rfc822-headers",
            "; charset=x",
            "; boundary=edge",
            "<a@b>",
            "<",
            '"',
            "(",
            "failed",
            "\r\n ",
        ),
        *("=?", "?=", "=?utf-8?q?", "\x00", "\x80", "\xff", ":", ";", "%", "*0*=", "base64", "multipart/mixed"),
    ]
)
FIELDS = st.sampled_from(["Content-Type", "Message-ID", "Action", "Status", "Content-Transfer-Encoding"])
LINES = st.builds(lambda field, words: f"{field}: {''.join(words)}", FIELDS, st.lists(PIECES, max_size=5))
BLOCKS = st.lists(LINES, max_size=5).map("\n".join)


@settings(max_examples=300, deadline=None)
@given(
    raw=st.binary(max_size=200)
    | st.builds(
        lambda fields, returned, headers: notice(fields, returned="".join(returned), headers=headers),
        BLOCKS,
        st.lists(PIECES, max_size=3),
        BLOCKS,
    )
)
def test_no_mail_however_broken_raises(raw):
    bounce = read(raw)
    assert bounce is None or "\n" not in bounce.message_id + bounce.status + bounce.words
