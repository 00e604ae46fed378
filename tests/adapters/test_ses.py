import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sns_world import ses_bounce

from briefings.adapters.ses import read
from briefings.domain.notices import Notice, Weight, weight
from briefings.errors import InputError

OURS = "briefings.example"
MAIL = {"source": "b+aa@briefings.example"}


def told(**message) -> Notice | None:
    return read(json.dumps({"mail": MAIL, **message}), "7", OURS)


def test_a_bounce_is_read():
    assert read(json.dumps(ses_bounce("aa")), "7", OURS) == Notice(("aa", "aa"), "bounced", "ses/7", "5.1.1", "smtp;x")


@pytest.mark.parametrize(
    ("kind", "sub_type", "status", "weighed"),
    [
        ("Permanent", "General", "5.1.1", Weight.HARD),
        ("Permanent", "OnAccountSuppressionList", "", Weight.HARD),
        ("Permanent", "General", "5.7.1", Weight.NOTHING),
        ("Transient", "General", "5.1.1", Weight.SOFT),
        ("Transient", "General", "", Weight.SOFT),
        ("Transient", "MailboxFull", "5.1.1", Weight.SOFT),
        ("Transient", "ContentRejected", "5.1.1", Weight.NOTHING),
        ("Undetermined", "Undetermined", "", Weight.SOFT),
    ],
)
def test_what_ses_holds_for_passing_never_ends_an_address(kind, sub_type, status, weighed):
    assert weight(read(json.dumps(ses_bounce("aa", kind, sub_type, status)), "7", OURS)) is weighed


def test_our_message_id_among_the_headers_is_enough():
    mail = {"source": "ops@briefings.example", "headers": [{"name": "Message-Id", "value": "<aa@briefings.example>"}]}
    assert told(notificationType="Delivery", mail=mail).uids == ("aa",)


@pytest.mark.parametrize("name", ["notificationType", "eventType"])
@pytest.mark.parametrize(
    ("event", "kind"), [("Complaint", "complained"), ("Delivery", "delivered"), ("DeliveryDelay", "deferred")]
)
def test_both_forms_of_ses_are_read(name, event, kind):
    assert told(**{name: event}) == Notice(("aa",), kind, "ses/7")


def test_a_reader_who_says_not_spam_complains_of_nothing():
    assert told(notificationType="Complaint", complaint={"complaintFeedbackType": "not-spam"}) is None


@pytest.mark.parametrize("message", ['{"eventType": "Open"}', "{}", "Successfully validated SNS topic", ""])
def test_what_is_about_something_else_is_no_notice(message):
    assert read(message, "7", OURS) is None


PARTS = ["notificationType", "eventType", "mail", "bounce", "complaint", "deliveryDelay", "status"]
VALUES = ["Bounce", "Complaint", "DeliveryDelay", "", None, 7, [], [{}], {}, {"headers": [None]}, {"headers": None}]
VALUES += [
    {"bouncedRecipients": [{"status": None}]},
    {"bouncedRecipients": [[]]},
    {"source": "b+a\x00@briefings.example"},
]


@given(st.dictionaries(st.sampled_from(PARTS), st.sampled_from(VALUES)))
def test_anything_else_is_refused_in_words(message):
    with suppress(InputError):
        notice = read(json.dumps(message), "7", OURS)
        assert notice is None or notice.provider_id == "ses/7"
