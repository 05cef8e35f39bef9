"""Makes the catalog show what was marked, whatever goes wrong in between: switch, read back, repair.

The catalog has no compare-and-swap, so a late call of a run that lost its lease is detected here, not prevented: whoever
switches reads back the catalog, then the lease, and corrects what differs. What is marked, and why, is not known here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from spark.errors import CatalogError, DataworksError, LeaseError, StoreError
from spark.publish.catalog import Catalog, Pointer
from spark.publish.lease import Lease, LeaseDocument, LeaseKeeper, TablePointer

_PAUSES_SECONDS = (0.2, 1.0, 3.0, 8.0)


@dataclass(frozen=True)
class Marked:
    """One collection's day whose lease says what its tables are to show, in the order in which they switch."""

    lease: Lease
    export_date: str
    pointers: tuple[TablePointer, ...]
    lost: LeaseError | None = None
    """Set if somebody else took over; `pointers` are then what they marked."""


Settled = dict[str, DataworksError | None]
"""By lease URI: None if the catalog shows what this run marked."""


class Switcher:
    """Switches days and makes sure that the catalog shows them.

    Args:
        catalog: to be switched.
        leases: of this run.
        pause: waits so many seconds before a repetition.
    """

    def __init__(self, catalog: Catalog, leases: LeaseKeeper, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._catalog = catalog
        self._leases = leases
        self._pause = pause

    def settle(self, marked: Sequence[Marked]) -> Settled:
        """Switches one collection's days; each table switches all its days before the next one begins."""
        waiting = list(marked)
        settled: Settled = {}
        failure: DataworksError = CatalogError("the catalog does not keep what it is told", where=_where(waiting))
        for seconds in (*_PAUSES_SECONDS, None):
            try:
                self._switch(waiting)
            except CatalogError as error:
                failure = error
                if not error.transient:
                    break
            try:
                waiting = self._read_back(waiting, settled)
            except (CatalogError, StoreError) as error:
                failure = error
                break
            if not waiting or seconds is None:
                break
            self._pause(seconds)
        return settled | {item.lease.uri: failure for item in waiting}

    def _switch(self, waiting: Sequence[Marked]) -> None:
        tables = dict.fromkeys((table.database, table.name) for item in waiting for table in item.pointers)
        for database, name in tables:
            pointers = [p.pointer for item in waiting for p in item.pointers if (p.database, p.name) == (database, name)]
            self._catalog.switch(database, name, pointers)

    def _read_back(self, waiting: Sequence[Marked], settled: Settled) -> list[Marked]:
        """Reads back until it gets an answer, before anything else is done: the outcome of a call may be unknown."""
        for seconds in _PAUSES_SECONDS:
            try:
                return self._read_back_once(waiting, settled)
            except (CatalogError, StoreError) as error:
                if not error.transient:
                    raise
            self._pause(seconds)
        return self._read_back_once(waiting, settled)

    def _read_back_once(self, waiting: Sequence[Marked], settled: Settled) -> list[Marked]:
        """Returns what still has to be switched, and to what; the catalog is read before the leases."""
        shown = self._shown(waiting)
        left: list[Marked] = []
        for item, document in zip(waiting, self._leases.read_many([item.lease for item in waiting]), strict=True):
            target = self._target(item, document)
            if not target.pointers:
                self._take_out(item)
            if all(_shows(shown, pointer) for pointer in target.pointers):
                settled[item.lease.uri] = target.lost
            elif not self._leases.is_held(item.lease, document) and document.marked_epoch <= item.lease.epoch:
                settled[item.lease.uri] = _lost(item, document)
            else:
                left.append(target)
        return left

    def _target(self, item: Marked, document: LeaseDocument) -> Marked:
        """What the day is to show: what this run marked, unless somebody has marked it since."""
        if document.marked_epoch <= item.lease.epoch:
            return item
        return replace(item, pointers=document.pointers, lost=_lost(item, document))

    def _take_out(self, item: Marked) -> None:
        for table in item.pointers:
            self._catalog.drop_partitions(table.database, table.name, [item.export_date])

    def _shown(self, waiting: Sequence[Marked]) -> dict[tuple[str, str], dict[str, Pointer]]:
        days = [item.export_date for item in waiting]
        tables = dict.fromkeys((table.database, table.name) for item in waiting for table in item.pointers)
        return {table: self._catalog.pointers(*table, days) for table in tables}


def _shows(shown: dict[tuple[str, str], dict[str, Pointer]], wanted: TablePointer) -> bool:
    there = shown.get((wanted.database, wanted.name), {}).get(wanted.pointer.partition)
    return wanted.pointer.shows_same(there)


def _lost(item: Marked, document: LeaseDocument) -> LeaseError:
    return LeaseError(
        f"run {document.owner} took the day over (epoch {document.epoch} after {item.lease.epoch})",
        where=item.lease.uri,
        remedy="Nothing is lost: what that run publishes stands",
    )


def _where(marked: Sequence[Marked]) -> str:
    return ", ".join(dict.fromkeys(f"{table.database}.{table.name}" for item in marked for table in item.pointers))
