"""Retention and garbage collection of a system: what is kept for how long, on a schedule or by command."""

from datetime import UTC, datetime, timedelta

from dagster import (
    Config,
    DefaultScheduleStatus,
    JobDefinition,
    MetadataValue,
    OpExecutionContext,
    ScheduleDefinition,
    job,
    op,
)
from pydantic import Field

from dataworks_assets.ledger.entries import forget_older
from dataworks_assets.systems.ending import told_plainly
from dataworks_assets.systems.leasing import held_leases, owner_name
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.scope import Scope
from spark.publish.garbage import GarbageCollector, GarbageContext, GarbageReport, Retention

_JOB_DOCUMENTS_KEPT = timedelta(days=90)
"""How long applications' parameter and result documents are kept: as long as Dagster keeps the ticks of its schedules."""


def retentions_of(scope: Scope) -> list[Retention]:
    """Returns how long each collection's data is kept."""
    usual = scope.settings.deployment.retention
    return [
        Retention(scoped.job, scoped.retention.attempts or usual.attempts, scoped.retention.days)
        for scoped in scope.collections.values()
    ]


def collect_garbage(platform: Platform, scope: Scope, *, dry_run: bool) -> GarbageReport:
    """Drops days past their retention and deletes attempts that nothing points at; a dry run only says what would go.

    Obsolete documents of applications and runs below the control prefix are deleted too.
    """
    now = datetime.now(UTC)
    safe_age_seconds = scope.settings.deployment.retention.garbage_hours * 3600.0
    context = GarbageContext(scope.system, scope.output_uri, safe_age_seconds, now)
    with held_leases(platform, scope.control_uri, owner=owner_name("garbage")) as leases:
        collector = GarbageCollector(platform.catalog, platform.store, leases=leases, context=context)
        report = collector.collect(retentions_of(scope), dry_run=dry_run)
        if not dry_run:
            collector.collect_heartbeats(scope.control_uri)
            forget_older(platform.store, f"{scope.control_uri}/jobs", now - _JOB_DOCUMENTS_KEPT)
    return report


class GarbageConfig(Config):
    """What the garbage collection may be told in the launchpad."""

    dry_run: bool = Field(default=False, description="Say what would go, change nothing.")


def build_housekeeping(scope: Scope) -> tuple[list[JobDefinition], list[ScheduleDefinition]]:
    """Returns the garbage collection job of a system or snapshot type, and its schedule if the deployment has one."""
    if not scope.collections:
        return [], []

    @op(name=f"{scope.name}_garbage_collection", required_resource_keys={"platform"})
    @told_plainly()
    def collect(context: OpExecutionContext, config: GarbageConfig) -> None:
        report = collect_garbage(context.resources.platform, scope, dry_run=config.dry_run)
        for item in report.removed:
            context.log.info(
                "%s (%s): %s, %d bytes", item.collection, item.reason, item.attempt.location, item.attempt.size_bytes
            )
        for name, day in report.dropped:
            context.log.info("%s %s left the catalog: it is kept no longer", name, day)
        for name, day, error in report.spared:
            context.log.warning("%s %s is spared: %s", name, day, error)
        context.add_output_metadata(
            {
                "removed_attempts": MetadataValue.int(len(report.removed)),
                "removed_bytes": MetadataValue.int(report.removed_bytes),
                "dropped_days": MetadataValue.int(len(report.dropped)),
                "spared_days": MetadataValue.int(len(report.spared)),
                "dry_run": MetadataValue.bool(config.dry_run),
            }
        )

    @job(name=f"{scope.name}_collect_garbage", description="Drops days that are kept no longer, deletes what nothing shows.")
    def housekeeping() -> None:
        collect()

    cron = scope.settings.deployment.retention.schedule
    schedules = [
        ScheduleDefinition(
            name=f"{scope.name}_collect_garbage_schedule",
            job=housekeeping,
            cron_schedule=each,
            execution_timezone="UTC",
            default_status=DefaultScheduleStatus.RUNNING,
        )
        for each in [cron]
        if each
    ]
    return [housekeeping], schedules
