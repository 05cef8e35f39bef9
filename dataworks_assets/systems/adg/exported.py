"""Which days have exports on S3, found with about one request per day, however many files a day has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from dataworks_assets.systems.adg.scope import AdgScope
from spark.store import ObjectStore

_PLACEHOLDER = "{export_date}"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_AFTER_ALL = "\U0010fffd"


def exported_days(store: ObjectStore, scope: AdgScope, *, since: date | None = None) -> tuple[date, ...]:
    """Returns the days for which the deployment's export prefix holds anything of this snapshot type, oldest first.

    Args:
        store: the object store.
        scope: the snapshot type.
        since: first day of interest; if None, the deployment's first export.
    """
    return tuple(_days(store, scope, since or scope.settings.deployment.exports.first_day))


def newest_exported_days(store: ObjectStore, scope: AdgScope, count: int, *, today: date) -> tuple[date, ...]:
    """Returns the newest exported days: looks in the last month first, then back to the first export."""
    days = exported_days(store, scope, since=today - timedelta(days=max(count, 31)))
    return (days or exported_days(store, scope))[-count:]


def _days(store: ObjectStore, scope: AdgScope, since: date) -> Iterator[date]:
    deployment = scope.settings.deployment
    template = deployment.prefixes.data.replace("{snapshot_type}", str(scope.snapshot_type))
    before, _, behind = template.partition(_PLACEHOLDER)
    root = f"{deployment.store.scheme}://{deployment.buckets.input}"
    folder = before.rpartition("/")[0]
    after = f"{before}{since - timedelta(days=1)}{_AFTER_ALL}"
    while True:
        listed = next(iter(store.list(f"{root}/{folder}".rstrip("/"), after=after)), None)
        if listed is None:
            return
        text = listed.uri.removeprefix(f"{root}/{before}")[:10]
        if not _DAY.fullmatch(text):
            after = listed.uri.removeprefix(f"{root}/")
            continue
        if next(iter(store.list(f"{root}/{before}{text}{behind}")), None) is not None:
            yield date.fromisoformat(text)
        after = f"{before}{text}{_AFTER_ALL}"
