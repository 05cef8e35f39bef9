"""What runs do when they are struck: a lake as it is before, a request, and the ids that each day has to have afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

from dagster import AssetCheckEvaluation, AssetMaterialization

from dataworks_assets.config.collections import CollectionConfig
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.engines.base import Engine, JobError
from dataworks_assets.stack.sample.wire import Record
from dataworks_assets.systems.adg.planner import Planner
from dataworks_assets.systems.execution import Execution
from dataworks_assets.systems.plan import Plans, Request
from dataworks_assets.systems.platform import Platform
from dataworks_assets_tests.faults.lake import Lake, LakeCatalog, LakeKeys, LakeStore, Stored
from dataworks_assets_tests.faults.reader import NEWEST, Reader, Shown, digest
from dataworks_assets_tests.faults.strikes import APPLICATION, STEP, Killed, Strike
from dataworks_assets_tests.spark.jobs.thread_cluster import ThreadCluster
from dataworks_assets_tests.systems.adg.whole_path import Events, Outcome, World
from spark.contract import Column, JobParameters, JobResult, decode, encode
from spark.errors import DataworksError, NotFoundError, StoreError
from spark.jobs import adg
from spark.jobs.progress import Reporter

Export = Sequence[tuple[str, date, Sequence[Record]]]
Schemas = dict[tuple[str, str], tuple[Column, ...]]
"""By database and table, the columns in their order."""


@dataclass(frozen=True)
class Scenario:
    """One request over a lake.

    Args:
        name: for messages.
        collections: what is configured.
        before: exported and published before.
        spoiled: exported and refused after that.
        then: exported since.
        refused: (collection, day) of the request that are refused.
        collections_before: what was configured until then, where it was something else.
        days: the request's.
        ids: what each (collection, day) of the request has to hold afterwards.
    """

    name: str
    collections: tuple[CollectionConfig, ...]
    then: Export
    days: tuple[date, ...]
    ids: dict[tuple[str, date], list[str]]
    before: Export = ()
    spoiled: Export = ()
    refused: frozenset[tuple[str, str]] = frozenset()
    collections_before: tuple[CollectionConfig, ...] = ()
    snapshot_type: SnapshotType = SnapshotType.FULL

    def world(self, lake: Lake, strike: Strike | None = None, process: str = STEP) -> World:
        """A process' view of the lake."""
        strike = strike or Strike()
        return World(
            self.collections,
            store=LakeStore(lake, strike, process),
            catalog=LakeCatalog(lake, strike, process),
            keys=LakeKeys(strike, process),
            snapshot_type=self.snapshot_type,
        )

    def digest(self, files: Sequence[tuple[str, Stored]]) -> str:
        """What tells two sets of rows apart."""
        return digest(files)

    def rule(self, lake: Lake) -> Iterable[str]:
        """What else has to hold whenever anybody looks; returns what is wrong."""
        del lake
        return ()

    def write(self, world: World, exported: Export) -> None:
        """Exports files, over those that are there."""
        write(world, exported)

    def plans(self, world: World, platform: Platform) -> Plans:
        """What makes the system's plans."""
        return Planner(platform, world.scope)

    def do(self, world: World, parameters: JobParameters, reporter: Reporter) -> JobResult:
        """The system's job, on threads."""
        services = adg.Services(world.store, world.catalog, world.keys, pause=lambda _seconds: None)
        return adg.run(parameters, ThreadCluster(2), reporter, services=services)

    @cached_property
    def start(self) -> Lake:
        """The lake before the request; only to be copied."""
        lake = Lake()
        former = replace(self, collections=self.collections_before or self.collections)
        for exported in (self.before, self.spoiled):
            self.write(former.world(lake), exported)
            if exported:
                ran = run(former, lake, days=sorted({day for _, day, _ in exported}))
                assert ran.is_clean is (exported is self.before), ran
        self.write(self.world(lake), self.then)
        return lake

    @cached_property
    def _end(self) -> Lake:
        """The lake after a run that nothing disturbs."""
        lake = self.start.copied()
        ran = run(self, lake)
        assert self.went_well(ran), ran
        world = self.world(lake)
        assert {(name, day): world.ids(name, day) for name, day in self.ids} == self.ids
        return lake

    @cached_property
    def undisturbed(self) -> Shown:
        """What tables show after a run that nothing disturbs."""
        reader = Reader(self._end, digest=self.digest)
        shown = reader.look()
        assert reader.wrong == []
        return shown

    @cached_property
    def schemas(self) -> Schemas:
        """The tables' columns after a run that nothing disturbs."""
        return schemas_of(self._end)

    @cached_property
    def allowed(self) -> dict[tuple[str, str, str], list[str]]:
        """The states that each partition may be seen in: as it was, then as it has to be."""
        before = Reader(self.start, digest=self.digest).look()
        states: dict[tuple[str, str, str], list[str]] = {}
        for place in {**before, **self.undisturbed}:
            database, table, partition = place
            path = [before[place]] if place in before else []
            if partition == NEWEST:
                days = sorted(other for other in self.undisturbed if other[:2] == (database, f"{table}_history"))
                path += [self.undisturbed[day] for day in days if not path or self.undisturbed[day] >= path[0][:10]]
            path += [self.undisturbed[place]] if place in self.undisturbed else []
            states[place] = list(dict.fromkeys(path))
        return states

    def went_well(self, ran: Ran) -> bool:
        """Whether a run did all that was asked, and refused what is to be refused."""
        failed = {(failure.collection, failure.day, failure.lies_in_data) for failure in ran.failures}
        return not (ran.killed or ran.error) and failed == {(*place, True) for place in self.refused}

    @property
    def requested(self) -> set[tuple[str, str]]:
        """(collection, export date) of the request that are to be published, as events name them."""
        scope = self.world(self.start).scope
        return {(scoped.name, day.isoformat()) for scoped in scope.collections.values() for day in self.days} - self.refused


