"""What a job knows of a collection: where its values stand, and the tables they become."""

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
    tags: dict[str, str] = msgspec.field(default_factory=dict)
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
