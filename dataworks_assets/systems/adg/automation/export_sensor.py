"""The sensor of the export's messages: moves them from the queue to the inbox, and requests runs for those in the inbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from dagster import DagsterInstance, SensorResult

from dataworks_assets.config.prefixes import fill
from dataworks_assets.config.services import known
from dataworks_assets.ledger.notices import Notifier
from dataworks_assets.systems.adg.automation.exports import complete_event, look_at_exports
from dataworks_assets.systems.adg.automation.inbox import Inbox, Waiting
from dataworks_assets.systems.adg.automation.queue import Drained, QueueReader
from dataworks_assets.systems.adg.automation.requests import Trigger, WantedDay, run_requests, with_day
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.runs import (
    CollectionDay,
    MessageState,
    export_tag,
    in_flight,
    run_of_message,
)


@dataclass(frozen=True)
class ExportSensor:
    """Requests the runs that the messages of one snapshot type ask for."""

    platform: Platform
    scope: AdgScope
    notifier: Notifier

    @property
    def inbox(self) -> Inbox:
        """Where messages are kept."""
        return Inbox(self.platform.store, self.scope.control_uri)

    def drain(self, *, now: datetime) -> Drained:
        """Moves the messages of both snapshot types from the queue to the inbox.

        Raises:
            StackError: the queue belongs to the embedded stack, which is down.
            StoreError: the queue cannot be read, or a message cannot be stored.
        """
        deployment = self.platform.running.deployment
        queue_url = known(deployment.exports.queue, "queue of the export's messages")
        if queue_url is None:
            return Drained()
        reader = QueueReader(self.platform.queues, queue_url, self.inbox, self.scope.settings, self.notifier)
        return reader.drain(now)

    def tick(self, instance: DagsterInstance, *, now: datetime) -> SensorResult:
        """Returns the runs for what waits in the inbox, reports their exports, and moves finished messages out of it.

        Args:
            instance: holds the runs.
            now: the current time; a day that has not begun has no partition yet, and waits.
        """
        messages = self.inbox.waiting(self.scope.snapshot_type, now=now)
        busy = in_flight(instance, self.scope, now=now) if messages else frozenset()
        days = {day: list(group) for day, group in groupby(messages, key=lambda each: each.day) if day <= now.date()}
        judged = {day: self._day(instance, group, busy=busy, now=now) for day, group in days.items()}
        wanted = [each for each in judged.values() if isinstance(each, WantedDay)]
        if not wanted:
            done = sum(len(days[day]) for day, each in judged.items() if each is MessageState.ENDED)
            return SensorResult(skip_reason=_said(len(messages) - done, done))
        exports = look_at_exports(self.platform.store, self.scope, (each.day for each in wanted))
        return SensorResult(
            run_requests=run_requests(self.scope, wanted, trigger=Trigger.MESSAGE),
            asset_events=[complete_event(self.scope, exports[each.day], correlation_id=each.correlation_id) for each in wanted],
        )

    def _day(
        self, instance: DagsterInstance, group: Sequence[Waiting], *, busy: frozenset[CollectionDay], now: datetime
    ) -> WantedDay | MessageState:
        """Returns the run that one day's messages ask for (the last one counts), or why they need none (any more)."""
        newest = group[-1]
        said, day = newest.kept.message, newest.day
        collections = with_day(self.scope, day)
        if not collections:
            self.inbox.finish(group, run_id="", outcome="no collection has this day", now=now)
            return MessageState.ENDED
        tag = (export_tag(self.scope.snapshot_type, day), said.digest)
        run = run_of_message(instance, tag, kept_utc=newest.kept.kept_utc, now=now)
        if run.state is MessageState.ENDED:
            self.inbox.finish(group, run_id=run.run_id, outcome=run.outcome, now=now)
        if run.state is not MessageState.TO_START:
            return run.state
        if any(other == day for _, other in busy):
            return MessageState.IN_FLIGHT
        return WantedDay(day, collections, said.correlation_id, self._prefix(day), said.digest)

    def _prefix(self, day: date) -> str:
        """Returns the deployment's prefix, which every accepted message names."""
        return fill(self.scope.settings.deployment.prefixes.data, export_date=day, snapshot_type=self.scope.snapshot_type)


def _said(waiting: int, done: int) -> str:
    """Returns why no run is asked for."""
    counts = {f"{waiting} waiting for a run that is under way, or for their day": waiting, f"{done} done with": done}
    return "messages: " + ", ".join(text for text, count in counts.items() if count) if waiting or done else "no message"
