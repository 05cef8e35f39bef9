"""The schedule for environments without messages: at its hour, it requests a run for the newest complete export."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dagster import DagsterInstance, RunRequest, SkipReason

from dataworks_assets.systems.adg.automation.exports import complete_event, has_messages, look_at_exports
from dataworks_assets.systems.adg.automation.inbox import Inbox
from dataworks_assets.systems.adg.automation.requests import Trigger, WantedDay, run_requests, with_day
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.runs import in_flight


@dataclass(frozen=True)
class NewestExport:
    """Requests a run for the newest complete export of one snapshot type."""

    platform: Platform
    scope: AdgScope

    def tick(self, day: date, instance: DagsterInstance, *, now: datetime) -> list[RunRequest] | SkipReason:
        """Returns the run for the newest complete export among a day and the day before it.

        Args:
            day: the date for which the schedule ticks, however late it does.
            instance: holds the runs.
            now: the current time, which decides whether an export has settled.
        """
        found = self._newest(day, now=now)
        if found is None:
            return SkipReason(f"neither the export of {day} nor the one of the day before is complete")
        busy = {name for name, other in in_flight(instance, self.scope, now=now) if other == found}
        wanted = with_day(self.scope, found) - busy
        if not wanted:
            return SkipReason(f"the export of {found} is being done already")
        export = look_at_exports(self.platform.store, self.scope, [found])[found]
        instance.report_runless_asset_event(complete_event(self.scope, export))
        return run_requests(self.scope, [WantedDay(found, wanted)], trigger=Trigger.SCHEDULE, by_key=False)

    def _newest(self, day: date, *, now: datetime) -> date | None:
        days = [each for each in (day, day - timedelta(days=1)) if with_day(self.scope, each)]
        return next((each for each in days if is_complete(self.platform, self.scope, each, now=now)), None)


def is_complete(platform: Platform, scope: AdgScope, day: date, *, now: datetime) -> bool:
    """Whether a day's export is complete: by its message if the producer sends any, else because it has settled."""
    if has_messages(scope):
        return Inbox(platform.store, scope.control_uri).has_message(scope.snapshot_type, day)
    export = look_at_exports(platform.store, scope, [day])[day]
    return export.is_settled(scope.settings.deployment.exports.settle_minutes, now=now)
