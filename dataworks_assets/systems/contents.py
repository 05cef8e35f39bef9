"""What published tables hold, as row counts, schemas and digests by which two deployments can be compared; no file layout.

Read with DuckDB and pyarrow from the files that the catalog points at, so independently of the code that wrote them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from spark.contract import Document
from spark.publish.catalog import Catalog, TableDefinition
from spark.publish.manifest import data_files
from spark.publish.parallel import in_parallel
from spark.store import ObjectStore

_ROWS_AT_ONCE = 65_536
_DIGITS = 16
_SUM = "SELECT count(*), sum(md5_number_lower(to_json(row)::VARCHAR)::HUGEINT) FROM batch AS row"
"""A sum of row digests: independent of row order and of file boundaries, and a duplicated row counts twice."""


class Contents(Document, frozen=True):
    """One partition of a table, or an unpartitioned table, whose `day` is empty.

    `schema` is a digest of its columns in the catalog and in its files, `content` a digest of its rows.
    """

    table: str
    day: str
    rows: int
    schema: str
    content: str


class Differing(NamedTuple):
    """A table's day that differs between two deployments, and how."""

    table: str
    day: str
    why: str


class _Read(NamedTuple):
    rows: int
    total: int
    schemas: frozenset[str]


def contents(
    catalog: Catalog,
    store: ObjectStore,
    databases: Iterable[str],
    *,
    patterns: Collection[str] = (),
    days: Collection[str] = (),
) -> list[Contents]:
    """Returns what every table of some databases holds: one entry per table and day, in their order.

    Args:
        catalog: says which files are published.
        store: holds the files.
        databases: names of the databases.
        patterns: globs of `database.table`; if empty, all tables.
        days: ISO dates; if empty, all days and the unpartitioned tables.

    Raises:
        CatalogError, StoreError: the catalog or the files cannot be read.
    """
    definitions = [
        definition
        for database in sorted(set(databases))
        for definition in catalog.describe_many(database, catalog.tables(database)).values()
        if not patterns or any(fnmatchcase(definition.full_name, pattern) for pattern in patterns)
    ]
    places = [place for definition in definitions for place in _places(catalog, definition, days)]

    def read(place: tuple[TableDefinition, str, str]) -> Contents:
        definition, day, location = place
        found = read_rows(store, location)
        schema = _schema_digest(definition, found.schemas)
        return Contents(definition.full_name, day, found.rows, schema, f"{found.total:x}"[-_DIGITS:])

    return sorted(in_parallel(read, places), key=lambda each: (each.table, each.day))


def read_rows(store: ObjectStore, location: str) -> _Read:
    """Returns the number of rows below a location, the sum of their digests, and the schemas of the files.

    Raises:
        StoreError: the files cannot be read.
    """
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = total = 0
    schemas = set()
    with duckdb.connect() as connection:
        for listed in data_files(store.list(location)):
            file = pq.ParquetFile(pa.BufferReader(store.read(listed.uri)))
            schemas.add(file.schema_arrow.remove_metadata().to_string(show_field_metadata=False))
            for batch in file.iter_batches(_ROWS_AT_ONCE):
                connection.register("batch", pa.Table.from_batches([batch]))
                ((count, added),) = connection.execute(_SUM).fetchall()
                rows, total = rows + count, total + (added or 0)
    return _Read(rows, total, frozenset(schemas))


def differences(ours: Sequence[Contents], theirs: Sequence[Contents]) -> list[Differing]:
    """Returns how two deployments differ, by table and day."""
    own, other = ({(each.table, each.day): each for each in side} for side in (ours, theirs))
    found = []
    for place in sorted(own.keys() | other.keys()):
        if why := _why(own.get(place), other.get(place)):
            found.append(Differing(*place, why))
    return found


def _why(own: Contents | None, other: Contents | None) -> str:
    if own is None or other is None:
        return "it is not here" if own is None else "it is only here"
    if own.rows != other.rows:
        return f"{own.rows:,} rows here, {other.rows:,} there"
    unlike: Mapping[str, bool] = {"schema": own.schema != other.schema, "content": own.content != other.content}
    return " and ".join(name for name, differs in unlike.items() if differs)


def _places(catalog: Catalog, definition: TableDefinition, days: Collection[str]) -> list[tuple[TableDefinition, str, str]]:
    if definition.partition_column is None:
        newest = None if days else catalog.newest(definition.database, definition.name)
        return [(definition, "", newest.location)] if newest is not None else []
    pointers = catalog.pointers(definition.database, definition.name, list(days) or None)
    return [(definition, day, pointer.location) for day, pointer in pointers.items()]


def _schema_digest(definition: TableDefinition, schemas: Collection[str]) -> str:
    columns = [f"{column.name} {column.type} {column.comment}" for column in definition.columns]
    whole = "\n".join([str(definition.partition_column), *columns, *sorted(schemas)])
    return hashlib.sha256(whole.encode()).hexdigest()[:_DIGITS]
