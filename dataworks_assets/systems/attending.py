"""Attending one application until it ends: every partition is reported to Dagster and to the ledger as it finishes.

What is recorded as materialized comes from the application's result document, whether final or interim.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from dagster import AssetCheckEvaluation, AssetKey, AssetMaterialization, AssetObservation

from dataworks_assets.engines.base import JobError
from dataworks_assets.engines.channel import Channel
from dataworks_assets.engines.submission import Submission
from dataworks_assets.systems.live import Live
from dataworks_assets.systems.pages import link, log_page
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.refusals import clear_refusals, record_refusal
from dataworks_assets.systems.reporting import ReportContext, check_event, published_event, schema_event, summary
from dataworks_assets.systems.scope import Scope, Scoped
from dataworks_assets.systems.told import Nobody, Told
from spark.contract import JobResult, PartitionResult, PartitionState
from spark.errors import StoreError
from spark.jobs.progress import Placed
from spark.log_lines import time_taken


class RunContext(Protocol):
    """What a run needs from Dagster; `AssetExecutionContext` satisfies it."""

    @property
    def run_id(self) -> str:
        """Id of the Dagster run."""

    @property
    def log(self) -> logging.Logger:
        """The run's log in Dagster."""

    def log_event(self, event: AssetMaterialization | AssetCheckEvaluation | AssetObservation) -> None:
        """Records an event of a partition."""


@dataclass(frozen=True)
class Failed:
    """One collection's day that a run did not publish."""

    collection: str
    day: str
    cause: str
    lies_in_data: bool


@dataclass
class Attendance:
    """Attends submitted applications until they end, and reports their partitions.

    Args:
        platform: the deployment's clients.
        scope: the system's collections.
        context: Dagster's side.
        channel: how the application's messages travel.
        told: receives the events of the run, for the ledger.
        show: logs an event that says where the application runs.
        failures: collects the days that are not published.
    """

    platform: Platform
    scope: Scope
    context: RunContext
    channel: Channel | None = None
    told: Told = field(default_factory=Nobody)
    show: Callable[[Placed], None] = lambda _placed: None
    failures: list[Failed] = field(default_factory=list)
    _reported: set[tuple[str, str]] = field(default_factory=set)
    _unkept: list[PartitionResult] = field(default_factory=list)
    """Days already reported whose refusal has yet to be recorded, or cleared."""

    def failed(self, failed: Failed) -> None:
        """Notes a day that is not published, and passes it on to the ledger."""
        self.failures.append(failed)
        self.told.failed(failed.collection, failed.day, failed.cause)

    def attend(self, submission: Submission, *, is_new: bool = True) -> None:
        """Runs a submission, or resumes attending one that still runs, and reports all of its results.

        Raises:
            JobError: the application failed; what it had finished is reported.
        """
        engine, parameters = self.platform.engine, submission.parameters
        running = self._context_of(engine.log_address(submission))

        def placed(where: Placed) -> None:
            nonlocal running
            running = self._context_of(where.log_address)
            self.show(where)
            if where.cluster_id:
                self.told.running_on(where.cluster_id)

        store, uri = self.platform.store, parameters.result_uri
        live = Live(
            *(self.context.log, store, uri),
            report=lambda interim: self._report_interim(interim, running),
            publishing=self.told.publishing,
            placed=placed,
        )
        try:
            attend = engine.run if is_new else engine.attend
            result = attend(submission, on_message=live.take, channel=self.channel)
        except JobError as error:
            if error.result is not None:
                self.report(error.result, self._context_of(error.log_address))
            raise
        self.report(result, self._context_of(result.log_address))
        shares = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in result.stage_seconds.items())
        self.context.log.info(
            "time taken for all: %.3f (%s; %d key service calls)", result.seconds, shares, result.key_service_calls
        )

    def _context_of(self, log_address: str) -> ReportContext:
        log = link(log_page(self.platform, log_address), log_address) if log_address else None
        return ReportContext(self.context.run_id, log)

    def report(self, result: JobResult, report: ReportContext) -> None:
        """Reports the partitions that were not reported yet, and records which days were refused.

        Raises:
            StoreError: everything is reported, but the refusals cannot be recorded.
        """
        self._report(result, report)
        self._keep_refusals()

    def _report_interim(self, result: JobResult, report: ReportContext) -> None:
        """Reports what a running application has done so far; a failing store must not end the application."""
        self._report(result, report)
        with suppress(StoreError):  # the next report makes up for it
            self._keep_refusals()

    def _keep_refusals(self) -> None:
        store, now = self.platform.store, datetime.now(UTC).isoformat(timespec="seconds")
        for item in self._unkept:
            if item.state is not PartitionState.PUBLISHED:
                record_refusal(store, self.scope, item, run_id=self.context.run_id, at_utc=now)
        published = [each for each in self._unkept if each.state is PartitionState.PUBLISHED]
        clear_refusals(store, self.scope, [(each.collection, each.export_date) for each in published])
        self._unkept.clear()

    def _report(self, result: JobResult, report: ReportContext) -> None:
        fresh = [item for item in result.partitions if (item.collection, item.export_date) not in self._reported]
        self._unkept += fresh
        for item in fresh:
            self._reported.add((item.collection, item.export_date))
            self.told.reported(item)
            scoped = self.scope.collections[item.collection]
            key = AssetKey(list(scoped.key_path))
            if item.state is PartitionState.PUBLISHED:
                column, said = scoped.job.tables[0].partition_column, replace(report, upstream=source_of(scoped))
                self.context.log_event(published_event(key, item, said, partition_column=column))
                if item.schema_changes:
                    self.context.log_event(schema_event(key, item))
            else:
                self._refused(item)
            self.context.log_event(check_event(key, item, report))
            self.context.log.info("%s", time_taken(item.collection, item.seconds))

    def _refused(self, item: PartitionResult) -> None:
        cause = summary(item)
        lies_in_data = item.state is PartitionState.REFUSED
        self.failed(Failed(item.collection, item.export_date, cause, lies_in_data))
        self.context.log.error("%s %s is not published: %s", item.collection, item.export_date, cause)


def source_of(scoped: Scoped) -> AssetKey:
    """Returns the key of the asset that a collection is made from."""
    return AssetKey(list(scoped.source_path))
