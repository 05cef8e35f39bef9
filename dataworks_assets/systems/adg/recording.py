"""ADG's side of the ledger: the rows of a run, the names they use, and whom it tells of a complete day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.prefixes import fill
from dataworks_assets.ledger.announcing import Announcer, ParametersFile
from dataworks_assets.ledger.entries import DayEntry, EntryStore, RunEntry, expiry_epoch
from dataworks_assets.ledger.errands import ErrandKind, ErrandRunner, ErrandStore
from dataworks_assets.ledger.logs import RunLogs
from dataworks_assets.ledger.metrics import Metrics, age_seconds
from dataworks_assets.ledger.notices import Notifier
from dataworks_assets.ledger.recorder import LedgerBook
from dataworks_assets.systems.adg.correlation import refuse_misfits
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.ledger_repair import LedgerRepair
from dataworks_assets.systems.plan import Request
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.recording import CatalogTruth
from spark.publish.state import newest_days


def configured(scope: AdgScope, day: date) -> frozenset[str]:
    """Returns the names of the collections that have a day at all."""
    return frozenset(name for name, scoped in scope.collections.items() if scoped.has_day(day))


def ledger_book(platform: Platform, scope: AdgScope, notifier: Notifier) -> LedgerBook:
    """Returns what is needed to write the ledger of one snapshot type."""
    config = scope.settings.deployment.ledger
    return LedgerBook(
        config=config,
        product=config.adg,
        tables=platform.status_tables,
        entries=EntryStore(platform.store, scope.control_uri),
        notifier=notifier,
        truth=CatalogTruth(platform, scope, lambda day: configured(scope, date.fromisoformat(day))),
        announcer=_announcer(platform, scope, notifier),
        metrics=_metrics(platform, scope),
        logs=RunLogs(platform.log_groups, config.log_group) if config.log_group else None,
        run_url=platform.run_url,
        reader_name=lambda name: scope.collections[name].job.topic if name in scope.collections else name,
    )


def _metrics(platform: Platform, scope: AdgScope) -> Metrics | None:
    config, gateway = scope.settings.deployment.ledger, platform.gateway
    if gateway is None:
        return None
    return Metrics(config.metrics, config.adg, gateway, platform.store, scope.control_uri)


def push_newest(platform: Platform, scope: AdgScope, *, now: datetime) -> int:
    """Pushes the age of each collection's newest published day as a metric; returns the number of collections.

    Raises:
        CatalogError, LedgerError: the ages cannot be determined, or pushed.
    """
    metrics = _metrics(platform, scope)
    if metrics is None:
        return 0
    newest = newest_days(platform.catalog, [scoped.job for scoped in scope.collections.values()])
    ages = {name: age_seconds(date.fromisoformat(day), now=now) for name, day in newest.items()}
    metrics.newest(scope.name, str(scope.snapshot_type), ages)
    return len(ages)


def ledger_repair(platform: Platform, scope: AdgScope, notifier: Notifier) -> LedgerRepair:
    """Returns what closes the ledger of dead runs of one snapshot type."""
    longest_run = timedelta(seconds=scope.settings.deployment.engine.timeout_seconds)
    return LedgerRepair(ledger_book(platform, scope, notifier), scope.name, longest_run)


def _announcer(platform: Platform, scope: AdgScope, notifier: Notifier) -> Announcer:
    def topic_of(kind: ErrandKind) -> str | None:
        ledger = platform.running.deployment.ledger
        return ledger.pdm.topic_arn() if kind is ErrandKind.PDM else ledger.completion_topic_arn()

    errands = ErrandStore(platform.store, scope.control_uri)
    return Announcer(
        parameters=ParametersFile(platform.store, f"{scope.output_uri}/adg_output/adg_params.csv"),
        runner=ErrandRunner(errands, platform.messenger, topic_of, notifier),
        window=scope.settings.deployment.ledger.pdm.window,
    )


def run_entry(scope: AdgScope, request: Request, *, run_id: str, has_message: bool, now: datetime) -> RunEntry:
    """Returns a run's ledger entry; its days are those that at least one of the collections has.

    Args:
        scope: the snapshot type.
        request: what the run was asked for.
        run_id: id of the Dagster run.
        has_message: whether an export's message started it.
        now: the current time.
    """
    refuse_misfits([request.correlation_id, *request.correlation_ids.values()])
    config = scope.settings.deployment.ledger
    kind = str(scope.snapshot_type)
    names = request.collections or tuple(scope.collections)
    days = [_day_entry(scope, request, day, names, has_message=has_message) for day in sorted(set(request.days))]
    return RunEntry(
        run_id=run_id,
        system=scope.name,
        kind=kind,
        product=config.adg.product(kind),
        started_utc=now,
        expires_epoch=expiry_epoch(now, config.keep_days),
        cluster_id=run_id,
        days=tuple(day for day in days if day.asked),
    )


def _day_entry(scope: AdgScope, request: Request, day: date, names: Sequence[str], *, has_message: bool) -> DayEntry:
    deployment = scope.settings.deployment
    there = configured(scope, day)
    asked = tuple(sorted(there & set(names)))
    correlation_id = request.correlation_id_of(day)
    return DayEntry(
        date=day.isoformat(),
        correlation_id=correlation_id or deployment.ledger.adg.default_correlation_id(str(scope.snapshot_type), day),
        source_prefix=scope.given_prefix(request.s3_prefix)
        or fill(deployment.prefixes.data, export_date=day, snapshot_type=scope.snapshot_type),
        output_prefix=f"{deployment.prefixes.output}/{scope.snapshot_type}/{day.isoformat()}",
        asked=asked,
        is_whole=set(asked) == there,
        tells=_tells(scope, request, has_message=has_message),
    )


def _tells(scope: AdgScope, request: Request, *, has_message: bool) -> bool:
    """Whether downstream is told of a full: as the operator said, else as configured, and then only for an export's message."""
    if scope.snapshot_type is not SnapshotType.FULL:
        return False
    if request.tells is not None:
        return request.tells
    return has_message and not scope.settings.deployment.output.skip_pdm_trigger
