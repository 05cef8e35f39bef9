"""The whole way of Kickstart in one process without any service: partner files in memory, the job on threads, tables in memory.

    world = World()
    world.csv("adverts", DAY, "id,title\n1,Baker\n")
    outcome = world.run("vacancy/adverts")
    assert world.rows("vacancy/adverts") == [{"id": 1, "title": "Baker", "error_desc": None}]

Store, source, catalog and keys can be given, so that tests can put their faults into them.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from dataworks_assets.config.deployment import Deployment
from dataworks_assets.config.environment import Environment
from dataworks_assets.config.kickstart import PartnerCollectionConfig
from dataworks_assets.config.settings import Settings
from dataworks_assets.stack.sample.wire import FIXED_KEY, encrypt, encryption_metadata
from dataworks_assets.systems.execution import Execution
from dataworks_assets.systems.kickstart.planner import KickstartPlanner
from dataworks_assets.systems.kickstart.recording import kickstart_recorded
from dataworks_assets.systems.kickstart.scope import KickstartScope
from dataworks_assets.systems.plan import Plan, Request
from dataworks_assets.systems.platform import Platform
from dataworks_assets_tests.ledger.memory_tables import MemoryTables
from dataworks_assets_tests.spark.publish.memory_catalog import InMemoryCatalog
from dataworks_assets_tests.spark.sources.memory_keys import Keys
from dataworks_assets_tests.systems.adg.whole_path import Events, Outcome, ThreadEngine
from spark.contract import JobParameters, JobResult
from spark.errors import DataworksError
from spark.jobs import kickstart
from spark.jobs.services import Services
from spark.publish.catalog import Pointer
from spark.publish.manifest import data_files
from spark.publish.tables import quarantine_name
from spark.store import ObjectStore

DAY = date(2026, 11, 20)
TODAY = DAY + timedelta(days=1)
IV = bytes(range(16))
ADVERTS, CLAIMS = "vacancy/adverts", "application/claims"

_numbers = itertools.count(1)


def days_from(count: int, first: date = DAY) -> list[date]:
    """So many days, ending with `first`'s."""
    return [first - timedelta(days=back) for back in reversed(range(count))]


def configured(name: str, **fields: object) -> PartnerCollectionConfig:
    """A collection as an operator would configure it."""
    module, collection = name.split("/")
    return PartnerCollectionConfig(**{"module": module, "collection": collection, "pii": module != "vacancy", **fields})


@dataclass
class PartnerEngine(ThreadEngine):
    """Runs Kickstart's driver in this thread and its tasks in others."""

    def job(self, parameters, cluster, reporter):
        services = Services(self.world.store, self.world.catalog, self.world.keys, lambda _: None, self.world.source)
        return kickstart.run(parameters, cluster, reporter, services=services)


