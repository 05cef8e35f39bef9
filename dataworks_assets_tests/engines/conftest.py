"""The store, the standalone cluster and the engines that the behaviour suite runs over."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from dataworks_assets.config.emr import EmrConfig
from dataworks_assets.config.services import EMBEDDED
from dataworks_assets.engines.base import Engine
from dataworks_assets.engines.emr.build import deploy
from dataworks_assets.engines.emr.engine import EmrEngine
from dataworks_assets.engines.emr.polling import Poller
from dataworks_assets.engines.emr.requests import Place as ClusterPlace
from dataworks_assets.engines.emr.requests import cluster_request
from dataworks_assets.engines.factory import emr_calls
from dataworks_assets.engines.properties import AUTHENTICATION_VARIABLE, PROJECT_FOLDER
from dataworks_assets.engines.session import SessionEngine
from dataworks_assets.engines.submission import Submission
from dataworks_assets.engines.submit import SubmitEngine
from dataworks_assets.stack.state import LOG_BUCKET, OUTPUT_BUCKET, StackState
from dataworks_assets_tests.engines.standalone import SECRET, StandaloneCluster
from dataworks_assets_tests.engines.work import KickstartWork, SampleWork, Work, marked
from spark.contract import CatalogSettings, JobParameters, KeyServiceSettings, StoreSettings
from spark.store import ObjectStore

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

QUICK_START = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.hadoop.fs.s3a.secret.key": SECRET,
}
QUICK_START_ON_EMR = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
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
        made = marked(make_submission(behaviour, store_settings, prefix_uri), stack.environment())
        return replace(made, timeout_seconds=timeout_seconds)

    return make


@dataclass(frozen=True)
class Place:
    """An engine under test, and what of its applications can be asked about from outside."""

    name: str
    engine: Engine
    busy: Callable[[], bool] = field(default=lambda: False)
    folders: tuple[Path, ...] = ()
    """Where its processes write."""
    death: str = "exit code 7"
    """What it says of a driver that ended with this code."""
    find: Callable[[Submission], list[psutil.Process]] = lambda submission: processes_of(submission)  # noqa: PLW0108 - below

    def survivors(self, submission: Submission) -> list[psutil.Process]:
        """Processes of an application that still run, the test's own process left out."""
        return self.find(submission)


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


ENGINES = ("session", "submit", "standalone", "emr")
SYSTEMS = ("kickstart",)
"""Whose own jobs the suite runs, over real input, beside the sample job."""


@dataclass(frozen=True)
class Cell:
    """An engine, and what it has to do."""

    place: Place
    work: Work


def _cells(engines: Sequence[str], systems: Sequence[str], *, quick: Sequence[str] = ()) -> list[Any]:
    """Every engine with every system's job; those not named as quick are left to `make test-faults`."""
    return [
        pytest.param((engine, system), id=f"{engine}-{system}", marks=() if engine in quick else pytest.mark.faults)
        for system in systems
        for engine in engines
    ]


def _cell(request: pytest.FixtureRequest) -> Cell:
    engine, system = request.param
    return Cell(request.getfixturevalue(f"{engine}_place"), request.getfixturevalue(f"{system}_work"))


@pytest.fixture(scope="session", params=[*_cells(ENGINES, ["sample"], quick=ENGINES), *_cells(ENGINES, SYSTEMS)])
def cell(request: pytest.FixtureRequest) -> Cell:
    """Every engine with every job."""
    return _cell(request)


@pytest.fixture(scope="session", params=_cells(ENGINES, SYSTEMS, quick=["session"]))
def system_cell(request: pytest.FixtureRequest) -> Cell:
    """Every engine with every system's own job."""
    return _cell(request)


@pytest.fixture(scope="session", params=_cells(ENGINES[1:], SYSTEMS))
def process_cell(request: pytest.FixtureRequest) -> Cell:
    """The engines whose applications are processes of their own, with every system's own job."""
    return _cell(request)


@pytest.fixture(scope="session")
def sample_work(submission: Callable[..., Submission]) -> SampleWork:
    return SampleWork(submission)


