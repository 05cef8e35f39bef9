"""A catalog in memory, with a hook before and after each call: the place for faults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from threading import RLock

from spark.errors import CatalogError
from spark.publish.catalog import Pointer, TableDefinition
from spark.publish.evolution import evolve
from spark.publish.external_tables import check_partition

Hook = Callable[[str, str], None]


class InMemoryCatalog:
    """A `Catalog`; `hook` is called with (`before` or `after`, method) and may raise."""

    def __init__(self, hook: Hook | None = None) -> None:
        self.hook = hook
        self.calls: list[str] = []
        self.databases: dict[str, str] = {}
        self._definitions: dict[tuple[str, str], TableDefinition] = {}
        self._partitions: dict[tuple[str, str], dict[str, Pointer]] = {}
        self._shown: dict[tuple[str, str], Pointer] = {}
        self._lock = RLock()

    @contextmanager
    def _call(self, method: str):
        self.calls.append(method)
        if self.hook:
            self.hook("before", method)
        with self._lock:
            yield
        if self.hook:
            self.hook("after", method)

    def ensure_database(self, name: str, *, location_uri: str) -> None:
        with self._call("ensure_database"):
            self.databases.setdefault(name, location_uri)

    def ensure_table(self, definition: TableDefinition, *, pointer: Pointer | None = None) -> None:
        with self._call("ensure_table"):
            if definition.database not in self.databases:
                raise CatalogError("there is no such database", where=definition.full_name, transient=False)
            key = (definition.database, definition.name)
            if key in self._definitions:
                self._definitions[key] = evolve(self._definitions[key], definition)
                return
            self._definitions[key] = definition
            if pointer is not None and definition.partition_column is None:
                self._shown[key] = pointer

    def describe(self, database: str, name: str) -> TableDefinition | None:
        with self._call("describe"):
            return self._definitions.get((database, name))

    def describe_many(self, database: str, names: Sequence[str]) -> dict[str, TableDefinition]:
        with self._call("describe_many"):
            return {name: self._definitions[database, name] for name in names if (database, name) in self._definitions}

    def tables(self, database: str) -> list[str]:
        with self._call("tables"):
            return sorted(name for owner, name in self._definitions if owner == database)

    def pointers(self, database: str, name: str, partitions: Sequence[str] | None = None) -> dict[str, Pointer]:
        with self._call("pointers"):
            there = self._partitions.get((database, name), {})
            return {key: there[key] for key in (there if partitions is None else partitions) if key in there}

    def newest_partition(self, database: str, name: str) -> str | None:
        with self._call("newest_partition"):
            return max(self._partitions.get((database, name), {}), default=None)

    def switch(self, database: str, name: str, pointers: Sequence[Pointer]) -> None:
        for pointer in pointers:
            check_partition(f"{database}.{name}", pointer.partition)
        with self._call("switch"):
            self._require(database, name)
            self._partitions.setdefault((database, name), {}).update({pointer.partition: pointer for pointer in pointers})

    def newest(self, database: str, name: str) -> Pointer | None:
        with self._call("newest"):
            return self._shown.get((database, name))

    def newest_many(self, database: str, names: Sequence[str]) -> dict[str, Pointer]:
        with self._call("newest_many"):
            return {name: self._shown[database, name] for name in names if (database, name) in self._shown}

    def point(self, database: str, name: str, pointer: Pointer) -> None:
        with self._call("point"):
            self._require(database, name)
            self._shown[database, name] = pointer

    def drop_partitions(self, database: str, name: str, partitions: Sequence[str]) -> None:
        with self._call("drop_partitions"):
            for partition in partitions:
                self._partitions.get((database, name), {}).pop(partition, None)

    def _require(self, database: str, name: str) -> None:
        if (database, name) not in self._definitions:
            raise CatalogError("there is no such table", where=f"{database}.{name}", transient=False)
