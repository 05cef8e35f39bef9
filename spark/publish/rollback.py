"""Rollback: pointing a day back at an earlier attempt whose files and manifest still exist.

The next run sees that the day was made from other than the current inputs and redoes it, unless the collection is held: for
a rollback that outlasts the next run, hold the collection too.
"""

from __future__ import annotations

import msgspec

from spark.contract import Collection, Column, Layout, Misfit
from spark.errors import LeaseError, NotFoundError
from spark.publish.intent import AttemptToShow, PublishContext, PublishOutcome
from spark.publish.lease import Lease, LeaseKeeper, LeaseKey
from spark.publish.manifest import AttemptManifest, list_attempts, missing_files, partition_uri
from spark.publish.switch import Publisher
from spark.store import ObjectStore


def attempts_of(store: ObjectStore, output_uri: str, collection: Collection, export_date: str) -> list[AttemptManifest]:
    """Returns the audited attempts of a day, oldest first, as their main table's manifests."""
    main = collection.tables[0]
    return list_attempts(
        store, partition_uri(output_uri, export_date, database=main.database, table=main.name, folder=main.folder)
    )


class Rollback:
    """Points days back.

    Args:
        store: holds the attempts.
        leases: of the caller; the day's lease is taken and released.
        publisher: uses the same leases.
        context: the publisher's.
    """

    def __init__(self, store: ObjectStore, leases: LeaseKeeper, *, publisher: Publisher, context: PublishContext) -> None:
        self._store = store
        self._leases = leases
        self._publisher = publisher
        self._context = context

    def point_back(self, collection: Collection, export_date: str, attempt: str) -> PublishOutcome:
        """Makes all of the collection's tables show the attempt; the table of the newest day follows.

        The tables keep their current columns, which include the attempt's; columns that the attempt lacks are null.

        Raises:
            CatalogError: the tables' current types cannot read the attempt's files; nothing was changed.
            NotFoundError: there is no such attempt, or some of its files are gone.
            LeaseError: another run holds the day.
        """
        lease = self._take(collection, export_date)
        try:
            manifests = self._whole_attempt(collection, export_date, attempt)
            shown = _as_written(collection, manifests)
            (outcome,) = self._publisher.show_attempts([AttemptToShow(shown, export_date, lease, manifests)])
        finally:
            self._leases.release_many([lease])
        return outcome

    def _take(self, collection: Collection, export_date: str) -> Lease:
        key = LeaseKey(self._context.system, collection.name, collection.snapshot_type, export_date)
        lease = self._leases.acquire_many([key])[key]
        if isinstance(lease, LeaseError):
            raise lease
        return lease

    def _whole_attempt(self, collection: Collection, export_date: str, attempt: str) -> tuple[AttemptManifest, ...]:
        found = {
            manifest.attempt: manifest
            for manifest in attempts_of(self._store, self._context.output_uri, collection, export_date)
        }
        if attempt not in found:
            raise NotFoundError(
                f"there is no attempt {attempt} of {collection.name} for {export_date}",
                where=self._context.output_uri,
                remedy=f"Choose one of {', '.join(found)}" if found else "The day has no attempt that passed its audit",
            )
        manifests = []
        for table in collection.tables:
            day_uri = partition_uri(
                self._context.output_uri, export_date, database=table.database, table=table.name, folder=table.folder
            )
            manifests += [manifest for manifest in list_attempts(self._store, day_uri) if manifest.attempt == attempt]
        gone = [uri for manifest in manifests for uri in missing_files(self._store, manifest)]
        if gone or len(manifests) != len(collection.tables):
            raise NotFoundError(
                f"attempt {attempt} is not whole any more: {len(gone)} of its files are gone",
                where=gone[0] if gone else self._context.output_uri,
                remedy=f"Choose another one of {', '.join(found)}, or run the day again",
            )
        return tuple(manifests)


def _as_written(collection: Collection, manifests: tuple[AttemptManifest, ...]) -> Collection:
    """Returns the collection with the columns of the attempt's files, whatever is configured now."""
    tables = tuple(
        msgspec.structs.replace(
            table,
            layout=Layout.COLUMNS,
            misfit=Misfit.REFUSE,  # the column of misfits, where there is one, is among the attempt's
            columns=tuple(Column(name=each.name, type=each.type, comment=each.comment) for each in manifest.columns),
        )
        for table, manifest in zip(collection.tables, manifests, strict=True)
    )
    return msgspec.structs.replace(collection, tables=tables)
