"""Combines what is known of each collection's day: the catalog, refusals, holds, Dagster's materializations, the outlook.

Only the catalog says what is published; the rest explains it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from dataworks_assets.cli.selection import days_between
from dataworks_assets.systems.holds import read_holds
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.refusals import Refusal, read_refusals
from dataworks_assets.systems.rooms import Foreseen, Outlook
from dataworks_assets.systems.scope import Scope, Scoped
from spark.contract import Finding
from spark.publish.catalog import Pointer
from spark.publish.manifest import intact_many
from spark.publish.state import half_published

_IN_PARALLEL = 8

Reported = Mapping[str, set[str]]
"""By collection, the export dates that Dagster shows as materialized."""


@dataclass(frozen=True)
class DayStatus:
    """One collection's day. `refusal` beside `pointer`: something newer than what is published was refused.

    `broken` says why what is published is not whole; empty where it is, or where nobody looked.
    """

    collection: str
    day: date
    pointer: Pointer | None = None
    refusal: Refusal | None = None
    reported: bool | None = None
    """Whether Dagster shows it as materialized; None if Dagster was not asked."""
    broken: str = ""
    is_kept: bool = True
    """Whether the collection's retention keeps the day."""
    foreseen: Foreseen | None = None
    """The system's outlook for a day that a run would change, or cannot publish."""

    @property
    def state(self) -> str:
        """published, incomplete, refused, failed, gone (materialized in Dagster, but no longer in the catalog) or missing.

        One that is gone as its collection's retention wants it is `not kept`.

        Of a day that is not published, also what its system foresees: delivered, expired, given up, waits.
        """
        if self.pointer is not None:
            return "incomplete" if self.broken else "published"
        if self.refusal is not None and not (self.foreseen and self.foreseen.is_final):
            return str(self.refusal.state)
        if self.reported:
            return "gone" if self.is_kept else "not kept"
        return self.foreseen.state if self.foreseen else "missing"

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do: it is completely published, or was given up."""
        return self.state in {"published", "not kept"} or (
            self.pointer is None and self.foreseen is not None and self.foreseen.is_settled
        )

    @property
    def finding(self) -> Finding | None:
        """The first of what is wrong with the newest attempt; None where nothing was refused."""
        if self.refusal is None:
            return None
        unknown = Finding(check="", passed=False, cause="no cause was kept")
        return self.refusal.findings[0] if self.refusal.findings else unknown


@dataclass(frozen=True)
class ScopeStatus:
    """What is known of one system, or snapshot type, or of some of its collections."""

    scope: Scope
    collections: tuple[Scoped, ...]
    pointers: Mapping[str, Mapping[str, Pointer]]
    refusals: Mapping[tuple[str, str], Refusal]
    holds: Mapping[str, str]
    reported: Reported | None = None
    broken: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Why a collection's day is not whole, by collection and export date."""
    outlook: Outlook = field(default_factory=Outlook)
    today: date = field(default_factory=lambda: datetime.now(UTC).date())

    def known_days(self) -> list[date]:
        """Returns every day of which anything is known, oldest first."""
        names = {collection.name for collection in self.collections}
        texts = {day for days in self.pointers.values() for day in days}
        texts |= {day for name, day in self.refusals if name in names}
        texts |= {day for days in (self.reported or {}).values() for day in days}
        return sorted(date.fromisoformat(text) for text in texts)

    def newest_days(self, count: int, *, last_day: date | None = None) -> list[date]:
        """Returns the last days up to the newest of which anything is known, or to a last day, those in between included."""
        known = self.known_days()
        if not known and last_day is None:
            return []
        last = max(filter(None, (last_day, *known[-1:])))
        window = list(days_between(last - timedelta(days=count - 1), last))
        return [day for day in window if any(each.has_day(day) for each in self.collections) and (last_day or day >= known[0])]

    def of(self, collection: Scoped, day: date) -> DayStatus | None:
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
            broken=self.broken.get((name, text), ""),
            is_kept=collection.retention.keeps(day, self.today),
            foreseen=self.outlook.days.get((name, day)),
        )

    def newest_complete_day(self) -> date | None:
        """Returns the newest day of which every collection is published, or was given up; what is not kept is not looked at."""
        for day in reversed(self.known_days()):
            found = [status for collection in self.collections if (status := self.of(collection, day)) is not None]
            found = [status for status in found if status.state != "not kept"]
            if found and all(status.is_settled for status in found):
                return day
        return None


def read_status(
    platform: Platform,
    scope: Scope,
    collections: Sequence[Scoped],
    *,
    reported: Reported | None = None,
    verify: bool = False,
) -> ScopeStatus:
    """Returns what the catalog and the platform's own records say of some collections.

    Args:
        platform: the deployment's clients.
        scope: the system, or snapshot type.
        collections: of it.
        reported: what Dagster was told, where it was asked.
        verify: whether to look if the published files are still there, at the cost of a listing a day.

    Raises:
        StoreError, CatalogError: what is there cannot be read; never taken for "nothing is there".
    """
    with ThreadPoolExecutor(_IN_PARALLEL) as pool:
        found = list(pool.map(lambda collection: _pointers(platform, collection), collections))
        halves = list(pool.map(lambda collection: _halves(platform, collection), collections))
    pointers = {collection.name: shown for collection, shown in zip(collections, found, strict=True)}
    broken = {
        (collection.name, day): "not all of its tables show the same attempt: the next run puts it right"
        for collection, days in zip(collections, halves, strict=True)
        for day in days
    }
    if verify:
        broken = {**_lost(platform, pointers), **broken}
    return ScopeStatus(
        scope=scope,
        collections=tuple(collections),
        pointers=pointers,
        refusals=read_refusals(platform.store, scope),
        holds=read_holds(platform.store, scope),
        reported=reported,
        broken=broken,
    )


def _pointers(platform: Platform, collection: Scoped) -> dict[str, Pointer]:
    main = collection.job.tables[0]
    return platform.catalog.pointers(main.database, main.name)


def _halves(platform: Platform, collection: Scoped) -> tuple[str, ...]:
    """Returns the days that the collection's tables do not show alike; one table alone always agrees."""
    if len(collection.job.tables) == 1:
        return ()
    main = collection.job.tables[0]
    return half_published(platform.catalog, collection.job, sorted(platform.catalog.pointers(main.database, main.name)))


def _lost(platform: Platform, pointers: Mapping[str, Mapping[str, Pointer]]) -> dict[tuple[str, str], str]:
    """Returns the days whose published files are gone, or are others now."""
    intact = intact_many(platform.store, [pointer for days in pointers.values() for pointer in days.values()])
    return {
        (name, day): "its files are not there any more: a run makes them again"
        for name, days in pointers.items()
        for day, pointer in days.items()
        if not intact[pointer.location]
    }


def rows_of(status: ScopeStatus, days: Iterable[date]) -> list[DayStatus]:
    """Returns what is known of each collection on each of the days, by collection and day."""
    wanted = list(days)
    return [found for one in status.collections for day in wanted if (found := status.of(one, day)) is not None]
