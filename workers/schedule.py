"""What beat rings, and how often (seconds). It only rings: whether there is work, the rows say."""

from __future__ import annotations

from briefings.adapters.broker import QUEUES

SECONDS = {"poll": 60, "tag": 60, "compose": 60, "deliver": 30, "tidy": 3600}

SCHEDULE = {
    queue: {
        "task": task,
        "schedule": SECONDS[queue],
        "options": {"queue": queue, "expires": SECONDS[queue]},  # an old ring says nothing that a new one does not
    }
    for queue, task in QUEUES.items()
}
