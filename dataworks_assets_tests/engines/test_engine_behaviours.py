"""What every engine does alike: done, failed, no result, timed out, interrupted, killed."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import psutil
import pytest
from dagster import DagsterExecutionInterruptedError

from dataworks_assets.engines.base import JobError
from dataworks_assets.engines.emr.calls import CLUSTER_ENDING
from dataworks_assets.engines.submission import Submission
from dataworks_assets_tests.engines.conftest import Cell, EmulatedCluster, Place, processes_of
from dataworks_assets_tests.engines.parent import kill, start_parent
from dataworks_assets_tests.engines.sample_job import TASKS, canary
from dataworks_assets_tests.engines.searching import searching
from dataworks_assets_tests.engines.standalone import SECRET, StandaloneCluster
from dataworks_assets_tests.engines.work import Begin, Carried, rows_of
from spark.contract import JobResult
from spark.jobs.progress import Finished, Message, Progress
from spark.jobs.runner import CLAIM
from spark.store import ObjectStore

Make = Callable[..., Submission]
SQUARES = [number * number for number in range(TASKS)]


def nothing(message: Message) -> None:
    del message


def wait_until(condition: Callable[[], bool], *, seconds: float) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, "waited in vain"
        time.sleep(0.2)
    return time.monotonic() - started


@dataclass
class Done:
    """One run of a job that is done, watched from outside."""

    carried: Carried
    left: list[str]
    secrets_seen: list[str]

    @property
    def result(self) -> JobResult:
        """What it brought."""
        assert self.carried.result is not None
        return self.carried.result


@pytest.fixture(scope="module")
def done(cell: Cell, store: ObjectStore) -> Done:
    secrets_seen: list[str] = []

    def watch(message: Message) -> None:
        del message
        secrets_seen.extend(line for line in command_lines() if SECRET in line)

    carried = cell.work.done(cell.place.engine, watch)
    assert carried.submission is not None
    return Done(carried, [item.uri for item in store.list(carried.submission.folder_uri)], secrets_seen)


def command_lines() -> list[str]:
    return [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]


def test_a_job_that_is_done_brings_its_result(done: Done) -> None:
    assert (done.result.complete, rows_of(done.result)) == (True, done.carried.rows)


def test_a_result_says_where_the_log_is(done: Done) -> None:
    assert "log" in done.result.log_address


def test_each_finished_day_is_a_message(done: Done) -> None:
    assert len([message for message in done.carried.messages if isinstance(message, Finished)]) == len(done.carried.rows)


def test_the_last_message_says_that_all_is_done(done: Done) -> None:
    last, files = done.carried.messages[-1], done.carried.files
    assert isinstance(last, Progress)
    assert (last.files, last.files_total, last.read_bytes) == (files, files, done.carried.read_bytes)
    assert last.partitions == len(done.carried.rows)


def test_no_message_object_is_left(done: Done) -> None:
    assert {uri.rpartition("/")[2] for uri in done.left} - {CLAIM} == {"parameters.json", "result.json"}


def test_no_secret_stands_on_a_command_line(done: Done) -> None:
    assert done.secrets_seen == []


@pytest.fixture(scope="module")
def failure(place: Place, submission: Make) -> JobError:
    with pytest.raises(JobError) as caught:
        place.engine.run(submission("raises"), on_message=nothing)
    return caught.value


def test_a_job_that_raises_is_an_error_with_its_own_words(failure: JobError) -> None:
    assert "s3://sample/object: the sample is bad" in failure.what
    assert (failure.remedy, failure.transient) == ("Mend the sample", False)


def test_an_error_shows_the_end_of_the_log_and_where_it_is(failure: JobError) -> None:
    assert "raise InputError" in failure.what
    assert failure.log_address


def test_what_a_failed_job_had_finished_is_known(failure: JobError) -> None:
    assert failure.result is not None
    assert (failure.result.complete, [partition.rows for partition in failure.result.partitions]) == (False, [4])


def test_a_job_that_takes_too_long_is_ended(place: Place, submission: Make) -> None:
    sleeps = submission("sleeps", timeout_seconds=2.0 if place.name == "session" else 9.0)
    with pytest.raises(JobError, match="took longer than its"):
        place.engine.run(sleeps, on_message=nothing)
    wait_until(lambda: not place.survivors(sleeps) and not place.busy(), seconds=5)


def interrupt(cell: Cell, begin: Begin) -> None:
    """Interrupts a run as soon as its application says anything."""
    interrupted: list[tuple[float, Submission]] = []

    def watch(submission: Submission, message: Message) -> None:
        del message
        interrupted.append((time.monotonic(), submission))
        raise DagsterExecutionInterruptedError

    with pytest.raises(DagsterExecutionInterruptedError):
        begin(cell.place.engine, watch)
    at_seconds, submission = interrupted[0]
    assert time.monotonic() - at_seconds < 10
    wait_until(lambda: not cell.place.survivors(submission) and not cell.place.busy(), seconds=5)


def test_an_interrupted_run_ends_its_application_within_seconds(cell: Cell) -> None:
    interrupt(cell, cell.work.begin)


def test_a_run_that_was_interrupted_is_gone_on_with(system_cell: Cell) -> None:
    work = system_cell.work
    delivery = work.deliver()
    interrupt(system_cell, lambda engine, watch: work.run(engine, delivery, watch))
    assert work.run(system_cell.place.engine, delivery).failures == ()
    assert delivery.shown() == work.undisturbed


@pytest.mark.faults
def test_bad_data_is_its_own_days_failure_and_the_others_go_on(system_cell: Cell) -> None:
    work = system_cell.work
    delivery = work.deliver()
    bad = delivery.spoil()
    carried = work.run(system_cell.place.engine, delivery)
    assert carried.result is not None
    assert carried.result.complete
    assert {(failure.collection, failure.day) for failure in carried.failures} == bad
    assert all(failure.lies_in_data for failure in carried.failures)
    assert rows_of(carried.result) == {day: rows for day, rows in carried.rows.items() if day not in bad}


def test_an_application_that_is_killed_is_an_error_and_a_plain_retry_does_the_rest(process_cell: Cell) -> None:
    place, work = process_cell.place, process_cell.work
    delivery, killed = work.deliver(), []

    def kill_driver(submission: Submission, message: Message) -> None:
        del message
        drivers = [process for process in place.find(submission) if "runner.py" in " ".join(process.cmdline())]
        killed.extend(drivers)
        for process in drivers:
            process.kill()

    with pytest.raises(JobError) as caught:
        work.run(place.engine, delivery, lambda *told: None if killed else kill_driver(*told))
    assert killed
    assert caught.value.transient
    assert work.run(place.engine, delivery).failures == ()
    assert delivery.shown() == work.undisturbed


def test_an_application_that_dies_is_an_error_with_the_log(process_place: Place, submission: Make) -> None:
    with pytest.raises(JobError) as caught:
        process_place.engine.run(submission("crashes"), on_message=nothing)
    error = caught.value
    assert process_place.death in error.what
    assert "last words of the driver" in error.what
    assert error.transient
    assert error.result is not None
    assert [partition.rows for partition in error.result.partitions] == [4]


def test_an_application_without_a_result_is_an_error(process_place: Place, submission: Make) -> None:
    with pytest.raises(JobError, match="wrote no result document") as caught:
        process_place.engine.run(submission("vanishes"), on_message=nothing)
    assert caught.value.result is None


def test_an_application_dies_with_its_parent(near_place: Place, submission: Make) -> None:
    sleeps = submission("sleeps")
    parent = start_parent(partial(replace, near_place.engine), sleeps)
    wait_until(lambda: any("daemon" in " ".join(process.cmdline()) for process in processes_of(sleeps)), seconds=20)
    kill(parent)
    assert wait_until(lambda: not processes_of(sleeps) and not near_place.busy(), seconds=15) < 10


@pytest.mark.parametrize("name", [pytest.param("submit", marks=pytest.mark.faults), "standalone"])
def test_what_tasks_are_given_stands_in_no_file(request: pytest.FixtureRequest, name: str, submission: Make) -> None:
    near_place: Place = request.getfixturevalue(f"{name}_place")
    with searching(canary().encode(), near_place.folders) as found:
        near_place.engine.run(submission("secret"), on_message=nothing)
    assert found == set()


def test_an_application_on_emr_outlives_its_parent_and_a_later_try_goes_on_with_it(
    emulated_cluster: EmulatedCluster, submission: Make, store: ObjectStore
) -> None:
    slow = replace(submission("slow"), family=f"family-{uuid.uuid4().hex}")
    kill(start_parent(partial(emulated_cluster.engine, cluster=None), slow))
    engine, parameters = emulated_cluster.engine(cluster=None), slow.parameters
    messages: list[Message] = []
    (found,) = engine.unfinished(slow.family, store=parameters.store, control_uri=parameters.control_uri)
    result = engine.attend(found, on_message=messages.append)
    assert (result.run_id, [partition.rows for partition in result.partitions]) == (slow.run_id, SQUARES)
    assert len([message for message in messages if isinstance(message, Finished)]) == TASKS
    assert engine.unfinished(slow.family, store=parameters.store, control_uri=parameters.control_uri) == []
    clusters = [each for each in engine.calls.list_clusters() if slow.run_id in each.name]
    assert [each.state in CLUSTER_ENDING for each in clusters] == [True]


def test_a_worker_killed_in_mid_run_changes_nothing(
    standalone_place: Place, standalone: StandaloneCluster, submission: Make
) -> None:
    killed = []

    def kill_once(message: Message) -> None:
        worker = standalone.busy_worker()
        if isinstance(message, Finished) and worker is not None and not killed:
            killed.append(worker)
            standalone.kill_worker(worker)

    try:
        result = standalone_place.engine.run(submission("slow"), on_message=kill_once)
    finally:
        standalone.start_workers(2)
    assert killed
    assert [partition.rows for partition in result.partitions] == SQUARES
