"""A collection as operators write it, frozen and checked.

What a job gets instead is `spark.contract.Collection`; `config.building` makes one of the other. Whether two collections
clash is seen in `config.clashes`, since one model cannot know.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from dataworks_assets.config.model import DocumentPath, Model
from dataworks_assets.config.naming import HIVE_NAME, SnapshotType, TopicName, is_owner, split_topic, table_name
from dataworks_assets.config.prefixes import PrefixTemplate
from spark.contract import Layout, Misfit
from spark.decode.types import parse_type
from spark.errors import ConfigurationError

STANDARD_COLUMNS = ("id", "record_timestamp", "created", "removed")
ERRORS_COLUMN = "_errors"
_DECLARED = (Layout.TYPED, Layout.COLUMNS)
_MAX_TAGS = 9
"""S3 allows ten on an object; `snapshot_type` is the tenth."""
_MAX_TAG_KEY, _MAX_TAG_VALUE = 128, 256
_TAG_TEXT = re.compile(r"[\w +\-=.:/@]*")


def _problem(text: str, *at: str | int) -> PydanticCustomError:
    """A refusal whose line is that of the part `at`, counted from where the validator stands."""
    return PydanticCustomError("refused", "{text}", {"text": text, "at": at})


def _hive_name(text: str) -> str:
    if not HIVE_NAME.fullmatch(text):
        raise _problem(f"{text!r} is no Hive name: write lower-case letters, digits and _ only")
    return text


def _type(text: str) -> str:
    try:
        parse_type(text)
    except ConfigurationError as error:
        raise _problem(f"the type does not parse: {error}") from error
    return text


def _topic(text: str) -> str:
    try:
        split_topic(text)
    except ConfigurationError as error:
        raise _problem(str(error)) from error
    return text


def _tags(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > _MAX_TAGS:
        raise _problem(f"{len(tags)} tags, where an object of S3 holds ten and `snapshot_type` is one of them")
    for key, value in tags.items():
        if not 0 < len(key) <= _MAX_TAG_KEY or len(value) > _MAX_TAG_VALUE or not _TAG_TEXT.fullmatch(key + value):
            raise _problem(f"S3 refuses the tag {key!r}: {value!r}", key)
    return tags


def _owner(text: str) -> str:
    if not is_owner(text):
        raise _problem(f"{text!r} is no owner: write an e-mail address, or team:<name>")
    return text


HiveName = Annotated[str, AfterValidator(_hive_name)]
Owner = Annotated[str, AfterValidator(_owner)]
Tags = Annotated[dict[str, str], AfterValidator(_tags)]


class ColumnConfig(Model):
    """A declared column. A plain text in a list of columns is the name of a string column."""

    name: HiveName
    """Lower-case letters, digits and `_`."""
    type: Annotated[str, AfterValidator(_type)] = "string"
    """A Hive type: `bigint`, `decimal(18,2)`, `timestamp`, `struct<a:string,b:array<date>>`, `map<string,double>`..."""
    path: DocumentPath = ()
    """Where the value stands in the document, from its root; the column's own name when left out."""
    comment: str = ""
    """Shown in the table's description and in Dagster."""


