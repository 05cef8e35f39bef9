"""Publishing: makes the catalog show audited days of many collections.

The order is: manifest beside the files, intended pointers in the lease, one catalog call per table and batch, read-back,
newest-day table, quarantine, the day's document. A crash between any two steps leaves the old or the new state, or, with
several tables, a day published in part, which the next run redoes. The audit decides what may be published.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from spark.errors import DataworksError, LeaseError
from spark.publish.catalog import Catalog
from spark.publish.day_document import update_day
from spark.publish.follow import Follower
from spark.publish.intent import (
    AttemptToShow,
    Day,
    Intent,
    PublishContext,
    PublishOutcome,
    ReadyPartition,
    hold_back,
    intent_of,
    manifest_of,
    pointers_of,
)
from spark.publish.lease import LeaseDocument, LeaseKeeper
from spark.publish.manifest import write_manifest
from spark.publish.newest import NewestFollower
from spark.publish.parallel import TABLES_AT_ONCE, in_parallel, or_error
from spark.publish.quarantine import QuarantineKeeper
from spark.publish.repetition import repeated
from spark.publish.settle import Marked, Switcher
from spark.publish.tables import Tables
from spark.store import ObjectStore


class Publisher:
    """Publishes days for one run.

    Args:
        catalog: to be switched.
        store: holds the files.
        leases: of this run; each day to be published is held by one of them.
        context: who publishes.
        pause: sleeps for some seconds before a retry.
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
        self._pause = pause
        self.tables = Tables(catalog, system=context.system, output_uri=context.output_uri, pause=pause)
        self._switcher = Switcher(catalog, leases, pause=pause)
        self._newest = NewestFollower(catalog, self.tables, pause=pause)
        self._quarantine = QuarantineKeeper(catalog, store, tables=self.tables, pause=pause)
        self._follower = Follower(catalog, store, tables=self.tables, output_uri=context.output_uri, pause=pause)

    def publish(self, items: Sequence[ReadyPartition]) -> list[PublishOutcome]:
        """Publishes days and returns the outcomes in the order of the items; a failing day does not affect the others."""
        intents = in_parallel(or_error(self._write_manifests), items)
        return self._show(
            [
                Day(item.collection, item.work.export_date, item.lease, intent)
                for item, intent in zip(items, intents, strict=True)
            ]
        )

    def publish_quarantine(self, items: Sequence[ReadyPartition]) -> list[PublishOutcome]:
        """Publishes the quarantine of days that are not published themselves because they were refused."""
        errors = in_parallel(or_error(self._show_quarantine), items, threads=TABLES_AT_ONCE)
        return [
            PublishOutcome(item.collection.name, item.work.export_date, error=error)
            for item, error in zip(items, errors, strict=True)
        ]

    def show_attempts(self, attempts: Sequence[AttemptToShow]) -> list[PublishOutcome]:
        """Makes the catalog show attempts that were published or marked before, and whose files all exist."""
        intents = in_parallel(or_error(intent_of), attempts)
        return self._show(
            [Day(item.collection, item.export_date, item.lease, intent) for item, intent in zip(attempts, intents, strict=True)]
        )

    def _write_manifests(self, item: ReadyPartition) -> Intent:
        pointers = pointers_of(item, self._context)
        for table in item.tables:
            manifest = manifest_of(item, self._context, table=table, pointers=pointers)
            repeated(partial(write_manifest, self._store, manifest), pause=self._pause)
        refused = item.quarantine
        quarantine = None if refused is None else manifest_of(item, self._context, table=refused, pointers=pointers)
        return Intent(pointers, item.tables, quarantine)

    def _show_quarantine(self, item: ReadyPartition) -> DataworksError | None:
        self._leases.check(item.lease)
        refused = item.quarantine
        quarantine = None if refused is None else manifest_of(item, self._context, table=refused, pointers=())
        self._quarantine.refresh([item.collection])
        self._quarantine.show(item.collection, [(item.work.export_date, quarantine)])
        try:
            self._leases.check(item.lease)
        except LeaseError:
            self._follower.follow([(item.collection, item.work.export_date)])
            raise
        return None

    def _show(self, days: Sequence[Day]) -> list[PublishOutcome]:
        """Marks, switches and follows up; a failure is the outcome of its own day, and of days that have to follow it."""
        hold_back(days)
        collections = [day.collection for day in days if day.is_possible]
        refused = self.tables.prepare(collections)
        for day in days:
            day.intent = refused.get(day.collection.name, day.intent)
        in_parallel(self._mark, [day for day in days if day.error is None])
        hold_back(days)
        by_collection: dict[str, list[Day]] = defaultdict(list)
        for day in days:
            if day.error is None:
                by_collection[day.collection.name].append(day)
        in_parallel(self._show_tables, list(by_collection.values()), threads=TABLES_AT_ONCE)
        shown = [[day for day in group if day.is_shown] for group in by_collection.values()]
        _call_for([day for group in shown for day in group], lambda: self._quarantine.refresh(collections))
        self._follow([group for group in shown if group])
        self._update_documents(days)
        self._put_right([day for day in days if day.is_shown])
        return [day.outcome() for day in days]

    def _mark(self, day: Day) -> None:
        try:
            repeated(partial(self._leases.mark_switch, day.lease, day.marked.pointers), pause=self._pause)
        except DataworksError as error:
            day.error = error

    def _show_tables(self, days: Sequence[Day]) -> None:
        settled = self._switcher.settle([Marked(day.lease, day.export_date, day.marked.pointers) for day in days])
        for day in days:
            day.error = settled[day.lease.uri]
            day.is_shown = day.error is None

    def _follow(self, groups: Sequence[Sequence[Day]]) -> None:
        known = {days[0].collection.name: [table for day in days for table in day.marked.pointers] for days in groups}
        behind = self._newest.follow_many([days[0].collection for days in groups], known)
        for days in groups:
            for day in days:
                day.error = day.error or behind.get(day.collection.name)
        in_parallel(self._follow_quarantine, groups, threads=TABLES_AT_ONCE)

    def _follow_quarantine(self, days: Sequence[Day]) -> None:
        quarantined = [(day.export_date, day.marked.quarantine) for day in days]
        _call_for(days, lambda: self._quarantine.show(days[0].collection, quarantined))

    def _update_documents(self, days: Sequence[Day]) -> None:
        by_date: dict[str, list[Day]] = defaultdict(list)
        for day in days:
            if day.is_shown and day.error is None:
                by_date[day.export_date].append(day)
        in_parallel(self._update_document, list(by_date.values()))

    def _update_document(self, days: Sequence[Day]) -> None:
        shown = [
            (pointer.pointer.attempt, table)
            for day in days
            for pointer, table in zip(day.marked.pointers, day.marked.tables, strict=True)
        ]
        update = partial(update_day, self._store, self._context.output_uri, days[0].export_date, shown=shown)
        _call_for(days, lambda: repeated(update, pause=self._pause))

    def _put_right(self, days: Sequence[Day]) -> None:
        """Follows up again on what the catalog shows: a stalled run whose lease was taken over may have overwritten it."""
        held = partial(self._leases.read_many, [day.lease for day in days])
        documents: list[LeaseDocument] = []
        _call_for(days, lambda: documents.extend(repeated(held, pause=self._pause)))
        pairs = zip(days, documents, strict=len(documents) == len(days))
        lost = [day for day, document in pairs if not self._leases.is_held(day.lease, document)]
        failed = self._follower.follow([(day.collection, day.export_date) for day in lost])
        for day in lost:
            day.error = day.error or failed.get(day.collection.name)


def _call_for(days: Sequence[Day], action: Callable[[], object]) -> None:
    """Runs a step that follows the publication of days; its errors become theirs, unless they already have one."""
    try:
        action()
    except DataworksError as error:
        for day in days:
            day.error = day.error or error
