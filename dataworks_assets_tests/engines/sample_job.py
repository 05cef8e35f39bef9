"""A job whose behaviour is the name of its system: what the engines' behaviour suite submits."""

from __future__ import annotations

import os
import sys
import time

from spark.contract import JobParameters, JobResult, PartitionResult, PartitionState
from spark.errors import InputError
from spark.jobs.cluster import Cluster
from spark.jobs.progress import Reporter

TASKS = 8


def run(parameters: JobParameters, cluster: Cluster, reporter: Reporter) -> JobResult:
    """The entry point that `runner.find_job` looks for."""
    reporter.begin(files=TASKS, total_bytes=TASKS * 10, partitions=TASKS)
    _BEHAVIOURS[parameters.system](cluster, reporter)
    finished = tuple(sorted(reporter.finished_partitions, key=lambda result: result.collection))
    return JobResult(run_id=parameters.run_id, partitions=finished, seconds=reporter.seconds)


def _done(cluster: Cluster, reporter: Reporter) -> None:
    for number in cluster.run(_square, range(TASKS), name="squares"):
        reporter.advance(files=1, read_bytes=10)
        reporter.finished(partition(number))


def _slow(cluster: Cluster, reporter: Reporter) -> None:
    for number in cluster.run(_slow_square, range(TASKS), name="slow squares"):
        reporter.advance(files=1, read_bytes=10)
        reporter.finished(partition(number))


def canary() -> str:
    """A text that stands in no source file."""
    return "-".join(["canary"] * 3)


def _keeps_a_secret(cluster: Cluster, reporter: Reporter) -> None:
    held = [f"{canary()}-{number}" * 100_000 for number in range(TASKS)]
    for length in cluster.run(_hold, held, name="secrets"):
        reporter.finished(partition(length))


def _raises(cluster: Cluster, reporter: Reporter) -> None:
    del cluster
    reporter.finished(partition(4))
    raise InputError("the sample is bad", where="s3://sample/object", remedy="Mend the sample")


def _crashes(cluster: Cluster, reporter: Reporter) -> None:
    del cluster
    reporter.finished(partition(4))
    sys.stderr.write("last words of the driver\n")
    os._exit(7)


def _vanishes(cluster: Cluster, reporter: Reporter) -> None:
    del cluster, reporter
    os._exit(0)


def _sleeps(cluster: Cluster, reporter: Reporter) -> None:
    for number in cluster.run(_sleep, range(2), name="sleeps"):
        reporter.finished(partition(number))


def _hold(secret: str) -> int:
    time.sleep(0.5)
    return len(secret)


def _square(number: int) -> int:
    return number * number


def _slow_square(number: int) -> int:
    time.sleep(1.0)
    return number * number


def _sleep(number: int) -> int:
    time.sleep(120)
    return number


def partition(rows: int) -> PartitionResult:
    return PartitionResult(
        collection=f"sample/c{rows:03}",
        export_date="2026-11-20",
        attempt="a",
        state=PartitionState.PUBLISHED,
        fingerprint="f",
        config_hash="h",
        rows=rows,
    )


_BEHAVIOURS = {
    "done": _done,
    "slow": _slow,
    "secret": _keeps_a_secret,
    "raises": _raises,
    "crashes": _crashes,
    "vanishes": _vanishes,
    "sleeps": _sleeps,
}
