"""Retention and garbage collection: drops too old days from the catalog, and deletes files that nothing points at.

The order ensures that nothing is deleted that anybody reads: list, take the day's lease, drop what is too old, look up what
the catalog shows now, delete the rest. Files younger than the longest run are spared: a run may be about to publish them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from spark.contract import Collection
from spark.errors import DataworksError, LeaseError
from spark.publish.attempts import StoredAttempt, list_stored
from spark.publish.catalog import Catalog, Pointer
from spark.publish.day_document import forget_tables
from spark.publish.lease import Lease, LeaseKeeper, LeaseKey
from spark.publish.parallel import TABLES_AT_ONCE, in_parallel
from spark.publish.tables import quarantine_name
from spark.store import ObjectStore


@dataclass(frozen=True)
class Retention:
    """How long a collection's data is kept.

    Args:
        collection: the collection.
        attempts: how many attempts at a day stay for a rollback, including the published one.
        days: export dates older than this many days are dropped, except the newest published one; None: kept for ever.
    """

    collection: Collection
    attempts: int = 2
    days: int | None = None


@dataclass(frozen=True)
class Removed:
    """An attempt that was deleted, or would be; `reason` is superseded, unpublished or retention."""

    collection: str
    attempt: StoredAttempt
    reason: str


@dataclass(frozen=True)
class GarbageReport:
    """What was removed, or in a dry run would be.

    Attributes:
        dropped: (collection, export date) dropped from the catalog.
        removed: attempts deleted from the store.
        spared: (collection, export date, error) of days that a run holds, or where something failed.
        unknown: attempts of tables that no configured collection fills; they are left alone.
    """

    dropped: tuple[tuple[str, str], ...] = ()
    removed: tuple[Removed, ...] = ()
    spared: tuple[tuple[str, str, DataworksError], ...] = ()
    unknown: tuple[StoredAttempt, ...] = ()

    @property
    def removed_bytes(self) -> int:
        """Bytes of the removed attempts."""
        return sum(item.attempt.size_bytes for item in self.removed)


@dataclass(frozen=True)
class GarbageContext:
    """Where and when: `safe_age_seconds` is longer than any run may last."""

    system: str
    output_uri: str
    safe_age_seconds: float
    now: datetime


@dataclass(frozen=True)
class _Horizon:
    """Which days of a collection the catalog shows, and which of them are too old."""

    oldest: str
    newest: str
    published: frozenset[str]


@dataclass
class _Day:
    """What the store has of one collection's day, and what is wrong with it."""

    retention: Retention
    export_date: str
    attempts: list[StoredAttempt] = field(default_factory=list)
    is_known: bool = False
    """Whether the catalog has any day of the collection: a lost catalog is no reason to delete the data."""
    is_published: bool = False
    is_expired: bool = False


