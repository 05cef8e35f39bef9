"""The generic entry: finding a job, and the result document in every ending."""

from __future__ import annotations

import sys
import types

import pytest

from dataworks_assets_tests.spark.jobs.thread_cluster import ThreadCluster
from spark.contract import (
    CatalogSettings,
    JobParameters,
    JobResult,
    KeyServiceSettings,
    PartitionResult,
    PartitionState,
    StoreSettings,
    decode,
)
from spark.errors import ConfigurationError, EngineError, InputError
from spark.jobs.progress import Reporter
from spark.jobs.runner import ResultWriter, claim, find_job, parse, run_reported
from spark.store import ObjectStore, shared_store

MEMORY = StoreSettings(scheme="memory")
STORE = shared_store(MEMORY)


@pytest.fixture
def parameters(request) -> JobParameters:
    return JobParameters(
        run_id="r",
        system="adg",
        collections={},
        partitions=(),
        store=MEMORY,
        key_service=KeyServiceSettings(url=""),
        catalog=CatalogSettings(),
        output_uri="memory://runner/output",
        control_uri="memory://runner/control",
        result_uri=f"memory://runner/{request.node.name}.json",
        lease_owner="r",
    )


@pytest.fixture
def job(monkeypatch):
    """Makes a function importable as a job."""

    def make(run) -> str:
        module = types.ModuleType("sample.job")
        module.run = run
        monkeypatch.setitem(sys.modules, "sample.job", module)
        return "sample.job"

    return make


def run(name: str, parameters: JobParameters) -> JobResult:
    results = ResultWriter(parameters)
    reporter = Reporter(lambda message: None, on_finished=results.write_interim)
    return run_reported(name, parameters, ThreadCluster(), reporter=reporter, results=results)


def written(parameters: JobParameters) -> JobResult:
    return decode(STORE.read(parameters.result_uri), JobResult, where="")


def day(rows: int) -> PartitionResult:
    state = PartitionState.PUBLISHED
    return PartitionResult(
        collection="a/b", export_date="2026-11-20", attempt="x", state=state, fingerprint="f", config_hash="h", rows=rows
    )


def test_a_system_is_found_by_its_name():
    assert find_job("adg").__module__ == "spark.jobs.adg"


def test_an_unknown_job_is_refused():
    with pytest.raises(ConfigurationError, match=r"spark\.jobs\.adq: no such job"):
        find_job("adq")


def test_a_module_without_a_job_function_is_refused():
    with pytest.raises(ConfigurationError, match="no function `run`"):
        find_job("spark.contract")


def test_the_jobs_own_result_is_written(job, parameters):
    name = job(lambda parameters, cluster, reporter: JobResult(run_id="r", partitions=(day(1),), seconds=2.0))
    assert run(name, parameters) == written(parameters)


def test_a_failure_is_written_with_its_own_words(job, parameters):
    def fails(parameters, cluster, reporter):
        raise InputError("bad", where="s3://a/b", remedy="Mend it")

    with pytest.raises(InputError):
        run(job(fails), parameters)
    failure = written(parameters).failure
    assert (failure.what, failure.where, failure.remedy, failure.transient) == ("bad", "s3://a/b", "Mend it", False)


def test_an_unexpected_exception_is_written_too(job, parameters):
    def fails(parameters, cluster, reporter):
        raise ZeroDivisionError("by zero")

    with pytest.raises(ZeroDivisionError):
        run(job(fails), parameters)
    assert written(parameters).failure.what == "ZeroDivisionError: by zero"


def test_what_was_finished_before_a_failure_is_written(job, parameters):
    def fails(parameters, cluster, reporter):
        reporter.finished(day(1))
        reporter.finished(day(2))
        raise InputError("bad")

    with pytest.raises(InputError):
        run(job(fails), parameters)
    result = written(parameters)
    assert (result.complete, [partition.rows for partition in result.partitions]) == (False, [1, 2])


def test_an_interim_result_is_there_while_the_job_runs(job, parameters):
    seen = []

    def looks(parameters, cluster, reporter):
        reporter.finished(day(1))
        seen.append(written(parameters))
        return JobResult(run_id="r", partitions=(), seconds=0.0)

    run(job(looks), parameters)
    assert (seen[0].complete, len(seen[0].partitions)) == (False, 1)


def test_the_command_line_needs_no_pipes():
    parsed = parse(["--job", "adg", "--parameters", "s3://a/b"])
    assert (parsed.job, parsed.parameters, parsed.dagster_pipes_context) == ("adg", "s3://a/b", None)


def test_the_first_application_of_a_job_claims_it_and_may_do_so_again():
    store = ObjectStore.in_memory()
    for _ in range(2):
        claim(store, "memory://claims/one", "first")
    with pytest.raises(EngineError, match="another application has this job already, the one with the token first"):
        claim(store, "memory://claims/one", "second")
