"""The catalog tables of a collection (all days, newest day, quarantine), and creating them in time.

The decoder says which columns files have; `evolution` says how a table may change.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import partial

from spark.contract import Collection, Layout, OutputTable, encode
from spark.decode.documents import ERRORS, schema_of
from spark.decode.types import hive_type
from spark.errors import CatalogError, DataworksError
from spark.publish.catalog import Catalog, Pointer, TableColumn, TableDefinition
from spark.publish.evolution import evolve
from spark.publish.parallel import TABLES_AT_ONCE, in_parallel
from spark.publish.repetition import repeated

QUARANTINE_SUFFIX = "_quarantine"
QUARANTINE_PARTITION = "export_date"
_QUARANTINE_COLUMNS = (
    TableColumn("file", "string", "the object the line was read from"),
    TableColumn("line", "bigint", "its number, from 1"),
    TableColumn("reason", "string", "why it is no row"),
    TableColumn("raw", "binary", "the line's bytes"),
)
_STANDARD_COMMENTS = {
    "id": "the document's id, as canonical text",
    "record_timestamp": "when it was last changed, UTC",
    "created": "when it was created, UTC",
    "removed": "when it was logically removed, UTC; null where it was not",
}
_TEXT_COMMENT = "the document's text, as it was exported"
_ERRORS_COMMENT = "what did not fit its declared type: column and value"


def columns_of(table: OutputTable) -> tuple[TableColumn, ...]:
    """Returns the table's columns, without its partition column.

    Raises:
        ConfigurationError: a column's type is invalid.
    """
    comments = _standard_comments(table) | {column.name.lower(): column.comment for column in table.columns}
    return tuple(
        TableColumn(field.name, hive_type(field.type), comments.get(field.name.lower(), "")) for field in schema_of(table)
    )


def _standard_comments(table: OutputTable) -> dict[str, str]:
    """Returns the comments of the columns that come from the layout, not from the configuration."""
    standard = _STANDARD_COMMENTS if table.layout in {Layout.RAW, Layout.TYPED} else {}
    return {**standard, table.text_column: _TEXT_COMMENT, ERRORS: _ERRORS_COMMENT}


def all_days(table: OutputTable, *, location_uri: str, parameters: Mapping[str, str]) -> TableDefinition:
    """Returns the table of all days."""
    return TableDefinition(
        database=table.database,
        name=table.name,
        columns=columns_of(table),
        partition_column=table.partition_column,
        location_uri=location_uri,
        comment=table.comment,
        parameters=parameters,
    )


def newest_day(table: OutputTable, *, parameters: Mapping[str, str]) -> TableDefinition | None:
    """Returns the table that shows only the newest day; None if the collection has none."""
    if table.newest is None:
        return None
    return TableDefinition(table.database, table.newest, columns_of(table), comment=table.comment, parameters=parameters)


def quarantine_name(table: OutputTable) -> str:
    """Returns the name of the quarantine table beside a collection's main table."""
    return f"{table.newest or table.name}{QUARANTINE_SUFFIX}"


def quarantine(database: str, name: str, *, location_uri: str, parameters: Mapping[str, str]) -> TableDefinition:
    """Returns the table of lines that could not be decoded: one row per line."""
    comment = "Lines that are no rows, as they were read"
    return TableDefinition(database, name, _QUARANTINE_COLUMNS, QUARANTINE_PARTITION, location_uri, comment, parameters)


Place = tuple[str, str]
"""(database, table)."""


