import json
from datetime import UTC, datetime, timedelta

import pytest
from fakes import FakeClock
from hypothesis import given
from hypothesis import strategies as st
from sns_world import CERTIFICATE_URL, SUBSCRIBE_URL, TOPIC, Amazon

from briefings.adapters.sns import SnsTopics
from briefings.errors import DependencyError, ForgedNoticeError, InputError

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def keys():
    return Amazon(NOW - timedelta(days=1))


@pytest.fixture
def amazon(keys):
    keys.fetched, keys.down, keys.redirects_to = [], False, ""
    return keys


@pytest.fixture
def topics(amazon):
    return SnsTopics(amazon, frozenset({TOPIC}), FakeClock(NOW))


def altered(body: bytes, **fields: str) -> bytes:
    return json.dumps({**json.loads(body), **fields}).encode()


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", [{}, {"Subject": "Amazon SES"}])
def test_a_signed_message_is_believed(topics, amazon, version, subject):
    assert topics.open(amazon.post("Hällo", NOW, version=version, **subject)).Message == "Hällo"


def test_the_signature_is_made_over_the_text_that_amazon_documents(topics, amazon):
    envelope = topics.open(amazon.post("Hello", NOW, Subject="Hi"))
    lines = ["Message", "Hello", "MessageId", envelope.MessageId, "Subject", "Hi"]
    lines += ["Timestamp", "2026-11-24T12:00:00.000Z", "TopicArn", TOPIC, "Type", "Notification", ""]
    assert envelope.signed_text().decode() == "\n".join(lines)


def test_the_certificate_is_fetched_once(topics, amazon):
    for _ in range(3):
        topics.open(amazon.post("Hello", NOW))
    assert amazon.fetched == [CERTIFICATE_URL]


@pytest.mark.parametrize(
    "field",
    [{"Message": "Bye"}, {"MessageId": "1"}, {"Subject": "x"}, {"Type": "x"}, {"Timestamp": "2026-11-24T12:00:01Z"}],
)
def test_an_altered_message_is_refused(topics, amazon, field):
    with pytest.raises(ForgedNoticeError, match="signature of this message is wrong"):
        topics.open(altered(amazon.post("Hello", NOW), **field))


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64!", "ä"])
def test_what_is_no_signature_is_refused(topics, amazon, signature):
    with pytest.raises(ForgedNoticeError, match="signature of this message is wrong"):
        topics.open(altered(amazon.post("Hello", NOW), Signature=signature))


def test_a_signature_of_another_version_is_refused(topics, amazon):
    with pytest.raises(ForgedNoticeError, match="in a way that we do not know"):
        topics.open(altered(amazon.post("Hello", NOW), SignatureVersion="3"))


def test_another_key_is_refused(topics):
    with pytest.raises(ForgedNoticeError, match="signature of this message is wrong"):
        topics.open(Amazon(NOW - timedelta(days=1)).post("Hello", NOW))


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
        "https://sns.eu-west-1.amazonaws.com:444/a.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem",
        "https://evil.example/https://sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.pem?x=1",
        "https://sns.eu-west-1.amazonaws.com/a.pem/../evil",
        "https://sns.eu-west-1.amazonaws.com/a.txt",
        "https://[",
        "",
    ],
)
def test_a_certificate_from_elsewhere_is_refused_and_not_fetched(topics, amazon, url):
    with pytest.raises(ForgedNoticeError, match="not at Amazon's address"):
        topics.open(altered(amazon.post("Hello", NOW), SigningCertURL=url))
    assert amazon.fetched == []


def test_another_topic_is_refused_however_well_it_is_signed(topics, amazon):
    with pytest.raises(ForgedNoticeError, match="BRIEFINGS_SES_TOPICS"):
        topics.open(amazon.post("Hello", NOW, TopicArn=f"{TOPIC}-of-a-stranger"))
    assert amazon.fetched == []


@pytest.mark.parametrize("hours", [-1.1, 1.1])
def test_an_old_message_is_refused(topics, amazon, hours):
    with pytest.raises(ForgedNoticeError, match="older than an hour"):
        topics.open(amazon.post("Hello", NOW + timedelta(hours=hours)))


@pytest.mark.parametrize("moment", ["", "yesterday", "2026-11-24T12:00:00", "9" * 50])
def test_a_time_that_cannot_be_read_is_refused(topics, amazon, moment):
    with pytest.raises(ForgedNoticeError, match=r"cannot be read|older than an hour"):
        topics.open(amazon.post("Hello", NOW, Timestamp=moment))


@pytest.mark.parametrize("days", [-3, 400])
def test_a_certificate_that_is_not_valid_now_is_refused(amazon, days):
    then = NOW + timedelta(days=days)
    topics = SnsTopics(amazon, {TOPIC}, FakeClock(then))
    with pytest.raises(ForgedNoticeError, match="not valid now"):
        topics.open(amazon.post("Hello", then))


def test_while_amazon_does_not_answer_the_message_may_come_again(topics, amazon):
    amazon.down = True
    with pytest.raises(DependencyError, match="does not answer"):
        topics.open(amazon.post("Hello", NOW))
    amazon.down = False
    assert topics.open(amazon.post("Hello", NOW)).Message == "Hello"


def test_a_certificate_that_a_redirect_leads_to_is_refused(topics, amazon):
    amazon.redirects_to = "https://evil.example/a.pem"
    with pytest.raises(DependencyError, match="not as expected"):
        topics.open(amazon.post("Hello", NOW))


# ---------------------------------------------------------------- subscriptions


def confirmation(amazon, **other: str) -> bytes:
    words = {"Type": "SubscriptionConfirmation", "Token": "2336412f37", "SubscribeURL": SUBSCRIBE_URL}
    return amazon.post("You have chosen to subscribe", NOW, **(words | other))


def test_the_subscription_of_our_topic_is_confirmed(topics, amazon):
    topics.confirm(topics.open(confirmation(amazon)))
    assert amazon.fetched == [CERTIFICATE_URL, SUBSCRIBE_URL]


def test_the_subscription_of_another_topic_is_logged_and_not_confirmed(topics, amazon, caplog):
    with pytest.raises(ForgedNoticeError):
        topics.open(confirmation(amazon, TopicArn=f"{TOPIC}-2\nforged line"))
    assert f"{TOPIC}-2 forged line asks to be subscribed" in caplog.text
    assert amazon.fetched == []


@pytest.mark.parametrize("url", ["https://evil.example/?Action=ConfirmSubscription", SUBSCRIBE_URL.split("?")[0], ""])
def test_a_confirmation_that_leads_elsewhere_is_refused(topics, amazon, url):
    envelope = topics.open(confirmation(amazon, SubscribeURL=url))
    with pytest.raises(ForgedNoticeError, match="is not Amazon's"):
        topics.confirm(envelope)
    assert amazon.fetched == [CERTIFICATE_URL]


@given(st.binary(max_size=100) | st.sampled_from([b"{}", b"[" * 60_000, b'{"Type":' * 9000, b"null"]))
def test_what_is_no_envelope_is_refused(body):
    with pytest.raises(InputError):
        SnsTopics(None, {TOPIC}, FakeClock(NOW)).open(body)
