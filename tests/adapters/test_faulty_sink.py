"""The sink at the level of bytes: what it does is what was planned, and what it took is on the disk."""

import socket
import time

import pytest

from briefings.adapters import faulty_sink
from briefings.adapters.faulty_sink import FaultySink, taken
from briefings.domain.faults import Act, Fault, Verb

LETTER = b"Subject: Week 5\r\nMessage-ID: <0a1b@b.example>\r\nTo: ana@readers.example\r\n\r\n" + b"Hello\r\n" * 100
ENVELOPE = b"MAIL FROM:<b+0a1b@b.example>\r\nRCPT TO:<ana@readers.example>\r\nDATA\r\n"


@pytest.fixture
def plan(monkeypatch):
    """The faults that meet the next tries, in the place of those that a seed would draw."""
    letter: list[Fault] = []
    turns: dict[Verb, Fault] = {}
    monkeypatch.setattr(faulty_sink, "of_letter", lambda seed, recipient: tuple(letter))
    monkeypatch.setattr(faulty_sink, "of_turn", lambda seed, verb, number: turns.get(verb))
    return letter, turns


@pytest.fixture
def sink(tmp_path, plan):
    sink = FaultySink(tmp_path / "taken.jsonl", seed=1, trickle_seconds=0.02)
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture
def client(sink):
    with (
        socket.create_connection(("127.0.0.1", sink.port), timeout=5) as connection,
        connection.makefile("rb") as lines,
    ):
        yield Client(connection, lines)


class Client:
    """Writes bytes and reads replies."""

    def __init__(self, connection, lines):
        self.connection, self.lines = connection, lines

    def say(self, words: bytes) -> None:
        self.connection.sendall(words)

    def code(self) -> int:
        """The code of the next reply, or 0 at the end of the connection."""
        while (line := self.lines.readline())[3:4] == b"-":
            pass
        return int(line[:3] or 0)

    def codes(self, count: int) -> list[int]:
        return [self.code() for _ in range(count)]

    def greet(self) -> None:
        self.say(b"EHLO b.example\r\n")
        assert self.codes(2) == [220, 250]

    def hand_over(self) -> None:
        self.say(ENVELOPE)
        assert self.codes(3) == [250, 250, 354]
        self.say(LETTER + b".\r\n")


def log_of(sink) -> list[str]:
    return taken(sink._log_file)


def test_a_letter_is_on_the_disk_before_the_answer_leaves(client, sink):
    client.greet()
    client.hand_over()
    assert client.code() == 250
    assert log_of(sink) == ["0a1b"]


def test_two_letters_in_one_write_are_answered_one_after_the_other(client, sink):
    client.greet()
    client.say(ENVELOPE + LETTER + b".\r\n" + ENVELOPE + LETTER + b".\r\nQUIT\r\n")
    assert client.codes(9) == [250, 250, 354, 250, 250, 250, 354, 250, 221]
    assert log_of(sink) == ["0a1b", "0a1b"]


def test_a_dot_inside_the_content_ends_nothing(client, sink):
    client.greet()
    client.say(ENVELOPE)
    assert client.codes(3) == [250, 250, 354]
    client.say(LETTER + b"..\r\nsee a.\r\n" + b".\r\n")
    assert client.code() == 250
    assert log_of(sink) == ["0a1b"]


@pytest.mark.parametrize("verb", [Verb.CONNECT, Verb.EHLO, Verb.MAIL])
@pytest.mark.parametrize("reply", ["451 later", "550 never"])
def test_it_refuses_before_a_recipient_is_known(sink, plan, verb, reply):
    plan[1][verb] = Fault(verb, Act.ANSWER, reply)
    with socket.create_connection(("127.0.0.1", sink.port), timeout=5) as connection:
        client = Client(connection, connection.makefile("rb"))
        client.say(b"EHLO b.example\r\nMAIL FROM:<b@b.example>\r\n")
        codes = {Verb.CONNECT: 1, Verb.EHLO: 2, Verb.MAIL: 3}[verb]
        assert client.codes(codes)[-1] == int(reply[:3])
        client.lines.close()
    assert log_of(sink) == []


