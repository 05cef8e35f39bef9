"""Runs that failed before they could open their ledger, because the code location was down or the machine had no room."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dagster import DagsterInstance, DagsterRunStatus, RunRecord, RunsFilter

from dataworks_assets.ledger.entries import RunEntry
from dataworks_assets.ledger.recorder import LedgerBook
from dataworks_assets.systems.adg.recording import run_entry
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.plan import Request
from dataworks_assets.systems.runs import MESSAGE_TRIGGER, TRIGGER_TAG, run_collections, run_days

_OVERLAP = timedelta(minutes=10)
"""Allowance for differing clocks, and for events that Dagster writes late."""


def take_up_lost_runs(book: LedgerBook, scope: AdgScope, instance: DagsterInstance, *, since: datetime) -> int:
    """Opens the ledger of runs that failed without having opened it; the repair then brings it to its end.

    Args:
        book: what is written where.
        scope: the snapshot type.
        instance: holds the runs.
        since: runs that ended before this (less a small allowance) were already looked at.

    Returns:
        The number of such runs.
    """
    failed = RunsFilter(statuses=[DagsterRunStatus.FAILURE], updated_after=since - _OVERLAP)
    entries = [entry for record in instance.get_run_records(failed) if (entry := _entry(scope, record)) is not None]
    lost = [entry for entry in entries if not (book.entries.is_closed(entry.name) or book.entries.is_open(entry.name))]
    for entry in lost:
        book.entries.keep(entry)
    return len(lost)


def _entry(scope: AdgScope, record: RunRecord) -> RunEntry | None:
    """Returns the ledger entry that a run would have had; None if it is not about this snapshot type."""
    run = record.dagster_run
    names, days = run_collections(scope, run), run_days(run.tags)
    if not names or not days:
        return None
    run_config: Mapping[str, Any] = run.run_config
    said: Mapping[str, Any] = run_config.get("ops", {}).get(scope.name, {}).get("config", {})
    request = Request(
        collections=tuple(sorted(names)),
        days=tuple(days),
        correlation_id=said.get("correlation_id", ""),
        correlation_ids=said.get("correlation_ids", {}),
        s3_prefix=said.get("s3_prefix"),
    )
    has_message = run.tags.get(TRIGGER_TAG) == MESSAGE_TRIGGER
    began = record.create_timestamp.astimezone(UTC)
    entry = run_entry(scope, request, run_id=run.run_id, has_message=has_message, now=began)
    return entry if entry.days else None
