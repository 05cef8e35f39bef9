"""The table that shows the newest published day alone: it follows the table of all days, and never goes backwards.

Two runs that publish two days at the same time may move it in the wrong order for the moment between a switch and its
read-back, because a catalog cannot compare and swap; the read-back then puts it right.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from spark.contract import Collection, OutputTable
from spark.errors import CatalogError
from spark.publish.catalog import Catalog, Pointer
from spark.publish.tables import Tables

_PAUSES_SECONDS = (0.0, 0.0, 0.5, 2.0, 5.0)
"""Before each look; the second one is the read-back of the first move."""


class NewestFollower:
    """Moves the tables of the newest day.

    Args:
        catalog: to be changed.
        tables: makes a table that is not there yet.
        pause: waits so many seconds before a repetition.
    """

    def __init__(self, catalog: Catalog, tables: Tables, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._catalog = catalog
        self._tables = tables
        self._pause = pause

    def follow(self, collection: Collection) -> bool:
        """Makes each table of the newest day show it; returns whether one was behind.

        Raises:
            CatalogError: a table stays behind; the next run moves it.
        """
        return any([self._follow(collection, table) for table in collection.tables if table.newest is not None])

    def _follow(self, collection: Collection, table: OutputTable) -> bool:
        moved = False
        failure = CatalogError("the table of the newest day does not stay where it is put", where=_name(table))
        for seconds in _PAUSES_SECONDS:
            self._pause(seconds)
            try:
                wanted = self._wanted(table)
                if wanted is None:
                    return moved
                self._tables.show_newest(collection, table, wanted)
                moved = True
            except CatalogError as error:
                failure = error
                if not error.transient:
                    break
        raise failure

    def _wanted(self, table: OutputTable) -> Pointer | None:
        """What the table has to show and does not show yet."""
        day = self._catalog.newest_partition(table.database, table.name)
        if day is None or table.newest is None:
            return None
        shown = self._catalog.newest(table.database, table.newest)
        if shown is not None and shown.partition > day:
            return None
        pointer = self._catalog.pointers(table.database, table.name, [day]).get(day)
        return None if pointer is None or pointer.shows_same(shown) else pointer


def _name(table: OutputTable) -> str:
    return f"{table.database}.{table.newest}"
