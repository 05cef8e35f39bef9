"""ADG's planner: lists exports, looks up what the catalog shows, compares, decides. Only reads, and opens no data object."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta

from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.systems.adg.scope import AdgScope, ExportPlace, ScopedCollection
from dataworks_assets.systems.comparing import compare
from dataworks_assets.systems.fingerprint import fingerprint
from dataworks_assets.systems.holds import read_holds
from dataworks_assets.systems.plan import Decision, Plan, PlannedDay, Request
from dataworks_assets.systems.platform import Platform
from spark.contract import Finding
from spark.errors import ConfigurationError
from spark.publish.catalog import Pointer
from spark.publish.state import Published, published_states
from spark.sources.listing import ExportListing, list_export

_IN_PARALLEL = 8
_DAYS_BACK = 7
"""How many days back to look for a published day to compare with: few days in a row are not exported, or refused."""
_OTHER_DAY = "Have the producer export the day, or ask for days that were exported (`dataworks plan` shows them)"
_OTHER_PREFIX = "Name the prefix as the export's message has it"


@dataclass(frozen=True)
class _There:
    """What is published of one collection, and how many bytes lie in each folder of the day's output.

    `further` are the pointers of a special collection's additional tables, by day.
    """

    published: Published
    newest: Pointer | None
    sizes: dict[str, int]
    further: tuple[Mapping[str, Pointer], ...] = ()

    def before(self, day: date) -> Pointer | None:
        """The published day that a day is compared with: the nearest of the week before, else the newest if earlier."""
        before = (self.published.get((day - timedelta(days=back)).isoformat()) for back in range(1, _DAYS_BACK + 1))
        earlier = self.newest if self.newest and self.newest.partition < day.isoformat() else None
        return next(filter(None, before), earlier)

    def is_whole(self, published: Pointer) -> bool:
        """Whether all files that the day's tables show still exist."""
        shown = [published, *(pointers[published.partition] for pointers in self.further)]
        return all(self.sizes.get(pointer.location.rstrip("/"), 0) == pointer.size_bytes for pointer in shown)


