"""Small documents for the job's tests, each argument the one that a test is about."""

from __future__ import annotations

from collections.abc import Sequence

from spark.contract import DataFile, ExportCollection, Finding, OutputTable, PartitionWork, SourceObject, WrittenFile
from spark.jobs.outcome import FileOutcome, ShardOutcome


def data_file(*, size_bytes: int = 100, slice_start: int = 0, slice_end: int = 8, batch: int = 1) -> DataFile:
    """A data file with an address made of its slice and batch."""
    name = f"memory://input/day/db.core.statement-{slice_start:03d}-{slice_end:03d}-{batch:06d}.txt.gz.enc"
    return DataFile(
        source=SourceObject(uri=name, etag="e", size_bytes=size_bytes),
        slice_start=slice_start,
        slice_end=slice_end,
        batch=batch,
    )


def work(
    files: Sequence[DataFile] = (),
    *,
    collection: str = "core/statement",
    export_date: str = "2026-11-20",
    findings: Sequence[Finding] = (),
    previous_rows: int | None = None,
    previous_day: str = "",
    confirmed: bool = False,
) -> PartitionWork:
    """One collection's day."""
    return PartitionWork(
        collection=collection,
        export_date=export_date,
        attempt="20261120T000000-00000000",
        epoch=1,
        lease_uri="memory://output/_dataworks/leases/x.json",
        fingerprint="f",
        config_hash="c",
        files=tuple(files),
        findings=tuple(findings),
        previous_rows=previous_rows,
        previous_day=previous_day,
        confirmed=confirmed,
    )


def collection(
    *, quarantine_share: float = 0.0, row_loss_share: float | None = None, snapshot_type: str = "full"
) -> ExportCollection:
    """A raw collection."""
    table = OutputTable(database="adg", name="core_statement_history", newest="core_statement", tags={"pii": "true"})
    return ExportCollection(
        name="core/statement",
        topic="db.core.statement",
        snapshot_type=snapshot_type,
        tables=(table,),
        quarantine_share=quarantine_share,
        row_loss_share=row_loss_share,
    )


def outcome(*, rows: int = 10, quarantined: int = 0, findings: Sequence[Finding] = ()) -> ShardOutcome:
    """A shard of one file."""
    read = FileOutcome(
        uri="memory://input/a",
        input_bytes=100,
        lines=rows + quarantined,
        quarantined=quarantined,
        manifest_lines=rows + quarantined,
        ids_compared=rows,
        findings=tuple(findings),
    )
    written = WrittenFile(uri="memory://output/part-0.parquet", rows=rows, size_bytes=50)
    return ShardOutcome("core/statement", "2026-11-20", 0, tables=((written,),), files=(read,))
