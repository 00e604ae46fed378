from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from briefings.adapters.broker import MARK, Broker
from briefings.adapters.witnesses import LONGEST, FileWitness


@pytest.fixture
def file(tmp_path):
    return tmp_path / "last-sent"


def test_a_file_remembers_the_last_words_and_leaves_nothing_beside_it(file):
    witness = FileWitness(file)
    assert witness.told() == ""
    assert witness.tell("one")
    assert witness.tell("two")
    assert FileWitness(file).told() == "two"
    assert [one.name for one in file.parent.iterdir()] == ["last-sent"]


def test_a_file_is_never_seen_half_written(file):
    first, second = "a" * LONGEST, "b" * LONGEST
    FileWitness(file).tell(first)
    with ThreadPoolExecutor(2) as pool:
        writing = [pool.submit(FileWitness(file).tell, words) for words in (first, second) * 100]
        seen = {FileWitness(file).told() for _ in range(200)}
    assert all(one.result() for one in writing)
    assert seen <= {first, second}


def test_a_file_that_is_garbage_endless_or_a_folder_raises_nothing(file):
    file.write_bytes(b"\xff" * 10_000)
    assert len(FileWitness(file).told()) == LONGEST
    folder = FileWitness(file.parent)
    assert folder.told() == ""
    assert not folder.tell("words")
    assert not FileWitness(file / "no" / "such").tell("words")


def test_the_broker_remembers_until_it_is_emptied(valkey_socket):
    client = redis.Redis(unix_socket_path=str(valkey_socket))
    client.flushall()
    broker = Broker(f"redis+socket://{valkey_socket}")
    assert broker.told() == ""
    assert broker.tell("words")
    assert broker.told() == "words"
    client.delete(MARK)
    client.lpush(MARK, "not words")
    assert broker.told() == ""
    broker.close()
    client.close()


def test_a_dead_broker_remembers_nothing_and_says_so(tmp_path):
    broker = Broker(f"redis+socket://{tmp_path}/nobody.sock")
    assert not broker.tell("words")
    assert broker.told() == ""
    broker.close()
