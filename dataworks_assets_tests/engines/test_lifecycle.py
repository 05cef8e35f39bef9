"""What the base class does for every engine, over an engine that only pretends."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from dataworks_assets.engines.base import Application, Engine, JobError, Outcome
from dataworks_assets.engines.channel import LocalChannel
from dataworks_assets.engines.submission import Submission
from dataworks_assets_tests.engines.conftest import make_submission
from spark.contract import JobFailure, JobParameters, JobResult, StoreSettings, decode, encode
from spark.jobs.progress import Message, Placed, Progress
from spark.store import shared_store

MEMORY = StoreSettings(scheme="memory")
STORE = shared_store(MEMORY)


@dataclass
class Pretended(Application):
    """Ends after some polls; `events` says what was done to it."""

    outcome: Outcome
    polls: int
    events: list[str] = field(default_factory=list)
    log_address: str = "/logs/pretended.log"

    def poll(self) -> Outcome | None:
        self.polls -= 1
        return self.outcome if self.polls < 0 else None

    def cancel(self) -> None:
        self.events.append("cancelled")

    def log_tail(self, lines: int) -> str:
        return "last words"

    def close(self) -> None:
        self.events.append("closed")


class PretendingEngine(Engine):
    poll_seconds = 0.01

    def __init__(self, application: Application, work: Callable[[Submission], None] = lambda submission: None) -> None:
        self.application = application
        self.work = work

    def submit(self, submission, arguments, emit):
        self.arguments = arguments
        emit(Progress(files=1))
        self.work(submission)
        return self.application


def result_of(submission: Submission, **fields) -> JobResult:
    return JobResult(run_id=submission.run_id, partitions=(), seconds=1.0, **fields)


def writes(**fields) -> Callable[[Submission], None]:
    def write(submission: Submission) -> None:
        STORE.put(submission.parameters.result_uri, encode(result_of(submission, **fields)))

    return write


def submission(timeout_seconds: float = 5.0) -> Submission:
    made = make_submission("done", MEMORY, "memory://engines")
    return Submission(made.job, made.run_id, made.parameters, timeout_seconds=timeout_seconds)


def run(engine: Engine, submitted: Submission, on_message: Callable[[Message], None] = lambda message: None) -> JobResult:
    return engine.run(submitted, on_message=on_message, channel=LocalChannel())


def test_the_parameters_lie_in_the_control_folder():
    submitted = submission()
    run(PretendingEngine(Pretended(Outcome(True), 0), writes()), submitted)
    assert decode(STORE.read(submitted.parameters_uri), JobParameters, where="") == submitted.parameters


def test_the_job_is_told_where_its_parameters_are():
    engine, submitted = PretendingEngine(Pretended(Outcome(True), 0), writes()), submission()
    run(engine, submitted)
    assert engine.arguments[:4] == ("--job", submitted.job, "--parameters", submitted.parameters_uri)


def test_the_result_of_an_earlier_application_is_not_taken_for_this_one():
    submitted = submission()
    writes()(submitted)
    with pytest.raises(JobError, match="wrote no result document"):
        run(PretendingEngine(Pretended(Outcome(True), 0)), submitted)


def test_a_complete_result_of_an_application_that_failed_is_no_success():
    with pytest.raises(JobError, match="exit code 9"):
        run(PretendingEngine(Pretended(Outcome(False, "exit code 9"), 0), writes()), submission())


def test_an_interim_result_is_no_success():
    with pytest.raises(JobError) as caught:
        run(PretendingEngine(Pretended(Outcome(True), 0), writes(complete=False)), submission())
    assert caught.value.result is not None


def test_a_failure_of_the_job_decides_whether_a_retry_helps():
    failure = JobFailure(what="the catalog is down", where="thrift://x", remedy="Start it", transient=False)
    engine = PretendingEngine(Pretended(Outcome(False, "exit code 1"), 0), writes(complete=False, failure=failure))
    with pytest.raises(JobError, match="thrift://x: the catalog is down") as caught:
        run(engine, submission())
    assert (caught.value.transient, caught.value.remedy) == (False, "Start it")


def test_an_error_ends_with_the_last_words_of_the_log():
    with pytest.raises(JobError, match=r"end of /logs/pretended\.log ---\nlast words"):
        run(PretendingEngine(Pretended(Outcome(False, "exit code 9"), 0)), submission())


def test_time_runs_out():
    application = Pretended(Outcome(True), polls=10_000)
    started = time.monotonic()
    with pytest.raises(JobError, match=r"took longer than its 0\.1 s"):
        run(PretendingEngine(application), submission(timeout_seconds=0.1))
    assert time.monotonic() - started < 2
    assert application.events[-1] == "closed"


def test_an_application_is_cancelled_and_closed_when_its_run_is_interrupted():
    application = Pretended(Outcome(True), polls=10_000)

    def interrupt(message: Message) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(PretendingEngine(application), submission(), interrupt)
    assert application.events == ["cancelled", "closed"]


def test_messages_reach_the_caller_in_the_thread_that_waits():
    messages: list[Message] = []
    run(PretendingEngine(Pretended(Outcome(True), 2), writes()), submission(), messages.append)
    assert messages[1:] == [Progress(files=1)]


@pytest.mark.parametrize("cluster_id", ["j-1", ""])
def test_where_an_application_runs_is_said_before_anything_that_it_says(cluster_id):
    application = Pretended(Outcome(succeeded=True), polls=1)
    application.cluster_id = cluster_id
    messages = []
    run(PretendingEngine(application, writes()), submission(), messages.append)
    placed = Placed(cluster_id=cluster_id, log_address=application.log_address)
    assert messages == [placed, Progress(files=1)]
