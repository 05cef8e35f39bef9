"""The work after a switch (newest day's table, quarantine, day's document), completed if a run died or stalled before it.

All of it is derived from the catalog and the manifests, so anybody may repeat it at any time. The day's document is written
last: if it does not name the attempt that the catalog shows, something is left to be done.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import msgspec

from spark.contract import Collection, decode
from spark.errors import CatalogError, DataworksError
from spark.publish.catalog import Catalog, Pointer
from spark.publish.day_document import DayDocument, day_document_uri, update_day
from spark.publish.manifest import AttemptManifest, read_manifest
from spark.publish.newest import NewestFollower
from spark.publish.parallel import TABLES_AT_ONCE, in_parallel, or_error
from spark.publish.quarantine import QuarantineKeeper
from spark.publish.repetition import repeated
from spark.publish.tables import Tables
from spark.store import ObjectStore

_TRIES = 5


class Follower:
    """Completes the work that follows the publication of days.

    Args:
        catalog: says what is published.
        store: holds manifests and documents.
        tables: creates missing tables.
        output_uri: the prefix of the days' documents.
        pause: sleeps for some seconds before a retry.
    """

    def __init__(
        self,
        catalog: Catalog,
        store: ObjectStore,
        *,
        tables: Tables,
        output_uri: str,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._output_uri = output_uri
        self._pause = pause
        self._newest = NewestFollower(catalog, tables, pause=pause)
        self._quarantine = QuarantineKeeper(catalog, store, tables=tables, pause=pause)

    def open_days(self, published: Sequence[tuple[Collection, Pointer]]) -> list[tuple[Collection, str]]:
        """Returns the published days whose document does not name the published attempt; reads one document per day.

        Raises:
            StoreError, ConfigurationError: a document cannot be read.
        """
        dates = sorted({pointer.partition for _, pointer in published})
        uris = [day_document_uri(self._output_uri, date) for date in dates]
        named: set[tuple[str, str, str]] = set()
        for date, uri, body in zip(dates, uris, self._store.read_many(uris), strict=True):
            tables = {} if body is None else decode(body, DayDocument, where=uri).tables
            named |= {(date, name, table.attempt) for name, table in tables.items()}
        return [
            (collection, pointer.partition)
            for collection, pointer in published
            if any(
                (pointer.partition, f"{table.database}.{table.name}", pointer.attempt) not in named
                for table in collection.tables
            )
        ]

    def follow(self, days: Iterable[tuple[Collection, str]]) -> dict[str, DataworksError]:
        """Completes the work for these days; returns errors by collection."""
        collections: dict[str, Collection] = {}
        dates: dict[str, list[str]] = defaultdict(list)
        for collection, date in days:
            collections[collection.name] = collection
            dates[collection.name].append(date)
        if not collections:
            return {}
        try:
            self._quarantine.refresh(collections.values())
        except CatalogError as error:
            return dict.fromkeys(collections, error)
        behind = self._newest.follow_many(list(collections.values()), {})
        groups = [(collection, dates[name]) for name, collection in collections.items() if name not in behind]
        outcomes = in_parallel(or_error(self._follow), groups, threads=TABLES_AT_ONCE)
        failed = {
            collection.name: outcome
            for (collection, _), outcome in zip(groups, outcomes, strict=True)
            if isinstance(outcome, DataworksError)
        }
        return behind | failed

    def _follow(self, group: tuple[Collection, list[str]]) -> None:
        collection, dates = group
        for date in dates:
            self._follow_day(collection, date)

    def _follow_day(self, collection: Collection, date: str) -> None:
        """Writes what the catalog shows, and repeats until it still shows the same: somebody may publish the day meanwhile."""
        for _ in range(_TRIES):
            shown = repeated(partial(self._shown, collection, date), pause=self._pause)
            manifests = [repeated(partial(read_manifest, self._store, place), pause=self._pause) for place in shown]
            if len({manifest.attempt for manifest in manifests}) != 1:
                return  # not published, or only partly: whoever completes the publication does the rest
            self._quarantine.show(collection, [(date, _quarantine_of(manifests[0]))])
            told = [(manifest.attempt, manifest.table) for manifest in manifests]
            repeated(partial(update_day, self._store, self._output_uri, date, shown=told), pause=self._pause)
            if shown == repeated(partial(self._shown, collection, date), pause=self._pause):
                return

    def _shown(self, collection: Collection, date: str) -> list[str]:
        """The locations that the collection's tables show for the day; none if one of them shows nothing."""
        pointers = [self._catalog.pointers(table.database, table.name, [date]).get(date) for table in collection.tables]
        return [pointer.location for pointer in pointers if pointer is not None and pointer.attempt and None not in pointers]


def _quarantine_of(manifest: AttemptManifest) -> AttemptManifest | None:
    if manifest.quarantine is None:
        return None
    return msgspec.structs.replace(manifest, table=manifest.quarantine, columns=())
