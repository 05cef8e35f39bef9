"""From an audited day to its result: published if the audit passed, with its quarantine kept in any case.

`spark.publish` switches the catalog; this module converts task outcomes into its input, and its output into results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from spark.contract import (
    Collection,
    Finding,
    OutputTable,
    PartitionResult,
    PartitionState,
    PartitionWork,
    SchemaChange,
    TableResult,
    WrittenFile,
)
from spark.errors import DataworksError, LeaseError
from spark.jobs.audit import row_count, state_of
from spark.jobs.outcome import ShardOutcome, failed
from spark.jobs.unlock import finding_of
from spark.jobs.writers import StageSettings, table_location
from spark.publish.intent import PublishOutcome, ReadyPartition
from spark.publish.lease import Lease
from spark.publish.switch import Publisher
from spark.publish.tables import quarantine_name


@dataclass(frozen=True)
class Audited:
    """A day that was read completely, with what the tasks wrote and what the audit found.

    `schema_changes` say how it differs from the table's schema, for tables that follow their source.
    """

    work: PartitionWork
    collection: Collection
    outcomes: tuple[ShardOutcome, ...]
    findings: tuple[Finding, ...]
    schema_changes: tuple[SchemaChange, ...] | None = None


@dataclass(frozen=True)
class Publication:
    """Publishes audited days of one application."""

    publisher: Publisher
    settings: StageSettings
    leases: dict[str, Lease | LeaseError]
    holds: Callable[[str], Mapping[str, str]]
    """Reads the reasons for a snapshot type's holds, by collection: an operator may place one while the application runs."""

    def publish(self, batch: Sequence[Audited]) -> list[PartitionResult]:
        """Returns each day's result, in order; a day that cannot be published does not affect the others."""
        held = {snapshot_type: self._held(snapshot_type) for snapshot_type in {day.collection.snapshot_type for day in batch}}
        good: dict[int, ReadyPartition] = {}
        refused: dict[int, ReadyPartition] = {}
        results: dict[int, PartitionResult] = {}
        for index, day in enumerate(batch):
            lease = self.leases[day.work.lease_uri]
            if isinstance(lease, LeaseError):
                results[index] = self._result(day, extra=_not_published(lease))
            elif state_of(day.findings) is not PartitionState.PUBLISHED:
                refused[index] = self._ready(day, lease)
            elif (finding := held[day.collection.snapshot_type](day.collection.name)) is not None:
                results[index] = self._result(day, extra=finding)
            else:
                good[index] = self._ready(day, lease)
        for index, outcome in zip(good, self.publisher.publish(list(good.values())), strict=True):
            results[index] = self._judged(batch[index], outcome)
        kept = self.publisher.publish_quarantine(list(refused.values()))
        for index, outcome in zip(refused, kept, strict=True):
            results[index] = self._judged(batch[index], outcome)
        return [results[index] for index in range(len(batch))]

    def _held(self, snapshot_type: str) -> Callable[[str], Finding | None]:
        """Returns a function that says why a collection must not be published now; if holds cannot be read, none may be."""
        try:
            reasons = self.holds(snapshot_type)
        except DataworksError as error:
            unknown = _not_published(error)
            return lambda _name: unknown
        return lambda name: _held(reasons[name]) if name in reasons else None

    def _ready(self, day: Audited, lease: Lease) -> ReadyPartition:
        return ReadyPartition(
            collection=day.collection,
            work=day.work,
            lease=lease,
            tables=self._tables(day),
            quarantine=self._quarantine(day),
        )

    def _judged(self, day: Audited, outcome: PublishOutcome) -> PartitionResult:
        extra = _not_published(outcome.error) if outcome.error else None
        return self._result(day, extra=extra, published=outcome.is_published)

    def _result(self, day: Audited, *, extra: Finding | None = None, published: bool = False) -> PartitionResult:
        findings = (*day.findings, *([extra] if extra else []))
        files = [file for outcome in day.outcomes for file in outcome.files]
        tables = self._tables(day)
        return PartitionResult(
            collection=day.work.collection,
            export_date=day.work.export_date,
            attempt=day.work.attempt,
            state=PartitionState.PUBLISHED if published else state_of(findings),
            fingerprint=day.work.fingerprint,
            config_hash=day.work.config_hash,
            tables=tables,
            quarantine=self._quarantine(day),
            findings=findings,
            rows=row_count(day.outcomes),
            quarantined_rows=sum(file.quarantined for file in files),
            files=len(files),
            input_bytes=sum(file.input_bytes for file in files),
            decoded_bytes=sum(file.decoded_bytes for file in files),
            output_bytes=sum(file.size_bytes for table in tables for file in table.files),
            seconds=sum(outcome.seconds for outcome in day.outcomes),
            preview=next((outcome.preview for outcome in day.outcomes if outcome.preview), ()),
            schema=() if day.schema_changes is None else day.collection.tables[0].columns,
            schema_changes=day.schema_changes or (),
        )

    def _tables(self, day: Audited) -> tuple[TableResult, ...]:
        written = [
            [file for outcome in day.outcomes for file in outcome.tables[index]] for index in range(len(day.collection.tables))
        ]
        return tuple(
            self._table(day, table, table.name, files) for table, files in zip(day.collection.tables, written, strict=True)
        )

    def _quarantine(self, day: Audited) -> TableResult | None:
        files = [file for outcome in day.outcomes for file in outcome.quarantine]
        main = day.collection.tables[0]
        return self._table(day, main, quarantine_name(main), files) if files else None

    def _table(self, day: Audited, table: OutputTable, name: str, files: list[WrittenFile]) -> TableResult:
        return TableResult(
            database=table.database,
            name=name,
            location=table_location(self.settings, day.work.export_date, table, attempt=day.work.attempt, name=name),
            files=tuple(files),
            rows=sum(file.rows for file in files),
        )


def _held(reason: str) -> Finding:
    return failed(
        "hold",
        cause=f"an operator held the collection while the run went on: {reason}",
        remedy="`dataworks release` lets the next run publish it; what this one wrote is collected as garbage",
        transient=True,
    )


def _not_published(error: DataworksError) -> Finding:
    return finding_of(error, object_uri=error.where, check="publish")
