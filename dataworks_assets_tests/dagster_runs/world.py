"""A deployment over the real stack whose runs go through Dagster: sample exports in, tables out, every event kept.

    world.write(DAYS)
    run = world.materialize("full", ["core/statement"], DAYS)
    assert run.published() == {("core/statement", day.isoformat()) for day in DAYS}

Every world has prefixes of its own in the stack's buckets, and a folder of its own for Dagster's storage and the engine's logs.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from dagster import AssetCheckEvaluation, AssetKey, AssetMaterialization, DagsterEventType, DagsterInstance, JobDefinition

from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.prefixes import fill
from dataworks_assets.config.settings import Settings
from dataworks_assets.definitions import build_definitions
from dataworks_assets.engines.base import Engine
from dataworks_assets.engines.session import SessionEngine
from dataworks_assets.engines.submit import SubmitEngine
from dataworks_assets.stack.sample.export import SampleRequest, SampleWriter
from dataworks_assets.stack.sample.truth import ExportTruth
from dataworks_assets.stack.state import StackState
from dataworks_assets.systems.adg.scope import AdgScope, ScopedCollection
from dataworks_assets.systems.platform import Platform
from dataworks_assets_tests.engines.conftest import QUICK_START
from spark.contract import JobParameters
from spark.sources.keys import DataKey, KeyService
from spark.store import ObjectStore

DAYS = tuple(date(2026, 11, 16) + timedelta(days=index) for index in range(3))
NEWEST = DAYS[-1]
BAD_DAY = DAYS[0] - timedelta(days=1)
FULL, INCREMENTAL = SnapshotType.FULL, SnapshotType.INCREMENTAL
SCALE = 0.02
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

CollectionDays = set[tuple[str, str]]


@dataclass(frozen=True)
class CountedEngine(Engine):
    """An engine whose applications are counted."""

    engine: Engine
    submissions: list[JobParameters] = field(default_factory=list)

    def submit(self, submission, arguments, emit):
        return self.engine.submit(submission, arguments, emit)

    def log_address(self, submission):
        return self.engine.log_address(submission)

    def run(self, submission, *, on_message, channel=None):
        self.submissions.append(submission.parameters)
        return self.engine.run(submission, on_message=on_message, channel=channel)


@dataclass(frozen=True)
class Run:
    """A run of Dagster, as its instance tells of it."""

    instance: DagsterInstance
    run_id: str
    succeeded: bool
    submissions: tuple[JobParameters, ...] = ()

    @cached_property
    def materializations(self) -> list[AssetMaterialization]:
        """Its materializations, in order."""
        return [entry.asset_materialization for entry in self.entries(DagsterEventType.ASSET_MATERIALIZATION)]

    @cached_property
    def checks(self) -> list[AssetCheckEvaluation]:
        """Its checks, in order."""
        return [entry.asset_check_evaluation for entry in self.entries(DagsterEventType.ASSET_CHECK_EVALUATION)]

    @property
    def tags(self) -> dict[str, str]:
        """Its tags, as they are now."""
        return dict(self.instance.get_run_by_id(self.run_id).tags)

    def entries(self, kind: DagsterEventType | None = None):
        """Its log, or the events of one kind."""
        return self.instance.all_logs(self.run_id, of_type=kind)

    def published(self, *, unchanged: bool = False) -> CollectionDays:
        """(collection, day) of what it materialized: what it read, or what was there already."""
        return {pair(event) for event in self.materializations if event.metadata["unchanged"].value is unchanged}

    def failed(self) -> CollectionDays:
        """(collection, day) of the checks that failed."""
        return {pair(check) for check in self.checks if not check.passed}

    def event(self, name: str, day: date) -> AssetMaterialization:
        """The one materialization of a collection's day."""
        (found,) = [event for event in self.materializations if pair(event) == (name, day.isoformat())]
        return found

    def check(self, name: str, day: date) -> AssetCheckEvaluation:
        """The one check of a collection's day."""
        (found,) = [check for check in self.checks if pair(check) == (name, day.isoformat())]
        return found


def pair(event: AssetMaterialization | AssetCheckEvaluation) -> tuple[str, str]:
    """The collection and day of an event."""
    return "/".join(event.asset_key.path[1:]), event.partition


