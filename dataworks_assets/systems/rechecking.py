"""Executing asset checks on their own: judges days as they are now, without a job. Nothing is published or changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from dagster import AssetCheckEvaluation, AssetKey

from dataworks_assets.systems.plan import Decision, PlannedDay, Plans, Request
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.refusals import Refusal, read_refusals
from dataworks_assets.systems.reporting import failed_check_event, unchanged_check_event
from dataworks_assets.systems.scope import Scope
from spark.contract import Finding
from spark.publish.state import published_dates

Refusals = Mapping[tuple[str, str], Refusal]


@dataclass(frozen=True)
class Recheck:
    """Checks days again.

    Args:
        platform: the deployment's clients.
        scope: the system's collections.
        plans: what makes the system's plans.
    """

    platform: Platform
    scope: Scope
    plans: Plans

    def events(self, names: Sequence[str], days: Sequence[date] = ()) -> Iterator[AssetCheckEvaluation]:
        """Yields the check of each collection's days.

        Args:
            names: of the collections.
            days: the days; if empty, the newest published or refused day of each collection.

        Raises:
            DataworksError: the store or the catalog does not answer.
        """
        refusals = read_refusals(self.platform.store, self.scope)
        wanted: dict[date, list[str]] = defaultdict(list)
        for name in names:
            chosen = days or self._newest(name, refusals)
            for day in chosen:
                wanted[day].append(name)
            if not chosen:
                yield failed_check_event(self._key(name), None, _NOTHING_YET)
        for day in sorted(wanted):
            plan = self.plans.plan(Request(tuple(wanted[day]), (day,)))
            for planned in plan.days:
                yield self._event(planned, refusals.get((planned.collection.name, day.isoformat())))

    def _newest(self, name: str, refusals: Refusals) -> list[date]:
        published = published_dates(self.platform.catalog, self.scope.collections[name].job)
        known = [*published, *(day for refused, day in refusals if refused == name)]
        return [date.fromisoformat(max(known))] if known else []

    def _key(self, name: str) -> AssetKey:
        return AssetKey(list(self.scope.collections[name].key_path))

    def _event(self, planned: PlannedDay, refusal: Refusal | None) -> AssetCheckEvaluation:
        key, day = self._key(planned.collection.name), planned.day.isoformat()
        if refusal is not None and refusal.findings:
            return failed_check_event(key, day, *refusal.findings)
        if planned.published is not None and planned.decision is not Decision.INCOMPLETE:
            return unchanged_check_event(key, planned.published, reason=planned.reason)
        finding = Finding(check="publish", passed=False, place=day, cause=planned.reason, remedy="Materialize the day")
        return failed_check_event(key, day, finding)


_NOTHING_YET = Finding(
    check="publish",
    passed=False,
    cause="no day of it is published yet",
    remedy="Materialize days that are exported; `dataworks plan` shows them",
)
