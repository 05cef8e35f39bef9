"""The parameters of an application: what its job has to do."""

from __future__ import annotations

from spark.contract.collections import AnyCollection
from spark.contract.document import CONTRACT_VERSION, Document
from spark.contract.results import Finding
from spark.contract.services import CatalogSettings, KeyServiceSettings, StoreSettings

DECODER_VERSION = 1
"""Incremented by hand when the same input and configuration would give different output; part of every fingerprint."""


class SourceObject(Document, frozen=True):
    """An object as it was listed; reads send `etag` as If-Match."""

    uri: str
    etag: str
    size_bytes: int


class DataFile(Document, frozen=True):
    """One data file and its manifest (None if it has none and none is required); slice and batch if it has any."""

    source: SourceObject
    slice_start: int = 0
    slice_end: int = 0
    batch: int = 0
    manifest: SourceObject | None = None


class PartitionWork(Document, frozen=True):
    """One collection and day to be done: exactly which files, under which attempt and lease.

    `findings` are what planning already found wrong (a gap, an overlap, a missing manifest): the day is refused for them,
    but its files are still read so that all problems are reported at once. `previous_rows` is the row count of
    `previous_day`, the published day that a full is compared with; None if there is none.
    """

    collection: str
    export_date: str
    attempt: str
    epoch: int
    lease_uri: str
    fingerprint: str
    config_hash: str
    files: tuple[DataFile, ...] = ()
    findings: tuple[Finding, ...] = ()
    previous_rows: int | None = None
    previous_day: str = ""
    confirmed: bool = False
    correlation_id: str = ""


class JobParameters(Document, frozen=True):
    """Everything one application needs, and nothing secret."""

    run_id: str
    system: str
    collections: dict[str, AnyCollection]
    partitions: tuple[PartitionWork, ...]
    store: StoreSettings
    key_service: KeyServiceSettings
    catalog: CatalogSettings
    output_uri: str
    """`s3://bucket/analytical-dataset/<snapshot_type>`"""
    control_uri: str
    """`s3://bucket/_dataworks`: leases, job documents, refusals."""
    result_uri: str
    lease_owner: str
    source_store: StoreSettings | None = None
    """How to reach the source if it is not in `store`, as in another account, by roles."""
    lease_ttl_seconds: float = 120.0
    target_file_bytes: int = 256 * 1024 * 1024
    """Size of an output file before a new one is begun."""
    timestamps: str = "int96"
    """int96 or int64: the physical type of timestamps in Parquet."""
    version: int = CONTRACT_VERSION
