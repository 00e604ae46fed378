import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from briefings.domain import bounces
from briefings.domain.bounces import LARGEST
from briefings.domain.notices import Notice

OURS = "briefings.example"
ID = "<8f1c@briefings.example>"
NOTICE = """\
From: MAILER-DAEMON@mx.example
Message-ID: <notice-1@mx.example>
To: {to}
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
    to: str = "b+8f1c@briefings.example",
) -> bytes:
    return (
        NOTICE.format(kind=kind, type=f"message/{kind}", fields=fields, returned=returned, headers=headers, to=to)
        .replace("\n", "\r\n")
        .encode("latin-1")
    )


def read(raw: bytes, *recipients: str) -> Notice | None:
    return bounces.read(raw, OURS, recipients)


@pytest.mark.parametrize(
    ("action", "kind"),
    [("failed", "bounced"), ("Failed", "bounced"), ("delayed", "deferred"), ("delivered", "delivered")],
)
def test_a_delivery_status_notice_says_what_became_of_which_mail(action, kind):
    found = read(notice(FAILED.format(action=action)))
    assert found == Notice(("8f1c",), kind, found.provider_id, "5.1.1", "smtp; 550 5.1.1 no such person")


# ---------------------------------------------------------------- of which mail


def test_the_address_to_which_it_came_names_the_mail_first():
    raw = notice(FAILED.format(action="failed"), to="<B+AAAA@Briefings.Example>")
    assert read(raw).uids == ("aaaa", "8f1c")
    assert read(raw, "b+bbbb@briefings.example", "postmaster@briefings.example").uids == ("bbbb", "aaaa", "8f1c")


def test_the_address_alone_is_enough():
    assert read(notice(FAILED.format(action="failed"), headers="From: briefing@briefings.example\n\nHello")).uids == (
        "8f1c",
    )


def test_the_returned_message_id_alone_is_enough():
    assert read(notice(FAILED.format(action="failed"), to="bounces@briefings.example")).uids == ("8f1c",)


@pytest.mark.parametrize(
    ("to", "message_id"),
    [
        ("b+8f1c@elsewhere.example", "<8f1c@elsewhere.example>"),
        ("b+8f1c@briefings.example.evil.example", "<8f1c@briefings.example.evil.example>"),
        ("b+8f%1c@briefings.example", "<@briefings.example>"),
        (f"b+{'a' * 65}@briefings.example", f"<{'a' * 65}@briefings.example>"),
    ],
)
def test_somebody_elses_mail_is_not_named(to, message_id):
    assert read(notice(FAILED.format(action="failed"), to=to, headers=f"Message-ID: {message_id}\n\nHello")) is None


def test_a_mail_that_encloses_a_notice_is_none_itself():
    inner = notice(FAILED.format(action="failed")).decode()
    raw = f"To: b+8f1c@briefings.example\r\nContent-Type: message/rfc822\r\n\r\n{inner}"
    assert read(raw.encode()) is None


# ---------------------------------------------------------------- the same notice again


def test_a_notice_that_comes_by_another_way_is_the_same_notice():
    raw = notice(FAILED.format(action="failed"))
    assert read(b"Received: by another host\r\n" + raw).provider_id == read(raw).provider_id


def test_another_notice_of_the_same_mail_is_another_one():
    raw = notice(FAILED.format(action="delayed"))
    assert read(raw.replace(b"notice-1", b"notice-2")).provider_id != read(raw).provider_id


# ---------------------------------------------------------------- what is none, and what is broken


@pytest.mark.parametrize("action", ["relayed", "expanded", ""])
def test_a_status_that_settles_nothing_is_no_bounce(action):
    assert read(notice(FAILED.format(action=action))) is None


def test_a_complaint_names_the_mail():
    fields = "Feedback-Type: abuse\nUser-Agent: Complaints/1.0\nVersion: 1"
    found = read(notice(fields, kind="feedback-report"))
    assert (found.uids, found.kind, found.words) == (("8f1c",), "complained", "abuse")


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", ""])
def test_a_report_that_is_no_complaint_is_none(kind):
    assert read(notice(f"Feedback-Type: {kind}\nVersion: 1", kind="feedback-report")) is None


def test_returned_headers_are_enough():
    raw = notice(FAILED.format(action="failed"), returned="text/rfc822-headers", headers=f"Message-ID:\n {ID}", to="x")
    assert read(raw).uids == ("8f1c",)


@pytest.mark.parametrize("charset", ["x-nobody-knows", "utf-16", '"'])
def test_returned_headers_in_a_strange_charset_are_read_all_the_same(charset):
    returned = f"text/rfc822-headers; charset={charset}"
    raw = notice(FAILED.format(action="failed"), returned=returned, headers=f"Message-ID: {ID}", to="x")
    assert read(raw).uids == ("8f1c",)


def test_a_header_on_which_the_library_trips_is_passed_over():
    broken = '<))5.1.1"5.1.1'
    raw = notice(FAILED.format(action="failed"), returned="text/rfc822-headers", headers=f"Message-ID: {broken}")
    assert read(raw.replace(b"<notice-1@mx.example>", broken.encode())).uids == ("8f1c",)


def test_an_ordinary_mail_is_no_bounce():
    assert read(b"From: ana@readers.example\r\nSubject: Thank you\r\n\r\nAction: failed\r\n") is None


def test_a_notice_that_does_not_name_our_mail_is_no_bounce():
    raw = notice(FAILED.format(action="failed"), headers="From: briefing@briefings.example\n\nHello", to="x")
    assert read(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5000)),
        b"Content-Type: message/rfc822\n\n" * 30_000,
        b"Content-Type: multipart/report; boundary=b\n\n" + b"--b\n" * 50_000,
    ],
)
def test_parts_within_parts_without_end_are_no_bounce(raw):
    assert read(raw) is None


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
    found = read(raw)
    assert found is None or (found.status + found.words).isprintable()
    assert found is None or all(re.fullmatch("[A-Za-z0-9_-]{1,64}", uid) for uid in found.uids)
