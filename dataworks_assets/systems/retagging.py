"""Changed tags reach the objects that are published, without a job and without a byte being read."""

from __future__ import annotations

from collections.abc import Iterable

from dataworks_assets.systems.plan import PlannedDay
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.scope import Scope
from spark.publish.lease import Lease, LeaseKeeper
from spark.publish.tables import Tables
from spark.publish.tagging import Retagged, Tagger


def retag(platform: Platform, scope: Scope, keeper: LeaseKeeper, days: Iterable[tuple[PlannedDay, Lease]]) -> list[Retagged]:
    """Gives published days the configured tags; one that fails leaves the others alone."""
    tables = Tables(platform.catalog, system=scope.system, output_uri=scope.output_uri)
    tagger = Tagger(platform.catalog, platform.store, leases=keeper, tables=tables, put_tags=platform.put_tags)
    return tagger.retag_many([(each.collection.job, each.day.isoformat(), lease) for each, lease in days])
