"""Re-tags published objects after a change of the configured tags, without a job and without reading any data."""

from __future__ import annotations

from collections.abc import Iterable

from dataworks_assets.systems.plan import PlannedDay
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.scope import Scope
from spark.publish.lease import Lease, LeaseKeeper
from spark.publish.tables import Tables
from spark.publish.tagging import Retagged, Tagger


def retag(platform: Platform, scope: Scope, keeper: LeaseKeeper, days: Iterable[tuple[PlannedDay, Lease]]) -> list[Retagged]:
    """Puts the configured tags on the objects of published days; one failing day does not stop the others."""
    tables = Tables(platform.catalog, system=scope.system, output_uri=scope.output_uri)
    tagger = Tagger(platform.catalog, platform.store, leases=keeper, tables=tables, put_tags=platform.put_tags)
    return tagger.retag_many([(each.collection.job, each.day.isoformat(), lease) for each, lease in days])
