"""Making a plan: list the exports, look at what the catalog shows, compare, decide. Reads only; no data object is opened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta

from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.systems.adg.holds import read_holds
from dataworks_assets.systems.adg.plan import Decision, Plan, PlannedDay, Request
from dataworks_assets.systems.adg.scope import AdgScope, ExportPlace, ScopedCollection
from dataworks_assets.systems.fingerprint import fingerprint
from dataworks_assets.systems.platform import Platform
from spark.publish.catalog import Pointer
from spark.publish.state import PublishedState, published_state
from spark.sources.listing import ExportListing, list_export

_IN_PARALLEL = 8


@dataclass(frozen=True)
class Planner:
    """Plans runs of one snapshot type."""

    platform: Platform
    scope: AdgScope

    def plan(self, request: Request) -> Plan:
        """Returns what a run of this request would do.

        Raises:
            ConfigurationError: an unknown collection.
            StoreError, CatalogError: what is there cannot be read; never taken for "nothing is there".
        """
        collections = self.scope.select(request.collections)
        days = sorted(set(request.days))
        places = {
            (collection.name, day): self.scope.place_of(collection, day, s3_prefix=request.s3_prefix)
            for collection in collections
            for day in days
        }
        with ThreadPoolExecutor(_IN_PARALLEL) as pool:
            listings = self._list(pool, places.values())
            published = self._published(pool, collections, days)
            sizes = dict(zip(days, pool.map(self._published_sizes, days), strict=True))
        holds = read_holds(self.platform.store, self.scope)
        planned = [
            self._decide(request, collection, day, listings[places[collection.name, day]], published[collection.name], sizes[day])
            if collection.name not in holds
            else PlannedDay(collection, day, Decision.HELD, f"held by an operator: {holds[collection.name]}")
            for day in days
            for collection in collections
            if collection.has_day(day)
        ]
        topics = {collection.job.topic for collection in self.scope.collections.values()}
        return Plan(
            request=request,
            days=tuple(planned),
            unconfigured_topics=tuple(sorted({topic for listing in listings.values() for topic in listing.files} - topics)),
            foreign_objects=tuple(sorted({uri for listing in listings.values() for uri in listing.foreign})),
        )

    def _list(self, pool: ThreadPoolExecutor, places: Iterable[ExportPlace]) -> dict[ExportPlace, ExportListing]:
        distinct = sorted(set(places), key=lambda place: place.data_uri)
        return dict(zip(distinct, pool.map(self._list_one, distinct), strict=True))

    def _list_one(self, place: ExportPlace) -> ExportListing:
        required = place.manifest_uri is not None and self.platform.settings.deployment.exports.manifest_required
        return list_export(self.platform.store, place.data_uri, place.manifest_uri, manifest_required=required)

    def _published(
        self, pool: ThreadPoolExecutor, collections: Iterable[ScopedCollection], days: list[date]
    ) -> dict[str, dict[str, PublishedState]]:
        wanted = sorted({day.isoformat() for day in days} | {(day - timedelta(days=1)).isoformat() for day in days})
        named = list(collections)
        states = pool.map(lambda collection: published_state(self.platform.catalog, collection.job, wanted), named)
        return {collection.name: state for collection, state in zip(named, states, strict=True)}

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
        states: dict[str, PublishedState],
        sizes: dict[str, int],
    ) -> PlannedDay:
        state = states[day.isoformat()]
        before = states[(day - timedelta(days=1)).isoformat()].pointer
        if listing.object_count == 0:
            return PlannedDay(collection, day, Decision.NOT_EXPORTED, "no object under the day's prefix", published=state.pointer)
        files = listing.files.get(collection.job.topic, ())
        findings = listing.findings.get(collection.job.topic, ())
        now = fingerprint(files, config_hash=collection.config_hash)
        decision, reason = _compare(request, collection, now, state, sizes)
        return PlannedDay(
            collection=collection,
            day=day,
            decision=decision,
            reason=reason,
            fingerprint=now,
            files=files,
            findings=findings,
            published=state.pointer,
            previous_rows=before.rows if before and self.scope.snapshot_type is SnapshotType.FULL else None,
        )