@dataclass
class World:
    """A deployment in memory with a partner. Attributes may be replaced between runs."""

    collections: Sequence[PartnerCollectionConfig] = (
        configured(ADVERTS, columns=[{"name": "id", "type": "integer"}, {"name": "title"}]),
        configured(CLAIMS, columns=[{"name": "id"}, {"name": "amount", "type": "decimal(9,2)"}]),
    )
    store: ObjectStore = field(default_factory=ObjectStore.in_memory)
    source: ObjectStore = field(default_factory=ObjectStore.in_memory)
    catalog: InMemoryCatalog = field(default_factory=InMemoryCatalog)
    keys: Keys = field(default_factory=Keys)
    today: date = TODAY
    first_day: date | None = None
    """The day with which the partner's history begins; None: the first that is published."""
    cores: int = 2
    is_test: bool = False
    kickstart_fields: dict[str, object] = field(default_factory=dict)
    environment: str = "development"
    tables: MemoryTables = field(default_factory=MemoryTables)
    """The status tables that others read."""
    submissions: list[JobParameters] = field(default_factory=list)
    results: list[JobResult] = field(default_factory=list)
    retagged: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        said = {
            "name": "memory",
            "environment": self.environment,
            "store": {"scheme": "memory"},
            "buckets": {"input": "input", "manifests": "manifests", "output": "output", "logs": "logs"},
            "key_service": {"url": "https://key-service.example"},
            "catalog": {"uri": "thrift://metastore.example:9083"},
            "exports": {"first_day": self.first_day or date(2026, 11, 1)},
            "ledger": {"status_table": "data_pipeline_metadata", "collection_table": "UCExportToCrownStatus"},
            "kickstart": {"bucket": "partner", "scheme": "memory", "first_day": self.first_day, **self.kickstart_fields},
        }
        return Settings(Deployment.model_validate(said), (), Environment(), partner=tuple(self.collections))

    @property
    def scope(self) -> KickstartScope:
        return KickstartScope(self.settings)

    @property
    def platform(self) -> Platform:
        platform = Platform(self.settings)
        platform.store, platform.catalog, platform.engine = self.store, self.catalog, PartnerEngine(self)
        platform.put_tags = self.retagged.__setitem__
        platform.status_tables = self.tables
        return platform

    @property
    def planner(self) -> KickstartPlanner:
        return KickstartPlanner(self.platform, self.scope, self.source, self.is_test, self.today)

    # What goes in

    def uri(self, name: str, day: date = DAY, end: str = "") -> str:
        """Where a file of a collection's day lies."""
        scoped = self.scope.collections[name]
        module = self.scope.source.modules[scoped.config.module]
        suffix = end or f".{module.format}"
        prefix = self.scope.prefix_uri(scoped.config.module, day, is_test=self.is_test)
        return f"{prefix}/{day}_{module.name_prefix}{scoped.config.collection}{suffix}"

    def csv(self, text: str | bytes, day: date = DAY, *, name: str = ADVERTS, end: str = "") -> str:
        """Puts a CSV file and returns its address."""
        uri = self.uri(name, day, end)
        self.source.put(uri, text.encode() if isinstance(text, str) else text)
        return uri

    def json(
        self, rows: Sequence[Mapping[str, object]], day: date = DAY, *, name: str = CLAIMS, end: str = "", pii: object = True
    ) -> str:
        """Puts an encrypted document with the fields that its rows have, and returns its address."""
        names = list(dict.fromkeys(key for row in rows for key in row))
        fields = [{"fieldName": key, "pii": pii} for key in names]
        return self.text(json.dumps({"fields": fields, "data": rows}).encode(), day, name=name, end=end)

    def text(self, text: bytes, day: date = DAY, *, name: str = CLAIMS, end: str = "", key: bytes | None = None) -> str:
        """Puts an encrypted text and returns its address."""
        uri = self.uri(name, day, end)
        body = encrypt(text, key or FIXED_KEY.plaintext, IV)
        self.source.put(uri, body, metadata=encryption_metadata(FIXED_KEY, IV))
        return uri

    # What is done

    def plan(self, *names: str, days: Sequence[date] = (DAY,), **request: object) -> Plan:
        """What a run would do."""
        return self.planner.plan(Request(names, tuple(days), **request))

    def run(self, *names: str, days: Sequence[date] = (DAY,), **request: object) -> Outcome:
        """Runs the collections (all, where none is named) over the days; an error of the platform is in the outcome."""
        events = Events(f"run-{next(_numbers)}")
        execution = Execution(self.platform, self.scope, self.planner, events)
        try:
            plan = execution.run(Request(names, tuple(days), **request))
        except DataworksError as error:
            return Outcome(events, failures=tuple(execution.failures), error=error)
        return Outcome(events, plan, tuple(execution.failures))

    def run_recorded(self, *names: str, days: Sequence[date] = (DAY,)) -> Outcome:
        """Runs as an asset does, with its ledgers, which are written at once."""
        events = Events(f"run-{next(_numbers)}")
        platform, scope = self.platform, self.scope
        wanted = [each.name for each in scope.select(names)]
        with kickstart_recorded(platform, scope, events, names=wanted, days=days, in_background=False) as told:
            execution = Execution(platform, scope, self.planner, events, told=told)
            plan = execution.run(Request(names, tuple(days)))
        return Outcome(events, plan, tuple(execution.failures))

    # What came out

    def pointer(self, name: str, day: date = DAY) -> Pointer | None:
        """What the catalog shows of a day."""
        table = self.scope.collections[name].job.tables[0]
        return self.catalog.pointers(table.database, table.name).get(day.isoformat())

    def rows(self, name: str, day: date = DAY) -> list[dict[str, object]] | None:
        """A published day with the columns of its table as it stands now; None where it is not published."""
        pointer = self.pointer(name, day)
        if pointer is None:
            return None
        columns = [column.name for column in self.columns(name)]
        return [{column: row.get(column) for column in columns} for row in self.read(pointer.location).to_pylist()]

    def columns(self, name: str):
        """The columns of a table as it stands; none where there is no table."""
        table = self.scope.collections[name].job.tables[0]
        found = self.catalog.describe(table.database, table.name)
        return () if found is None else found.columns

    def types(self, name: str) -> dict[str, str]:
        """The types of a table's columns, in their order."""
        return {column.name: column.type for column in self.columns(name)}

    def quarantine(self, name: str, day: date = DAY) -> list[dict[str, object]]:
        """What of a day were no rows, as the quarantine table shows it."""
        table = self.scope.collections[name].job.tables[0]
        pointer = self.catalog.pointers(table.database, quarantine_name(table)).get(day.isoformat())
        return [] if pointer is None else self.read(pointer.location).to_pylist()

    def read(self, location: str) -> pa.Table:
        """All rows of a folder of Parquet files."""
        files = [pq.read_table(io.BytesIO(self.store.read(item.uri))) for item in data_files(self.store.list(location))]
        return pa.concat_tables(files)
