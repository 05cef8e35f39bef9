"""The store, the standalone cluster and the engines that the behaviour suite runs over."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from dataworks_assets.engines.base import Engine, Submission
from dataworks_assets.engines.properties import AUTHENTICATION_VARIABLE, PROJECT_FOLDER
from dataworks_assets.engines.session import SessionEngine
from dataworks_assets.engines.submit import SubmitEngine
from dataworks_assets.stack.state import OUTPUT_BUCKET, StackState
from dataworks_assets_tests.engines.standalone import SECRET, StandaloneCluster
from spark.contract import CatalogSettings, JobParameters, KeyServiceSettings, StoreSettings
from spark.store import ObjectStore

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

QUICK_START = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.hadoop.fs.s3a.secret.key": SECRET,
}
JOB = "dataworks_assets_tests.engines.sample_job"


@pytest.fixture(scope="session")
def store_settings(stack: StackState) -> StoreSettings:
    return StoreSettings(endpoint_url=stack.s3_endpoint, region=stack.region)


@pytest.fixture(scope="session")
def store(store_settings: StoreSettings) -> ObjectStore:
    return ObjectStore(store_settings)


@pytest.fixture(scope="session")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandaloneCluster]:
    cluster = StandaloneCluster(tmp_path_factory.mktemp("standalone"))
    cluster.start_workers(2)
    yield cluster
    cluster.stop()


def make_submission(behaviour: str, store: StoreSettings, prefix_uri: str) -> Submission:
    """A submission of the sample job with the behaviour that is named."""
    run_id = f"{behaviour}-{uuid.uuid4().hex[:8]}"
    control_uri = f"{prefix_uri}/_dataworks"
    parameters = JobParameters(
        run_id=run_id,
        system=behaviour,
        collections={},
        partitions=(),
        store=store,
        key_service=KeyServiceSettings(url="https://127.0.0.1:1"),
        catalog=CatalogSettings(),
        output_uri=f"{prefix_uri}/output",
        control_uri=control_uri,
        result_uri=f"{control_uri}/jobs/{run_id}/result.json",
        lease_owner=run_id,
    )
    return Submission(JOB, run_id, parameters, timeout_seconds=120.0)


@pytest.fixture(scope="session")
def submission(stack: StackState, store_settings: StoreSettings) -> Callable[..., Submission]:
    """Makes submissions whose processes can be found by their run."""
    prefix_uri = f"s3://{OUTPUT_BUCKET}/tests/engines-{uuid.uuid4().hex}"

    def make(behaviour: str, *, timeout_seconds: float = 120.0) -> Submission:
        made = make_submission(behaviour, store_settings, prefix_uri)
        environment = {**stack.environment(), "AWS_EXECUTION_ENV": made.run_id, "PYTHONPATH": str(PROJECT_FOLDER)}
        return replace(made, timeout_seconds=timeout_seconds, environment=environment)

    return make


@dataclass(frozen=True)
class Place:
    """An engine under test, and what of its applications can be asked about from outside."""

    name: str
    engine: Engine
    busy: Callable[[], bool] = field(default=lambda: False)
    folders: tuple[Path, ...] = ()
    """Where its processes write."""

    def survivors(self, submission: Submission) -> list[psutil.Process]:
        """Processes of an application that still run, the test's own process left out."""
        return [] if self.name == "session" else processes_of(submission)


def processes_of(submission: Submission) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            marked = process.environ().get("AWS_EXECUTION_ENV") == submission.run_id
        except (psutil.Error, OSError):
            continue
        if marked and process.pid != os.getpid():
            found.append(process)
    return found


@pytest.fixture(scope="session", params=["session", "submit", "standalone"])
def place(request: pytest.FixtureRequest) -> Place:
    """Every engine."""
    return request.getfixturevalue(f"{request.param}_place")


@pytest.fixture(scope="session", params=["submit", "standalone"])
def process_place(request: pytest.FixtureRequest) -> Place:
    """The engines whose applications are processes of their own."""
    return request.getfixturevalue(f"{request.param}_place")


@pytest.fixture(scope="session")
def session_place(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Place:
    context = spark.sparkContext
    return Place(
        "session", SessionEngine(tmp_path_factory.mktemp("session")), lambda: bool(context.statusTracker().getActiveJobsIds())
    )


@pytest.fixture(scope="session")
def submit_place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("submit")
    engine = SubmitEngine("local[2]", log_folder=folder, work_folder=folder / "work", spark_conf=QUICK_START)
    return Place("submit", engine, folders=(folder,))


@pytest.fixture(scope="session")
def standalone_place(standalone: StandaloneCluster, tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("standalone-engine")
    engine = SubmitEngine(
        standalone.master,
        log_folder=folder,
        work_folder=folder / "work",
        spark_conf={**QUICK_START, "spark.executor.memory": "512m"},
        environment={AUTHENTICATION_VARIABLE: SECRET},
    )
    return Place("standalone", engine, lambda: bool(standalone.executors()), (folder, standalone.folder))
