"""The interface of a catalog (Hive metastore, Glue): tables, and pointers from partitions to files.

The catalog is the single source of truth about what is published. This module defines the vocabulary and the interface;
`hive` and `glue` implement it, `catalogs` opens them, and `switch` decides when a pointer may be set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import NamedTuple, Protocol

import msgspec

from spark.errors import CatalogError

PARAMETER_PREFIX = "dataworks."
POINTER_PARAMETER = PARAMETER_PREFIX + "pointer"
_NOT_KEPT = frozenset({"partition", "location"})
_BLANK: dict[str, str | int] = {
    **dict.fromkeys(("attempt", "fingerprint", "run_id", "config_hash", "published_utc"), ""),
    **dict.fromkeys(("epoch", "rows"), 0),
}
_SLASHES = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*):/+")


class TableColumn(NamedTuple):
    """A column as the catalog holds it; `type` is a Hive type string."""

    name: str
    type: str
    comment: str = ""


@dataclass(frozen=True)
class TableDefinition:
    """An external Parquet table.

    Args:
        database: in lower case.
        name: in lower case.
        columns: without the partition column.
        partition_column: a string column; None for an unpartitioned table, which points at a single location.
        location_uri: the location given for a new table. It should be a folder that has objects: the metastore creates a
            missing one, as an object without tags.
        comment: shown by `DESCRIBE`.
        parameters: further table properties, none beginning with `dataworks.`.
    """

    database: str
    name: str
    columns: tuple[TableColumn, ...]
    partition_column: str | None = None
    location_uri: str = ""
    comment: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """`database.table`."""
        return f"{self.database}.{self.name}"


@dataclass(frozen=True)
class Pointer:
    """What a partition (or an unpartitioned table) shows: one attempt's files, and where they came from.

    `partition` is the partition's value, an ISO date; `published_utc` is ISO 8601. A partition that the platform did not
    make has an empty `attempt`.
    """

    partition: str
    location: str
    attempt: str
    fingerprint: str
    epoch: int
    run_id: str
    rows: int
    config_hash: str
    published_utc: str
    files: int = 0
    size_bytes: int = 0
    tags_hash: str = ""

    def shows_same(self, other: Pointer | None) -> bool:
        """Whether both show the same; `file:/a` and `file:///a` are the same location."""
        return other is not None and self._comparable() == other._comparable()

    def _comparable(self) -> Pointer:
        return replace(self, location=_SLASHES.sub(r"\1:/", self.location).rstrip("/"))


class Catalog(Protocol):
    """Tables and pointers. Thread-safe; every method may raise `CatalogError`.

    After a transient `CatalogError` of a method that changes something, the change may or may not have been made: read back.
    """

    def ensure_database(self, name: str, *, location_uri: str) -> None:
        """Makes a database where there is none."""

    def ensure_table(self, definition: TableDefinition, *, pointer: Pointer | None = None) -> None:
        """Makes a table, or adds new columns and widened types to it and to its partitions.

        Args:
            definition: the table as it has to be; existing columns that it no longer names stay.
            pointer: what a new unpartitioned table shows as soon as it exists.

        Raises:
            CatalogError: the existing table has a type that the new one cannot read; names table, column and types.
        """

    def describe(self, database: str, name: str) -> TableDefinition | None:
        """Returns a table's definition, None where there is no such table."""

    def describe_many(self, database: str, names: Sequence[str]) -> dict[str, TableDefinition]:
        """Returns those of the tables that are there, by name."""

    def tables(self, database: str) -> list[str]:
        """Returns the names of a database's tables; none where there is no such database."""

    def pointers(self, database: str, name: str, partitions: Sequence[str] | None = None) -> dict[str, Pointer]:
        """Returns a table's partitions (all, or those named that are there) by value; none where there is no table."""

    def newest_partition(self, database: str, name: str) -> str | None:
        """Returns the greatest partition value of a table."""

    def switch(self, database: str, name: str, pointers: Sequence[Pointer]) -> None:
        """Makes partitions show these files, adding missing ones; sets location and parameters in one call."""

    def newest(self, database: str, name: str) -> Pointer | None:
        """Returns what an unpartitioned table shows; None if it does not exist or shows nothing of the platform's."""

    def newest_many(self, database: str, names: Sequence[str]) -> dict[str, Pointer]:
        """Returns what several unpartitioned tables show; leaves out those that show nothing."""

    def point(self, database: str, name: str, pointer: Pointer) -> None:
        """Makes an unpartitioned table show these files, in one call."""

    def drop_partitions(self, database: str, name: str, partitions: Sequence[str]) -> None:
        """Drops partitions of a table, never their files; a missing partition is no error."""


def pointer_parameters(pointer: Pointer) -> dict[str, str]:
    """Returns a pointer, except partition and location, as a single catalog parameter.

    It is a single one because a metastore keeps a row per parameter, and many rows at once lock whole tables of its database.
    """
    values = {item.name: getattr(pointer, item.name) for item in fields(Pointer) if item.name not in _NOT_KEPT}
    return {POINTER_PARAMETER: msgspec.json.encode(values).decode()}


def pointer_from(partition: str, location: str, parameters: Mapping[str, str]) -> Pointer:
    """Returns the pointer held in catalog parameters; values that are not in them are empty or 0.

    Raises:
        CatalogError: the parameter exists but cannot be read.
    """
    text = parameters.get(POINTER_PARAMETER, "{}")
    try:
        told = {"partition": partition, "location": location, **msgspec.json.decode(text, type=dict[str, str | int])}
        return msgspec.convert(_BLANK | told, Pointer)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise CatalogError(
            f"the parameter {POINTER_PARAMETER} cannot be read: {error}",
            where=location,
            remedy="Publish the partition again with force",
            transient=False,
        ) from error


def own_parameters(parameters: Mapping[str, str]) -> dict[str, str]:
    """Returns the parameters without those of a pointer."""
    return {name: value for name, value in parameters.items() if not name.startswith(PARAMETER_PREFIX)}
