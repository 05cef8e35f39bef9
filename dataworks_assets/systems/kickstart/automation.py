"""Kickstart's automation: the daily schedule, the catch-up sensor, and the alarm for days that are about to expire.

(Annotations are postponed here: no op's configuration is in this module.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import msgspec
from dagster import (
    AssetCheckEvaluation,
    AssetKey,
    AssetSelection,
    DagsterInstance,
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

from dataworks_assets.config.kickstart import PartnerModule
from dataworks_assets.ledger.notices import Notice, NoticeType, Notifier
from dataworks_assets.systems.holds import read_holds
from dataworks_assets.systems.kickstart.access import source_settings
from dataworks_assets.systems.kickstart.days import catch_up_start, days_of, done_days
from dataworks_assets.systems.kickstart.expiry import AtRisk, RuleReader, days_at_risk, s3_rules
from dataworks_assets.systems.kickstart.planner import KickstartPlanner
from dataworks_assets.systems.kickstart.recording import kickstart_repairs
from dataworks_assets.systems.kickstart.scope import KickstartScope, ScopedPartner
from dataworks_assets.systems.ledger_repair import together
from dataworks_assets.systems.plan import Decision, PlannedDay, Request
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.refusals import Refusal, read_refusals
from dataworks_assets.systems.reporting import failed_check_event
from dataworks_assets.systems.runs import RANGE_END_TAG, RANGE_START_TAG, TRIGGER_TAG, in_flight, lately_failed
from spark.contract import Finding
from spark.store import shared_store

_RESOURCES = {"platform"}
_ASSET_JOB = "__ASSET_JOB"
_REST = timedelta(hours=1)
"""How long a day is left alone after a run of it failed for another reason than its data."""
_ASKED_FOR = frozenset({Decision.NEW, Decision.CHANGED, Decision.INCOMPLETE})


def build_kickstart_automation(
    scope: KickstartScope, *, notifier: Notifier
) -> tuple[list[SensorDefinition], list[ScheduleDefinition]]:
    """Returns the sensors and schedules.

    Args:
        scope: Kickstart in this deployment.
        notifier: where notices go.
    """
    sensors = [_catch_up_sensor(scope), _expiry_sensor(scope, notifier), _ledger_sensor(scope, notifier)]
    return sensors, [_schedule(scope, scope.source.schedule)] if scope.source.schedule else []


def _planner(platform: Platform, scope: KickstartScope, today: date) -> KickstartPlanner:
    store = shared_store(source_settings(platform, run_id="sensor"))
    return KickstartPlanner(platform, scope, store, today=today)


def _schedule(scope: KickstartScope, cron: str) -> ScheduleDefinition:
    @schedule(
        cron,
        name="kickstart_schedule",
        description="Catches every module up: from its first incomplete day up to yesterday.",
        job_name=_ASSET_JOB,
        execution_timezone="UTC",
        default_status=DefaultScheduleStatus.RUNNING,
        required_resource_keys=_RESOURCES,
    )
    def daily(context: ScheduleEvaluationContext) -> Iterator[RunRequest | SkipReason]:
        today = context.scheduled_execution_time.astimezone(UTC).date()
        requests = catch_up_requests(context.resources.platform, scope, today=today)
        if not requests:
            yield SkipReason("every day up to yesterday is complete, or held")
        yield from requests

    return daily


def catch_up_requests(platform: Platform, scope: KickstartScope, *, today: date) -> list[RunRequest]:
    """Returns one run per module with an incomplete day: from that day up to yesterday, within the limit for one run."""
    requests = []
    held = read_holds(platform.store, scope)
    for module in scope.modules():
        collections = scope.of_module(module)
        first = catch_up_start(platform, scope, collections, today=today)
        days = days_of(first, today - timedelta(days=1))[: scope.settings.deployment.limits.backfill_days_per_run]
        if days:
            names = [each.name for each in collections if each.name not in held]
            requests.append(_run_request(scope, names, days, trigger="schedule", key=f"{module}-{today}"))
    return requests


def _run_request(
    scope: KickstartScope, names: Sequence[str], days: Sequence[date], *, trigger: str, key: str | None = None
) -> RunRequest:
    tags = {TRIGGER_TAG: trigger, RANGE_START_TAG: days[0].isoformat(), RANGE_END_TAG: days[-1].isoformat()}
    selection = [AssetKey(list(scope.collections[name].key_path)) for name in sorted(names)]
    return RunRequest(run_key=key, asset_selection=selection, tags=tags)


def _catch_up_sensor(scope: KickstartScope) -> SensorDefinition:
    @sensor(
        name="kickstart_catch_up",
        description="Asks for days that the partner delivered and that are not published. Off until it is switched on.",
        asset_selection=_selection(scope),
        minimum_interval_seconds=600,
        default_status=DefaultSensorStatus.STOPPED,
        required_resource_keys=_RESOURCES,
    )
    def catch_up(context: SensorEvaluationContext) -> SensorResult:
        now = datetime.now(UTC)
        planner = _planner(context.resources.platform, scope, now.date())
        return CatchUp(planner).tick(context.instance, now=now)

    return catch_up


@dataclass(frozen=True)
class CatchUp:
    """Requests runs for what can be published. Days that are missing, expired or refused before start no run."""

    planner: KickstartPlanner

    def tick(self, instance: DagsterInstance, *, now: datetime) -> SensorResult:
        """Returns one run per module that has something to do."""
        scope, platform = self.planner.scope, self.planner.platform
        refusals = read_refusals(platform.store, scope)
        apart = in_flight(instance, scope, now=now) | lately_failed(instance, scope, refusals, since=now - _REST)
        requests = []
        for module in scope.modules():
            wanted = list(_in_turn(self._open_days(module), apart, refusals))
            if wanted:
                names = sorted({each.collection.name for each in wanted})
                days = days_of(min(each.day for each in wanted), max(each.day for each in wanted))
                days = days[: scope.settings.deployment.limits.backfill_days_per_run]
                requests.append(_run_request(scope, names, days, trigger="catch_up"))
        reason = None if requests else "what the partner delivered is published, refused, or under way"
        return SensorResult(run_requests=requests, skip_reason=reason)

    def _open_days(self, module: PartnerModule) -> Sequence[PlannedDay]:
        scope, today = self.planner.scope, self.planner.today
        collections = scope.of_module(module)
        first = catch_up_start(self.planner.platform, scope, collections, today=today)
        days = days_of(first, today - timedelta(days=1))
        return self.planner.plan(Request(tuple(each.name for each in collections), days)).days if days else ()


def _in_turn(
    days: Iterable[PlannedDay], apart: Set[tuple[str, date]], refusals: Mapping[tuple[str, str], Refusal]
) -> Iterator[PlannedDay]:
    """Yields what can be published. For tables that follow their source, a new day is left out behind one that cannot be."""
    behind: set[str] = set()
    for planned in days:
        name, is_new = planned.collection.name, planned.decision is Decision.NEW
        is_apart = (name, planned.day) in apart or _is_refused(planned, refusals)
        if planned.decision in _ASKED_FOR and not is_apart and not (is_new and name in behind):
            yield planned
        elif is_new and planned.collection.job.is_in_order:
            behind.add(name)


def _is_refused(planned: PlannedDay, refusals: Mapping[tuple[str, str], Refusal]) -> bool:
    """Whether these inputs and this configuration were refused before, and not only because of an earlier day."""
    refusal = refusals.get((planned.collection.name, planned.day.isoformat()))
    return refusal is not None and not refusal.waited and refusal.is_of(planned.fingerprint, planned.collection.audit_hash)


def _ledger_sensor(scope: KickstartScope, notifier: Notifier) -> SensorDefinition:
    @sensor(
        name="kickstart_ledger",
        description="Brings the status rows of runs that died to their end.",
        minimum_interval_seconds=60,
        default_status=DefaultSensorStatus.RUNNING,
        required_resource_keys=_RESOURCES,
    )
    def ledger(context: SensorEvaluationContext) -> SensorResult:
        now = datetime.now(UTC)
        repairs = kickstart_repairs(context.resources.platform, scope, notifier)  # one a module
        repaired = together(repair.tick(context.instance, now=now) for repair in repairs)
        for problem in repaired.problems:
            context.log.warning("not written: %s", problem)
        return SensorResult(skip_reason=str(repaired))

    return ledger


def _expiry_sensor(scope: KickstartScope, notifier: Notifier) -> SensorDefinition:
    @sensor(
        name="kickstart_expiry",
        description="Tells of days whose files are about to be deleted, and every day of those that are lost.",
        minimum_interval_seconds=3600,
        default_status=DefaultSensorStatus.RUNNING,
        required_resource_keys=_RESOURCES,
    )
    def expiry(context: SensorEvaluationContext) -> SensorResult:
        platform: Platform = context.resources.platform
        planner = _planner(platform, scope, datetime.now(UTC).date())
        rules = s3_rules(scope, source_settings(platform, run_id="sensor"))
        return ExpiryAlarm(planner, notifier, rules).tick(context.cursor)

    return expiry


@dataclass(frozen=True)
class ExpiryAlarm:
    """Sends a notice about each day at risk, once every day while the risk lasts; a lost day also gets a failed check.

    The cursor holds when each was last notified.
    """

    planner: KickstartPlanner
    notifier: Notifier
    rules: RuleReader

    def tick(self, cursor: str | None) -> SensorResult:
        """Judges every day that is neither published nor acknowledged."""
        scope, today = self.planner.scope, self.planner.today
        collections = tuple(scope.collections.values())
        done = done_days(self.planner.platform, scope, collections, today=today)
        risks = days_at_risk(self.planner, collections, done, self.rules())
        told_before = msgspec.json.decode(cursor or "{}", type=dict[str, str])
        told: dict[str, str] = {}
        events: list[AssetCheckEvaluation] = []
        for risk in risks:
            key = f"{risk.collection} {risk.day}"
            told[key] = told_before.get(key, "")
            if told[key] != today.isoformat() and self.notifier.send(_notice(scope.collections[risk.collection], risk)):
                told[key] = today.isoformat()
                events += [_lost_event(scope.collections[risk.collection], risk)] if risk.is_lost else []
        reason = f"at risk: {', '.join(told)}" if told else "no day is about to be lost"
        return SensorResult(skip_reason=reason, cursor=msgspec.json.encode(told).decode(), asset_events=events)


def _notice(scoped: ScopedPartner, risk: AtRisk) -> Notice:
    elements = {"collection": scoped.name, "day": risk.day.isoformat()}
    give_up = f"dataworks kickstart acknowledge {scoped.name} --day {risk.day} --reason ..."
    if risk.last_day is None:
        remedy = f"Ask the partner to deliver it again, or acknowledge the loss: {give_up}"
        return Notice(
            NoticeType.ERROR, f"{scoped.name} of {risk.day} is lost: its source expired", {**elements, "what to do": remedy}
        )
    elements |= {"last day": risk.last_day.isoformat()}
    remedy = f"Publish it: dataworks kickstart run --module {scoped.config.module} --start {risk.day}"
    return Notice(NoticeType.WARNING, f"{scoped.name} of {risk.day} is about to expire", {**elements, "what to do": remedy})


def _lost_event(scoped: ScopedPartner, risk: AtRisk) -> AssetCheckEvaluation:
    finding = Finding(
        check="expired",
        passed=False,
        place=risk.day.isoformat(),
        cause="the day was never published, and its source expired",
        remedy=f"Ask the partner to deliver it again, or: dataworks kickstart acknowledge {scoped.name} --day {risk.day}",
    )
    return failed_check_event(AssetKey(list(scoped.key_path)), risk.day.isoformat(), finding)


def _selection(scope: KickstartScope) -> AssetSelection:
    return AssetSelection.assets(*(AssetKey(list(scoped.key_path)) for scoped in scope.collections.values()))
