"""The production job on one export, from its keys to its published table, in a session that is there already."""

from __future__ import annotations

import pickle
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from bench.place import OUTPUT_URI, Export, Place
from dataworks_assets.stack.sample.bench import COLUMNS, TOPIC
from spark.contract import (
    AnyCollection,
    DataFile,
    ExportCollection,
    JobParameters,
    JobResult,
    Layout,
    OutputTable,
    PartitionState,
    PartitionWork,
)
from spark.errors import EngineError
from spark.jobs import adg
from spark.jobs.cluster import Cluster, SparkCluster
from spark.jobs.progress import Reporter
from spark.publish.lease import Lease, LeaseKeeper, LeaseKey

if TYPE_CHECKING:
    from pyspark import SparkContext

DAY = "2026-11-20"
_NAME = "bench/statement"
_DATABASE = "bench"
_SYSTEM = "adg"
_CONTROL_URI = f"{OUTPUT_URI}/_control"

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class WatchedCluster:
    """The production cluster, with a count of the bytes that its tasks send to the driver."""

    cluster: SparkCluster
    received_bytes: int = 0

    @property
    def cores(self) -> int:
        """See `Cluster.cores`."""
        return self.cluster.cores

    def run(self, function: Callable[[Item], Result], items: Sequence[Item], *, name: str) -> Iterator[Result]:
        """See `Cluster.run`."""
        for result in self.cluster.run(function, items, name=name):
            self.received_bytes += len(pickle.dumps(result))
            yield result


def collection_of(layout: Layout, *, unique_ids: bool = True) -> ExportCollection:
    """Returns the export's collection with one table of a layout; a table a layout."""
    table = OutputTable(
        database=_DATABASE,
        name=f"statement_{layout}_history",
        newest=f"statement_{layout}",
        layout=layout,
        columns=() if layout is Layout.RAW else COLUMNS,
        tags={"pii": "true", "db": "bench", "table": "statement"},
    )
    return ExportCollection(name=_NAME, topic=TOPIC, snapshot_type="full", tables=(table,), unique_ids=unique_ids)


def prepare_day(place: Place, export: Export, collection: ExportCollection) -> JobParameters:
    """Takes the day's lease and returns what planning gives the job; planning is left out, as it is of every baseline."""
    return prepare_job(place, _SYSTEM, collection, {DAY: export.files}, output="full")


def prepare_job(
    place: Place, system: str, collection: AnyCollection, days: Mapping[str, tuple[DataFile, ...]], *, output: str
) -> JobParameters:
    """Takes the leases of a collection's days and returns what planning gives the job; `output` is a folder's name."""
    owner = f"bench-{secrets.token_hex(4)}"
    keeper = LeaseKeeper(place.store, _CONTROL_URI, owner=owner)
    keys = {day: LeaseKey(system, owner, collection.snapshot_type, day) for day in days}
    leases = keeper.acquire_many(list(keys.values()))
    work = []
    for day, files in days.items():
        lease = leases[keys[day]]
        if not isinstance(lease, Lease):
            raise lease
        work.append(
            PartitionWork(
                collection=collection.name,
                export_date=day,
                attempt=owner,
                epoch=lease.epoch,
                lease_uri=lease.uri,
                fingerprint=owner,
                config_hash="bench",
                files=files,
            )
        )
    return JobParameters(
        run_id=owner,
        system=system,
        collections={collection.name: collection},
        partitions=tuple(work),
        store=place.store_settings,
        key_service=place.key_service_settings,
        catalog=place.catalog_settings,
        output_uri=f"{OUTPUT_URI}/{output}",
        control_uri=_CONTROL_URI,
        result_uri=f"{_CONTROL_URI}/{owner}.json",
        lease_owner=owner,
    )


def run_day(context: SparkContext, parameters: JobParameters) -> JobResult:
    """Carries the job out in a session; see `run_day_on`."""
    return run_day_on(SparkCluster(context), parameters)


def run_day_on(cluster: Cluster, parameters: JobParameters) -> JobResult:
    """Carries the job out.

    Raises:
        EngineError: its day was not published.
    """
    return all_published(adg.run(parameters, cluster, Reporter(lambda _message: None)))


def all_published(result: JobResult) -> JobResult:
    """Returns a result of which every day was published.

    Raises:
        EngineError: one was not.
    """
    for day in result.partitions:
        if day.state is not PartitionState.PUBLISHED:
            causes = [finding.cause for finding in day.findings if not finding.passed]
            raise EngineError(f"{day.export_date} was not published: {causes[0]}", where=day.collection)
    return result
