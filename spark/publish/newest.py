"""The table that shows only the newest published day: it follows the table of all days, and never goes backwards.

Catalogs have no compare-and-swap, so two runs that publish two days at once may briefly move it in the wrong order, between
a switch and its read-back; the read-back corrects that.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from spark.contract import Collection, OutputTable
from spark.errors import CatalogError, DataworksError
from spark.publish.catalog import Catalog, Pointer
from spark.publish.lease import TablePointer
from spark.publish.parallel import TABLES_AT_ONCE, in_parallel, or_error
from spark.publish.tables import Tables

_PAUSES_SECONDS = (0.0, 0.0, 0.5, 2.0, 5.0)

Known = Mapping[str, Sequence[TablePointer]]
"""By collection, the pointers that its tables are known to show and that need not be looked up."""


@dataclass(frozen=True)
class _Follower:
    """One newest-day table, and by day what its table of all days is known to show."""

    collection: Collection
    table: OutputTable
    newest: str
    known: Mapping[str, Pointer]

    @property
    def place(self) -> tuple[str, str]:
        return self.table.database, self.newest


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

    def follow(self, collection: Collection) -> None:
        """Makes one collection's tables of the newest day show it.

        Raises:
            CatalogError: a table is left behind; the next run moves it.
        """
        for error in self.follow_many([collection], {}).values():
            raise error

    def follow_many(self, collections: Sequence[Collection], known: Known) -> dict[str, DataworksError]:
        """Makes the collections' tables of the newest day show it; returns what went wrong, by collection.

        A table that stays behind is moved by the next run.
        """
        waiting = [follower for collection in collections for follower in _followers(collection, known)]
        failures: dict[str, DataworksError] = {}
        for seconds in _PAUSES_SECONDS:
            if not waiting:
                return {}
            self._pause(seconds)
            waiting = self._round(waiting, failures)
        names = dict.fromkeys(follower.collection.name for follower in waiting)
        return {name: failures.get(name) or _restless(name) for name in names}

    def _round(self, waiting: Sequence[_Follower], failures: dict[str, DataworksError]) -> list[_Follower]:
        """Checks all tables and moves those that are behind; returns those that were moved or could not be."""
        try:
            shown = self._shown(waiting)
        except CatalogError as error:
            failures |= {follower.collection.name: error for follower in waiting}
            return list(waiting)

        def step(follower: _Follower) -> bool:
            return self._step(follower, shown.get(follower.place))

        outcomes = in_parallel(or_error(step), waiting, threads=TABLES_AT_ONCE)
        left = []
        for follower, outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, DataworksError):
                failures[follower.collection.name] = outcome
            if outcome is not True:
                left.append(follower)
        return left

    def _shown(self, waiting: Sequence[_Follower]) -> dict[tuple[str, str], Pointer]:
        names: dict[str, list[str]] = defaultdict(list)
        for follower in waiting:
            names[follower.table.database].append(follower.newest)
        return {
            (database, name): pointer
            for database, wanted in names.items()
            for name, pointer in self._catalog.newest_many(database, wanted).items()
        }

    def _step(self, follower: _Follower, shown: Pointer | None) -> bool:
        """Moves the table where it is behind; returns whether it is as it has to be."""
        wanted = self._wanted(follower, shown)
        if wanted is None or wanted.shows_same(shown):
            return True
        self._tables.show_newest(follower.collection, follower.table, wanted)
        return False

    def _wanted(self, follower: _Follower, shown: Pointer | None) -> Pointer | None:
        """What the table is to show: what was just published, if that is newer than what it shows; else the newest day."""
        latest = max(follower.known, default="")
        if latest and not follower.known[latest].shows_same(shown) and (shown is None or latest >= shown.partition):
            return follower.known[latest]
        database, name = follower.table.database, follower.table.name
        day = self._catalog.newest_partition(database, name)
        if day is None or (shown is not None and shown.partition > day):
            return None
        return follower.known.get(day) or self._catalog.pointers(database, name, [day]).get(day)


def _followers(collection: Collection, known: Known) -> list[_Follower]:
    return [
        _Follower(
            collection,
            table,
            table.newest,
            {
                item.pointer.partition: item.pointer
                for item in known.get(collection.name, ())
                if (item.database, item.name) == (table.database, table.name)
            },
        )
        for table in collection.tables
        if table.newest is not None
    ]


def _restless(name: str) -> CatalogError:
    return CatalogError(
        "the table of the newest day does not stay where it is put", where=name, remedy="Run again: it is moved then"
    )