def test_after_421_the_connection_ends(client, sink, plan):
    plan[0].append(Fault(Verb.RCPT, Act.ANSWER, "421 going down"))
    client.greet()
    client.say(b"MAIL FROM:<b@b.example>\r\nRCPT TO:<ana@readers.example>\r\n")
    assert client.codes(3) == [250, 421, 0]


def test_a_refused_recipient_with_data_behind_it_brings_no_letter_whichever_way_data_is_answered(sink, plan):
    plan[0].extend([Fault(Verb.RCPT, Act.ANSWER, "550 5.1.1 nobody")] * 20)
    answers = set()
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", sink.port), timeout=5) as connection:
            client = Client(connection, connection.makefile("rb"))
            client.greet()
            client.say(ENVELOPE)
            assert client.codes(2) == [250, 550]
            answers.add(answer := client.code())
            if answer == 354:
                client.say(b".\r\n")
                assert client.code() == 554
            client.say(b"RSET\r\n")
            assert client.code() == 250
            client.lines.close()
    assert answers == {354, 554}
    assert (log_of(sink), sink.nonsense) == ([], 0)


@pytest.mark.parametrize(("act", "logged"), [(Act.DROP, []), (Act.DROP_HALFWAY, []), (Act.DROP_TAKEN, ["0a1b"])])
def test_a_drop_says_nothing_whether_or_not_the_letter_was_taken(client, sink, plan, act, logged):
    plan[0].append(Fault(Verb.DOT, act))
    client.greet()
    try:
        client.hand_over()
        assert client.code() == 0
    except ConnectionError:
        pass  # a reset says as little
    assert log_of(sink) == logged


@pytest.mark.parametrize(("act", "logged"), [(Act.MUTE, []), (Act.MUTE_TAKEN, ["0a1b"])])
def test_it_may_never_answer_and_serves_others_meanwhile(client, sink, plan, act, logged):
    plan[0].append(Fault(Verb.DOT, act))
    client.greet()
    client.hand_over()
    client.connection.settimeout(0.2)
    with pytest.raises(TimeoutError):
        client.connection.recv(1)
    assert log_of(sink) == logged
    with socket.create_connection(("127.0.0.1", sink.port), timeout=5) as other:
        assert other.recv(3) == b"220"


def test_it_trickles_an_answer_byte_by_byte(client, sink, plan):
    plan[0].append(Fault(Verb.DOT, Act.TRICKLE))
    client.greet()
    client.hand_over()
    started = time.monotonic()
    assert client.code() == 250
    assert time.monotonic() - started > 7 * 0.02
    assert log_of(sink) == ["0a1b"]


def test_a_delay_is_a_good_answer_that_comes_late(client, sink, plan):
    plan[0].append(Fault(Verb.DOT, Act.DELAY, seconds=0.2))
    client.greet()
    client.hand_over()
    started = time.monotonic()
    assert client.code() == 250
    assert time.monotonic() - started > 0.15


def test_the_next_try_meets_the_next_fault_and_then_none(client, sink, plan):
    plan[0].extend([Fault(Verb.RCPT, Act.ANSWER, "450 later"), Fault(Verb.DOT, Act.ANSWER, "452 full")])
    client.greet()
    client.say(b"MAIL FROM:<b@b.example>\r\nRCPT TO:<ana@readers.example>\r\nRSET\r\n")
    assert client.codes(3) == [250, 450, 250]
    client.hand_over()
    assert client.code() == 452
    assert log_of(sink) == []
    client.hand_over()
    assert client.code() == 250
    assert sink.made == {Fault(Verb.RCPT, Act.ANSWER, "450 later"): 1, Fault(Verb.DOT, Act.ANSWER, "452 full"): 1}


def test_a_calm_sink_makes_no_faults(client, sink, plan):
    plan[0].append(Fault(Verb.DOT, Act.MUTE))
    plan[1][Verb.MAIL] = Fault(Verb.MAIL, Act.DROP)
    sink.calm = True
    client.greet()
    client.hand_over()
    assert client.code() == 250
    assert not sink.made


def test_content_that_is_sent_as_commands_is_counted_as_nonsense(client, sink):
    client.greet()
    client.say(b"Subject: Week 5\r\n")
    assert client.code() == 500
    assert sink.nonsense == 1


def test_a_log_that_was_never_written_is_empty(tmp_path):
    assert taken(tmp_path / "none") == []
