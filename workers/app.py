"""The Celery app, its settings, and the sweep that runs beside it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from mmap import mmap
from typing import Any

from celery import Celery, signals

from briefings import logs
from briefings.adapters.broker import QUEUES, VISIBILITY_SECONDS, transport_settings
from briefings.bootstrap import App, bootstrap
from briefings.errors import TransientError
from briefings.settings import Settings
from briefings.sweeper import Sweeper
from workers.schedule import SCHEDULE

app = Celery(
    "briefings", broker=Settings.from_env().broker_url, include=[task.rpartition(".")[0] for task in QUEUES.values()]
)
app.conf.update(
    **transport_settings(),
    accept_content=["json"],  # a pickle in the queue would be a way in
    task_serializer="json",
    task_ignore_result=True,  # the row is the result
    task_acks_late=True,  # a task is done when it has ended, not when it has begun
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_soft_time_limit=VISIBILITY_SECONDS - 120,
    task_time_limit=VISIBILITY_SECONDS - 60,  # below the visibility timeout, or the broker would hand out a copy
    worker_max_tasks_per_child=500,
    worker_cancel_long_running_tasks_on_connection_loss=False,  # a copy is harmless, a cut is not
    broker_connection_retry_on_startup=True,
    broker_channel_error_retry=True,  # a broker that is full refuses all that writes: wait for it, do not end
    task_routes={task: {"queue": queue} for queue, task in QUEUES.items()},
    beat_schedule=SCHEDULE,
    timezone="UTC",
)


#: Try again at once, a few times; then the sweep rings anew. No countdown: a waiting task would live in the broker.
RETRY = {"autoretry_for": (TransientError,), "max_retries": 3, "default_retry_delay": 0}


#: Not 0 when the worker was told to end. Its main process hears of that, and shares this byte with those of its pool.
ENDING = mmap(-1, 1)


@cache
def briefings() -> App:
    """The app of this process; built after the fork, since connections must not be shared."""
    return replace(bootstrap(), stopping=lambda: ENDING[0] != 0)


@signals.after_setup_logger.connect
def _quieten(**_: Any) -> None:  # noqa: ANN401 - Celery's signal
    logs.quieten()


@signals.worker_process_init.connect
def _forget_the_parent(**_: Any) -> None:  # noqa: ANN401 - Celery's signal
    briefings.cache_clear()


@signals.worker_shutting_down.connect
def _let_passes_end(**_: Any) -> None:  # noqa: ANN401 - Celery's signal
    """SIGTERM: Celery waits for what runs, so it must not run for two minutes more."""
    ENDING[0] = 1


@signals.worker_ready.connect
def _start_sweep(**_: Any) -> None:  # noqa: ANN401 - Celery's signal
    Sweeper(bootstrap()).start()