class Tables:
    """Makes sure that tables exist with the configured columns, checking each once per run.

    Args:
        catalog: holds the tables.
        system: named in each table's properties.
        pause: sleeps for some seconds before a retry.
        output_uri: location given for new tables and databases; it has to hold an object when one is created.
    """

    def __init__(self, catalog: Catalog, *, system: str, output_uri: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._pause = pause
        self._catalog = catalog
        self._system = system
        self._output_uri = output_uri
        self._done: dict[str, DataworksError | None] = {}
        self._prepared: dict[str, bytes] = {}
        """By collection, the form in which its tables were made or widened last."""
        self._databases: set[str] = set()
        self._there: set[Place] = set()

    def prepare(self, collections: Iterable[Collection]) -> dict[str, DataworksError]:
        """Creates or widens the collections' tables; returns errors by collection.

        The newest-day table is only widened here and created by `show_newest`, so that it never shows nothing.
        """
        newest = {collection.name: collection for collection in collections}  # of several days, the last has all columns
        forms = {name: encode(collection) for name, collection in newest.items()}
        wanted = {name: collection for name, collection in newest.items() if self._prepared.get(name) != forms[name]}
        tables = [table for collection in wanted.values() for table in collection.tables]
        there, absent = self._existing(tables)

        def ensure(collection: Collection) -> DataworksError | None:
            try:
                for definition in self._definitions(collection):
                    repeated(partial(self._ensure, definition, there, absent), pause=self._pause)
            except DataworksError as error:
                return error
            return None

        try:
            for database in dict.fromkeys(table.database for table in tables):
                repeated(partial(self._ensure_database, database), pause=self._pause)
        except CatalogError as error:
            return self._failed() | dict.fromkeys(wanted, error)
        outcomes = dict(zip(wanted, in_parallel(ensure, list(wanted.values()), threads=TABLES_AT_ONCE), strict=True))
        transient = {name: error for name, error in outcomes.items() if error is not None and error.transient}
        self._done |= {name: error for name, error in outcomes.items() if name not in transient}
        self._prepared |= {name: forms[name] for name in outcomes if name not in transient}
        return self._failed() | transient

    def show_newest(self, collection: Collection, table: OutputTable, pointer: Pointer) -> None:
        """Points the newest-day table, creating it if there is none."""
        definition = newest_day(table, parameters=self._parameters(collection))
        if definition is None:
            return
        place = (definition.database, definition.name)
        if place not in self._there and self._catalog.describe(*place) is None:
            self._catalog.ensure_table(definition, pointer=pointer)
        else:
            self._catalog.point(*place, pointer)
        self._there.add(place)

    def ensure_quarantine(self, collection: Collection, database: str, name: str) -> None:
        """Creates the collection's quarantine table if there is none."""
        parameters = self._parameters(collection)
        self._ensure_database(database)
        self._catalog.ensure_table(quarantine(database, name, location_uri=self._output_uri, parameters=parameters))

    def _definitions(self, collection: Collection) -> list[TableDefinition]:
        parameters = self._parameters(collection)
        days = [all_days(table, location_uri=self._output_uri, parameters=parameters) for table in collection.tables]
        newest = [newest_day(table, parameters=parameters) for table in collection.tables]
        return [*days, *(definition for definition in newest if definition is not None)]

    def _parameters(self, collection: Collection) -> dict[str, str]:
        return {"system": self._system, "collection": collection.name, "snapshot_type": collection.snapshot_type}

    def _existing(self, tables: list[OutputTable]) -> tuple[dict[Place, TableDefinition], set[Place]]:
        """Returns existing and missing tables; a table in neither has to be looked up by itself."""
        names: dict[str, list[str]] = defaultdict(list)
        for table in tables:
            names[table.database] += [table.name, *([table.newest] if table.newest else [])]
        there: dict[Place, TableDefinition] = {}
        absent: set[Place] = set()
        for database, wanted in names.items():
            with suppress(CatalogError):  # e.g. one is not the platform's: the error is then its own
                described = self._catalog.describe_many(database, wanted)
                there |= {(database, name): definition for name, definition in described.items()}
                absent |= {(database, name) for name in wanted if name not in described}
        self._there |= set(there)
        return there, absent

    def _ensure(self, definition: TableDefinition, there: Mapping[Place, TableDefinition], absent: AbstractSet[Place]) -> None:
        place = (definition.database, definition.name)
        existing = there.get(place)
        if existing is None and place not in absent:
            existing = self._catalog.describe(*place)
        if existing is None and definition.partition_column is None:
            return
        if existing is None or evolve(existing, definition) != existing:
            self._catalog.ensure_table(definition)

    def _ensure_database(self, database: str) -> None:
        if database not in self._databases:
            self._catalog.ensure_database(database, location_uri=self._output_uri)
            self._databases.add(database)

    def _failed(self) -> dict[str, DataworksError]:
        return {name: error for name, error in self._done.items() if error is not None}