@dataclass
class World:
    """One deployment. `engine` may be replaced between runs."""

    settings: Settings
    instance: DagsterInstance
    engine: Engine
    home: Path
    root: str
    keys: list[DataKey] = field(default_factory=list)
    """Every data key that was made for the exports."""

    @cached_property
    def platform(self) -> Platform:
        """The clients."""
        return Platform(self.settings)

    @property
    def store(self) -> ObjectStore:
        """The object store."""
        return self.platform.store

    def scope(self, snapshot_type: str) -> AdgScope:
        """A snapshot type's collections."""
        return AdgScope(self.settings, SnapshotType(snapshot_type))

    def collection(self, name: str, snapshot_type: str = FULL) -> ScopedCollection:
        """One collection."""
        return self.scope(snapshot_type).collections[name]

    def names(self, snapshot_type: str) -> list[str]:
        """Every collection that is well."""
        return [name for name in self.scope(snapshot_type).collections if not name.startswith("broken/")]

    # What goes in

    def write(self, days: Sequence[date], **request: Any) -> list[ExportTruth]:
        """Writes a sample export and returns what it holds."""
        deployment = self.settings.deployment
        wanted = SampleRequest(
            data_uri=f"s3://{deployment.buckets.input}/{deployment.prefixes.data}",
            manifest_uri=f"s3://{deployment.buckets.manifests}/{deployment.prefixes.manifests}",
            truth_uri=f"s3://{deployment.buckets.output}/{self.root}/truth",
            days=tuple(days),
            **{"scale": SCALE, **request},
        )
        writer = SampleWriter(self.store, self._new_key)
        return [export.truth for export in writer.write(wanted).exports]

    def _new_key(self) -> DataKey:
        self.keys.append(KeyService(self.platform.key_service_settings, correlation_id="tests").new_key())
        return self.keys[-1]

    def data_uri(self, day: date, snapshot_type: str = FULL) -> str:
        """Where a day's data files lie."""
        deployment = self.settings.deployment
        prefix = fill(deployment.prefixes.data, export_date=day, snapshot_type=SnapshotType(snapshot_type))
        return f"s3://{deployment.buckets.input}/{prefix}"

    # What is done

    def job(self, snapshot_type: str, names: Sequence[str], engine: Engine | None = None) -> JobDefinition:
        """Dagster's job of some collections, as the code location has it."""
        platform = Platform(self.settings)
        platform.engine = engine or self.engine
        repository = build_definitions(settings=self.settings, platform=platform).get_repository_def()
        return repository.get_implicit_job_def_for_assets(self.asset_keys(snapshot_type, names))

    def asset_keys(self, snapshot_type: str, names: Sequence[str]) -> list[AssetKey]:
        """Assets' keys."""
        return [AssetKey(list(self.collection(name, snapshot_type).key_path)) for name in names]

    def materialize(
        self, snapshot_type: str, names: Sequence[str], days: Sequence[date], engine: Engine | None = None, **options: Any
    ) -> Run:
        """Materializes collections over a range of days in one run, in this process."""
        counted = CountedEngine(engine or self.engine)
        result = self.job(snapshot_type, names, counted).execute_in_process(
            instance=self.instance,
            asset_selection=self.asset_keys(snapshot_type, names),
            run_config={"ops": {f"adg_{snapshot_type}": {"config": options}}, **QUIET},
            tags={
                "dagster/asset_partition_range_start": min(days).isoformat(),
                "dagster/asset_partition_range_end": max(days).isoformat(),
            },
            raise_on_error=False,
        )
        return Run(self.instance, result.run_id, result.success, tuple(counted.submissions))


def make_world(stack: StackState, home: Path, instance: DagsterInstance, *, options: Sequence[str] = ()) -> World:
    """A world with prefixes of its own; its jobs are run by spark-submit."""
    loaded = load_settings("local", environment=Environment(home=home, options=tuple(options))).resolved(stack)
    root = f"tests/{uuid.uuid4().hex}"
    prefixes = loaded.deployment.prefixes.model_copy(
        update={
            "data": f"{root}/data/{{export_date}}/{{snapshot_type}}",
            "manifests": f"{root}/manifests/{{export_date}}/{{snapshot_type}}",
            "output": f"{root}/analytical-dataset",
            "control": f"{root}/_dataworks",
        }
    )
    settings = replace(loaded, deployment=loaded.deployment.model_copy(update={"prefixes": prefixes}))
    return World(settings, instance, _submitting(home), home, root)


def local_world(stack: StackState, instance: DagsterInstance) -> World:
    """The deployment `local` as it is in the stack's folder, for commands that know of nothing else."""
    settings = load_settings("local", environment=Environment(home=stack.home)).resolved(stack)
    return World(settings, instance, _submitting(stack.home), stack.home, "tests/local")


def _submitting(home: Path) -> Engine:
    log_folder = home / "logs" / "applications"
    return SubmitEngine("local[2]", log_folder=log_folder, work_folder=home / "work", spark_conf=QUICK_START)


def in_session(world: World) -> Engine:
    """An engine that works in this process, in the Spark session that tests share."""
    return SessionEngine(world.home / "session")
