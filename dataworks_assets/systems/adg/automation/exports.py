"""The producer's export as an external Dagster asset: a day of it is reported once it is complete."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dagster import AssetKey, AssetMaterialization, AssetObservation, MetadataValue

from dataworks_assets.config.prefixes import fill
from dataworks_assets.systems.adg.scope import AdgScope
from spark.sources.listing import list_export
from spark.store import ObjectStore

_IN_PARALLEL = 8


@dataclass(frozen=True)
class ExportDay:
    """The objects under the prefixes of one day's export."""

    day: date
    location: str
    objects: int
    files: int
    size_bytes: int
    topics: int
    newest_change_utc: datetime | None

    def is_settled(self, settle_minutes: int, *, now: datetime) -> bool:
        """Whether there is an export, and it has not changed for this long."""
        newest = self.newest_change_utc
        return newest is not None and now - newest >= timedelta(minutes=settle_minutes)

    @property
    def mark(self) -> str:
        """A text that changes whenever the export does: number of objects, bytes, newest change."""
        newest = self.newest_change_utc.isoformat() if self.newest_change_utc else ""
        return f"{self.objects}/{self.size_bytes}/{newest}"


def export_key(scope: AdgScope) -> AssetKey:
    """Returns the key of the export's asset: `export/full`."""
    return AssetKey(["export", str(scope.snapshot_type)])


def has_messages(scope: AdgScope) -> bool:
    """Whether the producer announces complete exports of this type by message."""
    exports = scope.settings.deployment.exports
    return exports.queue is not None and exports.of(scope.snapshot_type).topic is not None


def look_at_exports(store: ObjectStore, scope: AdgScope, days: Iterable[date]) -> dict[date, ExportDay]:
    """Returns what lies on S3 of each day's export, under the deployment's own prefixes; reads no object."""
    wanted = sorted(set(days))
    with ThreadPoolExecutor(_IN_PARALLEL) as pool:
        return dict(zip(wanted, pool.map(lambda day: _look(store, scope, day), wanted), strict=True))


def _look(store: ObjectStore, scope: AdgScope, day: date) -> ExportDay:
    data_uri, manifest_uri = _places(scope, day)
    listing = list_export(store, data_uri, manifest_uri, manifest_required=False)
    files = [file for topic in listing.files.values() for file in topic]
    return ExportDay(
        day=day,
        location=data_uri,
        objects=listing.object_count,
        files=len(files),
        size_bytes=sum(file.source.size_bytes for file in files),
        topics=len(listing.files),
        newest_change_utc=listing.newest_change_utc,
    )


def _places(scope: AdgScope, day: date) -> tuple[str, str]:
    deployment = scope.settings.deployment
    buckets, prefixes, scheme = deployment.buckets, deployment.prefixes, deployment.store.scheme
    data, manifests = (
        fill(template, export_date=day, snapshot_type=scope.snapshot_type) for template in (prefixes.data, prefixes.manifests)
    )
    return f"{scheme}://{buckets.input}/{data}", f"{scheme}://{buckets.manifests}/{manifests}"


def complete_event(scope: AdgScope, export: ExportDay, *, correlation_id: str = "") -> AssetMaterialization:
    """Returns the materialization of the export's asset for a complete day, where the lineage begins."""
    metadata: dict[str, object] = {
        "files": export.files,
        "bytes": export.size_bytes,
        "topics": export.topics,
        "location": MetadataValue.path(export.location),
    }
    if export.newest_change_utc is not None:
        metadata["newest_change"] = MetadataValue.timestamp(export.newest_change_utc)
    if correlation_id:
        metadata["correlation_id"] = correlation_id
    return AssetMaterialization(export_key(scope), partition=export.day.isoformat(), metadata=metadata)  # type: ignore[arg-type]


def overdue_event(scope: AdgScope, day: date, details: Mapping[str, str]) -> AssetObservation:
    """Returns the observation that an export has not arrived by the time it was due."""
    metadata: dict[str, object] = {"overdue": True, **details}
    return AssetObservation(export_key(scope), partition=day.isoformat(), metadata=metadata)  # type: ignore[arg-type]
