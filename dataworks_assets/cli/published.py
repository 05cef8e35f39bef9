"""What is known of each collection's day, put together: the catalog, refusals, holds, and what Dagster was told.

The catalog alone says what is published; the rest explains it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta

from dataworks_assets.cli.selection import days_between
from dataworks_assets.systems.adg.holds import read_holds
from dataworks_assets.systems.adg.refusals import Refusal, read_refusals
from dataworks_assets.systems.adg.scope import AdgScope, ScopedCollection
from dataworks_assets.systems.platform import Platform
from spark.publish.catalog import Pointer

_IN_PARALLEL = 8

Reported = Mapping[str, set[str]]
"""Export dates by collection of which Dagster was told that they are materialized."""


@dataclass(frozen=True)
class DayStatus:
    """One collection's day. `refusal` beside `pointer`: something newer than what is published was refused."""

    collection: str
    day: date
    pointer: Pointer | None = None
    refusal: Refusal | None = None
    reported: bool | None = None
    """Whether Dagster was told; None where Dagster was not asked."""

    @property
    def state(self) -> str:
        """published, refused, failed, gone (Dagster was told of it and the catalog has it no more) or missing."""
        if self.pointer is not None:
            return "published"
        if self.refusal is not None:
            return str(self.refusal.state)
        return "gone" if self.reported else "missing"

    @property
    def cause(self) -> str:
        """Why the newest attempt was not published; empty where nothing was refused."""
        if self.refusal is None:
            return ""
        return self.refusal.findings[0].cause if self.refusal.findings else "no cause was kept"


@dataclass(frozen=True)
class ScopeStatus:
    """What is known of one snapshot type, or of some of its collections."""

    scope: AdgScope
    collections: tuple[ScopedCollection, ...]
    pointers: Mapping[str, Mapping[str, Pointer]]
    refusals: Mapping[tuple[str, str], Refusal]
    holds: Mapping[str, str]
    reported: Reported | None = field(default=None)

    def known_days(self) -> list[date]:
        """Returns every day of which anything is known, oldest first."""
        names = {collection.name for collection in self.collections}
        texts = {day for days in self.pointers.values() for day in days}
        texts |= {day for name, day in self.refusals if name in names}
        texts |= {day for days in (self.reported or {}).values() for day in days}
        return sorted(date.fromisoformat(text) for text in texts)

    def newest_days(self, count: int) -> list[date]:
        """Returns the last days up to the newest of which anything is known, those in between included."""
        known = self.known_days()
        if not known:
            return []
        return list(days_between(max(known[0], known[-1] - timedelta(days=count - 1)), known[-1]))

    def of(self, collection: ScopedCollection, day: date) -> DayStatus | None:
        """Returns what is known of a collection's day; None where the collection has no such day."""
        if not collection.has_day(day):
            return None
        text, name = day.isoformat(), collection.name
        return DayStatus(
            collection=name,
            day=day,
            pointer=self.pointers[name].get(text),
            refusal=self.refusals.get((name, text)),
            reported=None if self.reported is None else text in self.reported.get(name, set()),
        )

    def newest_complete_day(self) -> date | None:
        """Returns the newest day of which every collection is published."""
        for day in reversed(self.known_days()):
            found = [status for collection in self.collections if (status := self.of(collection, day)) is not None]
            if found and all(status.pointer for status in found):
                return day
        return None


def read_status(
    platform: Platform, scope: AdgScope, collections: Sequence[ScopedCollection], *, reported: Reported | None = None
) -> ScopeStatus:
    """Returns what the catalog and the platform's own records say of some collections.

    Raises:
        StoreError, CatalogError: what is there cannot be read; never taken for "nothing is there".
    """

    def pointers_of(collection: ScopedCollection) -> dict[str, Pointer]:
        main = collection.job.tables[0]
        return platform.catalog.pointers(main.database, main.name)

    with ThreadPoolExecutor(_IN_PARALLEL) as pool:
        found = list(pool.map(pointers_of, collections))
    return ScopeStatus(
        scope=scope,
        collections=tuple(collections),
        pointers={collection.name: pointers for collection, pointers in zip(collections, found, strict=True)},
        refusals=read_refusals(platform.store, scope),
        holds=read_holds(platform.store, scope),
        reported=reported,
    )


def rows_of(status: ScopeStatus, days: Iterable[date]) -> list[DayStatus]:
    """Returns what is known of each collection on each of the days, by collection and day."""
    wanted = list(days)
    return [found for one in status.collections for day in wanted if (found := status.of(one, day)) is not None]
