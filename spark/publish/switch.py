"""Publishing: audited days of many collections become what the catalog shows.

In this order: manifest beside the files, intended pointers in the lease, one catalog call a table and batch, read-back,
the table of the newest day, the quarantine, the day's document. Dying between any two leaves either the old or the new
state, or a half of several tables that the next run completes. What may be published is decided by the audit, not here.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from spark.contract import Collection, PartitionWork, SourceObject, TableResult
from spark.errors import DataworksError, NotFoundError
from spark.publish.catalog import Catalog, Pointer
from spark.publish.day_document import update_day
from spark.publish.lease import Lease, LeaseKeeper, TablePointer
from spark.publish.manifest import AttemptManifest, missing_files, read_manifest, tags_hash, write_manifest
from spark.publish.newest import NewestFollower
from spark.publish.quarantine import QuarantineKeeper
from spark.publish.settle import Marked, Switcher
from spark.publish.tables import Tables, columns_of
from spark.store import ObjectStore

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

_COLLECTIONS_IN_PARALLEL = 8
_OBJECTS_IN_PARALLEL = 16


@dataclass(frozen=True)
class ReadyPartition:
    """An audited day of a collection, its files staged; `tables` in the order of the collection's."""

    collection: Collection
    work: PartitionWork
    lease: Lease
    tables: tuple[TableResult, ...]
    quarantine: TableResult | None = None


@dataclass(frozen=True)
class PublishOutcome:
    """How it ended: `pointers` are what the catalog shows for the day, none where it does not show this attempt.

    There may be an error beside pointers: the day is published, but what follows it (the newest table, the quarantine,
    the day's document) failed and is left to the next run.
    """

    collection: str
    export_date: str
    pointers: tuple[TablePointer, ...] = ()
    error: DataworksError | None = None

    @property
    def is_published(self) -> bool:
        """Whether the catalog shows this attempt in all tables."""
        return bool(self.pointers)


@dataclass(frozen=True)
class PublishContext:
    """Who publishes, and where to."""

    system: str
    run_id: str
    output_uri: str


@dataclass(frozen=True)
class AttemptToShow:
    """An attempt that is there already; `manifests` in the order of the collection's tables, all their files there."""

    collection: Collection
    export_date: str
    lease: Lease
    manifests: tuple[AttemptManifest, ...]


@dataclass(frozen=True)
class _Wanted:
    collection: Collection
    export_date: str
    lease: Lease


@dataclass(frozen=True)
class _Intent:
    """What a day's tables are to show."""

    pointers: tuple[TablePointer, ...]
    tables: tuple[TableResult, ...]
    quarantine: AttemptManifest | None


@dataclass
class _Day:
    """A day on its way."""

    wanted: _Wanted
    intent: _Intent | DataworksError
    error: DataworksError | None = None
    is_shown: bool = False

    @property
    def marked(self) -> _Intent:
        if isinstance(self.intent, DataworksError):
            raise self.intent
        return self.intent

    def outcome(self) -> PublishOutcome:
        pointers = self.marked.pointers if self.is_shown else ()
        return PublishOutcome(self.wanted.collection.name, self.wanted.export_date, pointers, self.error)


