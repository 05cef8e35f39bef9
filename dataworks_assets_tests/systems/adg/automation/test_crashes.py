"""Whatever dies at whichever call: every message starts its run, once, and ends among those that are done."""

from datetime import UTC, datetime, timedelta

import pytest
from dagster import DagsterInstance, DagsterRunStatus

from dataworks_assets.systems.adg.automation.export_sensor import ExportSensor
from dataworks_assets.systems.adg.automation.queue import QueueReader
from dataworks_assets_tests.systems.adg.automation.conftest import completion, enveloped, in_memory_platform, start
from spark.store import ObjectStore

TODAY = datetime.now(UTC).date()
MOST_CALLS = 60


class DiedError(Exception):
    pass


class Dying:
    """Calls through to something; the n-th call of those that change anything dies, before or after it was done."""

    def __init__(self, target, methods, countdown):
        self._target, self._methods, self._countdown = target, methods, countdown

    def __getattr__(self, name):
        found = getattr(self._target, name)
        return self._countdown.guard(found) if name in self._methods else found


class Countdown:
    def __init__(self, calls, *, done):
        self.left, self.done = calls, done

    def guard(self, call):
        def guarded(*args, **kwargs):
            self.left -= 1
            if self.left == 0 and not self.done:
                raise DiedError
            answer = call(*args, **kwargs)
            if self.left == 0:
                raise DiedError
            return answer

        return guarded


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_dying_at_every_call_loses_no_message_and_starts_each_once(scoped, sqs, catalog, told, done):
    for calls in range(1, MOST_CALLS):
        countdown = Countdown(calls, done=done)
        queue_url = sqs.create_queue(QueueName=f"q-{done}-{calls}", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
        scope = scoped(queue=queue_url)
        store = ObjectStore.in_memory()
        dying_store = Dying(store, ("put", "delete"), countdown)
        watch = ExportSensor(in_memory_platform(scope, dying_store, catalog), scope, told)
        reader = QueueReader(
            Dying(sqs, ("receive_message", "delete_message_batch"), countdown), queue_url, watch.inbox, scope.settings, told
        )
        for back, wrap in ((2, str), (1, enveloped)):
            sqs.send_message(QueueUrl=queue_url, MessageBody=wrap(completion((TODAY - timedelta(days=back)).isoformat())))
        sqs.send_message(QueueUrl=queue_url, MessageBody="nonsense")
        with DagsterInstance.ephemeral() as instance:
            started = _drive(reader, watch, instance)
        assert started == [TODAY - timedelta(days=2), TODAY - timedelta(days=1)]
        assert sum(1 for _ in store.list(f"{scope.control_uri}/inbox_done")) == 2
        assert sum(1 for _ in store.list(f"{scope.control_uri}/inbox_refused")) == 1
        assert list(store.list(f"{scope.control_uri}/inbox")) == []
        if countdown.left > 0:
            return
    raise AssertionError("no run was clean")


def _drive(reader, watch, instance):
    """Ticks until nothing is left to do; a tick that dies is simply followed by another."""
    started = []
    for _ in range(12):
        try:
            reader.drain(datetime.now(UTC))
            result = watch.tick(instance, now=datetime.now(UTC))
        except DiedError:
            continue
        for asked in result.run_requests:
            run = start(instance, asked, DagsterRunStatus.SUCCESS)
            started += sorted(
                datetime.fromisoformat(tag.rpartition(".")[2]).date() for tag in run.tags if tag.startswith("dataworks/export.")
            )
    return started
