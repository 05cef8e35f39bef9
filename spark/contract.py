"""The typed documents that travel between the code location and a job: parameters in, result out.

The one module both sides import. Documents are JSON in the object store, versioned; secrets are never in them. Every
time is UTC, every size in bytes, every export date ISO `YYYY-MM-DD`. URIs are `s3://bucket/key` (or `memory://bucket/key`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

import msgspec

from spark.errors import ConfigurationError

CONTRACT_VERSION = 1

DECODER_VERSION = 1
"""Raised by hand when the same input and configuration would give other output; part of every fingerprint."""


DAY_FOLDER = "{date}/{database}/{table}"
"""Where a day of a table lies below the output, unless its system has another layout."""


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every part of a document: immutable, keyword-only, unknown fields refused."""


class Role(Document, frozen=True):
    """A role to be assumed; `external_id` where its owner asks for one."""

    arn: str
    external_id: str = ""


class RoleChain(Document, frozen=True):
    """Roles that are assumed one after another, the last one with access to the bucket.

    `session_name` and `tags` tell the roles' owners which run it is; sessions last `session_seconds`, an hour at most where
    a role is assumed by a role.
    """

    roles: tuple[Role, ...]
    session_name: str
    tags: tuple[tuple[str, str], ...] = ()
    session_seconds: int = 3600
    endpoint_url: str | None = None
    """Of STS, where it is not AWS' own."""


class StoreSettings(Document, frozen=True):
    """How to reach an object store. Credentials come from the environment's AWS chain, and by the roles; never from here."""

    endpoint_url: str | None = None
    region: str = "eu-west-2"
    scheme: str = "s3"
    sse_kms_key_id: str | None = None
    chain: RoleChain | None = None


class KeyServiceSettings(Document, frozen=True):
    """The data key service and the PEM files of the client certificate, by path on the machine that runs the job."""

    url: str
    ca_path: str | None = None
    certificate_path: str | None = None
    private_key_path: str | None = None
    timeout_seconds: float = 10.0
    attempts: int = 5


class CatalogSettings(Document, frozen=True):
    """The catalog: `hive` (a metastore at `uri`, `thrift://host:port`) or `glue` (`uri` is an endpoint; empty: AWS' own)."""

    kind: str = "hive"
    uri: str = ""
    timeout_seconds: float = 60.0
    """How long one call may take before its outcome counts as unknown."""
    region: str = ""
    """Of Glue."""
    catalog_id: str = ""
    """The account whose Glue catalog it is; empty: the caller's."""


class Layout(StrEnum):
    """What a table's columns are made of."""

    RAW = "raw"
    """`id`, `record_timestamp`, `created`, `removed` and the document's text."""
    TYPED = "typed"
    """As raw, plus one column a declared field, plus `_errors`."""
    COLUMNS = "columns"
    """The declared columns alone (and `_errors` where `misfit` is `null`)."""
    TEXT = "text"
    """The document's text alone."""


class Misfit(StrEnum):
    """What becomes of a value that does not fit its declared type."""

    NULL = "null"
    REFUSE = "refuse"


class Column(Document, frozen=True):
    """A declared column. `type` is a Hive type (`struct<a:string,b:array<bigint>>`, `decimal(18,2)`, `timestamp`...).

    `path` leads to the value from the document's root; the column's own name when empty.
    """

    name: str
    type: str = "string"
    path: tuple[str, ...] = ()
    comment: str = ""


class OutputTable(Document, frozen=True):
    """One table that a collection fills, with files and tags of its own.

    `name` is the table of all days, partitioned by `partition_column`; `newest` the unpartitioned table that shows the
    newest published day alone, over the same files, where there is one.
    """

    database: str
    name: str
    newest: str | None = None
    partition_column: str = "export_date"
    layout: Layout = Layout.RAW
    text_column: str = "record"
    columns: tuple[Column, ...] = ()
    misfit: Misfit = Misfit.NULL
    tags: dict[str, str] = {}
    comment: str = ""
    folder: str = DAY_FOLDER
    """Where a day of the table lies below the output; its attempts are folders there."""


class Collection(Document, frozen=True):
    """What a collection of any system is: the tables it fills (the first is the main one), and when a day is accepted.

    What a system's own source needs is in a class of its own below. `snapshot_type` is which of a source's deliveries it is
    of: `full`, `incremental`; `partner` for partner files.
    """

    name: str
    snapshot_type: str
    tables: tuple[OutputTable, ...]
    quarantine_share: float = 0.0
    row_loss_share: float | None = None
    """Largest share of rows a full may lose against the day before; None: only a fall to none is refused."""
    preview: bool = False

    @property
    def is_in_order(self) -> bool:
        """Whether its days have to be published in their order: its table's schema follows them."""
        return False


