"""Guidance in seconds, of a quiet machine with two cores: a day of many small collections, with Dagster around it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import yaml
from rich.console import Console

from bench.findings import Row, Section, Surroundings
from bench.place import OUTPUT_URI
from bench.race import Say, Stopwatch, stopwatch
from dataworks_assets.cli.runs import RunRequest, run_here
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.config.files import PACKAGED
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.engines.base import Application, Engine
from dataworks_assets.engines.channel import Channel
from dataworks_assets.engines.properties import PROJECT_FOLDER
from dataworks_assets.engines.submission import Submission
from dataworks_assets.stack.sample.bench import BenchRequest, write_bench_export
from dataworks_assets.stack.sample.wire import Destination
from spark.contract import JobResult
from spark.errors import EngineError
from spark.jobs.progress import Message
from spark.publish.catalog import Pointer, TableColumn, TableDefinition
from spark.publish.catalogs import open_catalog
from spark.publish.parallel import in_parallel

_DEPLOYMENT = "bench"
_SMALL = BenchRequest(files=2, file_bytes=20_000)
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
        f"{sizes.day_collections} collections x 2 files of {_SMALL.file_bytes / 1e3:.0f} kB of JSON; one run each, no repeats"
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
    home = around.place.state.home
    day = datetime.now(UTC).date() - timedelta(days=1)
    _configure(home / "day", collections, first_day=day)
    workplace = Workplace(_DEPLOYMENT, notes=Console(file=io.StringIO()))
    around.say(f"Guidance: writing {collections} collections")
    _write_day(around, workplace, day)
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


def _write_day(around: Surroundings, workplace: Workplace, day: date) -> None:
    scope = workplace.scope(SnapshotType.FULL)
    key = around.place.key_service().new_key()

    def write(name: str) -> None:
        scoped = scope.collections[name]
        place = scope.place_of(scoped, day)
        destination = Destination(around.place.store, place.data_uri, place.manifest_uri or "")
        write_bench_export(destination, key, replace(_SMALL, topic=scoped.job.topic))

    in_parallel(write, list(scope.collections))


def _configure(folder: Path, collections: int, *, first_day: date) -> None:
    """Writes a deployment on the embedded stack with collections of its own, and makes it this process' configuration."""
    deployment = yaml.safe_load((PACKAGED / "deployments" / "local.yaml").read_text(encoding="utf-8"))
    deployment |= {"name": _DEPLOYMENT, "collections": {"files": []}}
    deployment["exports"] |= {"first_day": first_day}
    entries = {f"db.bench.c{number:04d}": {"tags": {"pii": "true", "db": "bench"}} for number in range(collections)}
    for kind, name, content in (
        ("deployments", _DEPLOYMENT, deployment),
        ("collections", "bench", {"defaults": {"snapshot_types": ["full"]}, "collections": entries}),
    ):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        (folder / kind / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    os.environ["DATAWORKS_CONFIG"] = str(folder)
    os.environ["DATAWORKS_DEPLOYMENT"] = _DEPLOYMENT


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
    _configure(around.place.state.home / "location", collections, first_day=date(2026, 11, 1))
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
