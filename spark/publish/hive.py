"""The catalog in a Hive metastore: external Parquet tables, over its Thrift protocol.

Connections are in `hive_client`, the structure of tables on the wire in `hive_objects`, the allowed table changes in
`evolution`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pymetastore.hive_metastore import ttypes

from spark.errors import CatalogError
from spark.publish.catalog import Pointer, TableDefinition, pointer_from
from spark.publish.evolution import evolve
from spark.publish.external_tables import PARTITION_PARAMETER, check_partition
from spark.publish.hive_client import MetastoreClient
from spark.publish.hive_objects import (
    definition_of,
    evolved_table,
    new_table,
    partition_for,
    pointed_table,
)

BATCH_PARTITIONS = 100
"""Partitions of one metastore call, which is one transaction."""
_BATCH_NAMES = 500

_ABSENT = (ttypes.NoSuchObjectException, ttypes.UnknownDBException, ttypes.UnknownTableException)
_NO_STATISTICS = ttypes.EnvironmentContext(properties={"DO_NOT_UPDATE_STATS": "true"})
_CASCADE = ttypes.EnvironmentContext(properties={"DO_NOT_UPDATE_STATS": "true", "CASCADE": "true"})
_ALL = -1

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class HiveCatalog:
    """A `Catalog` over one Hive metastore (2.3 and 3.1), connected on first use.

    Args:
        uri: `thrift://host:port`, or several separated by commas.
        timeout_seconds: for each call.
    """

    def __init__(self, uri: str, *, timeout_seconds: float = 60.0) -> None:
        self._client = MetastoreClient(uri, timeout_seconds=timeout_seconds)
        self._seen: dict[tuple[str, str], Any] = {}
        """Partitioned tables as they were last read; their columns are as new as the last look of whoever switches."""

    def ensure_database(self, name: str, *, location_uri: str) -> None:
        """Makes a database where there is none."""
        if self._client.read("get_database", name, where=name, absent=_ABSENT) is None:
            database = ttypes.Database(name=name, locationUri=location_uri, parameters={})
            self._client.write("create_database", database, where=name, expected=(ttypes.AlreadyExistsException,))

    def ensure_table(self, definition: TableDefinition, *, pointer: Pointer | None = None) -> None:
        """Makes a table, or adds new columns and widened types to it and to its partitions."""
        where = definition.full_name
        new = new_table(definition, pointer)
        self._seen.pop((definition.database, definition.name), None)
        if self._client.write("create_table", new, where=where, expected=(ttypes.AlreadyExistsException,)):
            return
        table = self._existing(definition.database, definition.name)
        existing = definition_of(table)
        merged = evolve(existing, definition)
        if merged != existing:
            changed = evolved_table(table, merged)
            context = _NO_STATISTICS if merged.partition_column is None else _CASCADE
            self._alter_table(changed, context)
            self._seen.pop((definition.database, definition.name), None)

    def describe(self, database: str, name: str) -> TableDefinition | None:
        """Returns a table's definition, None where there is no such table."""
        table = self._table(database, name)
        return None if table is None else definition_of(table)

    def describe_many(self, database: str, names: Sequence[str]) -> dict[str, TableDefinition]:
        """Returns those of the tables that are there, by name."""
        return {table.tableName: definition_of(table) for table in self._tables(database, names)}

    def tables(self, database: str) -> list[str]:
        """Returns the names of a database's tables; none where there is no such database."""
        return sorted(self._client.read("get_all_tables", database, where=database, absent=_ABSENT) or [])

    def pointers(self, database: str, name: str, partitions: Sequence[str] | None = None) -> dict[str, Pointer]:
        """Returns a table's partitions (all, or those named that are there) by value; none where there is no table."""
        if partitions is None:
            names = self._partition_names(database, name)
        else:
            column = self._partition_column(database, name)
            if column is None:
                return {}
            names = [_partition_name(f"{database}.{name}", column, value) for value in dict.fromkeys(partitions)]
        found = [part for page in _in_pages(names, self._reader(database, name)) for part in page]
        return {part.values[0]: pointer_from(part.values[0], part.sd.location, part.parameters or {}) for part in found}

    def newest_partition(self, database: str, name: str) -> str | None:
        """Returns the greatest partition value of a table."""
        names = self._partition_names(database, name)
        return max((text.partition("=")[2] for text in names), default=None)

    def switch(self, database: str, name: str, pointers: Sequence[Pointer]) -> None:
        """Makes partitions show these files, at most 100 a call."""
        if not pointers:
            return
        table = self._seen.get((database, name)) or self._existing(database, name)
        column, where = table.partitionKeys[0].name, f"{database}.{name}"
        names = [_partition_name(where, column, pointer.partition) for pointer in pointers]
        pages = _in_pages(names, self._reader(database, name))
        there = {part.values[0]: part for page in pages for part in page}
        changed = [partition_for(table, p, old=there[p.partition]) for p in pointers if p.partition in there]
        new = [partition_for(table, p) for p in pointers if p.partition not in there]
        _in_pages(changed, lambda batch: self._alter_partitions(table, batch), size=BATCH_PARTITIONS)
        _in_pages(new, lambda batch: self._add_partitions(table, batch), size=BATCH_PARTITIONS)

    def newest(self, database: str, name: str) -> Pointer | None:
        """Returns what an unpartitioned table shows; None where it is not there or shows nothing of ours."""
        return self.newest_many(database, [name]).get(name)

    def newest_many(self, database: str, names: Sequence[str]) -> dict[str, Pointer]:
        """Returns what several unpartitioned tables show, those that show anything."""
        shown = {}
        for table in self._tables(database, names):
            partition = (table.parameters or {}).get(PARTITION_PARAMETER, "")
            if partition:
                shown[table.tableName] = pointer_from(partition, table.sd.location, table.parameters)
        return shown

    def point(self, database: str, name: str, pointer: Pointer) -> None:
        """Makes an unpartitioned table show these files, in one call."""
        self._alter_table(pointed_table(self._existing(database, name), pointer), _NO_STATISTICS)

    def drop_partitions(self, database: str, name: str, partitions: Sequence[str]) -> None:
        """Takes partitions out of a table, never their files; one that is not there is no error."""
        table = self._table(database, name)
        if table is not None:
            where = f"{database}.{name}"
            _in_pages(partitions, lambda batch: self._drop(where, table, batch), size=BATCH_PARTITIONS)

    def close(self) -> None:
        """Closes idle connections."""
        self._client.close()

    def _table(self, database: str, name: str) -> Any:
        self._seen.pop((database, name), None)
        table = self._client.read("get_table", database, name, where=f"{database}.{name}", absent=_ABSENT)
        return None if table is None else self._remember(table)

    def _remember(self, table: Any) -> Any:
        if table.partitionKeys:
            self._seen[table.dbName, table.tableName] = table
        return table

    def _partition_column(self, database: str, name: str) -> str | None:
        table = self._seen.get((database, name)) or self._table(database, name)
        return table.partitionKeys[0].name if table is not None and table.partitionKeys else None

    def _existing(self, database: str, name: str) -> Any:
        table = self._table(database, name)
        if table is None:
            raise CatalogError("there is no such table", where=f"{database}.{name} in {self._client.uri}", transient=False)
        definition_of(table)
        return table

    def _tables(self, database: str, names: Sequence[str]) -> list[Any]:
        def read(page: Sequence[str]) -> list[Any]:
            return self._client.read("get_table_objects_by_name", database, list(page), where=database) or []

        try:
            return [self._remember(table) for page in _in_pages(list(names), read) for table in page]
        except CatalogError:
            # Hive 2.3 answers for a missing database with what this client takes for an internal error.
            if self._client.read("get_database", database, where=database, absent=_ABSENT) is None:
                return []
            raise

    def _partition_names(self, database: str, name: str) -> list[str]:
        try:
            return self._client.read("get_partition_names", database, name, _ALL, where=f"{database}.{name}") or []
        except CatalogError:
            if self._table(database, name) is None:
                return []
            raise

    def _reader(self, database: str, name: str) -> Callable[[Sequence[str]], list[Any]]:
        def read(page: Sequence[str]) -> list[Any]:
            where = f"{database}.{name}"
            return self._client.read("get_partitions_by_names", database, name, list(page), where=where, absent=_ABSENT) or []

        return read

    def _drop(self, where: str, table: Any, values: Sequence[str]) -> None:
        column = table.partitionKeys[0].name
        request = ttypes.DropPartitionsRequest(
            dbName=table.dbName,
            tblName=table.tableName,
            parts=ttypes.RequestPartsSpec(names=[_partition_name(where, column, value) for value in values]),
            deleteData=False,
            ifExists=True,
            needResult=False,
        )
        self._client.write("drop_partitions_req", request, where=where)

    def _add_partitions(self, table: Any, batch: Sequence[Any]) -> None:
        request = ttypes.AddPartitionsRequest(
            dbName=table.dbName, tblName=table.tableName, parts=list(batch), ifNotExists=True, needResult=False
        )
        self._client.write("add_partitions_req", request, where=f"{table.dbName}.{table.tableName}")

    def _alter_partitions(self, table: Any, batch: Sequence[Any]) -> None:
        method = "alter_partitions_with_environment_context"
        args = (table.dbName, table.tableName, list(batch), _NO_STATISTICS)
        self._client.write(method, *args, where=f"{table.dbName}.{table.tableName}")

    def _alter_table(self, table: Any, context: Any) -> None:
        method = "alter_table_with_environment_context"
        self._client.write(method, table.dbName, table.tableName, table, context, where=f"{table.dbName}.{table.tableName}")


def _in_pages(
    items: Sequence[ItemT], action: Callable[[Sequence[ItemT]], ResultT], *, size: int = _BATCH_NAMES
) -> list[ResultT]:
    """Calls the action for one page after another: two concurrent batches of one table deadlock in some metastores."""
    return [action(items[start : start + size]) for start in range(0, len(items), size)]


def _partition_name(where: str, column: str, value: str) -> str:
    check_partition(where, value)
    return f"{column}={value}"
