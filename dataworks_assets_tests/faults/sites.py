"""Stacks that may be harmed, what each test delivers to a system on one, and a reader who looks at its tables meanwhile."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import msgspec

from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.stack import lifecycle
from dataworks_assets.stack.sample.export import SampleRequest, SampleWriter
from dataworks_assets.stack.sample.truth import ExportTruth
from dataworks_assets.stack.state import INPUT_BUCKET, MANIFEST_BUCKET, OUTPUT_BUCKET, StackState
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.platform import Platform
from dataworks_assets_tests.conftest import JARS
from dataworks_assets_tests.dagster_runs.reading import held_by, read_files, table_days
from dataworks_assets_tests.dagster_runs.world import World
from dataworks_assets_tests.faults.blows import VARIABLE, Blow
from dataworks_assets_tests.faults.struck_step import settings_of
from dataworks_assets_tests.systems.kickstart.on_stack import EVOLVING_DAYS, Delivery, Shown
from spark.errors import CatalogError, NotFoundError, StoreError
from spark.publish.manifest import missing_files, read_manifest
from spark.sources.keys import KeyService

FIRST_DAY = date(2026, 11, 16)
NAMES = ("data/businessAudit", "core/toDo", "quartz/claimantEvent")
RUN_SECONDS = 180
PROJECT = Path(__file__).resolve().parents[2]


@dataclass
class Site(ABC):
    """A stack that may be harmed, and what is delivered to a system on it: something of its own for each test."""

    home: Path
    system: ClassVar[str]

    @property
    def stack(self) -> StackState:
        """The stack, started again where it is down."""
        return lifecycle.up(self.home, jars_directory=JARS)

    @property
    def platform(self) -> Platform:
        """Clients that no blow comes to."""
        return Platform(settings_of(self.home))

    @abstractmethod
    def deliver(self) -> tuple[str, ...]:
        """Delivers input that a run has to publish; returns how the run is told of it."""

    @abstractmethod
    def tables(self, told: tuple[str, ...]) -> list[tuple[str, str]]:
        """The tables to be looked at while a run is struck, with their databases."""

    @abstractmethod
    def wrong_tables(self, told: tuple[str, ...]) -> list[str]:
        """Tables that do not hold what was delivered."""

    def start(self, told: tuple[str, ...], blow: Blow | None = None, *, engine: str = "submit") -> subprocess.Popen[str]:
        """Starts a run in a process of its own."""
        environment = os.environ | self.stack.environment()
        if blow is not None:
            environment[VARIABLE] = msgspec.json.encode(blow).decode()
        command = [sys.executable, "-m", "dataworks_assets_tests.faults.struck_step", str(self.home), engine, self.system]
        return subprocess.Popen([*command, *told], env=environment, stdout=subprocess.PIPE, text=True, cwd=PROJECT)

    def run(self, told: tuple[str, ...], *, engine: str) -> dict[str, object]:
        """Runs to the end, and returns what the run said."""
        process = self.start(told, engine=engine)
        said, _ = process.communicate(timeout=RUN_SECONDS)
        return {"code": process.returncode, **json.loads(said)}


@dataclass
class AdgSite(Site):
    """Exports, a day of its own for each test."""

    system: ClassVar[str] = "adg"
    truths: dict[date, ExportTruth] = field(default_factory=dict)

    def deliver(self) -> tuple[str, ...]:
        day = self.export()
        return (day.isoformat(), *NAMES)

    def export(self) -> date:
        """Exports another day."""
        platform = self.platform
        day = max(self.truths, default=FIRST_DAY.replace(day=FIRST_DAY.day - 1))
        day = date.fromordinal(day.toordinal() + 1)
        prefixes = platform.settings.deployment.prefixes
        scope = AdgScope(platform.settings, SnapshotType.INCREMENTAL)
        request = SampleRequest(
            data_uri=f"s3://{INPUT_BUCKET}/{prefixes.data}",
            manifest_uri=f"s3://{MANIFEST_BUCKET}/{prefixes.manifests}",
            truth_uri=f"s3://{OUTPUT_BUCKET}/truth",
            days=(day,),
            snapshot_types=("incremental",),
            topics=tuple(scope.collections[name].job.topic for name in NAMES),
            scale=0.02,
        )
        keys = KeyService(platform.key_service_settings, correlation_id="tests")
        (written,) = SampleWriter(platform.store, keys.new_key).write(request).exports
        self.truths[day] = written.truth
        return day

    def tables(self, told: tuple[str, ...]) -> list[tuple[str, str]]:
        del told
        scope = AdgScope(self.platform.settings, SnapshotType.INCREMENTAL)
        return [(table.database, table.name) for name in NAMES for table in scope.collections[name].job.tables]

    def wrong_tables(self, told: tuple[str, ...]) -> list[str]:
        platform, stack, day = self.platform, self.stack, date.fromisoformat(told[0])
        world = World(platform.settings, None, None, self.home, "")
        world.names = lambda _snapshot_type: list(NAMES)  # type: ignore[method-assign]
        truth = {topic.topic: topic for topic in self.truths[day].topics}
        wrong = []
        for table in table_days(world, "incremental", day, truth):
            pointers = platform.catalog.pointers(table.database, table.name, [day.isoformat()])
            there = None if not pointers else held_by(read_files(stack, pointers[day.isoformat()].location), table)
            if there != table.holds:
                wrong.append(f"{table.place}: {there}, not {table.holds}")
            newest = table.output.newest and platform.catalog.newest(table.database, table.output.newest)
            if table.output.newest and (newest is None or newest.partition != max(self.truths).isoformat()):
                wrong.append(f"{table.output.newest} shows {newest}")
        return wrong


@dataclass
class KickstartSite(Site):
    """Days of partner files whose columns come, go and change, in tables of their own for each test."""

    system: ClassVar[str] = "kickstart"
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def deliver(self) -> tuple[str, ...]:
        name = f"struck_{next(self.numbers)}"
        self._delivery(name).write()
        return (name,)

    def _delivery(self, name: str) -> Delivery:
        return Delivery.open(settings_of(self.home), name)

    @cached_property
    def undisturbed(self) -> Shown:
        """What tables show after a run that nothing disturbs."""
        told = self.deliver()
        ran = self.run(told, engine="threads")
        assert ran["code"] == 0, ran
        shown = self._delivery(*told).shown()
        assert [len(rows) for _, rows in shown.values()] == [len(EVOLVING_DAYS)] * len(shown)
        return shown

    def tables(self, told: tuple[str, ...]) -> list[tuple[str, str]]:
        scope = self._delivery(*told).scope
        return [(table.database, table.name) for each in scope.collections.values() for table in each.job.tables]

    def wrong_tables(self, told: tuple[str, ...]) -> list[str]:
        shown = self._delivery(*told).shown()
        return [f"{name}: {found}" for name, found in shown.items() if found != self.undisturbed[name]]


class LoopingReader(threading.Thread):
    """Looks at every table again and again: whatever the catalog shows has to be whole."""

    def __init__(self, site: Site, tables: Sequence[tuple[str, str]]) -> None:
        super().__init__(name="reader", daemon=True)
        self.looks = 0
        self.wrong: list[str] = []
        self._platform = site.platform
        self._tables = tables
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(0.2):
            for database, name in self._tables:
                self._look(database, name)

    def _look(self, database: str, name: str) -> None:
        store = self._platform.store
        try:
            for pointer in self._platform.catalog.pointers(database, name).values():
                manifest = read_manifest(store, pointer.location)
                if missing_files(store, manifest) or manifest.table.rows != pointer.rows:
                    self.wrong.append(f"{name} {pointer.partition} is not whole")
                self.looks += 1
        except NotFoundError as error:
            self.wrong.append(str(error))
        except (CatalogError, StoreError):
            return  # what was killed on purpose does not answer

    def __enter__(self) -> LoopingReader:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopped.set()
        self.join()