def schemas_of(lake: Lake) -> Schemas:
    """Returns the columns of every table."""
    with lake.lock:
        return {place: definition.columns for place, definition in lake.catalog._definitions.items()}


def write(world: World, exported: Export) -> None:
    """Exports files, over those that are there."""
    for topic, day, records in exported:
        middle = len(records) // 2
        for batch, part in enumerate((records[:middle], records[middle:]), start=1):
            if part:
                world.write(topic, day, part, batch=batch)


@dataclass
class Ran:
    """How a run ended."""

    events: Events = field(repr=False)
    killed: bool = False
    error: DataworksError | None = None
    failures: list = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether it did all that was asked."""
        return not (self.killed or self.error or self.failures)

    @property
    def reported(self) -> set[tuple[str, str]]:
        """What it said is published."""
        return Outcome(self.events).published()


@dataclass
class StruckEvents(Events):
    """Dagster's side of a run; each event is a place to die at."""

    strike: Strike = field(default_factory=Strike)

    def log_event(self, event: AssetMaterialization | AssetCheckEvaluation) -> None:
        self.strike.point(STEP, f"event {type(event).__name__}")
        super().log_event(event)

    def __hash__(self) -> int:
        return id(self)


@dataclass
class StruckEngine(Engine):
    """Runs the application in threads. One that is killed by itself leaves the step with an error and no result."""

    scenario: Scenario
    lake: Lake
    strike: Strike

    def submit(self, submission, arguments, emit):
        raise AssertionError("never called: `run` is all of it")

    def run(self, submission, *, on_message, channel=None):
        del channel
        step, where = self._world(STEP).store, submission.parameters.result_uri
        step.delete([where])
        step.put(submission.parameters_uri, encode(submission.parameters))
        failure = self._apply(submission, on_message)
        try:
            result = decode(step.read(where), JobResult, where=where)
        except NotFoundError:
            result = None
        if failure is None and result is not None and result.complete:
            return result
        raise JobError("the application is gone", transient=getattr(failure, "transient", True), result=result) from failure

    def _world(self, process: str) -> World:
        return self.scenario.world(self.lake, self.strike, process)

    def _apply(self, submission, on_message) -> BaseException | None:
        """The application: returns what it ended of, if anything; it leaves its result as far as it comes."""
        world = self._world(APPLICATION)

        def write(result: JobResult) -> None:
            world.store.put(submission.parameters.result_uri, encode(result))

        def write_unfinished(finished) -> None:
            write(JobResult(run_id=submission.run_id, partitions=finished, seconds=0.0, complete=False))

        def write_interim(finished) -> None:
            with suppress(StoreError):
                write_unfinished(finished)

        def emit(message) -> None:
            self.strike.point(APPLICATION, f"message {type(message).__name__}")
            on_message(message)

        reporter = Reporter(emit, on_finished=write_interim)
        try:
            parameters = decode(world.store.read(submission.parameters_uri), JobParameters, where="parameters")
            write(self.scenario.do(world, parameters, reporter))
            self.strike.point(APPLICATION, "end")
        except Killed as killed:
            if self.strike.processes != {APPLICATION}:
                raise
            return killed
        except DataworksError as error:
            with suppress(DataworksError):
                write_unfinished(reporter.finished_partitions)
            return error
        return None


def run(
    scenario: Scenario,
    lake: Lake,
    strike: Strike | None = None,
    *,
    days: Sequence[date] | None = None,
    name: str = "run",
    is_patient: bool = False,
) -> Ran:
    """Runs the scenario's request, or other days of it, in this thread."""
    strike = strike or Strike()
    world = scenario.world(lake, strike)
    events = StruckEvents(name, strike=strike)
    ran = Ran(events)
    platform = world.platform
    platform.engine = StruckEngine(scenario, lake, strike)
    platform.put_tags = LakeStore(lake, strike, STEP).put_tags
    execution = Execution(platform, world.scope, scenario.plans(world, platform), events, is_patient=is_patient)
    try:
        execution.run(Request((), tuple(scenario.days if days is None else days)))
        strike.point(STEP, "end")
    except Killed:
        ran.killed = True
    except DataworksError as error:
        ran.error = error
    ran.failures = list(execution.failures)
    return ran
