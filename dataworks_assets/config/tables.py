"""Tables and columns as operators write them: what any table of a collection says about its columns.

Whether a column's type parses, a name is one for Hive and the columns fit the layout is checked here, by the models
themselves.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from dataworks_assets.config.model import DocumentPath, Model, refused
from dataworks_assets.config.naming import HIVE_NAME
from spark.contract import Layout, Misfit
from spark.decode.types import parse_type
from spark.errors import ConfigurationError

STANDARD_COLUMNS = ("id", "record_timestamp", "created", "removed")
ERRORS_COLUMN = "_errors"
_DECLARED = (Layout.TYPED, Layout.COLUMNS)
_MAX_TAGS = 9
"""S3 allows ten on an object; `snapshot_type` is the tenth."""
_MAX_TAG_KEY, _MAX_TAG_VALUE = 128, 256
_RESERVED_TAGS = "aws:"
_TAG_TEXT = re.compile(r"[\w +\-=.:/@]*")


def _hive_name(text: str) -> str:
    if not HIVE_NAME.fullmatch(text):
        raise refused(f"{text!r} is no Hive name: write lower-case letters, digits and _ only")
    return text


@cache
def _type(text: str) -> str:
    try:
        parse_type(text)
    except ConfigurationError as error:
        raise refused(f"the type does not parse: {error}") from error
    return text


def _tags(tags: dict[str, str]) -> dict[str, str]:
    if len(tags) > _MAX_TAGS:
        raise refused(f"{len(tags)} tags, where an object of S3 holds ten and `snapshot_type` is one of them")
    for key, value in tags.items():
        fits = 0 < len(key) <= _MAX_TAG_KEY and len(value) <= _MAX_TAG_VALUE and _TAG_TEXT.fullmatch(key + value)
        if not fits or key.lower().startswith(_RESERVED_TAGS):
            raise refused(f"S3 refuses the tag {key!r}: {value!r}", key)
    return tags


HiveName = Annotated[str, AfterValidator(_hive_name)]
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
            raise refused(f"the column {name!r} is there {count} times", last)
    return columns


Columns = Annotated[
    tuple[Annotated[ColumnConfig, BeforeValidator(_as_column, json_schema_input_type=str | ColumnConfig)], ...],
    AfterValidator(_distinct),
]


def _as_misfit(value: object) -> object:
    return Misfit.NULL if value is None else value


class TableShape(Model):
    """What any table of a collection says about its columns."""

    columns: Columns = ()
    """The declared columns, in order. Layouts `typed` and `columns` need them, the others have none."""
    text_column: HiveName = "record"
    """Name of the column that holds the document's text (layouts `raw`, `typed`, `text`); `val` for old readers."""
    misfit: Annotated[Misfit, BeforeValidator(_as_misfit, json_schema_input_type=Misfit | None)] = Misfit.NULL
    """What becomes of a value that does not fit its type: `null` with an entry in `_errors`, or `refuse` the row."""
    partition_column: HiveName = "export_date"
    """Name of the partition column of the table of all days."""
    tags: Tags = Field(default_factory=dict)
    """Tags of every object. Access is granted by them: without any, the objects get `collection_tag` = `NOT_SET`."""

    def refuse_shape(self, layout: Layout) -> None:
        """Raises what is wrong between a layout and its columns."""
        if layout in _DECLARED and not self.columns:
            raise refused(f"layout {layout} needs `columns`", "layout")
        if layout not in _DECLARED and self.columns:
            raise refused(f"layout {layout} has no `columns`: say `typed` to have both", "columns")
        taken = {*standard_columns(layout, self.text_column, self.misfit), self.partition_column}
        for index, column in enumerate(self.columns):
            if column.name in taken:
                raise refused(f"the column {column.name!r} has the name of one that every {layout} table has", "columns", index)
        standard = standard_columns(layout, "", self.misfit)
        if self.text_column in standard and layout is not Layout.COLUMNS:
            raise refused(f"text_column {self.text_column!r} is the name of a standard column", "text_column")
        if self.partition_column in standard_columns(layout, self.text_column, self.misfit):
            text = f"partition_column {self.partition_column!r} has the name of one that every {layout} table has"
            raise refused(text, "partition_column")


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
    """Name of another table of this collection: `columns` then names some of its columns, none means all."""
    newest: bool = False
    """Whether there is also the plain table that shows the newest published day alone."""
    description: str = ""
    """Shown as the table's comment."""

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if self.columns_from is None:
            self.refuse_shape(self.layout)
        elif any(column != ColumnConfig(name=column.name) for column in self.columns):
            raise refused("with `columns_from` a column is a name alone: its type and path come from there", "columns")
        return self
