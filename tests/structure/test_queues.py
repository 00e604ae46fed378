"""Every queue has a worker, every task an action, and beat only rings."""

import inspect

import pytest
import yaml

from briefings.adapters.broker import QUEUES, VISIBILITY_SECONDS
from briefings.bootstrap import App
from briefings.settings import ROOT


@pytest.fixture(scope="module")
def celery_app(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRIEFINGS_SECRET_KEY", "a-secret-key-of-the-tests-with-40-letters")
        patch.setenv("BRIEFINGS_HOME", str(tmp_path_factory.mktemp("home")))
        from workers.app import app

        app.loader.import_default_modules()
        return app


@pytest.fixture(scope="module")
def compose_file():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_every_ring_starts_a_task_that_exists_on_the_queue_of_its_name(celery_app):
    for queue, name in QUEUES.items():
        assert name in celery_app.tasks
        assert celery_app.amqp.router.route({}, name)["queue"].name == queue


def test_every_task_is_rung_by_some_queue(celery_app):
    ours = {name for name in celery_app.tasks if name.startswith("workers.")}
    assert ours == set(QUEUES.values())


def test_every_task_twins_an_action_and_is_two_lines(celery_app):
    for queue, name in QUEUES.items():
        assert hasattr(App, queue)
        body = inspect.getsource(celery_app.tasks[name].run).split('"""')[-1].strip().splitlines()
        assert f"briefings().{queue}()" in " ".join(body)
        assert len(body) <= 3


def test_every_queue_has_a_worker_in_the_compose_file(compose_file):
    commands = [service.get("command", []) for service in compose_file["services"].values()]
    served = [command[command.index("-Q") + 1] for command in commands if "-Q" in command]
    assert sorted(queue for queues in served for queue in queues.split(",")) == sorted(QUEUES)


def test_every_queue_has_a_worker_in_the_embedded_stack(settings_stub):
    from briefings.embedded import Stack

    options = Stack(settings_stub, {})._worker_options()
    assert set(options[options.index("-Q") + 1].split(",")) == set(QUEUES)


@pytest.fixture
def settings_stub(tmp_path):
    from briefings.settings import Settings

    return Settings.from_env({"BRIEFINGS_HOME": str(tmp_path), "BRIEFINGS_SECRET_KEY": "x" * 40})


def test_beat_rings_every_queue_and_carries_nothing(celery_app):
    schedule = celery_app.conf.beat_schedule
    assert {entry["task"] for entry in schedule.values()} == set(QUEUES.values())
    assert all("args" not in entry and "kwargs" not in entry for entry in schedule.values())


def test_the_settings_that_keep_work_from_being_lost_or_copied_are_set(celery_app):
    conf = celery_app.conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.accept_content == ["json"]
    assert conf.task_ignore_result
    assert conf.result_backend is None
    assert conf.task_soft_time_limit < conf.task_time_limit < VISIBILITY_SECONDS
    assert conf.broker_transport_options["visibility_timeout"] == VISIBILITY_SECONDS


def test_nothing_in_the_workers_waits_inside_the_broker():
    for file in (ROOT / "workers").glob("*.py"):
        source = file.read_text()
        assert "countdown=" not in source
        assert "eta=" not in source
        assert "apply_async" not in source