class GarbageCollector:
    """Collects the garbage of one output prefix.

    Args:
        catalog: what it shows is never deleted.
        store: holds the files.
        leases: of the collector.
        context: where and when.
    """

    def __init__(self, catalog: Catalog, store: ObjectStore, *, leases: LeaseKeeper, context: GarbageContext) -> None:
        self._catalog = catalog
        self._store = store
        self._leases = leases
        self._context = context

    def collect(self, retentions: Sequence[Retention], *, dry_run: bool = False) -> GarbageReport:
        """Drops and deletes, or in a dry run only says what would be."""
        days, unknown = self._days(retentions)
        held: dict[LeaseKey, Lease | LeaseError] = {}
        suspects = [day for day in days if day.is_expired or self._garbage_of(day, {})]
        if not dry_run:
            held = self._leases.acquire_many([self._key(day) for day in suspects])
        outcomes = in_parallel(lambda day: self._clean(day, held.get(self._key(day))), suspects, threads=TABLES_AT_ONCE)
        self._leases.release_many([lease for lease in held.values() if isinstance(lease, Lease)])
        return GarbageReport(
            dropped=tuple(item for outcome in outcomes for item in outcome.dropped),
            removed=tuple(item for outcome in outcomes for item in outcome.removed),
            spared=tuple(item for outcome in outcomes for item in outcome.spared),
            unknown=tuple(unknown),
        )

    def collect_heartbeats(self, control_uri: str) -> int:
        """Deletes heartbeats of long dead owners; returns how many."""
        before = self._context.now - timedelta(seconds=self._context.safe_age_seconds)
        dead = [item.uri for item in self._store.list(f"{control_uri}/owners") if item.modified_utc < before]
        self._store.delete(dead)
        return len(dead)

    def _days(self, retentions: Sequence[Retention]) -> tuple[list[_Day], list[StoredAttempt]]:
        owners = {name: retention for retention in retentions for name in _table_names(retention.collection)}
        days: dict[tuple[str, str], _Day] = {}
        unknown = []
        tables = [table for retention in retentions for table in retention.collection.tables]
        for attempt in list_stored(self._store, self._context.output_uri, tables):
            retention = owners.get((attempt.database, attempt.table))
            if retention is None:
                unknown.append(attempt)
                continue
            key = (retention.collection.name, attempt.export_date)
            days.setdefault(key, _Day(retention, attempt.export_date)).attempts.append(attempt)
        horizons = dict(
            zip(
                [retention.collection.name for retention in retentions],
                in_parallel(self._horizon, retentions, threads=TABLES_AT_ONCE),
                strict=True,
            )
        )
        for retention in retentions:
            for export_date in horizons[retention.collection.name].published:
                days.setdefault((retention.collection.name, export_date), _Day(retention, export_date))
        for (name, export_date), day in days.items():
            horizon = horizons[name]
            day.is_known = bool(horizon.published)
            day.is_published = export_date in horizon.published
            day.is_expired = day.is_known and export_date < horizon.oldest and export_date != horizon.newest
        return list(days.values()), unknown

    def _horizon(self, retention: Retention) -> _Horizon:
        tables = [self._catalog.pointers(database, name) for database, name in _table_names(retention.collection)]
        oldest = "" if retention.days is None else (self._context.now.date() - timedelta(days=retention.days)).isoformat()
        published = frozenset(day for pointers in tables for day in pointers)
        return _Horizon(oldest, max(tables[0], default=""), published)

    def _clean(self, day: _Day, lease: Lease | LeaseError | None) -> GarbageReport:
        name = day.retention.collection.name
        if isinstance(lease, LeaseError):
            return GarbageReport(spared=((name, day.export_date, lease),))
        try:
            return self._clean_held(day, lease)
        except DataworksError as error:
            return GarbageReport(spared=((name, day.export_date, error),))

    def _clean_held(self, day: _Day, lease: Lease | None) -> GarbageReport:
        """Cleans one day; without a lease (in a dry run) it changes nothing."""
        collection = day.retention.collection
        if lease is not None and day.is_expired:
            self._leases.mark_switch(lease, ())
            for database, name in _table_names(collection):
                self._catalog.drop_partitions(database, name, [day.export_date])
            names = {f"{table.database}.{table.name}" for table in collection.tables}
            forget_tables(self._store, self._context.output_uri, day.export_date, names=names)
        shown = {} if lease is None and day.is_expired else self._shown(day)
        marked = () if lease is None or day.is_expired else lease.pointers
        garbage = self._garbage_of(day, shown | {table.pointer.location: "" for table in marked})
        if lease is not None:
            self._leases.check(lease)
            for item in garbage:
                self._store.delete([listed.uri for listed in self._store.list(item.attempt.location)])
        dropped = ((collection.name, day.export_date),) if day.is_expired and day.is_published else ()
        return GarbageReport(dropped=dropped, removed=tuple(garbage))

    def _shown(self, day: _Day) -> dict[str, str]:
        """Returns the publication time of each location that the catalog shows for the day, or as the newest day."""
        collection = day.retention.collection
        pointers: list[Pointer] = []
        for database, name in _table_names(collection):
            pointers += self._catalog.pointers(database, name, [day.export_date]).values()
        for table in collection.tables:
            newest = self._catalog.newest(table.database, table.newest) if table.newest else None
            pointers += [newest] if newest else []
        return {pointer.location: pointer.published_utc for pointer in pointers}

    def _garbage_of(self, day: _Day, shown: Mapping[str, str]) -> list[Removed]:
        """Returns what may be deleted; files of a day that was just republished may still have readers."""
        before = self._context.now - timedelta(seconds=self._context.safe_age_seconds)
        if any(text and datetime.fromisoformat(text) > before for text in shown.values()):
            return []
        kept = set() if day.is_expired else _kept_attempts(day, shown)
        garbage = []
        for stored in day.attempts:
            is_free = stored.location not in shown and stored.attempt not in kept
            if is_free and stored.modified_utc < before and (day.is_known or not stored.has_manifest):
                reason = "retention" if day.is_expired else "superseded" if stored.has_manifest else "unpublished"
                garbage.append(Removed(day.retention.collection.name, stored, reason))
        return garbage

    def _key(self, day: _Day) -> LeaseKey:
        collection = day.retention.collection
        return LeaseKey(self._context.system, collection.name, collection.snapshot_type, day.export_date)


def _kept_attempts(day: _Day, shown: Mapping[str, str]) -> set[str]:
    """The attempts that stay for a rollback: what is shown, then the newest of those that passed their audit."""
    main = day.retention.collection.tables[0]
    audited = [item for item in day.attempts if item.has_manifest and (item.database, item.table) == (main.database, main.name)]
    by_age = sorted(audited, key=lambda item: (item.location in shown, item.attempt), reverse=True)
    return {item.attempt for item in by_age[: day.retention.attempts]}


def _table_names(collection: Collection) -> Iterable[tuple[str, str]]:
    main = collection.tables[0]
    return [*((table.database, table.name) for table in collection.tables), (main.database, quarantine_name(main))]
