"""A small lake for tests: a store, a catalog and a clock in memory, runs that publish into it, and faults on purpose."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dataworks_assets_tests.spark.publish.memory_catalog import InMemoryCatalog
from spark.contract import (
    Column,
    DataFile,
    ExportCollection,
    Layout,
    OutputTable,
    PartitionWork,
    SourceObject,
    StoreSettings,
    TableResult,
    WrittenFile,
)
from spark.errors import CatalogError, StoreError
from spark.publish.intent import PublishContext, ReadyPartition
from spark.publish.lease import Lease, LeaseKeeper, LeaseKey
from spark.publish.manifest import partition_uri
from spark.publish.switch import Publisher
from spark.publish.tables import quarantine_name
from spark.store import ObjectStore

OUTPUT = "memory://lake/analytical-dataset/full"
CONTROL = "memory://lake/_dataworks"
"""Of a lake in memory."""
TTL_SECONDS = 120.0

STATEMENT = ExportCollection(
    name="core/statement",
    topic="db.core.statement",
    snapshot_type="full",
    tables=(OutputTable(database="adg", name="core_statement_history", newest="core_statement", tags={"pii": "true"}),),
)
AUDIT = ExportCollection(
    name="data/audit",
    topic="data.audit",
    snapshot_type="incremental",
    tables=tuple(
        OutputTable(
            database=database,
            name=name,
            partition_column="date_str",
            layout=Layout.COLUMNS,
            columns=(Column(name="1_abroad"),),
            tags={"table": name},
        )
        for database, name in (("uc_dw", "managed"), ("uc", "sec_v"), ("uc", "red_v"))
    ),
)


class Killed(BaseException):
    """The process ended here."""


@dataclass
class Faults:
    """Counts the calls to catalog and store, and does something at the n-th."""

    at: int = 0
    moment: str = "before"
    fault: str = "kill"
    calls: list[str] = field(default_factory=list)
    is_dead: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _depth: threading.local = field(default_factory=threading.local)

    @contextmanager
    def call(self, service: str, method: str):
        """A call; those that it makes itself are part of it."""
        if getattr(self._depth, "inside", False):
            yield
            return
        with self._lock:
            self.calls.append(f"{service}.{method}")
            hit = len(self.calls) == self.at
        self._depth.inside = True
        try:
            self._strike(service, hit and self.moment == "before")
            try:
                yield
            finally:
                self._strike(service, hit and self.moment == "after")
        finally:
            self._depth.inside = False

    def _strike(self, service: str, hit: bool) -> None:
        if self.fault == "kill":
            self.is_dead = self.is_dead or hit
            if self.is_dead:
                raise Killed
        elif hit:
            raise (CatalogError if service == "catalog" else StoreError)("timed out on purpose")


class FaultyStore(ObjectStore):
    """An object store in memory whose calls are counted."""

    faults: Faults = Faults()

    def put(self, uri, body, **options):
        with self.faults.call("store", "put"):
            return super().put(uri, body, **options)

    def read(self, uri, **options):
        with self.faults.call("store", "read"):
            return super().read(uri, **options)

    def read_versioned(self, uri):
        with self.faults.call("store", "read_versioned"):
            return super().read_versioned(uri)

    def list(self, prefix_uri, **options):
        with self.faults.call("store", "list"):
            return iter(tuple(super().list(prefix_uri, **options)))

    def delete(self, uris):
        with self.faults.call("store", "delete"):
            return super().delete(uris)


class FaultyCatalog(InMemoryCatalog):
    """A catalog in memory whose calls are counted."""

    faults: Faults = Faults()

    @contextmanager
    def _call(self, method):
        with self.faults.call("catalog", method), super()._call(method):
            yield


@dataclass
class Lake:
    """The store, the catalog and the time that runs share."""

    catalog: Any = field(default_factory=FaultyCatalog)
    store: ObjectStore = field(default_factory=lambda: FaultyStore(StoreSettings(scheme="memory")))
    now_seconds: float = 1_800_000_000.0
    attempts: int = 0
    root_uri: str = "memory://lake"

    @property
    def output_uri(self) -> str:
        return f"{self.root_uri}/analytical-dataset/full"

    @property
    def control_uri(self) -> str:
        return f"{self.root_uri}/_dataworks"

    def set_faults(self, faults: Faults) -> Faults:
        self.catalog.faults = self.store.faults = faults
        return faults

    def run(self, name: str) -> Run:
        keeper = LeaseKeeper(self.store, self.control_uri, owner=name, ttl_seconds=TTL_SECONDS, clock=lambda: self.now_seconds)
        context = PublishContext(system="adg", run_id=name, output_uri=self.output_uri)
        publisher = Publisher(self.catalog, self.store, leases=keeper, context=context, pause=lambda _: None)
        return Run(self, name, keeper, publisher)

    def shown(self, collection: ExportCollection) -> dict[str, set[str]]:
        """By day, the attempts that the collection's tables show (one, where all is well)."""
        days: dict[str, set[str]] = {}
        for table in collection.tables:
            for day, pointer in self.catalog.pointers(table.database, table.name).items():
                days.setdefault(day, set()).add(pointer.attempt)
        return days

    def newest(self, collection: ExportCollection = STATEMENT) -> str | None:
        table = collection.tables[0]
        pointer = self.catalog.newest(table.database, table.newest)
        return None if pointer is None else pointer.partition


