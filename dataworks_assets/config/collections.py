"""A collection as operators write it, frozen and checked.

What a job gets instead is `spark.contract.Collection`; `config.building` converts the one into the other. `config.clashes`
checks whether two collections clash, which a single model cannot know.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from dataworks_assets.config.model import DocumentPath, Model, refused
from dataworks_assets.config.naming import SnapshotType, TopicName, is_owner, split_topic, table_name
from dataworks_assets.config.prefixes import PrefixTemplate
from dataworks_assets.config.tables import HiveName, TableConfig, TableShape
from spark.contract import Layout
from spark.errors import ConfigurationError


def _topic(text: str) -> str:
    try:
        split_topic(text)
    except ConfigurationError as error:
        raise refused(str(error)) from error
    return text


def _owner(text: str) -> str:
    if not is_owner(text):
        raise refused(f"{text!r} is no owner: write an e-mail address, or team:<name>")
    return text


Owner = Annotated[str, AfterValidator(_owner)]


class SourceConfig(Model):
    """Another place of the export for some days: a historical load."""

    bucket: str
    """Bucket of the data files."""
    prefix: PrefixTemplate
    """Prefix of one day's data files, with `{export_date}` and, where it is part of it, `{snapshot_type}`."""
    manifest_bucket: str | None = None
    """Bucket of the manifests; null where there are none."""
    manifest_prefix: PrefixTemplate | None = None
    """Prefix of one day's manifests."""
    first_day: date
    """First export date that is read from here."""
    last_day: date
    """Last export date that is read from here."""

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if self.last_day < self.first_day:
            raise refused("last_day is before first_day", "last_day")
        if (self.manifest_bucket is None) is not (self.manifest_prefix is None):
            raise refused("manifest_bucket and manifest_prefix go together")
        return self


class RetentionConfig(Model):
    """How long what was published is kept."""

    days: int | None = Field(default=None, ge=1)
    """Export dates older than this many days are dropped; null: kept for ever."""
    attempts: int | None = Field(default=None, ge=1)
    """Attempts of one day that stay for a rollback, the published one among them; null: the deployment's."""

    def keeps(self, day: date, today: date) -> bool:
        """Whether a day is kept yet: what would be dropped at once need not be published, nor be missed."""
        return self.days is None or (today - day).days <= self.days


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
    """First export date; null: the deployment's, or the first of `sources` where that is earlier."""
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
            raise refused("last_day is before first_day", "last_day")
        if self.id_path == ():
            raise refused("id_path is empty: write null where documents have no id", "id_path")
        self._refuse_origins()
        self._refuse_overlaps()
        return self

    def _refuse_overlaps(self) -> None:
        """Raises where another place would never be read: one before it holds the same day, or it ends before the first."""
        for index, source in enumerate(self.sources):
            if self.first_day and source.last_day < self.first_day:
                raise refused(f"its days end before first_day, {self.first_day}", "sources", index, "last_day")
            for before in self.sources[:index]:
                first, last = max(before.first_day, source.first_day), min(before.last_day, source.last_day)
                if first <= last:
                    text = f"two sources hold {first} to {last}: a day is read from one place"
                    raise refused(text, "sources", index, "first_day")

    def _refuse_origins(self) -> None:
        """Raises where `columns_from` names no table of this collection, or columns that it has not."""
        known = {self.table_name: {column.name for column in self.columns}}
        for index, table in enumerate(self.tables):
            if table.columns_from is None:
                known[table.table] = {column.name for column in table.columns}
                continue
            origin = known.get(table.columns_from)
            if origin is None:
                text = f"columns_from names {table.columns_from!r}: no table of this collection before this one"
                raise refused(text, "tables", index, "columns_from")
            for place, column in enumerate(table.columns):
                if column.name not in origin:
                    text = f"the table {table.columns_from!r} has no column {column.name!r}"
                    raise refused(text, "tables", index, "columns", place)
            known[table.table] = {column.name for column in table.columns} or origin

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

    def begins(self, export_begins: date) -> date:
        """Returns its first export date, where the deployment's export begins with that day."""
        return self.first_day or min([export_begins, *(source.first_day for source in self.sources)])

    def source_on(self, day: date) -> SourceConfig | None:
        """Returns the other place that holds this day, if any."""
        return next((source for source in self.sources if source.first_day <= day <= source.last_day), None)
