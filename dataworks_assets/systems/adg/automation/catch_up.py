"""The catch-up sensor: requests runs for complete exports of the last days that are on S3 but not published.

It makes the same plan as a run. Refused days, held collections and what a run is already doing are left alone.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dagster import DagsterInstance, SensorResult
from msgspec import field

from dataworks_assets.systems.adg.automation.exports import ExportDay, complete_event, has_messages, look_at_exports
from dataworks_assets.systems.adg.automation.inbox import Inbox
from dataworks_assets.systems.adg.automation.requests import Trigger, WantedDay, run_requests
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.holds import read_holds
from dataworks_assets.systems.plan import Decision, PlannedDay, Plans, Request
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.refusals import Refusal, read_refusals
from dataworks_assets.systems.runs import CollectionDay, in_flight, lately_failed
from spark.contract import Document, decode, encode
from spark.errors import ConfigurationError

_ASKED_FOR = frozenset({Decision.NEW, Decision.CHANGED, Decision.INCOMPLETE})
"""Not for a changed configuration alone: every deployment of new code would then read the whole lake again."""
_REST = timedelta(hours=1)
"""How long a day is left alone after a run of it failed for another reason than its data."""
_PLAN_AGAIN = timedelta(hours=1)
"""How long an unchanged mark is trusted: the catalog may have lost something that no listing shows."""


class CatchUpCursor(Document, frozen=True):
    """What the last tick saw.

    `mark` is a digest of everything that a plan depends on, empty if the plan left something to request; `reported`
    holds the marks of the exports already reported to Dagster, by day.
    """

    mark: str = ""
    planned_utc: datetime | None = None
    reported: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CatchUp:
    """Requests runs for what is complete and not published, of one snapshot type.

    Args:
        platform: the deployment's clients.
        scope: the snapshot type.
        plans: the planner.
        window_days: how far back it looks.
    """

    platform: Platform
    scope: AdgScope
    plans: Plans
    window_days: int

    def tick(self, cursor: str | None, instance: DagsterInstance, *, now: datetime) -> SensorResult:
        """Returns runs for what is missing, up to the limit of days in flight; plans only if something may have changed."""
        before = _read(cursor)
        handled, complete = self._complete(now)
        busy = in_flight(instance, self.scope, now=now)
        refusals = read_refusals(self.platform.store, self.scope)
        apart = busy | lately_failed(instance, self.scope, refusals, since=now - _REST)
        mark = self._mark(complete, apart, refusals)
        fresh = {day: export for day, export in complete.items() if before.reported.get(day.isoformat()) != export.mark}
        told = [] if has_messages(self.scope) else [complete_event(self.scope, export) for export in fresh.values()]
        after = CatchUpCursor(
            mark=before.mark,
            planned_utc=before.planned_utc,
            reported={day.isoformat(): export.mark for day, export in complete.items()},
        )
        free = self.scope.settings.deployment.limits.catch_up_days - len({day for _, day in busy})
        idle = "nothing has changed since the last plan" if _is_known(before, mark, now) else ""
        idle = idle or ("" if complete else self._none_complete())
        idle = idle or (f"{len({day for _, day in busy})} days are under way already" if free <= 0 else "")
        if idle:
            return SensorResult(skip_reason=idle, cursor=_text(after), asset_events=told)
        wanted = self._wanted(complete, apart, refusals, now.date())
        chosen = sorted(wanted)[:free]
        after = CatchUpCursor(mark="" if wanted else mark, planned_utc=now, reported=after.reported)
        requests = run_requests(
            self.scope,
            (WantedDay(day, wanted[day], self._correlation_id(handled.get(day, ()))) for day in chosen),
            trigger=Trigger.CATCH_UP,
        )
        reason = None if requests else "every complete export is published, refused, held, or under way"
        return SensorResult(run_requests=requests, skip_reason=reason, cursor=_text(after), asset_events=told)

    def _none_complete(self) -> str:
        told_by = "no message told of an export" if has_messages(self.scope) else "no export is complete"
        return f"{told_by} of the last {self.window_days} days"

    def _complete(self, now: datetime) -> tuple[Mapping[date, tuple[str, ...]], dict[date, ExportDay]]:
        """Returns the complete exports of the window by day, and the addresses of their handled messages."""
        deployment, store = self.scope.settings.deployment, self.platform.store
        since = max(deployment.exports.first_day, now.date() - timedelta(days=self.window_days - 1))
        if has_messages(self.scope):
            inbox = Inbox(store, self.scope.control_uri)
            waiting = {each.day for each in inbox.waiting(self.scope.snapshot_type, now=now)}
            handled = inbox.handled_days(self.scope.snapshot_type, since=since)
            days = [day for day in handled if day not in waiting and day <= now.date()]
            return handled, look_at_exports(store, self.scope, days)
        days = [since + timedelta(days=index) for index in range((now.date() - since).days + 1)]
        exports = look_at_exports(store, self.scope, days)
        settle_minutes = deployment.exports.settle_minutes
        return {}, {day: export for day, export in exports.items() if export.is_settled(settle_minutes, now=now)}

    def _wanted(
        self,
        complete: Iterable[date],
        apart: frozenset[CollectionDay],
        refusals: Mapping[tuple[str, str], Refusal],
        today: date,
    ) -> dict[date, frozenset[str]]:
        """Returns the collections to request by day, leaving out those whose retention would drop the day again."""
        plan = self.plans.plan(Request(collections=(), days=tuple(sorted(complete))))
        wanted: dict[date, set[str]] = defaultdict(set)
        for planned in plan.days:
            pair = (planned.collection.name, planned.day)
            if not planned.collection.retention.keeps(planned.day, today):
                continue
            if planned.decision in _ASKED_FOR and pair not in apart and not _is_refused(planned, refusals):
                wanted[planned.day].add(planned.collection.name)
        return {day: frozenset(names) for day, names in wanted.items()}

    def _mark(
        self, complete: Mapping[date, ExportDay], apart: frozenset[CollectionDay], refusals: Mapping[tuple[str, str], Refusal]
    ) -> str:
        """Returns a digest of all that a plan depends on, except the catalog: runs change it, and they are included."""
        parts = [f"{day} {export.mark}" for day, export in sorted(complete.items())]
        parts += [f"{name} {scoped.audit_hash}" for name, scoped in sorted(self.scope.collections.items())]
        parts += [f"apart {name} {day}" for name, day in sorted(apart)]
        parts += [f"refused {name} {day} {each.refused_utc}" for (name, day), each in sorted(refusals.items())]
        parts += [f"held {name}" for name in sorted(read_holds(self.platform.store, self.scope))]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]

    def _correlation_id(self, handled: tuple[str, ...]) -> str:
        message = Inbox(self.platform.store, self.scope.control_uri).newest_handled(handled)
        return message.correlation_id if message else ""


def _is_refused(planned: PlannedDay, refusals: Mapping[tuple[str, str], Refusal]) -> bool:
    refusal = refusals.get((planned.collection.name, planned.day.isoformat()))
    return refusal is not None and refusal.is_of(planned.fingerprint, planned.collection.audit_hash)


def _is_known(before: CatchUpCursor, mark: str, now: datetime) -> bool:
    return before.mark == mark and before.planned_utc is not None and now - before.planned_utc < _PLAN_AGAIN


def _read(cursor: str | None) -> CatchUpCursor:
    """Returns the cursor; starts anew if it cannot be read, as one written by another release."""
    try:
        return decode((cursor or "{}").encode(), CatchUpCursor, where="cursor")
    except ConfigurationError:
        return CatchUpCursor()


def _text(cursor: CatchUpCursor) -> str:
    return encode(cursor).decode()
