"""The doorbell: tells a queue's worker to look. It carries nothing else, and losing a ring costs seconds."""

from __future__ import annotations

import logging
from typing import Any, Protocol

import redis
from celery import Celery
from kombu.exceptions import OperationalError

from briefings.adapters.witnesses import LONGEST, Witness

log = logging.getLogger(__name__)

#: Every queue, and the task that a ring starts on it.
QUEUES = {
    "poll": "workers.poll.poll",
    "tag": "workers.tag.tag",
    "compose": "workers.compose.compose",
    "deliver": "workers.deliver.deliver",
    "tidy": "workers.tidy.tidy",
}
ANSWER_SECONDS = 2
#: A task that ran this long is given to another worker, so it must have ended by then.
VISIBILITY_SECONDS = 1200
#: Under this key it keeps what it is told as a witness.
MARK = "briefings.mark"


class Doorbell(Witness, Protocol):
    """Whatever can be rung. It is a witness too, for as long as it remembers."""

    def ring(self, queue: str) -> bool:
        """Ask the queue's workers to look. Returns whether the ring got through; never raises for a dead broker."""
        ...

    def depth(self) -> dict[str, int] | None:
        """How many rings wait on each queue, or None when the broker does not answer."""
        ...


class Broker:
    """Rings through Celery on Redis or Valkey."""

    def __init__(self, url: str) -> None:
        """`url` is Celery's address of the broker: redis://, rediss:// or redis+socket://."""
        self._celery = Celery("briefings", broker=url)
        self._celery.conf.update(transport_settings())
        self._redis = redis.from_url(
            redis_url(url), socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
        )

    def ring(self, queue: str) -> bool:
        """See Doorbell.ring. A queue that has a ring waiting is not rung again."""
        try:
            if not self._redis.llen(queue):
                self._celery.send_task(QUEUES[queue], queue=queue, retry=False, ignore_result=True)
        except (redis.RedisError, OperationalError, OSError) as error:
            log.warning("The broker did not take a ring for %s (%s); the sweep will see the work", queue, error)
            return False
        return True

    def depth(self) -> dict[str, int] | None:
        """See Doorbell.depth."""
        try:
            return {queue: int(self._redis.llen(queue)) for queue in QUEUES}
        except (redis.RedisError, OSError):
            return None

    def tell(self, words: str) -> bool:
        """See Witness.tell."""
        try:
            self._redis.set(MARK, words)
        except (redis.RedisError, OSError):
            return False
        return True

    def told(self) -> str:
        """See Witness.told."""
        try:
            words = self._redis.getrange(MARK, 0, LONGEST)
        except (redis.RedisError, OSError):
            return ""
        return words if isinstance(words, str) else words.decode("ascii", "replace")

    def close(self) -> None:
        """Give up the connections."""
        self._celery.close()
        self._redis.close()


def transport_settings() -> dict[str, Any]:
    """Celery's settings for the way to the broker, the same for those who ring and those who listen."""
    return {
        "broker_connection_timeout": ANSWER_SECONDS,
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY_SECONDS,
            "unacked_restore_interval": 5,  # a ring held by a dead worker comes back within seconds
            "unacked_restore_throttle": 1,
            "health_check_interval": 25,
            "socket_timeout": VISIBILITY_SECONDS,
            "socket_connect_timeout": ANSWER_SECONDS,
        },
    }


def redis_url(url: str) -> str:
    """Celery's address in the form that the Redis client reads."""
    return url.replace("redis+socket://", "unix://", 1)
