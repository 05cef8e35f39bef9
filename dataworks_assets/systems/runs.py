"""Which Dagster runs concern which collections and days, whoever started them; read from the runs themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunRecord, RunsFilter

from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.systems.refusals import Refusal
from dataworks_assets.systems.scope import Scope
from spark.contract import PartitionState

PARTITION_TAG = "dagster/partition"
RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"
TRIGGER_TAG = "dataworks/trigger"
"""Run tag that says what started the run: `message`, `schedule`, `catch_up` or `restart`; absent if started by hand."""
MESSAGE_TRIGGER = "message"
RESTART_TAG = "dataworks/restart"
"""Run tag of a run that starts a day anew: the id of the operator's act that asked for it."""

_UNFINISHED = (
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
)
_ENDED_BADLY = (DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED)
_WILL_RETRY_TAG, _RETRY_RUN_TAG = "dagster/will_retry", "dagster/auto_retry_run_id"
_ROOT_TAG, _RESUME_TAGS = "dagster/root_run_id", ("dagster/is_resume_retry", "dagster/is_asset_resume_retry")
_RETRY_COMES_WITHIN = timedelta(minutes=10)
_ASSET_JOB = "__ASSET_JOB"

CollectionDay = tuple[str, date]
"""A collection's name and an export date."""


def export_tag(snapshot_type: SnapshotType, day: date) -> str:
    """Returns the key of the run tag whose value is the digest of the message for which a run does the day."""
    return f"dataworks/export.{snapshot_type}.{day.isoformat()}"


class MessageState(StrEnum):
    """Whether a message still needs a run, has one, or is done with."""

    TO_START = "to start"
    IN_FLIGHT = "in flight"
    ENDED = "ended"


@dataclass(frozen=True)
class MessageRun:
    """What has become of a message."""

    state: MessageState
    run_id: str = ""
    outcome: str = ""


def gone_on_with(instance: DagsterInstance, run: DagsterRun) -> frozenset[str]:
    """Returns the ids of the earlier tries if the run is a retry from failure; none for any other run."""
    root = run.root_run_id
    if root is None or not any(run.tags.get(tag) == "true" for tag in _RESUME_TAGS):
        return frozenset()
    tries = instance.get_runs(RunsFilter(tags={_ROOT_TAG: root}))
    return frozenset({root, *(each.run_id for each in tries)} - {run.run_id})


def is_cancelled(instance: DagsterInstance, run_id: str) -> bool:
    """Whether somebody asked for the run to end, even if its process does not know yet."""
    run = instance.get_run_by_id(run_id)
    return run is not None and run.status in {DagsterRunStatus.CANCELING, DagsterRunStatus.CANCELED}


def in_flight(instance: DagsterInstance, scope: Scope, *, now: datetime) -> frozenset[CollectionDay]:
    """Returns every collection and day that a run is doing or about to do."""
    runs = instance.get_runs(RunsFilter(statuses=list(_UNFINISHED)))
    failed = instance.get_run_records(
        RunsFilter(statuses=[DagsterRunStatus.FAILURE], tags={_WILL_RETRY_TAG: "true"}, updated_after=now - _RETRY_COMES_WITHIN)
    )
    return _work(scope, [*runs, *(record.dagster_run for record in failed if _awaits_retry(record, now))])


def lately_failed(
    instance: DagsterInstance, scope: Scope, refusals: Mapping[tuple[str, str], Refusal], *, since: datetime
) -> frozenset[CollectionDay]:
    """Returns every collection and day whose run failed or was cancelled since then, except days refused for their data.

    A refused day waits for other inputs or another configuration, not for time to pass.
    """
    return frozenset(
        (name, day)
        for record in instance.get_run_records(RunsFilter(statuses=list(_ENDED_BADLY), updated_after=since))
        for name, day in _work(scope, [record.dagster_run])
        if not _came_to_refusal(record, refusals.get((name, day.isoformat())))
    )


def _came_to_refusal(record: RunRecord, refusal: Refusal | None) -> bool:
    """Whether this run, or a later one, refused the day for its data."""
    if refusal is None or refusal.state is not PartitionState.REFUSED:
        return False
    return refusal.run_id == record.dagster_run.run_id or datetime.fromisoformat(refusal.refused_utc) >= _ended_utc(record)


def run_of_message(instance: DagsterInstance, tag: tuple[str, str], *, kept_utc: datetime, now: datetime) -> MessageRun:
    """Returns what has become of a message.

    It is done with once a run for it has succeeded, or has failed after the message came; a message that comes after a
    failure asks for another run.

    Args:
        instance: holds the runs.
        tag: the key and value by which the message's runs are found.
        kept_utc: when the message came.
        now: the current time.
    """
    records = instance.get_run_records(RunsFilter(tags=dict([tag])), limit=1)
    if not records:
        return MessageRun(MessageState.TO_START)
    latest = records[0]
    run_id, status = latest.dagster_run.run_id, latest.dagster_run.status
    if status in _UNFINISHED or _awaits_retry(latest, now):
        return MessageRun(MessageState.IN_FLIGHT, run_id)
    if status in _ENDED_BADLY and kept_utc > _ended_utc(latest):
        return MessageRun(MessageState.TO_START)
    return MessageRun(MessageState.ENDED, run_id, status.value.lower())


def _awaits_retry(record: RunRecord, now: datetime) -> bool:
    """Whether Dagster is about to start a retry of a failed run."""
    run = record.dagster_run
    announced = run.tags.get(_WILL_RETRY_TAG) == "true" and _RETRY_RUN_TAG not in run.tags
    return announced and run.status is DagsterRunStatus.FAILURE and now - _ended_utc(record) < _RETRY_COMES_WITHIN


def _ended_utc(record: RunRecord) -> datetime:
    return datetime.fromtimestamp(record.end_time, UTC) if record.end_time else record.update_timestamp.astimezone(UTC)


def _work(scope: Scope, runs: Iterable[DagsterRun]) -> frozenset[CollectionDay]:
    return frozenset((name, day) for run in runs for name in run_collections(scope, run) for day in run_days(run.tags))


def run_collections(scope: Scope, run: DagsterRun) -> set[str]:
    """Returns a run's collections of this snapshot type; a run of the asset job without a selection does all."""
    if run.asset_selection is None:
        return set(scope.collections) if run.job_name.startswith(_ASSET_JOB) else set()
    paths = {tuple(key.path) for key in run.asset_selection}
    return {name for name, scoped in scope.collections.items() if scoped.key_path in paths}


def run_days(tags: Mapping[str, str]) -> list[date]:
    """Returns the export dates that a run is for, by its tags; unlike `context.partition_keys`, of any mixture of assets."""
    if PARTITION_TAG in tags:
        return _dates(tags[PARTITION_TAG], tags[PARTITION_TAG])
    if RANGE_START_TAG in tags and RANGE_END_TAG in tags:
        return _dates(tags[RANGE_START_TAG], tags[RANGE_END_TAG])
    return []


def _dates(first: str, last: str) -> list[date]:
    try:
        start, end = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:  # a partition of another kind: not an export date
        return []
    return [start + timedelta(days=index) for index in range((end - start).days + 1)]
