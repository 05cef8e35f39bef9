"""The sensors and schedules of one snapshot type as Dagster definitions; their logic is in the other modules here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time

from dagster import (
    AssetKey,
    AssetSelection,
    DefaultScheduleStatus,
    DefaultSensorStatus,
    RunRequest,
    ScheduleDefinition,
    ScheduleEvaluationContext,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    schedule,
    sensor,
)

from dataworks_assets.ledger.notices import LogNotifier, Notifier
from dataworks_assets.systems.adg.automation.catch_up import CatchUp
from dataworks_assets.systems.adg.automation.export_sensor import ExportSensor
from dataworks_assets.systems.adg.automation.exports import has_messages
from dataworks_assets.systems.adg.automation.ledger_watch import LedgerWatch
from dataworks_assets.systems.adg.automation.overdue import OverdueAlarm
from dataworks_assets.systems.adg.automation.reconcile import Reconciliation
from dataworks_assets.systems.adg.automation.schedule import NewestExport
from dataworks_assets.systems.adg.planner import Planner
from dataworks_assets.systems.adg.scope import AdgScope
from spark.errors import DataworksError

CATCH_UP_WINDOW_DAYS = 14
RECONCILE_WINDOW_DAYS = 62
_RESOURCES = {"platform"}
_ASSET_JOB = "__ASSET_JOB"
"""Dagster's implicit job of all assets: a schedule with its own target refuses assets with different partitions."""


def build_automation(
    scope: AdgScope, *, notifier: Notifier | None = None, catch_up_window_days: int = CATCH_UP_WINDOW_DAYS
) -> tuple[list[SensorDefinition], list[ScheduleDefinition]]:
    """Returns the sensors and schedules of one snapshot type; none if no collection is configured for it.

    Args:
        scope: the snapshot type.
        notifier: where notices go; the log if None.
        catch_up_window_days: how many days back the catch-up sensor looks.
    """
    if not scope.collections:
        return [], []
    notices = notifier or LogNotifier()
    exports = scope.settings.deployment.exports.of(scope.snapshot_type)
    sensors = [_catch_up_sensor(scope, catch_up_window_days), _reconcile_sensor(scope, notices), _ledger_sensor(scope, notices)]
    if has_messages(scope):
        sensors.append(_export_sensor(scope, notices))
    if exports.due_utc is not None:
        sensors.append(_overdue_sensor(scope, notices, exports.due_utc))
    return sensors, [_schedule(scope, exports.schedule)] if exports.schedule else []


def _export_sensor(scope: AdgScope, notifier: Notifier) -> SensorDefinition:
    @sensor(
        name=f"adg_exports_{scope.snapshot_type}",
        description="Starts the run of an export when its completion message comes.",
        asset_selection=_selection(scope),
        minimum_interval_seconds=30,
        default_status=DefaultSensorStatus.RUNNING,
        required_resource_keys=_RESOURCES,
    )
    def exports(context: SensorEvaluationContext) -> SensorResult:
        now = datetime.now(UTC)
        watch = ExportSensor(context.resources.platform, scope, notifier)
        problem: DataworksError | None = None
        try:
            drained = watch.drain(now=now)
            context.log.info("messages of either export: %d kept, %d put aside", drained.kept, drained.put_aside)
        except DataworksError as error:  # messages already in the inbox are started nevertheless
            problem = error
            context.log.exception("the queue is left for later")
        result = watch.tick(context.instance, now=now)
        if problem is not None and not result.run_requests:
            raise problem
        return result

    return exports


def _catch_up_sensor(scope: AdgScope, window_days: int) -> SensorDefinition:
    @sensor(
        name=f"adg_catch_up_{scope.snapshot_type}",
        description="Asks for complete exports that are on S3 and not published. Off until it is switched on.",
        asset_selection=_selection(scope),
        minimum_interval_seconds=300,
        default_status=DefaultSensorStatus.STOPPED,
        required_resource_keys=_RESOURCES,
    )
    def catch_up(context: SensorEvaluationContext) -> SensorResult:
        platform = context.resources.platform
        watch = CatchUp(platform, scope, Planner(platform, scope), window_days)
        return watch.tick(context.cursor, context.instance, now=datetime.now(UTC))

    return catch_up


def _overdue_sensor(scope: AdgScope, notifier: Notifier, due_utc: time) -> SensorDefinition:
    @sensor(
        name=f"adg_overdue_{scope.snapshot_type}",
        description=f"Tells of an export that has not come by {due_utc:%H:%M} UTC.",
        minimum_interval_seconds=300,
        default_status=DefaultSensorStatus.RUNNING,
        required_resource_keys=_RESOURCES,
    )
    def overdue(context: SensorEvaluationContext) -> SensorResult:
        watch = OverdueAlarm(context.resources.platform, scope, notifier)
        return watch.tick(due_utc, context.cursor, now=datetime.now(UTC))

    return overdue


def _reconcile_sensor(scope: AdgScope, notifier: Notifier) -> SensorDefinition:
    @sensor(
        name=f"adg_reconcile_{scope.snapshot_type}",
        description="Compares what Dagster shows as materialized with what the catalog has.",
        minimum_interval_seconds=3600,
        default_status=DefaultSensorStatus.RUNNING,
        required_resource_keys=_RESOURCES,
    )
    def reconcile(context: SensorEvaluationContext) -> SensorResult:
        watch = Reconciliation(context.resources.platform, scope, notifier, RECONCILE_WINDOW_DAYS)
        return watch.tick(context.cursor, context.instance, now=datetime.now(UTC))

    return reconcile


def _ledger_sensor(scope: AdgScope, notifier: Notifier) -> SensorDefinition:
    @sensor(
        name=f"adg_ledger_{scope.snapshot_type}",
        description="Tells how runs ended that could not say so themselves, and sends what waits for its time.",
        asset_selection=_selection(scope),
        minimum_interval_seconds=60,
        default_status=DefaultSensorStatus.RUNNING,
        required_resource_keys=_RESOURCES,
    )
    def ledger(context: SensorEvaluationContext) -> SensorResult:
        watch = LedgerWatch(context.resources.platform, scope, notifier)
        watched = watch.tick(context.cursor, context.instance, now=datetime.now(UTC))
        for problem in watched.problems:
            context.log.warning("not written: %s", problem)
        said = None if watched.asked else watched.said
        return SensorResult(run_requests=list(watched.asked), skip_reason=said, cursor=watched.cursor)

    return ledger


def _schedule(scope: AdgScope, cron: str) -> ScheduleDefinition:
    @schedule(
        cron,
        name=f"adg_schedule_{scope.snapshot_type}",
        description="Asks for the newest complete export, where the producer sends no messages.",
        job_name=_ASSET_JOB,
        execution_timezone="UTC",
        default_status=DefaultScheduleStatus.RUNNING,
        required_resource_keys=_RESOURCES,
    )
    def newest(context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
        watch = NewestExport(context.resources.platform, scope)
        day = context.scheduled_execution_time.date()
        asked = watch.tick(day, context.instance, now=datetime.now(UTC))
        yield from [asked] if isinstance(asked, SkipReason) else asked

    return newest


def _selection(scope: AdgScope) -> AssetSelection:
    return AssetSelection.assets(*(AssetKey(list(scoped.key_path)) for scoped in scope.collections.values()))
