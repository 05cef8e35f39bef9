"""What the catalog says is published: the only answer to whether something is done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress

from spark.contract import Collection, OutputTable
from spark.errors import CatalogError
from spark.publish.catalog import Catalog, Pointer
from spark.publish.parallel import TABLES_AT_ONCE, in_parallel

Published = dict[str, Pointer | None]
"""By export date: the main table's pointer; None if the day is not published, or only in some of its tables."""


def published_state(catalog: Catalog, collection: Collection, dates: Sequence[str]) -> Published:
    """Returns what is published of a collection: a day counts only if all its tables show the same attempt."""
    tables = [catalog.pointers(table.database, table.name, dates) for table in collection.tables]
    return {date: _agreed([pointers.get(date) for pointers in tables]) for date in dates}


def published_states(catalog: Catalog, collections: Iterable[Collection], dates: Sequence[str]) -> dict[str, Published]:
    """Returns what is published of several collections, by their names."""
    wanted = list(collections)
    _describe(catalog, wanted)
    states = in_parallel(lambda collection: published_state(catalog, collection, dates), wanted, threads=TABLES_AT_ONCE)
    return {collection.name: state for collection, state in zip(wanted, states, strict=True)}


def _describe(catalog: Catalog, collections: Sequence[Collection]) -> None:
    """Has the catalog look up all tables in one call instead of one by one."""
    names: dict[str, list[str]] = defaultdict(list)
    for collection in collections:
        for table in collection.tables:
            names[table.database].append(table.name)
    for database, wanted in names.items():
        if len(wanted) > 1:
            with suppress(CatalogError):  # each is then looked up by itself, with its own error
                catalog.describe_many(database, wanted)


def newest_days(catalog: Catalog, collections: Iterable[Collection]) -> dict[str, str]:
    """Returns the newest published day (ISO date) of each collection that has one, by name; looks only at main tables."""
    wanted = [(collection.name, collection.tables[0]) for collection in collections]
    names: dict[str, list[str]] = defaultdict(list)
    for _, table in wanted:
        names[table.database] += [table.newest] if table.newest else []
    shown = {database: catalog.newest_many(database, tables) for database, tables in names.items() if tables}

    def newest(one: tuple[str, OutputTable]) -> str | None:
        _, table = one
        if not table.newest:
            return catalog.newest_partition(table.database, table.name)
        pointer = shown[table.database].get(table.newest)
        return pointer.partition if pointer else None

    days = in_parallel(newest, wanted, threads=TABLES_AT_ONCE)
    return {name: day for (name, _), day in zip(wanted, days, strict=True) if day}


def half_published(catalog: Catalog, collection: Collection, dates: Sequence[str]) -> tuple[str, ...]:
    """Returns the days for which the collection's tables do not all show the same attempt."""
    tables = [catalog.pointers(table.database, table.name, dates) for table in collection.tables]
    return tuple(date for date in dates if len({_attempt(pointers.get(date)) for pointers in tables}) > 1)


def published_dates(catalog: Catalog, collection: Collection) -> list[str]:
    """Returns the collection's published days, oldest first."""
    main = collection.tables[0]
    dates = sorted(catalog.pointers(main.database, main.name))
    return [date for date, pointer in published_state(catalog, collection, dates).items() if pointer is not None]


def _agreed(pointers: Sequence[Pointer | None]) -> Pointer | None:
    first = pointers[0]
    if first is None or not first.attempt:
        return None
    return first if all(_attempt(pointer) == first.attempt for pointer in pointers) else None


def _attempt(pointer: Pointer | None) -> str:
    return "" if pointer is None else pointer.attempt
