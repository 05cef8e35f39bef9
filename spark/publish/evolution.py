"""How a table's columns may change without rewriting existing partitions.

New columns and new struct fields are added, and a decimal may gain integer digits within its physical width; everything else
is refused, because existing files could no longer be read. No catalog calls are made here.
"""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from spark.decode.types import hive_type, parse_type
from spark.errors import CatalogError, ConfigurationError
from spark.publish.catalog import TableColumn, TableDefinition

_WIDTH_LIMITS = (9, 18, 38)
"""Decimal digits that fit 4 bytes, 8 bytes and a byte array: Parquet readers do not convert between these widths."""


def evolve(existing: TableDefinition, wanted: TableDefinition) -> TableDefinition:
    """Returns the definition that reads both existing and future partitions.

    Columns keep their order and new ones are appended; a column that is no longer wanted stays, and is null from now on.

    Raises:
        CatalogError: a different partition column, or a type that existing files cannot be read as.
    """
    if existing.partition_column != wanted.partition_column:
        raise _refused(existing, "its partition column", str(existing.partition_column), str(wanted.partition_column))
    by_name = {column.name.lower(): column for column in wanted.columns}
    kept = [_merge_column(existing, column, by_name.pop(column.name.lower(), column)) for column in existing.columns]
    columns = (*kept, *by_name.values())
    parameters = {**existing.parameters, **wanted.parameters}
    return replace(existing, columns=columns, comment=wanted.comment or existing.comment, parameters=parameters)


def _merge_column(table: TableDefinition, old: TableColumn, new: TableColumn) -> TableColumn:
    comment = new.comment or old.comment
    if _folded(old.type) == _folded(new.type):
        return old._replace(comment=comment)
    try:
        merged = _widest(_exactly(old.type), _exactly(new.type))
    except ConfigurationError as error:
        raise _refused(table, f"column {old.name}", old.type, new.type) from error
    if merged is None:
        raise _refused(table, f"column {old.name}", old.type, new.type)
    return TableColumn(old.name, hive_type(merged), comment)


def _widest(old: pa.DataType, new: pa.DataType) -> pa.DataType | None:
    """Returns the type that reads files of both; None if there is none."""
    if pa.types.is_struct(old) and pa.types.is_struct(new):
        return _widest_struct(old, new)
    if pa.types.is_list(old) and pa.types.is_list(new):
        item = _widest(old.value_type, new.value_type)
        return None if item is None else pa.list_(item)
    if pa.types.is_map(old) and pa.types.is_map(new):
        item = _widest(old.item_type, new.item_type)
        return None if item is None or old.key_type != new.key_type else pa.map_(old.key_type, item)
    if pa.types.is_decimal(old) and pa.types.is_decimal(new):
        same_width = _width(old) == _width(new) and old.scale == new.scale
        return max(old, new, key=lambda kind: kind.precision) if same_width else None
    return old if old == new else None


def _widest_struct(old: pa.DataType, new: pa.DataType) -> pa.DataType | None:
    by_name = {field.name.lower(): field for field in new}
    merged = []
    for field in old:
        other = by_name.pop(field.name.lower(), field)
        kind = _widest(field.type, other.type)
        if kind is None:
            return None
        merged.append(pa.field(field.name, kind))
    return pa.struct([*merged, *by_name.values()])


def _width(decimal: pa.DataType) -> int:
    return next(limit for limit in _WIDTH_LIMITS if decimal.precision <= limit)


def _exactly(text: str) -> pa.DataType:
    """Returns the type, or refuses one whose files the platform would write differently (an `int` is 4 bytes, ours are 8)."""
    kind = pa.binary() if text.lower() == "binary" else parse_type(text)
    if _folded(hive_type(kind)) != _folded(text):
        raise ConfigurationError(f"{text} is not a type the platform writes")
    return kind


def _folded(text: str) -> str:
    return "".join(text.replace("`", "").lower().split())


def _refused(table: TableDefinition, what: str, old: str, new: str) -> CatalogError:
    return CatalogError(
        f"{what} is {old} and cannot become {new}: the files that are there could not be read",
        where=table.full_name,
        remedy="Configure the old type, or give the new one to a column or table of another name",
        transient=False,
    )
