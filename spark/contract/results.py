"""The result of an application: what its job found and did."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from spark.contract.collections import Column
from spark.contract.document import CONTRACT_VERSION, Document


class Finding(Document, frozen=True):
    """One thing that the audit checked. A failed finding refuses its collection's day; ids are never named in clear text."""

    check: str
    """manifest, ids, slices, read, schema, quarantine, rows, write, tags, lease, publish, unchanged"""
    passed: bool
    object: str = ""
    place: str = ""
    cause: str = ""
    remedy: str = ""
    transient: bool = False


class WrittenFile(Document, frozen=True):
    """One Parquet file in the store."""

    uri: str
    rows: int
    size_bytes: int
    etag: str = ""


class TableResult(Document, frozen=True):
    """What one table of a collection holds for the day. `location` is what the catalog points at."""

    database: str
    name: str
    location: str
    files: tuple[WrittenFile, ...] = ()
    rows: int = 0


class PartitionState(StrEnum):
    """How a collection's day ended."""

    PUBLISHED = "published"
    REFUSED = "refused"
    """The data is at fault: the same inputs fail the same way."""
    FAILED = "failed"
    """Something else went wrong: a retry may help."""


class SchemaChange(Document, frozen=True):
    """A column in which a day differs from the table's schema: `added`, `missing` or `retyped`, with its types."""

    change: str
    column: str
    before: str = ""
    after: str = ""


class PartitionResult(Document, frozen=True):
    """How one collection's day ended, with the evidence."""

    collection: str
    export_date: str
    attempt: str
    state: PartitionState
    fingerprint: str
    config_hash: str
    tables: tuple[TableResult, ...] = ()
    quarantine: TableResult | None = None
    findings: tuple[Finding, ...] = ()
    rows: int = 0
    quarantined_rows: int = 0
    files: int = 0
    input_bytes: int = 0
    """Encrypted bytes read."""
    decoded_bytes: int = 0
    """Bytes of JSON text."""
    output_bytes: int = 0
    seconds: float = 0.0
    """Task seconds spent on this collection's day, summed over all tasks."""
    preview: tuple[dict[str, str | None], ...] = ()
    schema: tuple[Column, ...] = ()
    """The main table's columns, if they follow the source."""
    schema_changes: tuple[SchemaChange, ...] = ()


class JobFailure(Document, frozen=True):
    """The error that ended a job function, as it appears in the result document."""

    what: str
    where: str = ""
    remedy: str = ""
    transient: bool = True


class JobResult(Document, frozen=True):
    """The result document of an application.

    `complete` is false while the application runs and after a failure: `partitions` are then those finished so far.
    """

    run_id: str
    partitions: tuple[PartitionResult, ...]
    seconds: float
    stage_seconds: dict[str, float] = msgspec.field(default_factory=dict)
    key_service_calls: int = 0
    complete: bool = True
    failure: JobFailure | None = None
    log_address: str = ""
    """Where the application's log is; the engine fills it in."""
    version: int = CONTRACT_VERSION
