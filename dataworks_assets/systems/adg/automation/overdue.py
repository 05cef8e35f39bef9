"""The alarm for overdue exports: one notice per day, and an observation of the export's asset."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from dagster import AssetObservation, SensorResult

from dataworks_assets.config.prefixes import fill
from dataworks_assets.ledger.notices import Notice, NoticeType, Notifier
from dataworks_assets.systems.adg.automation.exports import has_messages, overdue_event
from dataworks_assets.systems.adg.automation.schedule import is_complete
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.platform import Platform

_MOST_DAYS = 7
"""How many missed days are judged at most after the alarm itself was off."""


@dataclass(frozen=True)
class OverdueAlarm:
    """Watches for overdue exports of one snapshot type. The cursor is the last day that was judged."""

    platform: Platform
    scope: AdgScope
    notifier: Notifier

    def tick(self, due_utc: time, cursor: str | None, *, now: datetime) -> SensorResult:
        """Judges every due day that was not judged yet; a day whose notice could not be sent is judged again."""
        judged = date.fromisoformat(cursor) if cursor else None
        events: list[AssetObservation] = []
        for day in self._due(due_utc, judged, now):
            if not is_complete(self.platform, self.scope, day, now=now):
                details = self._details(day, due_utc)
                title = f"The {self.scope.snapshot_type} export of {day} is overdue"
                if not self.notifier.send(Notice(NoticeType.ERROR, title, details)):
                    break
                events.append(overdue_event(self.scope, day, details))
            judged = day
        missing = ", ".join(str(event.partition) for event in events)
        reason = f"overdue: {missing}" if missing else "every export that is due has come, or was told of"
        return SensorResult(skip_reason=reason, cursor=judged.isoformat() if judged else None, asset_events=events)

    def _due(self, due_utc: time, judged: date | None, now: datetime) -> list[date]:
        last = now.date() if now >= datetime.combine(now.date(), due_utc, tzinfo=UTC) else now.date() - timedelta(days=1)
        first = max(judged + timedelta(days=1), last - timedelta(days=_MOST_DAYS - 1)) if judged else last
        first = max(first, self.scope.settings.deployment.exports.first_day)
        return [first + timedelta(days=index) for index in range((last - first).days + 1)]

    def _details(self, day: date, due_utc: time) -> dict[str, str]:
        deployment = self.scope.settings.deployment
        prefix = fill(deployment.prefixes.data, export_date=day, snapshot_type=self.scope.snapshot_type)
        awaited = "its message" if has_messages(self.scope) else "all of its objects, unchanged for the settle time"
        return {
            "export_date": day.isoformat(),
            "due": f"{day.isoformat()} {due_utc:%H:%M} UTC",
            "awaited": awaited,
            "prefix": f"{deployment.store.scheme}://{deployment.buckets.input}/{prefix}",
            "what to do": "Ask the producer; an export that comes later is still taken",
        }