@pytest.fixture(scope="session")
def kickstart_work(stack: StackState) -> KickstartWork:
    return KickstartWork(stack)


@pytest.fixture(scope="session", params=ENGINES)
def place(request: pytest.FixtureRequest) -> Place:
    """Every engine."""
    return request.getfixturevalue(f"{request.param}_place")


_STANDALONE = pytest.param("standalone", marks=pytest.mark.faults)
"""Left to `make test-faults` where the same engine's other master stands for it."""


@pytest.fixture(scope="session", params=["session", "submit", _STANDALONE])
def near_place(request: pytest.FixtureRequest) -> Place:
    """The engines whose applications end with the process that runs them."""
    return request.getfixturevalue(f"{request.param}_place")


@pytest.fixture(scope="session", params=["submit", _STANDALONE, "emr"])
def process_place(request: pytest.FixtureRequest) -> Place:
    """The engines whose applications are processes of their own."""
    return request.getfixturevalue(f"{request.param}_place")


@pytest.fixture(scope="session")
def session_place(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Place:
    context = spark.sparkContext
    return Place(
        "session",
        SessionEngine(tmp_path_factory.mktemp("session")),
        lambda: bool(context.statusTracker().getActiveJobsIds()),
        find=lambda _: [],
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


@dataclass(frozen=True)
class EmulatedCluster:
    """A cluster of the emulated EMR that runs for the whole session, and the engines over the emulation."""

    settings: EmrConfig
    cluster_id: str
    folder: Path
    artefacts_uri: str

    def engine(self, **changes: Any) -> EmrEngine:
        """An engine of a process of its own; without changes it adds steps to the cluster."""
        settings = self.settings.model_copy(update={"cluster": self.cluster_id, **changes})
        calls = emr_calls(settings)
        place = ClusterPlace("test", settings, f"s3://{LOG_BUCKET}/emr", "1g", QUICK_START_ON_EMR)
        return EmrEngine(place, calls, Poller(calls, interval_seconds=0.2, gap_seconds=0.2), self.artefacts_uri)

    def processes(self) -> list[psutil.Process]:
        """What runs on the cluster's nodes."""
        return [process for process in psutil.process_iter() if self._is_there(process)]

    def _is_there(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("HOME") == str(self.folder) and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, OSError):
            return False


@pytest.fixture(scope="session")
def emulated_cluster(emr_stack: StackState, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> EmulatedCluster:
    """The cluster, its environment and its job (the sample's among it) made from artefacts in the object store."""
    nodes = {"types": ["m7i.xlarge"]}
    settings = EmrConfig(
        endpoint=EMBEDDED,
        service_role="emr",
        instance_profile="nodes",
        python="this machine",
        sizes={"small": {"primary": nodes, "core": nodes}},
        work=[{"size": "small"}],
        log_wait_seconds=10,
    ).model_copy(update={"endpoint": emr_stack.emr_endpoint})
    artefacts_uri = f"s3://{OUTPUT_BUCKET}/tests/artefacts"
    tests = PROJECT_FOLDER / "dataworks_assets_tests"
    sample = [tests / "__init__.py", tests / "engines" / "__init__.py", tests / "engines" / "sample_job.py"]
    artefacts = deploy(store, artefacts_uri, python="this machine", more=sample)
    place = ClusterPlace("test", settings, f"s3://{LOG_BUCKET}/emr", "1g", {})
    request = cluster_request(place, artefacts, settings.sizes["small"], name="shared", tags={})
    cluster_id = emr_calls(settings).run_job_flow(request)
    return EmulatedCluster(settings, cluster_id, emr_stack.home / "emr" / "nodes" / cluster_id, artefacts_uri)


@pytest.fixture(scope="session")
def emr_place(emulated_cluster: EmulatedCluster) -> Place:
    folders = (emulated_cluster.folder / "tmp", emulated_cluster.folder / "steps")
    return Place(
        "emr", emulated_cluster.engine(), folders=folders, death="is FAILED", find=lambda _: emulated_cluster.processes()
    )
