"""How a table's columns follow its source, one day at a time, starting from the existing table. Pure.

A new column is appended with its inferred type; a column that the day lacks is null; a column with a different type keeps the
table's, to which its values are cast. Columns are never removed from a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from spark.contract import Column, SchemaChange
from spark.decode.partner.kinds import Kind
from spark.decode.partner.names import ADDED, ERROR_DESC, ROW_HASH
from spark.decode.types import hive_type, parse_type


@dataclass(frozen=True)
class Evolved:
    """The table's columns from a day on, and how that day differs from the table before it."""

    columns: tuple[Column, ...]
    changes: tuple[SchemaChange, ...]


def first_columns(configured: Iterable[Column], *, row_hash: bool) -> tuple[Column, ...]:
    """Returns the columns of a new table: those configured, then those that the platform adds."""
    added = [Column(name=ROW_HASH, comment="SHA-256 of what the source said")] if row_hash else []
    errors = Column(name=ERROR_DESC, type="array<string>", comment="Values that did not cast to their column's type")
    return (*(_on_disk(column) for column in configured), *added, errors)


def standing_columns(there: Sequence[Column], configured: Iterable[Column], *, row_hash: bool) -> tuple[Column, ...]:
    """Returns the columns of an existing table (none: it is new), with missing configured ones appended."""
    first = first_columns(configured, row_hash=row_hash)
    names = {column.name for column in there}
    return (*there, *(column for column in first if column.name not in names)) if there else first


def evolve_columns(standing: Sequence[Column], day: Mapping[str, Kind | None]) -> Evolved:
    """Returns the table's columns after a day.

    Args:
        standing: the table's columns before it.
        day: the day's columns, with the kind of those that the table lacks, None for the others.
    """
    names = {column.name for column in standing}
    added = [Column(name=name, type=(kind or Kind.STRING).column_type) for name, kind in day.items() if name not in names]
    missing = [column for column in standing if column.name not in day and column.name not in ADDED]
    changes = [SchemaChange(change="added", column=column.name, after=column.type) for column in added]
    changes += [SchemaChange(change="missing", column=column.name, before=column.type) for column in missing]
    return Evolved((*standing, *added), tuple(changes))


def _on_disk(column: Column) -> Column:
    return Column(name=column.name, type=hive_type(parse_type(column.type)), comment=column.comment)