class Publisher:
    """Publishes days for one run.

    Args:
        catalog: the truth.
        store: where the files lie.
        leases: of this run; every day to be published is held by one of its leases.
        context: who publishes.
        pause: waits so many seconds before a repetition.
    """

    def __init__(
        self,
        catalog: Catalog,
        store: ObjectStore,
        *,
        leases: LeaseKeeper,
        context: PublishContext,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._leases = leases
        self._context = context
        self.tables = Tables(catalog, system=context.system, output_uri=context.output_uri)
        self._switcher = Switcher(catalog, leases, pause=pause)
        self._newest = NewestFollower(catalog, self.tables, pause=pause)
        self._quarantine = QuarantineKeeper(catalog, store, self.tables)

    def publish(self, items: Sequence[ReadyPartition]) -> list[PublishOutcome]:
        """Publishes days; one that fails leaves the others alone. The outcomes are in the order of the items."""
        intents = _in_parallel(_or_error(self._write_manifests), items)
        wanted = [_Wanted(item.collection, item.work.export_date, item.lease) for item in items]
        return self._show(wanted, intents)

    def publish_quarantine(self, items: Sequence[ReadyPartition]) -> list[PublishOutcome]:
        """Shows the quarantine of days that are not published themselves, refused as they were."""
        self._quarantine.refresh([item.collection for item in items])

        def show(item: ReadyPartition) -> PublishOutcome:
            self._leases.check(item.lease)
            quarantine = None if item.quarantine is None else self._manifest(item, item.quarantine, ())
            self._quarantine.show(item.collection, [(item.work.export_date, quarantine)])
            return PublishOutcome(item.collection.name, item.work.export_date)

        outcomes = _in_parallel(_or_error(show), items)
        return [
            PublishOutcome(item.collection.name, item.work.export_date, error=outcome)
            if isinstance(outcome, DataworksError)
            else outcome
            for item, outcome in zip(items, outcomes, strict=True)
        ]

    def show_attempts(self, attempts: Sequence[AttemptToShow]) -> list[PublishOutcome]:
        """Makes the catalog show attempts that were published or marked before, and whose files are all there."""
        wanted = [_Wanted(item.collection, item.export_date, item.lease) for item in attempts]
        return self._show(wanted, _in_parallel(_or_error(_intent_of), attempts))

    def complete_many(self, days: Sequence[tuple[Collection, str, Lease]]) -> list[PublishOutcome | None]:
        """Completes what a run that died had marked: (collection, export date, lease under which to do it).

        Returns None for a day where nothing is marked that could be shown: it has to be done afresh.
        """
        found = _in_parallel(lambda day: self._marked_attempt(*day), days)
        shown = iter(self.show_attempts([attempt for attempt in found if attempt is not None]))
        return [None if attempt is None else next(shown) for attempt in found]

    def follow_newest(self, collections: Iterable[Collection]) -> dict[str, DataworksError]:
        """Moves the tables of the newest day that are behind; returns what went wrong, by collection."""
        wanted = list(collections)
        outcomes = _in_parallel(_or_error(self._newest.follow), wanted, threads=_COLLECTIONS_IN_PARALLEL)
        pairs = zip(wanted, outcomes, strict=True)
        return {collection.name: outcome for collection, outcome in pairs if isinstance(outcome, DataworksError)}

    def _write_manifests(self, item: ReadyPartition) -> _Intent:
        pointers = self._pointers(item)
        for result in item.tables:
            write_manifest(self._store, self._manifest(item, result, pointers))
        quarantine = None if item.quarantine is None else self._manifest(item, item.quarantine, pointers)
        return _Intent(pointers, item.tables, quarantine)

    def _pointers(self, item: ReadyPartition) -> tuple[TablePointer, ...]:
        published_utc = datetime.now(UTC).isoformat(timespec="seconds")
        return tuple(
            TablePointer(
                database=result.database,
                name=result.name,
                pointer=Pointer(
                    partition=item.work.export_date,
                    location=result.location,
                    attempt=item.work.attempt,
                    fingerprint=item.work.fingerprint,
                    epoch=item.lease.epoch,
                    run_id=self._context.run_id,
                    rows=result.rows,
                    config_hash=item.work.config_hash,
                    published_utc=published_utc,
                    files=len(result.files),
                    size_bytes=sum(file.size_bytes for file in result.files),
                    tags_hash=tags_hash(table.tags),
                ),
            )
            for table, result in zip(item.collection.tables, item.tables, strict=True)
        )

    def _manifest(self, item: ReadyPartition, result: TableResult, pointers: tuple[TablePointer, ...]) -> AttemptManifest:
        names = {(table.database, table.name): table for table in item.collection.tables}
        table = names.get((result.database, result.name))
        return AttemptManifest(
            system=self._context.system,
            collection=item.collection.name,
            snapshot_type=item.collection.snapshot_type,
            export_date=item.work.export_date,
            attempt=item.work.attempt,
            epoch=item.lease.epoch,
            run_id=self._context.run_id,
            fingerprint=item.work.fingerprint,
            config_hash=item.work.config_hash,
            table=result,
            pointers=pointers,
            inputs=_inputs(item.work),
            columns=() if table is None else columns_of(table),
            tags=(table or item.collection.tables[0]).tags,
            quarantine=item.quarantine,
            written_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _marked_attempt(self, collection: Collection, export_date: str, lease: Lease) -> AttemptToShow | None:
        marked = [(pointer.database, pointer.name) for pointer in lease.pointers]
        if marked != [(table.database, table.name) for table in collection.tables]:
            return None
        try:
            manifests = tuple(read_manifest(self._store, table.pointer.location) for table in lease.pointers)
        except NotFoundError:
            return None
        if any(missing_files(self._store, manifest) for manifest in manifests):
            return None
        return AttemptToShow(collection, export_date, lease, manifests)

    def _show(self, wanted: Sequence[_Wanted], intents: Sequence[_Intent | DataworksError]) -> list[PublishOutcome]:
        """Marks, switches and follows; whatever fails is the outcome of its own day."""
        refused = self.tables.prepare([day.collection for day in wanted])
        days = [_Day(day, refused.get(day.collection.name, intent)) for day, intent in zip(wanted, intents, strict=True)]
        _in_parallel(self._mark, days)
        self._quarantine.refresh([day.wanted.collection for day in days])
        by_collection: dict[str, list[_Day]] = defaultdict(list)
        for day in days:
            if day.error is None:
                by_collection[day.wanted.collection.name].append(day)
        _in_parallel(self._show_collection, list(by_collection.values()), threads=_COLLECTIONS_IN_PARALLEL)
        self._update_documents(days)
        return [day.outcome() for day in days]

    def _mark(self, day: _Day) -> None:
        if isinstance(day.intent, DataworksError):
            day.error = day.intent
            return
        try:
            self._leases.mark_switch(day.wanted.lease, day.intent.pointers)
        except DataworksError as error:
            day.error = error

    def _show_collection(self, days: Sequence[_Day]) -> None:
        collection = days[0].wanted.collection
        marked = [Marked(day.wanted.lease, day.wanted.export_date, day.marked.pointers) for day in days]
        settled = self._switcher.settle(marked)
        for day in days:
            day.error = settled[day.wanted.lease.uri]
            day.is_shown = day.error is None
        shown = [day for day in days if day.is_shown]
        try:
            if shown:
                self._newest.follow(collection)
                self._quarantine.show(collection, [(day.wanted.export_date, day.marked.quarantine) for day in shown])
        except DataworksError as error:
            for day in shown:
                day.error = error

    def _update_documents(self, days: Sequence[_Day]) -> None:
        by_date: dict[str, list[_Day]] = defaultdict(list)
        for day in days:
            if day.is_shown:
                by_date[day.wanted.export_date].append(day)

        def update(export_date: str) -> None:
            shown = [
                (pointer.pointer.attempt, table)
                for day in by_date[export_date]
                for pointer, table in zip(day.marked.pointers, day.marked.tables, strict=True)
            ]
            try:
                update_day(self._store, self._context.output_uri, export_date, shown=shown)
            except DataworksError as error:
                for day in by_date[export_date]:
                    day.error = day.error or error

        _in_parallel(update, list(by_date))


def _intent_of(attempt: AttemptToShow) -> _Intent:
    published_utc = datetime.now(UTC).isoformat(timespec="seconds")
    first = attempt.manifests[0]
    pointers = tuple(
        msgspec.structs.replace(table, pointer=replace(table.pointer, epoch=attempt.lease.epoch, published_utc=published_utc))
        for table in first.pointers
    )
    quarantine = None if first.quarantine is None else msgspec.structs.replace(first, table=first.quarantine)
    return _Intent(pointers, tuple(manifest.table for manifest in attempt.manifests), quarantine)


def _inputs(work: PartitionWork) -> tuple[SourceObject, ...]:
    data = tuple(file.source for file in work.files)
    return data + tuple(file.manifest for file in work.files if file.manifest is not None)


def _or_error(action: Callable[[ItemT], ResultT]) -> Callable[[ItemT], ResultT | DataworksError]:
    def call(item: ItemT) -> ResultT | DataworksError:
        try:
            return action(item)
        except DataworksError as error:
            return error

    return call


def _in_parallel(
    action: Callable[[ItemT], ResultT], items: Sequence[ItemT], *, threads: int = _OBJECTS_IN_PARALLEL
) -> list[ResultT]:
    with ThreadPoolExecutor(threads, thread_name_prefix="publish") as pool:
        return list(pool.map(action, items))
