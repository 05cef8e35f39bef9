"""Input and output types of publishing, and what a day's tables are to show. No calls here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec

from spark.contract import Collection, PartitionWork, SourceObject, TableResult
from spark.errors import CatalogError, DataworksError
from spark.publish.catalog import Pointer
from spark.publish.lease import Lease, TablePointer
from spark.publish.manifest import AttemptManifest, tags_hash
from spark.publish.tables import columns_of


@dataclass(frozen=True)
class ReadyPartition:
    """An audited day of a collection whose files are staged; `tables` are in the order of the collection's."""

    collection: Collection
    work: PartitionWork
    lease: Lease
    tables: tuple[TableResult, ...]
    quarantine: TableResult | None = None


@dataclass(frozen=True)
class AttemptToShow:
    """An existing attempt, with all its files present; `manifests` are in the order of the collection's tables."""

    collection: Collection
    export_date: str
    lease: Lease
    manifests: tuple[AttemptManifest, ...]


@dataclass(frozen=True)
class PublishOutcome:
    """How publishing a day ended: `pointers` are what the catalog shows for the day, none if it does not show this attempt.

    There may be both an error and pointers: the day is published, but the work after that (newest table, quarantine, day's
    document) failed and is left to the next run.
    """

    collection: str
    export_date: str
    pointers: tuple[TablePointer, ...] = ()
    error: DataworksError | None = None

    @property
    def is_published(self) -> bool:
        """Whether the catalog shows this attempt in all tables."""
        return bool(self.pointers)


@dataclass(frozen=True)
class PublishContext:
    """Who publishes, and where."""

    system: str
    run_id: str
    output_uri: str


@dataclass(frozen=True)
class Intent:
    """What a day's tables are to show."""

    pointers: tuple[TablePointer, ...]
    tables: tuple[TableResult, ...]
    quarantine: AttemptManifest | None


@dataclass
class Day:
    """A day in the course of publication."""

    collection: Collection
    export_date: str
    lease: Lease
    intent: Intent | DataworksError
    error: DataworksError | None = None
    is_shown: bool = False

    @property
    def marked(self) -> Intent:
        """The intent of a day that has one."""
        if isinstance(self.intent, DataworksError):
            raise self.intent
        return self.intent

    @property
    def is_possible(self) -> bool:
        """Whether no error is known that keeps it from being shown."""
        return self.error is None and isinstance(self.intent, Intent)

    def outcome(self) -> PublishOutcome:
        """How it ended."""
        return PublishOutcome(self.collection.name, self.export_date, self.marked.pointers if self.is_shown else (), self.error)


def hold_back(days: Iterable[Day]) -> None:
    """Marks days behind one that cannot be shown as failed, for tables whose schema follows the order of days."""
    failed: dict[str, Day] = {}
    for day in sorted(days, key=lambda day: day.export_date):
        before = failed.get(day.collection.name)
        if before is not None:
            day.error = day.error or _behind(before)
        elif day.collection.is_in_order and not day.is_possible:
            failed[day.collection.name] = day


def out_of_order(before: object) -> str:
    """Returns the error of a day that must not be published because an earlier one is not."""
    return f"the schema follows the days in their order, and {before} is not published"


def _behind(before: Day) -> DataworksError:
    cause = before.error or before.intent
    return CatalogError(
        out_of_order(before.export_date),
        remedy=f"Mend {before.export_date} first: this day follows with the next run",
        transient=isinstance(cause, DataworksError) and cause.transient,
    )


def pointers_of(item: ReadyPartition, context: PublishContext) -> tuple[TablePointer, ...]:
    """Returns what the collection's tables are to show for a staged day."""
    published_utc = _now_utc()
    tags = tags_hash(*(table.tags for table in item.collection.tables))
    return tuple(
        TablePointer(
            database=result.database,
            name=result.name,
            pointer=Pointer(
                partition=item.work.export_date,
                location=result.location,
                attempt=item.work.attempt,
                fingerprint=item.work.fingerprint,
                epoch=item.lease.epoch,
                run_id=context.run_id,
                rows=result.rows,
                config_hash=item.work.config_hash,
                published_utc=published_utc,
                files=len(result.files),
                size_bytes=sum(file.size_bytes for file in result.files),
                tags_hash=tags,
            ),
        )
        for result in item.tables
    )


def manifest_of(
    item: ReadyPartition, context: PublishContext, *, table: TableResult, pointers: tuple[TablePointer, ...]
) -> AttemptManifest:
    """Returns the manifest of one table (or the quarantine) of a staged day."""
    by_name = {(one.database, one.name): one for one in item.collection.tables}
    declared = by_name.get((table.database, table.name))
    return AttemptManifest(
        system=context.system,
        collection=item.collection.name,
        snapshot_type=item.collection.snapshot_type,
        export_date=item.work.export_date,
        attempt=item.work.attempt,
        epoch=item.lease.epoch,
        run_id=context.run_id,
        fingerprint=item.work.fingerprint,
        config_hash=item.work.config_hash,
        table=table,
        pointers=pointers,
        inputs=_inputs(item.work),
        columns=() if declared is None else columns_of(declared),
        tags=(declared or item.collection.tables[0]).tags,
        quarantine=item.quarantine,
        written_utc=_now_utc(),
    )


def intent_of(attempt: AttemptToShow) -> Intent:
    """Returns what tables are to show for an attempt that is there already, under the lease's epoch."""
    published_utc = _now_utc()
    first = attempt.manifests[0]
    pointers = tuple(
        msgspec.structs.replace(table, pointer=replace(table.pointer, epoch=attempt.lease.epoch, published_utc=published_utc))
        for table in first.pointers
    )
    quarantine = None if first.quarantine is None else msgspec.structs.replace(first, table=first.quarantine)
    return Intent(pointers, tuple(manifest.table for manifest in attempt.manifests), quarantine)


def _inputs(work: PartitionWork) -> tuple[SourceObject, ...]:
    data = tuple(file.source for file in work.files)
    return data + tuple(file.manifest for file in work.files if file.manifest is not None)


def _now_utc() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