class ExportCollection(Collection, frozen=True, kw_only=True, tag_field="source", tag="export"):
    """A collection of the snapshot export: one topic's encrypted lines of JSON, with manifests.

    Paths lead from the document's root; `id_path` None means the collection has no ids and reconciles by count.
    """

    topic: str
    id_path: tuple[str, ...] | None = ("_id",)
    timestamp_path: tuple[str, ...] | None = ("_lastModifiedDateTime",)
    created_path: tuple[str, ...] | None = ("createdDateTime",)
    removed_path: tuple[str, ...] | None = ("_removedDateTime",)
    unique_ids: bool = True
    manifest_required: bool = True


class PartnerFormat(StrEnum):
    """What a partner's files are."""

    CSV = "csv"
    """A header and rows, not encrypted."""
    JSON = "json"
    """One object of `fields` and `data`, encrypted."""


class PartnerCollection(Collection, frozen=True, kw_only=True, tag_field="source", tag="partner"):
    """A collection of partner files, whose schema follows the source's from day to day.

    The columns of its one table are those that are configured; what the table has besides, the catalog says.
    """

    module: str
    format: PartnerFormat
    pii: bool
    evolves: bool = True
    """Whether the table follows a source that adds, omits or retypes columns; else such a day is refused."""
    row_hash: bool = False
    """Whether rows have `row_hash_id`."""

    @property
    def is_in_order(self) -> bool:
        """See `Collection`."""
        return self.evolves


AnyCollection = ExportCollection | PartnerCollection


class SourceObject(Document, frozen=True):
    """An object as it was listed; `etag` is sent back as If-Match when it is read."""

    uri: str
    etag: str
    size_bytes: int


class DataFile(Document, frozen=True):
    """One data file and its manifest (None where there is none and none is required); slice and batch where it has any."""

    source: SourceObject
    slice_start: int = 0
    slice_end: int = 0
    batch: int = 0
    manifest: SourceObject | None = None


class Finding(Document, frozen=True):
    """One thing the audit looked at. A failed finding refuses its collection's day; it never names an id in clear."""

    check: str
    """manifest, ids, slices, read, schema, quarantine, rows, write, tags, lease, publish, unchanged"""
    passed: bool
    object: str = ""
    place: str = ""
    cause: str = ""
    remedy: str = ""
    transient: bool = False


class PartitionWork(Document, frozen=True):
    """One collection and day to be done: exactly which files, under which attempt and lease.

    `findings` are what planning already found wrong (a gap, an overlap, a missing manifest): the day is refused with
    them, its files are still read so that all that is wrong is said at once.
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
    """How the source is reached where it is not in `store`: in another account, by roles."""
    lease_ttl_seconds: float = 120.0
    target_file_bytes: int = 256 * 1024 * 1024
    """Size of an output file before a new one is begun."""
    timestamps: str = "int96"
    """int96 or int64: the physical type of timestamps in Parquet."""
    version: int = CONTRACT_VERSION


class WrittenFile(Document, frozen=True):
    """One Parquet file as it lies in the store."""

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
    """A column that a day has otherwise than the table had it: `added`, `missing` or `retyped`, with its types."""

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
    """Task seconds spent on this collection's day, all tasks added."""
    preview: tuple[dict[str, str | None], ...] = ()
    schema: tuple[Column, ...] = ()
    """The main table's columns, where they follow the source."""
    schema_changes: tuple[SchemaChange, ...] = ()


class JobFailure(Document, frozen=True):
    """The error that ended a job function, as the result document tells it."""

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
    stage_seconds: dict[str, float] = {}
    key_service_calls: int = 0
    complete: bool = True
    failure: JobFailure | None = None
    log_address: str = ""
    """Where the application's log is; the engine fills it in."""
    version: int = CONTRACT_VERSION


DocumentT = TypeVar("DocumentT", bound=Document)


def encode(document: Document) -> bytes:
    """Returns the document as UTF-8 JSON."""
    return msgspec.json.encode(document)


def decode(text: bytes, kind: type[DocumentT], *, where: str) -> DocumentT:
    """Returns the document read from UTF-8 JSON.

    Raises:
        ConfigurationError: the text is not a document of this kind and version; names `where` and the field.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.DecodeError as error:
        raise ConfigurationError(
            f"not a {kind.__name__} of version {CONTRACT_VERSION}: {error}",
            where=where,
            remedy="Deploy the job and the code location from the same release",
        ) from error
