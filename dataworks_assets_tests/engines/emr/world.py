"""The EMR engine over an emulated EMR in memory: time moves when somebody sleeps, a job is a few lines, any call is struck."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from dataworks_assets.config.emr import EmrConfig
from dataworks_assets.engines.base import JobError
from dataworks_assets.engines.channel import LocalChannel
from dataworks_assets.engines.emr.artefacts import Artefacts, write_current
from dataworks_assets.engines.emr.calls import EmrCalls
from dataworks_assets.engines.emr.engine import EmrEngine
from dataworks_assets.engines.emr.intents import Intents
from dataworks_assets.engines.emr.polling import Poller
from dataworks_assets.engines.emr.requests import Place
from dataworks_assets.engines.submission import Submission
from dataworks_assets.stack.emr.control import EmulatedEmr
from dataworks_assets.stack.emr.life import Delays
from dataworks_assets.stack.emr.records import CLUSTER_ENDING, Step
from dataworks_assets_tests.engines.conftest import make_submission
from dataworks_assets_tests.faults.strikes import STEP, Strike
from dataworks_assets_tests.stack.emr.memory import Clock, MemoryClient, PretendedNodes
from spark.contract import JobResult, StoreSettings, encode
from spark.errors import EngineError
from spark.jobs.runner import claim, parse
from spark.store import ObjectStore

MEMORY = StoreSettings(scheme="memory")
FAMILY = "the-run"
JOB_SECONDS = 100.0
SCRIPTS = {name: f"s3://b/{name}" for name in ("environment", "certificates", "exporters", "name")}
NUMBERS = itertools.count()


def emr_config(**fields: Any) -> EmrConfig:
    nodes = {"types": ["m7i.xlarge"]}
    given = {
        "service_role": "emr",
        "instance_profile": "nodes",
        "subnets": ["subnet-1"],
        "sizes": {"small": {"primary": nodes, "core": nodes}},
        "work": [{"size": "small"}],
        "log_wait_seconds": 0,
    }
    return EmrConfig.model_validate(given | fields)


@dataclass
class Job:
    """A step's work: claims its job, takes its time, leaves a result; `succeeds` says whether."""

    step: Step
    world: EmrWorld
    ends_seconds: float = 0.0
    code: int | None = None

    def __post_init__(self) -> None:
        self.arguments = parse(self.step.args[self.step.args.index("--job") :])
        self.ends_seconds = self.world.clock() + JOB_SECONDS
        try:
            claim(self.world.store, self.arguments.parameters.rpartition("/")[0], self.arguments.claim)
        except EngineError:
            self.code = 1

    def poll(self) -> int | None:
        if self.code is None and self.world.clock() >= self.ends_seconds:
            self.code = self.world.end(self)
        return self.code

    def interrupt(self) -> None:
        self.code = self.code or 143

    def kill(self) -> None:
        self.code = self.code or -9


class StruckClient:
    """A client whose calls count, and one of which is struck."""

    def __init__(self, world: EmrWorld, strike: Strike, fault: str = "") -> None:
        self._client, self._strike, self._fault = MemoryClient(world.emr), strike, fault

    def __getattr__(self, operation: str) -> Any:
        def call(**parameters: Any) -> Any:
            if not self._fault:
                with self._strike.call(STEP, "emr", operation):
                    return getattr(self._client, operation)(**parameters)
            self._strike.calls.append(operation)
            if len(self._strike.calls) != self._strike.at:
                return getattr(self._client, operation)(**parameters)
            self._strike.has_struck = True
            return FAULTS[self._fault](lambda: getattr(self._client, operation)(**parameters))

        return call


def _error(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "on purpose"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "x")


def _raise(error: Exception) -> Any:
    raise error


def _timed_out(call: Callable[[], Any]) -> Any:
    call()
    raise ReadTimeoutError(endpoint_url="https://emr")


def _truncated(call: Callable[[], Any]) -> Any:
    """An empty page with more behind it: AWS may return such."""
    page = call()
    lists = {"Clusters", "Steps"} & set(page)
    return {**page, lists.pop(): [], "Marker": "0"} if lists else page


FAULTS: dict[str, Callable[[Callable[[], Any]], Any]] = {
    "throttled": lambda call: _raise(_error("ThrottlingException", 400)),
    "5xx, not done": lambda call: _raise(_error("InternalServerException", 500)),
    "time-out, done": _timed_out,
    "expired token": lambda call: _raise(_error("ExpiredTokenException", 400)),
    "truncated page": _truncated,
}


class StruckStore:
    """The engine's store, its calls struck too."""

    def __init__(self, store: ObjectStore, strike: Strike) -> None:
        self._store, self._strike = store, strike

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            with self._strike.call(STEP, "store", name, str(args[0])):
                return getattr(self._store, name)(*args, **options)

        return call


