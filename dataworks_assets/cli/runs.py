"""Carries out a run through Dagster in this process, so that it is recorded, and reads back the outcome of each day."""

from __future__ import annotations

import re
import signal
import threading
import time
import uuid
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from dataworks_assets.cli.code_location import REPOSITORY_TAG, belongs_here
from dataworks_assets.cli.dagster_home import PROCESS_TAG, open_instance, process_tag
from dataworks_assets.cli.hints import as_typed
from dataworks_assets.cli.live import WatchedEngine, Watcher, watching
from dataworks_assets.cli.notices import notices_shown
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.systems.acts import ACT_TAG
from dataworks_assets.systems.runs import RANGE_END_TAG, RANGE_START_TAG, is_cancelled
from dataworks_assets.systems.scope import Scope

if TYPE_CHECKING:
    from dagster import AssetCheckEvaluation, AssetMaterialization, DagsterInstance, EventLogEntry, ExecuteInProcessResult

    from dataworks_assets.systems.platform import Platform

_LONGEST_CAUSE = 2_000
_LOOK_SECONDS = 2.0
_INTERRUPTED = "Interrupted. What was published stays; nothing is published half. `dataworks status` shows it"
_CANCELLED = (
    "in Dagster, or with its cluster: `dataworks ledger acts` says who stopped one. What was published stays; run it again"
    " when it is wanted"
)


@dataclass(frozen=True)
class RunRequest:
    """One run: collections of one system or snapshot type over one range of days, with its run configuration."""

    scope: Scope
    collections: tuple[str, ...]
    first_day: date
    last_day: date
    options: dict[str, Any] = field(default_factory=dict)
    """Fields of the asset's run configuration; None means unset."""
    act: str = ""
    """The operator's act that starts it, if there is one."""

    @property
    def asset_keys(self) -> list[list[str]]:
        """The keys of the assets."""
        return [list(self.scope.collections[name].key_path) for name in self.collections]

    @property
    def tags(self) -> dict[str, str]:
        """The tags by which Dagster knows a range of partitions, and that of the act."""
        return {
            RANGE_START_TAG: self.first_day.isoformat(),
            RANGE_END_TAG: self.last_day.isoformat(),
            **({ACT_TAG: self.act} if self.act else {}),
        }

    @property
    def configuration(self) -> dict[str, Any]:
        """The run configuration."""
        said = {name: value for name, value in self.options.items() if value is not None}
        return {"ops": {self.scope.name: {"config": said}}}

    @property
    def title(self) -> str:
        """What is shown while it runs."""
        days = f"{self.first_day}" if self.first_day == self.last_day else f"{self.first_day} to {self.last_day}"
        return f"{self.scope.name} {days}"


@dataclass(frozen=True)
class DayOutcome:
    """What a run did with one collection's day. `state` is published, unchanged or refused; `cause` why it is not published."""

    scope: str
    collection: str
    day: str
    state: str
    rows: int = 0
    files: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    seconds: float = 0.0
    check: str = ""
    cause: str = ""
    remedy: str = ""
    where: str = ""


@dataclass(frozen=True)
class RunReport:
    """How a run ended; `error` is what it said of itself where it did not end well."""

    run_id: str
    succeeded: bool
    seconds: float
    days: tuple[DayOutcome, ...]
    error: str = ""
    was_cancelled: bool = False

    def of_state(self, state: str) -> tuple[DayOutcome, ...]:
        """Returns the days of one state."""
        return tuple(day for day in self.days if day.state == state)


def run_here(workplace: Workplace, request: RunRequest) -> RunReport:
    """Carries out a run in this process and returns what became of it; one that failed or was cancelled is a report.

    Raises:
        KeyboardInterrupt: this process was interrupted; the run is recorded as such, and what it had published stays.
    """
    _ = workplace.platform  # the stack's addresses are in the environment then, for the logs of Dagster
    with (
        open_instance(workplace.settings) as instance,
        notices_shown(workplace.notes),
        watching(workplace.notes, request.title) as watch,
    ):
        started_seconds = time.monotonic()
        result = _execute(workplace, request, instance, watch)
        seconds = time.monotonic() - started_seconds
        was_cancelled = is_cancelled(instance, result.run_id)
        if _was_interrupted(result) and not was_cancelled:
            _report_cancelled(instance, result.run_id)
            workplace.notes.print(as_typed(_INTERRUPTED), soft_wrap=True)
            raise KeyboardInterrupt
        return RunReport(
            run_id=result.run_id,
            succeeded=result.success,
            seconds=seconds,
            days=tuple(_outcomes(instance, result.run_id, request.scope)),
            error="" if result.success else _CANCELLED if was_cancelled else _error(result),
            was_cancelled=was_cancelled,
        )


