"""The catalog's side of the quarantine: which lines of a day were no rows, for a published day and a refused one alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from spark.contract import Collection
from spark.publish.catalog import Catalog, Pointer
from spark.publish.manifest import AttemptManifest, tags_hash, write_manifest
from spark.publish.repetition import repeated
from spark.publish.tables import QUARANTINE_SUFFIX, Tables, quarantine_name
from spark.store import ObjectStore


class QuarantineKeeper:
    """Makes quarantine tables show the attempt that was judged last.

    Args:
        catalog: to be changed.
        store: where the files lie.
        tables: makes a quarantine table with the first line that goes there.
        pause: waits so many seconds before a repetition.
    """

    def __init__(
        self, catalog: Catalog, store: ObjectStore, *, tables: Tables, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._pause = pause
        self._catalog = catalog
        self._store = store
        self._tables = tables
        self._there: set[tuple[str, str]] = set()

    def refresh(self, collections: Iterable[Collection]) -> None:
        """Looks which quarantine tables there are, so that `show` asks about no others.

        Raises:
            CatalogError
        """
        for database in dict.fromkeys(collection.tables[0].database for collection in collections):
            names = repeated(partial(self._catalog.tables, database), pause=self._pause)
            self._there |= {(database, name) for name in names if name.endswith(QUARANTINE_SUFFIX)}

    def show(self, collection: Collection, days: Sequence[tuple[str, AttemptManifest | None]]) -> None:
        """Shows each day's quarantined lines (its manifest's `table`), or that it has none.

        Raises:
            CatalogError, StoreError
        """
        repeated(partial(self._show, collection, days), pause=self._pause)

    def _show(self, collection: Collection, days: Sequence[tuple[str, AttemptManifest | None]]) -> None:
        filled = [manifest for _, manifest in days if manifest is not None and manifest.table.rows]
        empty = [date for date, manifest in days if manifest is None or not manifest.table.rows]
        main = collection.tables[0]
        database, name = main.database, quarantine_name(main)
        if filled:
            for manifest in filled:
                write_manifest(self._store, manifest)
            if (database, name) not in self._there:
                self._tables.ensure_quarantine(collection, database, name)
                self._there.add((database, name))
            self._catalog.switch(database, name, [_pointer(manifest) for manifest in filled])
        if empty and (database, name) in self._there:
            there = self._catalog.pointers(database, name, empty)
            if there:
                self._catalog.drop_partitions(database, name, sorted(there))


def _pointer(manifest: AttemptManifest) -> Pointer:
    return Pointer(
        partition=manifest.export_date,
        location=manifest.table.location,
        attempt=manifest.attempt,
        fingerprint=manifest.fingerprint,
        epoch=manifest.epoch,
        run_id=manifest.run_id,
        rows=manifest.table.rows,
        config_hash=manifest.config_hash,
        published_utc=manifest.written_utc,
        files=len(manifest.table.files),
        size_bytes=sum(file.size_bytes for file in manifest.table.files),
        tags_hash=tags_hash(manifest.tags),
    )