class Time:
    """In the place of the module `time`."""

    def __init__(self, clock: Clock) -> None:
        self.monotonic, self.sleep = clock, clock.sleep


@dataclass
class EmrWorld:
    """Everything there is; `engine` makes one process' engine."""

    clock: Clock
    store: ObjectStore
    monkeypatch: Any
    config: EmrConfig = field(default_factory=emr_config)
    succeeds: bool = True
    done: list[str] = field(default_factory=list)
    results: list[JobResult] = field(default_factory=list)
    strike: Strike = field(default_factory=Strike)

    def __post_init__(self) -> None:
        self.prefix_uri = f"memory://emr{next(NUMBERS)}"
        self.nodes = PretendedNodes(work=lambda step: Job(step, self))
        delays = Delays(starting=60, bootstrapping=60, pending=2, terminating=30)
        self.emr = EmulatedEmr(self.nodes, delays=delays, clock=self.clock)
        uris = {name: f"{self.prefix_uri}/{name}" for name in ("environment_uri", "job_uri")}
        write_current(
            self.store, f"{self.prefix_uri}/artefacts", Artefacts(version="v1", python="x86_64", scripts=SCRIPTS, **uris)
        )
        for module in ("base", "emr.engine"):
            self.monkeypatch.setattr(f"dataworks_assets.engines.{module}.shared_store", lambda _: self._struck_store())
        self.monkeypatch.setattr("dataworks_assets.engines.base.time", Time(self.clock))

    def _struck_store(self) -> Any:
        return StruckStore(self.store, self.strike) if self.strike.fault == "kill" else self.store

    def end(self, job: Job) -> int:
        """What a job does at its end; returns its exit code."""
        run_id = job.arguments.parameters.split("/")[-2]
        if not self.succeeds:
            return 1
        self.done.append(run_id)
        result = JobResult(run_id=run_id, partitions=(), seconds=1.0)
        self.results.append(result)
        self.store.put(job.arguments.parameters.replace("parameters.json", "result.json"), encode(result))
        return 0

    def submission(self, timeout_seconds: float = 4000.0) -> Submission:
        made = make_submission("done", MEMORY, self.prefix_uri)
        return Submission("adg", made.run_id, made.parameters, timeout_seconds=timeout_seconds, family=FAMILY)

    def engine(self, strike: Strike | None = None, *, fault: str = "", client: Any = None) -> EmrEngine:
        """A new process' engine."""
        self.strike = strike or Strike()
        made = client or StruckClient(self, self.strike, fault)
        calls = EmrCalls(lambda: made, sleep=self.clock.sleep)
        poller = Poller(calls, interval_seconds=10, clock=self.clock)
        place = Place("test", self.config, "s3://logs/emr", "1g", {})
        artefacts = f"{self.prefix_uri}/artefacts"
        engine = EmrEngine(place, calls, poller, artefacts, sleep=self.clock.sleep, clock=self.clock, now=self.now)
        engine.poll_seconds = 1.0
        return engine

    def run(self, engine: EmrEngine, submission: Submission | None = None) -> JobResult:
        return engine.run(submission or self.submission(), on_message=lambda _: None, channel=LocalChannel())

    def go_on(self) -> JobResult:
        """What a later try of the same run does: goes on with what it finds, else plans what is not done and submits that."""
        engine = self.engine()
        control_uri = self.submission().parameters.control_uri
        for found in engine.unfinished(FAMILY, store=MEMORY, control_uri=control_uri):
            try:
                return engine.attend(found, on_message=lambda _: None, channel=LocalChannel())
            except JobError:
                continue
        return self.results[-1] if self.results else self.run(engine)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def living(self) -> list[str]:
        """Clusters that do not end."""
        self.emr.advance()
        return [cluster.id for cluster in self.emr.clusters.values() if cluster.state not in CLUSTER_ENDING]

    def intents(self) -> list[str]:
        control_uri = self.submission().parameters.control_uri
        return [intent.run_id for intent in Intents(self.store, control_uri).list()]


@contextmanager
def named_cluster(world: EmrWorld) -> Iterator[str]:
    """Makes the engine add steps to a running cluster."""
    from dataworks_assets.engines.emr.requests import TAG_VERSION
    from dataworks_assets_tests.stack.emr.memory import cluster_request

    tags = [{"Key": TAG_VERSION, "Value": "v1"}]
    cluster_id = MemoryClient(world.emr).run_job_flow(**cluster_request(Name="shared", Tags=tags))["JobFlowId"]
    world.config = emr_config(cluster="shared")
    yield cluster_id
