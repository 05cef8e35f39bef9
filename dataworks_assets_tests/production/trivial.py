"""A code location: an asset whose days write down when they began and were done, and wait while a file says so."""

import json
import os
import time
from pathlib import Path

from dagster import (
    AssetExecutionContext,
    BackfillPolicy,
    Definitions,
    MaterializeResult,
    StaticPartitionsDefinition,
    asset,
    definitions,
    in_process_executor,
)

DAYS = tuple(f"2026-11-{day:02d}" for day in range(1, 5))
JOURNAL = "TRIVIAL_JOURNAL"
HOLD = "TRIVIAL_HOLD"


@asset(partitions_def=StaticPartitionsDefinition(DAYS), backfill_policy=BackfillPolicy.multi_run(1))
def trivial(context: AssetExecutionContext) -> MaterializeResult:
    """Waits; nothing else."""
    _note("begun", context)
    while Path(os.environ[HOLD]).exists():
        time.sleep(0.1)
    _note("done", context)
    print("a line for the log")  # noqa: T201 - what the compute log is to hold
    return MaterializeResult()


def _note(what: str, context: AssetExecutionContext) -> None:
    line = {"what": what, "day": context.partition_key, "at": time.time(), "run": context.run.run_id, "pid": os.getpid()}
    with Path(os.environ[JOURNAL]).open("a") as journal:
        journal.write(json.dumps(line) + "\n")


@definitions
def defs() -> Definitions:
    """One asset."""
    return Definitions(assets=[trivial], executor=in_process_executor)
