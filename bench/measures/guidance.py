"""Guidance in seconds, of a quiet machine with two cores: a day of many small collections, with Dagster around it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from bench.deployments import SMALL, add_collections, configure, write_day
from bench.findings import Row, Section, Surroundings
from bench.place import OUTPUT_URI
from bench.race import Say, Stopwatch, stopwatch
from dataworks_assets.cli.runs import RunRequest, run_here
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.engines.base import Application, Engine
from dataworks_assets.engines.channel import Channel
from dataworks_assets.engines.properties import PROJECT_FOLDER
from dataworks_assets.engines.submission import Submission
from spark.contract import JobResult
from spark.errors import EngineError
from spark.jobs.progress import Message
from spark.publish.catalog import Pointer, TableColumn, TableDefinition
from spark.publish.catalogs import open_catalog
from spark.publish.parallel import in_parallel

_DEPLOYMENT = "bench"
_APPLICATION_SECONDS, _ALL_SECONDS, _UNCHANGED_SECONDS = 60, 90, 15
_PARTITIONS_SECONDS, _LOCATION_SECONDS = 10, 5
_LOAD = "from dataworks_assets.definitions import defs; defs().get_repository_def()"


def measure(around: Surroundings) -> Section:
    """Publishes a day of many collections, twice; registers partitions; loads a code location."""
    sizes = around.sizes
    rows = [
        *_day_rows(around, sizes.day_collections),
        _partitions_row(around, sizes.partitions),
        _location_row(around, sizes.location_collections),
    ]
    inputs = (
        f"{sizes.day_collections} collections x 2 files of {SMALL.file_bytes / 1e3:.0f} kB of JSON; one run each, no repeats"
    )
    return Section(title="Guidance in seconds, for a quiet machine of 2 cores", rows=tuple(rows), inputs=inputs)


@dataclass(frozen=True)
class _Timed(Engine):
    """An engine that notes how long its applications took."""

    engine: Engine
    watches: list[Stopwatch]

    def submit(self, submission: Submission, arguments: Sequence[str], emit: Callable[[Message], None]) -> Application:
        """See `Engine.submit`."""
        return self.engine.submit(submission, arguments, emit)

    def run(
        self, submission: Submission, *, on_message: Callable[[Message], None], channel: Channel | None = None
    ) -> JobResult:
        """See `Engine.run`."""
        with stopwatch() as watch:
            result = self.engine.run(submission, on_message=on_message, channel=channel)
        self.watches.append(watch)
        return result


def _day_rows(around: Surroundings, collections: int) -> list[Row]:
    folder = around.place.state.home / "day"
    day = datetime.now(UTC).date() - timedelta(days=1)
    workplace = configure(folder, _DEPLOYMENT, first_day=day)
    add_collections(folder, collections)
    around.say(f"Guidance: writing {collections} collections")
    write_day(around.place, workplace, day)
    watches: list[Stopwatch] = []
    workplace.platform.engine = _Timed(workplace.platform.engine, watches)
    scope = workplace.scope(SnapshotType.FULL)
    request = RunRequest(scope, tuple(scope.collections), day, day)
    first = _run(workplace, request, "published", say=around.say)
    again = _run(workplace, request, "unchanged", say=around.say)
    (application,) = watches
    around_it = Stopwatch(first.seconds - application.seconds, first.processor_seconds - application.processor_seconds)
    name = f"{collections} collections of one day"
    return [
        _seconds_row(f"{name} published, application (from `spark-submit` to its end)", application, _APPLICATION_SECONDS),
        _seconds_row(f"{name} published, planning and Dagster's events", around_it, None),
        _seconds_row(f"{name} published, in all", first, _ALL_SECONDS),
        _seconds_row(f"{name} unchanged, in all", again, _UNCHANGED_SECONDS),
    ]


def _run(workplace: Workplace, request: RunRequest, state: str, *, say: Say) -> Stopwatch:
    with stopwatch() as watch:
        report = run_here(workplace, request)
    if len(report.of_state(state)) != len(request.collections):
        raise EngineError(f"not every collection is {state}: {report.error}", where=report.run_id)
    say(f"  {len(request.collections)} {state}: {watch.seconds:.1f} s")
    return watch


def _partitions_row(around: Surroundings, partitions: int) -> Row:
    around.say(f"Guidance: registering {partitions} partitions")
    catalog = open_catalog(around.place.catalog_settings)
    folder = f"{OUTPUT_URI}/partitions"
    first = date(2020, 1, 1)
    pointers = [_pointer(folder, (first + timedelta(days=number)).isoformat()) for number in range(partitions)]
    in_parallel(lambda pointer: around.place.store.put(f"{pointer.location}/part-0.parquet", b""), pointers)
    catalog.ensure_database(_DEPLOYMENT, location_uri=folder)
    columns = (TableColumn("id", "string"), TableColumn("record", "string"))
    catalog.ensure_table(TableDefinition(_DEPLOYMENT, "many_days", columns, "export_date", folder))
    with stopwatch() as watch:
        catalog.switch(_DEPLOYMENT, "many_days", pointers)
    around.place.remove(folder)
    return _seconds_row(f"{partitions:,} partitions registered", watch, _PARTITIONS_SECONDS)


def _pointer(folder: str, partition: str) -> Pointer:
    return Pointer(
        partition=partition,
        location=f"{folder}/{partition}",
        attempt="bench",
        fingerprint="f",
        epoch=1,
        run_id="bench",
        rows=0,
        config_hash="c",
        published_utc=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _location_row(around: Surroundings, collections: int) -> Row:
    folder = around.place.state.home / "location"
    configure(folder, _DEPLOYMENT, first_day=date(2026, 11, 1))
    add_collections(folder, collections)
    with stopwatch() as watch:
        subprocess.run([sys.executable, "-W", "ignore", "-c", _LOAD], check=True, cwd=PROJECT_FOLDER)
    return _seconds_row(
        f"code location with {collections:,} collections loaded, Python started for it", watch, _LOCATION_SECONDS
    )


def _seconds_row(measure: str, watch: Stopwatch, most: int | None) -> Row:
    return Row(
        measure=measure,
        result=f"{watch.seconds:.1f} s",
        target=f"< {most} s" if most else "",
        reached=watch.seconds < most if most else None,
        note=f"{watch.processor_seconds:.1f} s of processor time",
    )