def _as_column(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def _distinct(columns: tuple[ColumnConfig, ...]) -> tuple[ColumnConfig, ...]:
    for name, count in Counter(column.name for column in columns).items():
        if count > 1:
            last = max(index for index, column in enumerate(columns) if column.name == name)
            raise _problem(f"the column {name!r} is there {count} times", last)
    return columns


Columns = Annotated[
    tuple[Annotated[ColumnConfig, BeforeValidator(_as_column, json_schema_input_type=str | ColumnConfig)], ...],
    AfterValidator(_distinct),
]


class TableShape(Model):
    """What any table of a collection says about its columns."""

    columns: Columns = ()
    """The declared columns, in order. Layouts `typed` and `columns` need them, the others have none."""
    text_column: HiveName = "record"
    """Name of the column that holds the document's text (layouts `raw`, `typed`, `text`); `val` for old readers."""
    misfit: Misfit = Misfit.NULL
    """What becomes of a value that does not fit its type: `null` with an entry in `_errors`, or `refuse` the row."""
    partition_column: HiveName = "export_date"
    """Name of the partition column of the table of all days."""
    tags: Tags = Field(default_factory=dict)
    """Tags of every object. Access is granted by them: without any, the objects get `collection_tag` = `NOT_SET`."""

    def refuse_shape(self, layout: Layout) -> None:
        """Raises what is wrong between a layout and its columns."""
        if layout in _DECLARED and not self.columns:
            raise _problem(f"layout {layout} needs `columns`", "layout")
        if layout not in _DECLARED and self.columns:
            raise _problem(f"layout {layout} has no `columns`: say `typed` to have both", "columns")
        taken = {*standard_columns(layout, self.text_column, self.misfit), self.partition_column}
        for index, column in enumerate(self.columns):
            if column.name in taken:
                raise _problem(
                    f"the column {column.name!r} has the name of one that every {layout} table has", "columns", index
                )
        standard = standard_columns(layout, "", self.misfit)
        if self.text_column in standard and layout is not Layout.COLUMNS:
            raise _problem(f"text_column {self.text_column!r} is the name of a standard column", "text_column")


def standard_columns(layout: Layout, text_column: str, misfit: Misfit) -> tuple[str, ...]:
    """Returns the names of the columns a layout has besides the declared ones."""
    errors = (ERRORS_COLUMN,) if misfit is Misfit.NULL else ()
    return {
        Layout.RAW: (*STANDARD_COLUMNS, text_column),
        Layout.TYPED: (*STANDARD_COLUMNS, text_column, ERRORS_COLUMN),
        Layout.COLUMNS: errors,
        Layout.TEXT: (text_column,),
    }[layout]


class TableConfig(TableShape):
    """A further table that a collection fills, with files and tags of its own."""

    database: HiveName
    """Its Hive database."""
    table: HiveName
    """Its name; the table of all days ends in `_history` when `newest` is true."""
    layout: Layout = Layout.COLUMNS
    """What its columns are made of: `columns`, `typed`, `raw` or `text`."""
    columns_from: str | None = None
    """`<database>.<table>` of another table of this collection: `columns` then names some of its columns (all if none)."""
    newest: bool = False
    """Whether there is also the plain table that shows the newest published day alone."""
    description: str = ""
    """Shown as the table's comment."""

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if self.columns_from is None:
            self.refuse_shape(self.layout)
        elif any(column != ColumnConfig(name=column.name) for column in self.columns):
            raise _problem("with `columns_from` a column is a name alone: its type and path come from there", "columns")
        return self


class SourceConfig(Model):
    """Another place of the export for some days: a historical load."""

    bucket: str
    """Bucket of the data files."""
    prefix: PrefixTemplate
    """Prefix of one day's data files, with `{export_date}` and, where it is part of it, `{snapshot_type}`."""
    manifest_bucket: str | None = None
    """Bucket of the manifests; None where there are none."""
    manifest_prefix: PrefixTemplate | None = None
    """Prefix of one day's manifests."""
    first_day: date
    """First export date that is read from here."""
    last_day: date
    """Last export date that is read from here."""

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if self.last_day < self.first_day:
            raise _problem("last_day is before first_day", "last_day")
        if (self.manifest_bucket is None) is not (self.manifest_prefix is None):
            raise _problem("manifest_bucket and manifest_prefix go together")
        return self


class RetentionConfig(Model):
    """How long what was published is kept."""

    days: int | None = Field(default=None, ge=1)
    """Export dates older than this many days are dropped; None: kept for ever."""
    attempts: int | None = Field(default=None, ge=1)
    """Attempts of one day that stay for a rollback, the published one among them; None: the deployment's."""


class CollectionConfig(TableShape):
    """A collection. In YAML the topic is the key of the entry."""

    topic: Annotated[str, AfterValidator(_topic)]
    """`db.<database>.<collection>`, as the export's object names have it."""
    snapshot_types: tuple[SnapshotType, ...] = Field(default=(SnapshotType.FULL, SnapshotType.INCREMENTAL), min_length=1)
    """In which exports it is: `full`, `incremental` or both."""
    layout: Layout = Layout.RAW
    """`raw` (id, times and text), `typed` (raw and the declared columns), `columns` (those alone) or `text`."""
    owners: tuple[Owner, ...] = ()
    """E-mail addresses or `team:<name>`."""
    description: str = ""
    """Shown in Dagster and as the table's comment."""
    database: HiveName | None = None
    """Hive database; by default that of the snapshot type."""
    table: HiveName | None = None
    """Table name; by default `<database>_<collection>` of the topic, lower case, hyphens as underscores."""
    newest: bool = True
    """Whether the plain table shows the newest day and `<table>_history` all days; false: one table of all days."""
    tables: tuple[TableConfig, ...] = ()
    """Further tables that are filled from the same documents."""
    id_path: DocumentPath | None = ("_id",)
    """Where the id stands; null: there is none, and the manifest is compared by count."""
    timestamp_path: DocumentPath | None = ("_lastModifiedDateTime",)
    """Where the record's time stands."""
    created_path: DocumentPath | None = ("createdDateTime",)
    """Where the time of creation stands."""
    removed_path: DocumentPath | None = ("_removedDateTime",)
    """Where the time of logical removal stands."""
    unique_ids: bool = True
    """Whether two documents of one id in a day refuse the day."""
    quarantine_share: float = Field(default=0.0, ge=0, le=1)
    """Largest share of lines that may be quarantined without refusing the day."""
    row_loss_share: float | None = Field(default=None, ge=0, le=1)
    """Largest share of rows a full may lose against the day before; null: only a fall to none is refused."""
    manifest_required: bool | None = None
    """Whether a data file without a manifest refuses the day; null: as the deployment says."""
    first_day: date | None = None
    """First export date; null: the deployment's."""
    last_day: date | None = None
    """Last export date; null: none."""
    retention: RetentionConfig = RetentionConfig()
    """How long days and attempts are kept."""
    sources: tuple[SourceConfig, ...] = ()
    """Other places of the export for ranges of days."""

    @model_validator(mode="after")
    def _checked(self) -> Self:
        self.refuse_shape(self.layout)
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise _problem("last_day is before first_day", "last_day")
        if self.unique_ids and self.id_path == ():
            raise _problem("id_path is empty: write null where documents have no id", "id_path")
        return self

    @property
    def names(self) -> TopicName:
        """The database and collection of the topic."""
        return split_topic(self.topic)

    @property
    def name(self) -> str:
        """`core/statement`."""
        return self.names.name

    @property
    def table_name(self) -> str:
        """The plain table's name."""
        return self.table or table_name(self.topic)

    @property
    def preview_allowed(self) -> bool:
        """Whether Dagster may show rows: only where the tags say exactly that it holds no personal data."""
        return self.tags.get("pii") == "false"

    def source_on(self, day: date) -> SourceConfig | None:
        """Returns the other place that holds this day, if any."""
        return next((source for source in self.sources if source.first_day <= day <= source.last_day), None)