@dataclass
class Run:
    """One run that publishes."""

    lake: Lake
    name: str
    leases: LeaseKeeper
    publisher: Publisher

    def acquire(self, collection: ExportCollection, *days: str) -> list[Lease]:
        keys = [LeaseKey("adg", collection.name, collection.snapshot_type, day) for day in days]
        found = self.leases.acquire_many(keys)
        return [found[key] for key in keys]

    def ready(
        self, collection: ExportCollection, day: str, lease: Lease, *, rows: int = 2, quarantined: int = 0, inputs: str = "f1"
    ) -> ReadyPartition:
        """Stages a day's files."""
        self.lake.attempts += 1
        attempt = f"20261121T000000-{self.lake.attempts:08x}"
        tables = tuple(self._stage(table.database, table.name, day, attempt, rows) for table in collection.tables)
        main = collection.tables[0]
        bad = self._stage(main.database, quarantine_name(main), day, attempt, quarantined) if quarantined else None
        source = SourceObject(uri=f"memory://input/{day}", etag="e", size_bytes=1)
        work = PartitionWork(
            collection=collection.name,
            export_date=day,
            attempt=attempt,
            epoch=lease.epoch,
            lease_uri=lease.uri,
            fingerprint=inputs,
            config_hash="c1",
            files=(DataFile(source=source, slice_start=0, slice_end=1, batch=1),),
        )
        return ReadyPartition(collection, work, lease, tables, bad)

    def publish(self, collection: ExportCollection, *days: str, **options):
        """Takes the leases, stages, publishes and gives the leases back."""
        leases = self.acquire(collection, *days)
        items = [self.ready(collection, day, lease, **options) for day, lease in zip(days, leases, strict=True)]
        outcomes = self.publisher.publish(items)
        self.leases.release_many(leases)
        return outcomes

    def _stage(self, database: str, table: str, day: str, attempt: str, rows: int) -> TableResult:
        location = f"{partition_uri(self.lake.output_uri, day, database=database, table=table)}/{attempt}"
        uri = f"{location}/part-0.parquet"
        body = f"{attempt} {rows}".encode()
        etag = ObjectStore.put(self.lake.store, uri, body)
        file = WrittenFile(uri=uri, rows=rows, size_bytes=len(body), etag=etag)
        return TableResult(database=database, name=table, location=location, files=(file,), rows=rows)
