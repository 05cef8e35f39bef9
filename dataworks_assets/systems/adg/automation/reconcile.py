"""Reconciles what Dagster shows as materialized with what the catalog has.

Reported but gone from the catalog: a failed check and a notice, once; a run restores it. Published but never reported:
reported now. Each tick looks only at the last days and at a limited number of collections and events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dagster import AssetCheckEvaluation, AssetKey, AssetMaterialization, DagsterInstance, SensorResult
from msgspec import field

from dataworks_assets.ledger.notices import Notice, NoticeType, Notifier
from dataworks_assets.systems.adg.automation.exports import export_key
from dataworks_assets.systems.adg.scope import AdgScope, ScopedCollection
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.reporting import failed_check_event, unchanged_check_event, unchanged_event
from dataworks_assets.systems.runs import in_flight
from spark.contract import Document, Finding, decode, encode
from spark.errors import ConfigurationError
from spark.publish.catalog import Pointer
from spark.publish.state import Published, published_states

_COLLECTIONS_PER_TICK = 300
_EVENTS_PER_TICK = 500
_NAMED_IN_NOTICE = 20

Event = AssetMaterialization | AssetCheckEvaluation


class ReconcileCursor(Document, frozen=True):
    """The collection that was looked at last, and by collection the days already reported as gone."""

    last: str = ""
    gone: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Differences:
    """Where Dagster and the catalog differ, for one collection."""

    collection: ScopedCollection
    gone: tuple[str, ...]
    unreported: tuple[Pointer, ...]


@dataclass(frozen=True)
class Reconciliation:
    """Compares Dagster with the catalog, for one snapshot type.

    Args:
        platform: the deployment's clients.
        scope: the snapshot type.
        notifier: where notices go.
        window_days: how far back it looks.
    """

    platform: Platform
    scope: AdgScope
    notifier: Notifier
    window_days: int

    def tick(self, cursor: str | None, instance: DagsterInstance, *, now: datetime) -> SensorResult:
        """Compares the next collections; returns failed checks for what is gone, and the events that were missing."""
        before = _read(cursor)
        batch = self._batch(before.last)
        found = self._differences(batch, instance, now=now)
        told = dict(before.gone)
        gone_events: list[Event] = []
        reported: list[Event] = []
        fresh: list[str] = []
        last = before.last
        for each in found:
            if len(gone_events) + len(reported) >= _EVENTS_PER_TICK:
                break
            name = each.collection.name
            new = [day for day in each.gone if day not in before.gone.get(name, ())]
            fresh += [f"{name} {day}" for day in new]
            gone_events += [_gone_event(each.collection, day) for day in new]
            reported += _missing_events(each, export_key(self.scope))
            told[name] = each.gone
            last = name
        self._notify(fresh)
        is_round = not any(name > last for name in self.scope.collections)  # later ones may no longer be configured
        after = ReconcileCursor(last="" if is_round else last, gone={name: days for name, days in told.items() if days})
        reason = (
            f"{len(batch)} collections compared: {len(fresh)} days newly gone from the catalog, {len(reported) // 2} reported"
        )
        return SensorResult(skip_reason=reason, cursor=encode(after).decode(), asset_events=[*gone_events, *reported])

    def _batch(self, last: str) -> list[ScopedCollection]:
        following = [scoped for name, scoped in sorted(self.scope.collections.items()) if name > last]
        return following[:_COLLECTIONS_PER_TICK]

    def _differences(self, batch: Sequence[ScopedCollection], instance: DagsterInstance, *, now: datetime) -> list[Differences]:
        """Returns the differences; days that a run is working on do not count.

        Dagster is read first, so that a day published and reported in between is reported twice at worst.
        """
        reported = {scoped.name: instance.get_materialized_partitions(_key(scoped)) for scoped in batch}
        days = self._days(now)
        published = published_states(self.platform.catalog, [scoped.job for scoped in batch], days)
        busy = {(name, day.isoformat()) for name, day in in_flight(instance, self.scope, now=now)}
        return [
            _compare(scoped, reported[scoped.name], published[scoped.name], _looked_at(scoped, days, busy, now))
            for scoped in batch
        ]

    def _days(self, now: datetime) -> list[str]:
        first = max(self.scope.settings.deployment.exports.first_day, now.date() - timedelta(days=self.window_days - 1))
        return [(first + timedelta(days=index)).isoformat() for index in range((now.date() - first).days + 1)]

    def _notify(self, fresh: Sequence[str]) -> None:
        if not fresh:
            return
        more = f" and {len(fresh) - _NAMED_IN_NOTICE} more" if len(fresh) > _NAMED_IN_NOTICE else ""
        elements = {
            "days": ", ".join(fresh[:_NAMED_IN_NOTICE]) + more,
            "what to do": "Find out who dropped them from the catalog; a run of these days restores them",
        }
        title = f"Gone from the catalog: {len(fresh)} published days of collections of {self.scope.name}"
        self.notifier.send(Notice(NoticeType.ERROR, title, elements))


def _looked_at(scoped: ScopedCollection, days: Sequence[str], busy: set[tuple[str, str]], now: datetime) -> list[str]:
    """Returns the days that can be compared: not those that retention may have dropped or that a run is working on."""
    kept = scoped.config.retention.days
    oldest = (now.date() - timedelta(days=kept)).isoformat() if kept else ""
    return [day for day in days if day > oldest and scoped.has_day(date.fromisoformat(day)) and (scoped.name, day) not in busy]


def _compare(scoped: ScopedCollection, reported: set[str], published: Published, days: Sequence[str]) -> Differences:
    return Differences(
        collection=scoped,
        gone=tuple(day for day in days if day in reported and published[day] is None),
        unreported=tuple(pointer for day in days if day not in reported and (pointer := published[day]) is not None),
    )


def _gone_event(scoped: ScopedCollection, day: str) -> AssetCheckEvaluation:
    table = scoped.job.tables[0]
    finding = Finding(
        check="publish",
        passed=False,
        object=f"{table.database}.{table.name}",
        place=day,
        cause="reported as published, but the catalog has not got it, or not all of its tables",
        remedy="Run the day again: it is restored from its export",
    )
    return failed_check_event(_key(scoped), day, finding)


def _missing_events(found: Differences, upstream: AssetKey) -> list[Event]:
    key = _key(found.collection)
    reason = "published, but its run never reported it"
    return [
        event
        for pointer in found.unreported
        for event in (
            unchanged_event(key, pointer, reason=reason, upstream=upstream),
            unchanged_check_event(key, pointer, reason=reason),
        )
    ]


def _key(scoped: ScopedCollection) -> AssetKey:
    return AssetKey(list(scoped.key_path))


def _read(cursor: str | None) -> ReconcileCursor:
    """Returns the cursor; starts anew if it cannot be read, as one written by another release."""
    try:
        return decode((cursor or "{}").encode(), ReconcileCursor, where="cursor")
    except ConfigurationError:
        return ReconcileCursor()
