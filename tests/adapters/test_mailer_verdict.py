"""The mailer against the faulty sink: it waits for a verdict as long as the setting says, and no longer."""

import time

import pytest

from briefings.adapters import faulty_sink
from briefings.adapters.faulty_sink import FaultySink, taken
from briefings.adapters.mailer import SmtpMailer
from briefings.domain.deliveries import Outcome
from briefings.domain.faults import Act, Fault, Verb
from briefings.settings import Relay

LETTER = b"Message-ID: <0a1b@b.example>\r\n\r\nHello\r\n"


@pytest.mark.parametrize(("act", "copies"), [(Act.MUTE, []), (Act.MUTE_TAKEN, ["0a1b"])])
def test_a_relay_that_never_answers_gives_no_verdict_after_the_wait_that_is_set(tmp_path, monkeypatch, act, copies):
    monkeypatch.setattr(faulty_sink, "of_turn", lambda seed, verb, number: None)
    monkeypatch.setattr(faulty_sink, "of_letter", lambda seed, recipient: (Fault(Verb.DOT, act),))
    sink = FaultySink(tmp_path / "taken.jsonl", seed=1, trickle_seconds=0.02)
    sink.start()
    mailer = SmtpMailer(Relay("127.0.0.1", sink.port, "none", verdict_seconds=0.3), "b.example")
    started = time.monotonic()
    try:
        attempt = mailer.send(LETTER, "b+0a1b@b.example", "ana@readers.example")
    finally:
        mailer.close()
        sink.stop()
    assert attempt.outcome is Outcome.NO_VERDICT
    assert 0.3 <= time.monotonic() - started < 5
    assert taken(tmp_path / "taken.jsonl") == copies