def _execute(workplace: Workplace, request: RunRequest, instance: DagsterInstance, watch: Watcher) -> ExecuteInProcessResult:
    from dagster import AssetKey

    from dataworks_assets.definitions import build_definitions

    with _watched(workplace.platform, watch) as platform, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Dagster's own parts that are in preview
        repository = build_definitions(settings=workplace.settings, platform=platform).get_repository_def()
        keys = [AssetKey(path) for path in request.asset_keys]
        job = repository.get_implicit_job_def_for_assets(keys)
        assert job is not None  # noqa: S101 - assets of one multi-asset always have one
        run_id = str(uuid.uuid4())
        instance.add_event_listener(run_id, belongs_here(instance, run_id))
        with _interrupted_when_cancelled(instance, run_id):
            return job.execute_in_process(
                instance=instance,
                asset_selection=keys,
                run_config={**request.configuration, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                tags={**request.tags, **REPOSITORY_TAG, PROCESS_TAG: process_tag(), "dagster/max_retries": "0"},
                raise_on_error=False,
                run_id=run_id,
            )


def _report_cancelled(instance: DagsterInstance, run_id: str) -> None:
    """Says of a run that whoever had its command interrupted wanted its end: Dagster takes it for a failure."""
    if (run := instance.get_run_by_id(run_id)) is not None:
        instance.report_run_canceled(run, "The command that carried the run out was interrupted.")


@contextmanager
def _interrupted_when_cancelled(instance: DagsterInstance, run_id: str) -> Iterator[None]:
    """Interrupts the run in this thread once somebody cancels it: in the UI, or with its cluster.

    Dagster reaches only runs that it has launched itself.
    """
    from sqlalchemy.exc import SQLAlchemyError

    over, runs_in = threading.Event(), threading.get_ident()

    def look() -> None:
        while not over.wait(_LOOK_SECONDS):
            with suppress(SQLAlchemyError):  # the run itself says so, if its storage is gone for longer
                if is_cancelled(instance, run_id):
                    signal.pthread_kill(runs_in, signal.SIGINT)
                    return

    watcher = threading.Thread(target=look, name="cancellation", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


@contextmanager
def _watched(platform: Platform, watch: Watcher) -> Iterator[Platform]:
    """Lets the platform's engine show its messages while the block runs."""
    engine = platform.engine
    platform.engine = WatchedEngine(engine, watch)
    try:
        yield platform
    finally:
        platform.engine = engine


def _outcomes(instance: DagsterInstance, run_id: str, scope: Scope) -> Iterator[DayOutcome]:
    """Yields each collection's day of a run once: what was materialized, then what was refused."""
    from dagster import DagsterEventType

    names = {scoped.key_path: name for name, scoped in scope.collections.items()}
    for entry in _entries(instance, run_id, DagsterEventType.ASSET_MATERIALIZATION):
        event = entry.asset_materialization
        if event is not None and tuple(event.asset_key.path) in names:
            yield _published(scope, names[tuple(event.asset_key.path)], event)
    for entry in _entries(instance, run_id, DagsterEventType.ASSET_CHECK_EVALUATION):
        check = entry.asset_check_evaluation
        if check is not None and not check.passed and tuple(check.asset_key.path) in names:
            yield _refused(scope, names[tuple(check.asset_key.path)], check)


def _entries(instance: DagsterInstance, run_id: str, kind: Any) -> Sequence[EventLogEntry]:
    return instance.all_logs(run_id, of_type=kind)


def _published(scope: Scope, name: str, event: AssetMaterialization) -> DayOutcome:
    def value(key: str) -> Any:
        found = event.metadata.get(key)
        return 0 if found is None else found.value

    is_unchanged = bool(value("unchanged"))
    return DayOutcome(
        scope=scope.name,
        collection=name,
        day=event.partition or "",
        state="unchanged" if is_unchanged else "published",
        cause=str(value("reason")) if is_unchanged else "",
        rows=value("rows"),
        files=value("files"),
        input_bytes=value("input_bytes"),
        output_bytes=value("output_bytes"),
        seconds=value("seconds"),
    )


def _refused(scope: Scope, name: str, check: AssetCheckEvaluation) -> DayOutcome:
    from dagster import TableMetadataValue

    evidence = check.metadata.get("evidence")
    records = evidence.records if isinstance(evidence, TableMetadataValue) else []
    first: dict[str, Any] = dict(records[0].data) if records else {"cause": check.description or ""}
    return DayOutcome(
        scope=scope.name,
        collection=name,
        day=check.partition or "",
        state="refused",
        check=str(first.get("check", "")),
        cause=str(first.get("cause", "")),
        remedy=str(first.get("remedy", "")),
        where=", ".join(str(first[key]) for key in ("object", "place") if first.get(key)),
    )


def _was_interrupted(result: ExecuteInProcessResult) -> bool:
    """Whether a signal ended the run: Dagster takes it for an error of the step."""
    errors = [event.step_failure_data.error for event in result.all_events if event.is_step_failure]
    return any(error is not None and error.cls_name == "DagsterExecutionInterruptedError" for error in errors)


_OWN_ERROR = re.compile(r"^(spark|dataworks_assets)(\.\w+)+: ")
"""The class before a message that says all: an error of the platform's own."""


def _error(result: ExecuteInProcessResult) -> str:
    """Returns what the failed step said, else what the run said."""
    from dagster import DagsterEventType

    for event in result.all_events:
        if event.event_type is DagsterEventType.STEP_FAILURE:
            data = event.step_failure_data
            said = data.user_failure_data.description if data.user_failure_data else None
            error = data.error
            cause = error.cause.message if error and error.cause else error.message if error else ""
            return _OWN_ERROR.sub("", (said or cause).strip())[:_LONGEST_CAUSE]
    failures = [event.message for event in result.all_events if event.is_failure and event.message]
    return failures[-1] if failures else "the run ended without a word"