@dataclass(frozen=True)
class Planner:
    """Plans runs of one snapshot type."""

    platform: Platform
    scope: AdgScope

    def plan(self, request: Request) -> Plan:
        """Returns what a run of this request would do.

        Raises:
            ConfigurationError: an unknown collection, or one prefix for several days.
            StoreError, CatalogError: store or catalog cannot be read; this is never taken for "nothing is there".
        """
        collections = self.scope.select(request.collections)
        days = sorted(set(request.days))
        if request.s3_prefix and len(days) > 1:
            raise ConfigurationError(
                f"one s3_prefix for {len(days)} days", where=request.s3_prefix, remedy="Give a prefix for one day, or none"
            )
        places = {
            (collection.name, day): self.scope.place_of(collection, day, s3_prefix=request.s3_prefix)
            for collection in collections
            for day in days
        }
        # The catalog before the inputs: a run that publishes newer inputs in between is noticed when the leases are taken.
        published = published_states(
            self.platform.catalog, [scoped.job for scoped in collections], self._with_days_before(days)
        )
        newest = self._newest(collections)
        further = {scoped.name: self._further(scoped, days) for scoped in collections}
        with ThreadPoolExecutor(_IN_PARALLEL) as pool:
            listings = self._list(pool, places.values())
            sizes = dict(zip(days, pool.map(self._published_sizes, days), strict=True))
        holds = read_holds(self.platform.store, self.scope)
        planned: list[PlannedDay] = []
        for day in days:
            for collection in (scoped for scoped in collections if scoped.has_day(day)):
                name = collection.name
                there = _There(published[name], newest.get(name), sizes[day], further[name])
                if collection.name in holds:
                    reason = f"held by an operator: {holds[collection.name]}"
                    planned.append(
                        PlannedDay(collection, day, Decision.HELD, reason, published=there.published[day.isoformat()])
                    )
                else:
                    place = places[collection.name, day]
                    decided = self._decide(request, collection, day, listings[place], there, data_uri=place.data_uri)
                    planned.append(decided)
        topics = {collection.job.topic for collection in self.scope.collections.values()}
        return Plan(
            request=request,
            days=tuple(planned),
            unconfigured_topics=tuple(sorted({topic for listing in listings.values() for topic in listing.files} - topics)),
            foreign_objects=tuple(sorted({uri for listing in listings.values() for uri in listing.foreign})),
        )

    def _newest(self, collections: Iterable[ScopedCollection]) -> dict[str, Pointer]:
        """What the newest-day tables show, by collection; collections without such a table are left out."""
        tables = {scoped.name: scoped.job.tables[0] for scoped in collections}
        names: dict[str, list[str]] = defaultdict(list)
        for table in tables.values():
            names[table.database] += [table.newest] if table.newest else []
        shown = {database: self.platform.catalog.newest_many(database, wanted) for database, wanted in names.items() if wanted}
        found = {name: shown.get(table.database, {}).get(table.newest or "") for name, table in tables.items()}
        return {name: pointer for name, pointer in found.items() if pointer is not None}

    def _with_days_before(self, days: Sequence[date]) -> list[str]:
        """The days, and the earlier days that they may be compared with."""
        back = _DAYS_BACK if self.scope.snapshot_type is SnapshotType.FULL else 0
        return sorted({(day - timedelta(days=offset)).isoformat() for day in days for offset in range(back + 1)})

    def _further(self, scoped: ScopedCollection, days: Sequence[date]) -> tuple[Mapping[str, Pointer], ...]:
        """What a collection's additional tables show, by day; only special collections have any."""
        dates = [day.isoformat() for day in days]
        return tuple(self.platform.catalog.pointers(table.database, table.name, dates) for table in scoped.job.tables[1:])

    def _list(self, pool: ThreadPoolExecutor, places: Iterable[ExportPlace]) -> dict[ExportPlace, ExportListing]:
        distinct = sorted(set(places), key=lambda place: place.data_uri)
        return dict(zip(distinct, pool.map(self._list_one, distinct), strict=True))

    def _list_one(self, place: ExportPlace) -> ExportListing:
        return list_export(self.platform.store, place.data_uri, place.manifest_uri, manifest_required=False)

    def _published_sizes(self, day: date) -> dict[str, int]:
        """Bytes of Parquet by folder below one day of the output, to see whether published files are still there."""
        sizes: dict[str, int] = defaultdict(int)
        for listed in self.platform.store.list(f"{self.scope.output_uri}/{day.isoformat()}"):
            folder, _, name = listed.uri.rpartition("/")
            if not name.startswith("_"):
                sizes[folder] += listed.size_bytes
        return sizes

    def _decide(
        self,
        request: Request,
        collection: ScopedCollection,
        day: date,
        listing: ExportListing,
        there: _There,
        *,
        data_uri: str,
    ) -> PlannedDay:
        published = there.published.get(day.isoformat())
        is_elsewhere = request.s3_prefix is not None and not listing.files  # manifests lie where they always do
        if listing.object_count == 0 or is_elsewhere:
            reason = f"no data file below {request.s3_prefix}" if is_elsewhere else "no object under the day's prefix"
            finding = Finding(
                check="read",
                passed=False,
                object=data_uri,
                place=day.isoformat(),
                cause=f"the day was not exported: {reason}",
                remedy=_OTHER_PREFIX if is_elsewhere else _OTHER_DAY,
            )
            return PlannedDay(collection, day, Decision.NOT_EXPORTED, reason, findings=(finding,), published=published)
        topic = collection.job.topic
        files = listing.files.get(topic, ())
        missing = listing.missing_manifests.get(topic, ()) if collection.job.manifest_required else ()
        now = fingerprint(files, config_hash=collection.config_hash)
        decision, reason = compare(
            request,
            collection.job,
            published,
            fingerprint=now,
            config_hash=collection.config_hash,
            is_whole=there.is_whole,
        )
        before = there.before(day) if self.scope.snapshot_type is SnapshotType.FULL else None
        return PlannedDay(
            collection=collection,
            day=day,
            decision=decision,
            reason=reason,
            fingerprint=now,
            files=files,
            findings=(*listing.findings.get(topic, ()), *missing),
            published=published,
            previous_rows=before.rows if before else None,
            previous_day=before.partition if before else "",
        )
