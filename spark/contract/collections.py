"""What a job knows of a collection: where in a document its values are, and the tables that they fill."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from spark.contract.document import Document

DAY_FOLDER = "{date}/{database}/{table}"
"""Where a day of a table lies below the output, unless its system has another layout."""


class Layout(StrEnum):
    """What a table's columns are made of."""

    RAW = "raw"
    """`id`, `record_timestamp`, `created`, `removed` and the document's text."""
    TYPED = "typed"
    """As raw, plus one column per declared field, plus `_errors`."""
    COLUMNS = "columns"
    """The declared columns only (and `_errors` if `misfit` is `null`)."""
    TEXT = "text"
    """The document's text only."""


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
    """One table that a collection fills, with its own files and tags.

    `name` is the table of all days, partitioned by `partition_column`; `newest`, if given, is the unpartitioned table that
    shows only the newest published day, over the same files.
    """

    database: str
    name: str
    newest: str | None = None
    partition_column: str = "export_date"
    layout: Layout = Layout.RAW
    text_column: str = "record"
    columns: tuple[Column, ...] = ()
    misfit: Misfit = Misfit.NULL
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    comment: str = ""
    folder: str = DAY_FOLDER
    """Where a day of the table lies below the output; its attempts are folders there."""


class Collection(Document, frozen=True):
    """A collection of any system: the tables it fills (the first is the main one), and when a day of it is accepted.

    Subclasses below add what a system's source needs. `snapshot_type` is the kind of delivery: `full` or `incremental`;
    `partner` for partner files.
    """

    name: str
    snapshot_type: str
    tables: tuple[OutputTable, ...]
    quarantine_share: float = 0.0
    row_loss_share: float | None = None
    """Largest share of rows that a full may lose against the day before; None: only a drop to 0 rows is refused."""
    preview: bool = False

    @property
    def is_in_order(self) -> bool:
        """Whether its days have to be published in order, because its table's schema follows them."""
        return False


class ExportCollection(Collection, frozen=True, kw_only=True, tag_field="source", tag="export"):
    """A collection of the snapshot export: one topic's encrypted lines of JSON, with manifests.

    Paths start at the document's root; `id_path` None means the collection has no ids and is reconciled by count.
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

    Its one table lists only the configured columns; the catalog knows the table's further columns.
    """

    module: str
    format: PartnerFormat
    pii: bool
    evolves: bool = True
    """Whether the table's schema follows a source that adds, omits or retypes columns; otherwise such a day is refused."""
    row_hash: bool = False
    """Whether rows have the column `row_hash_id`."""

    @property
    def is_in_order(self) -> bool:
        """See `Collection`."""
        return self.evolves


AnyCollection = ExportCollection | PartnerCollection
