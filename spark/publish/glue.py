"""The catalog in AWS Glue: external Parquet tables that Athena, EMR and Redshift Spectrum read.

Client and errors are in `glue_client`, the objects' structure in `glue_objects`, the allowed table changes in `evolution`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from spark.contract import CatalogSettings
from spark.errors import CatalogError
from spark.publish.catalog import Pointer, TableDefinition
from spark.publish.evolution import evolve
from spark.publish.external_tables import check_partition
from spark.publish.glue_client import GlueClient
from spark.publish.glue_objects import (
    definition_of,
    evolved_partition,
    evolved_table,
    new_table,
    partition_for,
    pointed_table,
    pointer_of_partition,
    pointer_of_table,
)

BATCH_PARTITIONS = 100
"""Most partitions that one call creates or changes."""
_BATCH_DROPPED = 25
_BATCH_READ = 1000
_EXPRESSION_CHARACTERS = 2000
"""Most characters of the pattern that selects tables in one call; Glue accepts 2,048."""

_ABSENT = ("EntityNotFoundException",)
_THERE = ("AlreadyExistsException",)
_CHANGED = ("ConcurrentModificationException", "VersionMismatchException")
_LOOKS = 5

ItemT = TypeVar("ItemT")


class GlueCatalog:
    """A `Catalog` over the Glue Data Catalog of an account and region, connected on first use.

    Changed columns are copied to existing partitions by a read and a write, as Glue has no conditional call. A partition
    that another run switches in between shows its older files again until the next run of that day, which notices and
    repairs it.
    """

    def __init__(self, settings: CatalogSettings) -> None:
        self._client = GlueClient(settings)

    def ensure_database(self, name: str, *, location_uri: str) -> None:
        """Makes a database where there is none."""
        if self._client.call("get_database", where=name, expected=_ABSENT, Name=name) is None:
            database = {"Name": name, "LocationUri": location_uri}
            self._client.call("create_database", where=name, expected=_THERE, DatabaseInput=database)

    def ensure_table(self, definition: TableDefinition, *, pointer: Pointer | None = None) -> None:
        """Makes a table, or adds new columns and widened types to it and to its partitions."""
        database, where = definition.database, definition.full_name
        new = new_table(definition, pointer)
        if self._client.call("create_table", where=where, expected=_THERE, DatabaseName=database, TableInput=new) is not None:
            return
        evolved = self._change(database, definition.name, lambda table: _evolved(table, definition))
        if evolved is not None and definition.partition_column is not None:
            self._evolve_partitions({**evolved, "DatabaseName": database})

    def describe(self, database: str, name: str) -> TableDefinition | None:
        """Returns a table's definition, None where there is no such table."""
        table = self._table(database, name)
        return None if table is None else definition_of(table)

    def describe_many(self, database: str, names: Sequence[str]) -> dict[str, TableDefinition]:
        """Returns those of the tables that are there, by name."""
        return {table["Name"]: definition_of(table) for table in self._tables(database, names)}

    def tables(self, database: str) -> list[str]:
        """Returns the names of a database's tables; none where there is no such database."""
        found = self._client.pages("get_tables", "TableList", where=database, DatabaseName=database)
        return sorted(table["Name"] for table in found)

    def pointers(self, database: str, name: str, partitions: Sequence[str] | None = None) -> dict[str, Pointer]:
        """Returns a table's partitions (all, or those named that are there) by value; none where there is no table."""
        if partitions is None:
            found = self._partitions(database, name, ExcludeColumnSchema=True)
        else:
            found = self._named_partitions(database, name, list(dict.fromkeys(partitions)))
        return {partition["Values"][0]: pointer_of_partition(partition) for partition in found}

    def newest_partition(self, database: str, name: str) -> str | None:
        """Returns the greatest partition value of a table."""
        found = self._partitions(database, name, ExcludeColumnSchema=True)
        return max((partition["Values"][0] for partition in found), default=None)

    def switch(self, database: str, name: str, pointers: Sequence[Pointer]) -> None:
        """Makes partitions show these files, at most 100 a call."""
        if not pointers:
            return
        where = f"{database}.{name}"
        for pointer in pointers:
            check_partition(where, pointer.partition)
        table = self._existing(database, name)
        there = {part["Values"][0]: part for part in self._named_partitions(database, name, [p.partition for p in pointers])}
        place: dict[str, Any] = {"where": where, "DatabaseName": database, "TableName": name}
        for page in _in_pages([pointer for pointer in pointers if pointer.partition in there], BATCH_PARTITIONS):
            entries = [_entry(partition_for(table, pointer, old=there[pointer.partition])) for pointer in page]
            self._client.batch("batch_update_partition", Entries=entries, **place)
        for page in _in_pages([pointer for pointer in pointers if pointer.partition not in there], BATCH_PARTITIONS):
            new = [partition_for(table, pointer) for pointer in page]
            # A partition that somebody else has created meanwhile is left as it is: whoever switches reads back.
            self._client.batch("batch_create_partition", harmless=_THERE[0], PartitionInputList=new, **place)

    def newest(self, database: str, name: str) -> Pointer | None:
        """Returns what an unpartitioned table shows; None where it is not there or shows nothing of ours."""
        table = self._table(database, name)
        return None if table is None else pointer_of_table(table)

    def newest_many(self, database: str, names: Sequence[str]) -> dict[str, Pointer]:
        """Returns what several unpartitioned tables show, those that show anything."""
        shown = {table["Name"]: pointer_of_table(table) for table in self._tables(database, names)}
        return {name: pointer for name, pointer in shown.items() if pointer is not None}

    def point(self, database: str, name: str, pointer: Pointer) -> None:
        """Makes an unpartitioned table show these files, in one call."""
        self._change(database, name, lambda table: pointed_table(table, pointer))

    def drop_partitions(self, database: str, name: str, partitions: Sequence[str]) -> None:
        """Takes partitions out of a table, never their files; one that is not there is no error."""
        if self._table(database, name) is None:
            return
        place: dict[str, Any] = {"where": f"{database}.{name}", "DatabaseName": database, "TableName": name}
        for page in _in_pages(list(partitions), _BATCH_DROPPED):
            values = [{"Values": [value]} for value in page]
            self._client.batch("batch_delete_partition", harmless=_ABSENT[0], PartitionsToDelete=values, **place)

    def _table(self, database: str, name: str) -> Any:
        answer = self._client.call("get_table", where=f"{database}.{name}", expected=_ABSENT, DatabaseName=database, Name=name)
        return None if answer is None else answer["Table"]

    def _existing(self, database: str, name: str) -> Any:
        table = self._table(database, name)
        if table is None:
            where = f"{database}.{name} in {self._client.address}"
            raise CatalogError("there is no such table", where=where, transient=False)
        definition_of(table)
        return table

    def _tables(self, database: str, names: Sequence[str]) -> Iterator[Any]:
        """Yields the tables that exist; others that the pattern matches are left out."""
        wanted = set(names)
        for pattern in _patterns(sorted(wanted)):
            found = self._client.pages("get_tables", "TableList", where=database, DatabaseName=database, Expression=pattern)
            yield from (table for table in found if table["Name"] in wanted)
            wanted -= set(pattern.split("|"))

    def _partitions(self, database: str, name: str, **arguments: Any) -> Iterator[Any]:
        place: dict[str, Any] = {"where": f"{database}.{name}", "DatabaseName": database, "TableName": name}
        return self._client.pages("get_partitions", "Partitions", **place, **arguments)

    def _named_partitions(self, database: str, name: str, values: Sequence[str]) -> Iterator[Any]:
        where = f"{database}.{name}"
        for page in _in_pages(list(values), _BATCH_READ):
            asked = [{"Values": [value]} for value in page]
            while asked:
                answer = self._client.call(
                    "batch_get_partition",
                    where=where,
                    expected=_ABSENT,
                    DatabaseName=database,
                    TableName=name,
                    PartitionsToGet=asked,
                )
                if answer is None:
                    return
                yield from answer["Partitions"]
                asked = answer.get("UnprocessedKeys", [])

    def _evolve_partitions(self, table: Any) -> None:
        """Gives the table's columns to partitions whose columns differ."""
        where = f"{table['DatabaseName']}.{table['Name']}"
        place: dict[str, Any] = {"where": where, "DatabaseName": table["DatabaseName"], "TableName": table["Name"]}
        old = [
            part["Values"][0]
            for part in self._partitions(table["DatabaseName"], table["Name"])
            if evolved_partition(table, part) is not None
        ]
        for page in _in_pages(old, BATCH_PARTITIONS):
            fresh = self._named_partitions(table["DatabaseName"], table["Name"], page)
            entries = [_entry(made) for part in fresh if (made := evolved_partition(table, part)) is not None]
            self._client.batch("batch_update_partition", Entries=entries, **place)

    def _change(self, database: str, name: str, change: Callable[[Any], dict[str, Any] | None]) -> dict[str, Any] | None:
        """Changes a table, reading it again if somebody changed it meanwhile; returns the changed table."""
        where = f"{database}.{name}"
        for _ in range(_LOOKS):
            table = self._existing(database, name)
            changed = change(table)
            version = {"VersionId": table["VersionId"]} if table.get("VersionId") else {}
            place = {"DatabaseName": database, "TableInput": changed, "SkipArchive": True}
            if (
                changed is None
                or self._client.call("update_table", where=where, expected=_CHANGED, **place, **version) is not None
            ):
                return changed
        raise CatalogError(f"the table was changed by others {_LOOKS} times while it was to be changed", where=where)


def _evolved(table: Any, wanted: TableDefinition) -> dict[str, Any] | None:
    existing = definition_of(table)
    merged = evolve(existing, wanted)
    return None if merged == existing else evolved_table(table, merged)


def _entry(partition: dict[str, Any]) -> dict[str, Any]:
    return {"PartitionValueList": partition["Values"], "PartitionInput": partition}


def _in_pages(items: Sequence[ItemT], size: int) -> Iterator[Sequence[ItemT]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _patterns(names: Sequence[str]) -> Iterator[str]:
    """Yields patterns of as many names as Glue accepts at once."""
    taken: list[str] = []
    for name in names:
        if taken and len("|".join([*taken, name])) > _EXPRESSION_CHARACTERS:
            yield "|".join(taken)
            taken = []
        taken.append(name)
    if taken:
        yield "|".join(taken)
