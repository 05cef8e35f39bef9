"""Messages to a Dagster step by Pipes over S3; the job is a plain process here."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass, replace

import pytest
from dagster import AssetSpec, DagsterInstance, materialize, multi_asset

from dataworks_assets.engines.base import Application, Engine, JobError, Outcome
from dataworks_assets.engines.pipes import PipesChannel
from dataworks_assets_tests.engines.conftest import make_submission
from dataworks_assets_tests.engines.sample_job import partition
from spark.contract import JobResult, encode
from spark.jobs.progress import Finished, Message, Progress
from spark.store import ObjectStore

MANY = 40
_JOB = """
import os, sys, time
from spark.contract import StoreSettings
from spark.jobs.progress import Reporter
from spark.jobs.runner import open_messages, parse
from dataworks_assets_tests.engines.sample_job import partition
ending, *arguments = sys.argv[1:]
parsed = parse(arguments)
with open_messages(parsed, StoreSettings(endpoint_url=parsed.endpoint_url, region=parsed.region)) as emit:
    reporter = Reporter(emit)
    reporter.begin(files=40)
    for number in range(40):
        reporter.finished(partition(number))
    if ending == "killed":
        time.sleep(3)
        os._exit(9)
    reporter.end()
"""


@dataclass
class PlainProcess(Application):
    process: subprocess.Popen[bytes]
    log_address: str = ""

    def poll(self) -> Outcome | None:
        code = self.process.poll()
        return None if code is None else Outcome(code == 0, f"exit code {code}")

    def cancel(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass
class PlainEngine(Engine):
    ending: str

    def submit(self, submission, arguments, emit):
        return PlainProcess(subprocess.Popen([sys.executable, "-c", _JOB, self.ending, *arguments]))


@pytest.fixture
def submitted(store_settings, prefix_uri):
    return make_submission("done", store_settings, prefix_uri)


def materialize_with(engine: Engine, submitted, messages: list[Message]):
    """A run of a multi-asset that yields nothing, as ours does for what it reports by events of its own."""

    @multi_asset(specs=[AssetSpec("a", skippable=True), AssetSpec("b", skippable=True)], can_subset=True)
    def assets(context):
        engine.run(submitted, on_message=messages.append, channel=PipesChannel(context))
        yield from ()

    with DagsterInstance.ephemeral() as instance:
        return materialize([assets], instance=instance, raise_on_error=True)


def with_result(submitted, store: ObjectStore, engine: Engine) -> Engine:
    """The plain job writes no result document: put one there as it starts."""
    submit = engine.submit

    def writing(submission, arguments, emit):
        result = JobResult(run_id=submission.run_id, partitions=(partition(0),), seconds=0.0)
        store.put(submission.parameters.result_uri, encode(result))
        return submit(submission, arguments, emit)

    engine.submit = writing
    return engine


def test_every_message_of_a_fast_job_reaches_the_step(submitted, store):
    messages: list[Message] = []
    assert materialize_with(with_result(submitted, store, PlainEngine("done")), submitted, messages).success
    assert len([message for message in messages if isinstance(message, Finished)]) == MANY
    assert isinstance(messages[-1], Progress)


def test_two_runs_of_one_process_do_not_lose_each_others_messages(submitted, store):
    counts = []
    for number in range(2):
        messages: list[Message] = []
        again = replace(submitted, run_id=f"{submitted.run_id}-{number}")
        materialize_with(with_result(again, store, PlainEngine("done")), again, messages)
        counts.append(len(messages))
    assert counts == [MANY + 2, MANY + 2]


def test_no_object_is_left_of_a_session(submitted, store):
    materialize_with(with_result(submitted, store, PlainEngine("done")), submitted, [])
    assert list(store.list(f"{submitted.folder_uri}/messages")) == []


def test_a_job_that_was_killed_is_not_waited_for(submitted, store):
    messages: list[Message] = []
    started = time.monotonic()
    with pytest.raises(JobError, match="exit code 9"):
        materialize_with(PlainEngine("killed"), submitted, messages)
    assert time.monotonic() - started < 3 + 8
    assert messages
