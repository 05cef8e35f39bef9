"""What is seen of a run over the whole way: what it told Dagster, how it ended, and what readers of the tables find then."""

from __future__ import annotations

import io
import json
import logging
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
from dagster import AssetCheckEvaluation, AssetMaterialization, AssetObservation

from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.attending import Failed
from dataworks_assets.systems.plan import Plan
from dataworks_assets.systems.refusals import Refusal, read_refusals
from dataworks_assets_tests.spark.publish.memory_catalog import InMemoryCatalog
from spark.contract import ExportCollection, Finding
from spark.errors import DataworksError
from spark.publish.catalog import Pointer
from spark.publish.manifest import data_files
from spark.publish.tables import quarantine_name
from spark.store import ObjectStore

DAY = date(2026, 11, 20)


@dataclass
class Events(logging.Handler):
    """What a run tells Dagster: events and log lines."""

    run_id: str
    materializations: list[AssetMaterialization] = field(default_factory=list)
    checks: list[AssetCheckEvaluation] = field(default_factory=list)
    observations: list[AssetObservation] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.log = logging.Logger(self.run_id)
        self.log.addHandler(self)

    def __hash__(self) -> int:
        return id(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {record.getMessage()}")

    def log_event(self, event: AssetMaterialization | AssetCheckEvaluation | AssetObservation) -> None:
        kinds = {AssetCheckEvaluation: self.checks, AssetMaterialization: self.materializations}
        kinds.get(type(event), self.observations).append(event)


@dataclass
class Outcome:
    """How a run ended. `error` is what it raised, if anything."""

    events: Events
    plan: Plan | None = None
    failures: tuple[Failed, ...] = ()
    error: DataworksError | None = None

    def check(self, name: str, day: date = DAY) -> AssetCheckEvaluation:
        """The check of a collection's day."""
        key = name.split("/")
        found = [each for each in self.events.checks if each.asset_key.path[1:] == key and each.partition == day.isoformat()]
        assert len(found) == 1, f"{len(found)} checks of {name} {day}: {self.events.lines}"
        return found[0]

    def findings(self, name: str, day: date = DAY, *, passed: bool = False) -> list[Finding]:
        """The findings in a check's evidence: the failed ones, or those that passed."""
        records = self.check(name, day).metadata["evidence"].records
        return [finding for record in records if (finding := Finding(**record.data)).passed is passed]

    def finding(self, name: str, day: date = DAY) -> Finding:
        """The one failed finding of a collection's day."""
        found = self.findings(name, day)
        assert len(found) == 1, found
        return found[0]

    def published(self) -> set[tuple[str, str]]:
        """(collection, export date) of what was reported as materialized."""
        return {("/".join(each.asset_key.path[1:]), each.partition or "") for each in self.events.materializations}


class Readers:
    """What readers of a deployment's tables find."""

    store: ObjectStore
    catalog: InMemoryCatalog
    scope: AdgScope

    def job(self, name: str) -> ExportCollection:
        """A collection as the job has it."""
        return self.scope.collections[name].job

    def pointer(self, name: str, day: date = DAY, *, table: int = 0) -> Pointer | None:
        """What the catalog shows of a day."""
        shown = self.job(name).tables[table]
        return self.catalog.pointers(shown.database, shown.name).get(day.isoformat())

    def table(self, name: str, day: date = DAY, *, table: int = 0) -> pa.Table | None:
        """A published day as readers of the table of all days see it; None where it is not published."""
        pointer = self.pointer(name, day, table=table)
        return None if pointer is None else self.read(pointer.location)

    def newest(self, name: str) -> pa.Table | None:
        """What readers of the plain table see."""
        main = self.job(name).tables[0]
        pointer = self.catalog.newest(main.database, main.newest)
        return None if pointer is None else self.read(pointer.location)

    def ids(self, name: str, day: date = DAY) -> list[str] | None:
        """The ids of a published day, sorted; None where it is not published."""
        table = self.table(name, day)
        return None if table is None else sorted(json.loads(text)["d_oid"] for text in table["id"].to_pylist())

    def quarantine(self, name: str, day: date = DAY) -> list[dict[str, object]]:
        """The lines of a day that were no rows, as the quarantine table shows them."""
        main = self.job(name).tables[0]
        pointer = self.catalog.pointers(main.database, quarantine_name(main)).get(day.isoformat())
        return [] if pointer is None else self.read(pointer.location).to_pylist()

    def read(self, location: str) -> pa.Table:
        """All rows of a folder of Parquet files."""
        files = [pq.read_table(io.BytesIO(self.store.read(item.uri))) for item in data_files(self.store.list(location))]
        return pa.concat_tables(files)

    def refusals(self) -> dict[tuple[str, str], Refusal]:
        """What is kept of refused days."""
        return read_refusals(self.store, self.scope)

    def objects(self, prefix_uri: str | None = None) -> list[str]:
        """Addresses of all objects below a prefix (of the output, by default)."""
        return [listed.uri for listed in self.store.list(prefix_uri or self.scope.output_uri)]
