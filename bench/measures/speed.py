"""Throughput of the job's layouts against the old algorithm, plain PySpark, DuckDB and the kernel without Spark."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING
from uuid import uuid4

from bench.baselines.duckdb_copy import copy
from bench.baselines.kernel import Kernel, open_kernel
from bench.baselines.old_algorithm import OldAlgorithm
from bench.baselines.plain_pyspark import PlainPySpark
from bench.driver import Driver, open_driver
from bench.findings import Bar, Row, Section, Surroundings, megabytes_text, times_text
from bench.place import OUTPUT_URI, Export, open_session
from bench.production import collection_of, prepare_day, run_day
from bench.race import Contender, Race, race
from dataworks_assets.stack.sample.bench import BenchRequest, write_plain_files
from spark.contract import DataFile, JobParameters, Layout
from spark.jobs.unlock import unlock
from spark.sources.keys import FileKey

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

OLD, PLAIN, DUCKDB = "old algorithm (to gzipped text)", "plain PySpark, schema given", "DuckDB COPY, plain local files"
RAW, TYPED, COLUMNS = "this job, raw", "this job, typed (with the text)", "this job, declared columns alone"
KERNEL_RAW, KERNEL_TYPED = "kernel without Spark, raw", "kernel without Spark, typed"
_LAYOUTS = {RAW: Layout.RAW, TYPED: Layout.TYPED, COLUMNS: Layout.COLUMNS}
_WARM_UP = BenchRequest(files=4, file_bytes=2_000_000, seed=2)
_RAW_TIMES, _TYPED_TIMES, _KERNEL_SHARE = 4.0, 3.0, 0.8


def measure(around: Surroundings) -> Section:
    """Runs every contender in turns, after each has run once on a small export: imports and workers are not measured."""
    around.say(f"Speed: writing {around.sizes.speed.files} files of {megabytes_text(around.sizes.speed.file_bytes)}")
    export = around.place.write("speed", around.sizes.speed)
    warm_up = around.place.write("warm-up", _WARM_UP)
    plain_folder = around.place.state.home / "plain"
    try:
        with ExitStack() as stack:
            kernel = stack.enter_context(open_kernel(around.place))
            session = stack.enter_context(open_session(around.place, of_baselines=True))
            driver = stack.enter_context(open_driver(around.place))
            for request, measured, rounds in ((_WARM_UP, warm_up, 1), (around.sizes.speed, export, around.sizes.rounds)):
                rmtree(plain_folder, ignore_errors=True)
                plain_folder.mkdir()
                write_plain_files(plain_folder, request)
                track = _Track(around, session, driver, kernel, measured, plain_folder)
                run = race(track.contenders(), rounds=rounds, say=around.say if measured is export else lambda _text: None)
    finally:
        rmtree(plain_folder, ignore_errors=True)
        around.place.remove_export(export)
        around.place.remove_export(warm_up)
    measured_text = f"{len(export.files)} files, {megabytes_text(export.decoded_bytes)} of JSON, {export.rows:,} documents"
    return Section(
        title="Speed",
        rows=tuple(_rows(run)),
        bars=tuple(_bars(run, export.decoded_bytes)),
        inputs=f"{measured_text}; {around.sizes.rounds} rounds",
    )


@dataclass(frozen=True)
class _Track:
    """The contenders on one export."""

    around: Surroundings
    session: SparkSession
    driver: Driver
    kernel: Kernel
    export: Export
    plain_folder: Path

    def contenders(self) -> list[Contender]:
        place, export = self.around.place, self.export
        old, plain = OldAlgorithm(place, self.session), PlainPySpark(place, self.session)
        return [
            self._to_prefix(OLD, lambda uri: old.run(export, uri)),
            self._to_prefix(PLAIN, lambda uri: plain.run(export, uri)),
            self._to_prefix(KERNEL_RAW, self._kernel(Layout.RAW)),
            self._to_prefix(KERNEL_TYPED, self._kernel(Layout.TYPED)),
            *(self._production(name, layout) for name, layout in _LAYOUTS.items()),
            self._duckdb(),
        ]

    def _to_prefix(self, name: str, run: Callable[[str], object]) -> Contender:
        """A contender that writes below a prefix of its own, which is emptied after it."""
        place = self.around.place
        return Contender(
            name,
            prepare=lambda: f"{OUTPUT_URI}/{uuid4().hex}",
            run=lambda uri: run(str(uri)),
            clean=lambda uri: place.remove(str(uri)),
        )

    def _kernel(self, layout: Layout) -> Callable[[str], object]:
        sources = [file.source for file in self.export.files]
        keys = unlock(self.around.place.store, self.around.place.key_service(), sources).keys
        files: list[tuple[DataFile, FileKey]] = [(file, keys[file.source.uri]) for file in self.export.files]
        return lambda uri: self.kernel.run(files, collection_of(layout), uri)

    def _production(self, name: str, layout: Layout) -> Contender:
        def run(prepared: object) -> None:
            assert isinstance(prepared, JobParameters)  # noqa: S101 - what `prepare` gave
            self.driver.run(run_day, prepared)

        def clean(prepared: object) -> None:
            assert isinstance(prepared, JobParameters)  # noqa: S101 - what `prepare` gave
            self.around.place.remove(prepared.output_uri)

        collection = collection_of(layout)
        return Contender(name, prepare=lambda: prepare_day(self.around.place, self.export, collection), run=run, clean=clean)

    def _duckdb(self) -> Contender:
        target = self.plain_folder / "copy.parquet"
        return Contender(
            DUCKDB,
            prepare=lambda: target.unlink(missing_ok=True),
            run=lambda _prepared: copy(self.plain_folder, target),
            clean=lambda _prepared: target.unlink(missing_ok=True),
        )


def _rows(run: Race) -> list[Row]:
    return [
        _times_row("raw, against the old algorithm", run, RAW, OLD, target=_RAW_TIMES),
        _times_row("typed, against plain PySpark", run, TYPED, PLAIN, target=_TYPED_TIMES),
        _times_row("declared columns alone, as plain PySpark writes them, against it", run, COLUMNS, PLAIN, target=None),
        _share_row("raw, share of the kernel without Spark", run, RAW, KERNEL_RAW),
        _share_row("typed, share of the kernel without Spark", run, TYPED, KERNEL_TYPED),
    ]


def _times_row(measure: str, run: Race, name: str, than: str, *, target: float | None) -> Row:
    ratio = run.times_faster(name, than)
    return Row(
        measure=measure,
        result=times_text(ratio),
        target=f">= {target:.0f}x" if target else "",
        reached=ratio[0] >= target if target else None,
        note=f"{run.less_work(name, than):.2f}x less processor time",
    )


def _share_row(measure: str, run: Race, name: str, kernel: str) -> Row:
    median, least, most = run.times_faster(name, kernel)
    return Row(
        measure=measure,
        result=f"{median:.0%} ({least:.0%} to {most:.0%})",
        target=f">= {_KERNEL_SHARE:.0%}",
        reached=median >= _KERNEL_SHARE,
        note=f"{run.less_work(name, kernel):.0%} by processor time",
    )


def _bars(run: Race, decoded_bytes: int) -> list[Bar]:
    megabytes = decoded_bytes / 1e6
    return [
        Bar(
            name=timing.name,
            median=megabytes / timing.median_seconds,
            least=megabytes / max(timing.seconds),
            most=megabytes / min(timing.seconds),
            is_production=timing.name in _LAYOUTS,
        )
        for timing in run.timings.values()
    ]
