"""Ids of many documents against their manifests and for duplicates: what they cost, and that none comes to the driver."""

from __future__ import annotations

from dataclasses import replace

from bench.findings import Row, Section, Surroundings
from bench.place import open_session
from bench.production import WatchedCluster, collection_of, prepare_day, run_day, run_day_on
from bench.race import Contender, race
from spark.contract import JobParameters, JobResult, Layout
from spark.jobs.cluster import SparkCluster

_WITH, _WITHOUT = "ids compared", "ids not compared"
_MOST_BYTES_A_FILE = 10_000


def measure(around: Surroundings) -> Section:
    """Reads many small documents with their ids compared and without, in turns."""
    around.say(f"Ids: writing {around.sizes.ids.files} files of small documents")
    export = around.place.write("ids", around.sizes.ids)
    warm_up = around.place.write("ids-warm-up", replace(around.sizes.ids, files=4, file_bytes=200_000, seed=2))
    results: list[JobResult] = []
    received: list[int] = []
    try:
        with open_session(around.place) as session:
            context = session.sparkContext

            def run(prepared: object) -> None:
                assert isinstance(prepared, JobParameters)  # noqa: S101 - what `prepare` gave
                cluster = WatchedCluster(SparkCluster(context))
                result = run_day_on(cluster, prepared)
                if prepared.partitions[0].files[0].manifest is not None:
                    results.append(result)
                    received.append(cluster.received_bytes)

            def contender(name: str, *, compared: bool) -> Contender:
                chosen = export if compared else export.without_manifests()
                collection = collection_of(Layout.RAW, unique_ids=compared)
                return Contender(
                    name,
                    prepare=lambda: prepare_day(around.place, chosen, collection),
                    run=run,
                    clean=lambda made: around.place.remove(made.output_uri) if isinstance(made, JobParameters) else None,
                )

            run_day(context, prepare_day(around.place, warm_up, collection_of(Layout.RAW)))
            contenders = [contender(_WITHOUT, compared=False), contender(_WITH, compared=True)]
            timings = race(contenders, rounds=around.sizes.rounds, say=around.say)
    finally:
        around.place.remove_export(export)
        around.place.remove_export(warm_up)
    more = 1 - 1 / timings.times_faster(_WITHOUT, _WITH)[0]
    return Section(
        title="Ids",
        rows=(_driver_row(max(received), len(export.files), export.rows), _share_row(results[-1], more, export.rows)),
        inputs=f"{export.rows:,} documents in {len(export.files)} files; {around.sizes.rounds} rounds",
    )


def _driver_row(received_bytes: int, files: int, rows: int) -> Row:
    return Row(
        measure=f"ids of {rows:,} documents in {files} files: bytes that tasks sent to the driver",
        result=f"{received_bytes:,} bytes, {received_bytes / files:,.0f} a file",
        target=f"no ids: < {_MOST_BYTES_A_FILE:,} bytes a file",
        reached=received_bytes < _MOST_BYTES_A_FILE * files,
        note=f"the ids alone would be {rows * 36 / 1e6:,.0f} MB",
    )


def _share_row(result: JobResult, more: float, rows: int) -> Row:
    seconds = result.stage_seconds
    within = seconds["ids (task seconds)"] / seconds["tasks (task seconds)"]
    return Row(
        measure=f"ids of {rows:,} documents: share of the run's time",
        result=f"{more:.0%} of the clock",
        note=f"against a run that compares none; {within:.0%} of the tasks' time by their own count",
    )
