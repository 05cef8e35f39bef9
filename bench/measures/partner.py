"""Kickstart: partner files to Parquet against Spark's own readers, memory on one large document, a year of days at once."""

from __future__ import annotations

from contextlib import ExitStack
from uuid import uuid4

from bench.baselines.spark_readers import SparkReaders
from bench.driver import Driver, open_driver
from bench.findings import Row, Section, Surroundings, megabytes_text, times_text
from bench.measures.memory import peak_memory_bytes, workers
from bench.partner import PartnerFiles, prepare_days, run_days, write_csv, write_json
from bench.place import OUTPUT_URI, open_session
from bench.race import Contender, Race, race, stopwatch
from spark.contract import JobParameters

_TIMES, _MOST_BYTES, _DAY_SECONDS = 3.0, 600_000_000, 1.0
_OURS, _SPARKS = "this job", "Spark's own readers"
_WARM_UP_BYTES = 1_000_000


def measure(around: Surroundings) -> Section:
    """Compares both formats, then reads one large document, then catches up a year."""
    sizes = around.sizes.partner
    rows = [_compared(around, kind) for kind in ("CSV", "JSON")]
    rows.append(_large(around, sizes.large_bytes))
    rows.append(_year(around, sizes.days))
    inputs = f"{sizes.files} files of {megabytes_text(sizes.file_bytes)} each; {around.sizes.rounds} rounds"
    return Section(title="Partner files (Kickstart)", rows=tuple(rows), inputs=inputs)


def _compared(around: Surroundings, kind: str) -> Row:
    sizes = around.sizes.partner
    write = write_csv if kind == "CSV" else write_json
    around.say(f"Partner files: {kind}")
    measured = write(around.place, f"{kind.lower()}_speed", days=1, files=sizes.files, file_bytes=sizes.file_bytes)
    warm_up = write(around.place, f"{kind.lower()}_warm_up", days=1, files=2, file_bytes=_WARM_UP_BYTES)
    try:
        with ExitStack() as stack:
            driver = stack.enter_context(open_driver(around.place))
            session = stack.enter_context(open_session(around.place, of_baselines=True))
            readers = SparkReaders(around.place, session)
            for files, rounds in ((warm_up, 1), (measured, around.sizes.rounds)):
                contenders = [_ours(around, driver, files), _sparks(around, readers, files)]
                run = race(contenders, rounds=rounds, say=around.say if files is measured else lambda _text: None)
    finally:
        for files in (measured, warm_up):
            around.place.remove(files.prefix_uri)
    return _row(kind, run)


def _ours(around: Surroundings, driver: Driver, files: PartnerFiles) -> Contender:
    def run(prepared: object) -> None:
        assert isinstance(prepared, JobParameters)  # noqa: S101 - what `prepare` gave
        driver.run(run_days, prepared)

    def clean(prepared: object) -> None:
        assert isinstance(prepared, JobParameters)  # noqa: S101 - what `prepare` gave
        around.place.remove(prepared.output_uri)

    return Contender(_OURS, prepare=lambda: prepare_days(around.place, files), run=run, clean=clean)


def _sparks(around: Surroundings, readers: SparkReaders, files: PartnerFiles) -> Contender:
    return Contender(
        _SPARKS,
        prepare=lambda: f"{OUTPUT_URI}/{uuid4().hex}",
        run=lambda uri: readers.run(files, str(uri)),
        clean=lambda uri: around.place.remove(str(uri)),
    )


def _row(kind: str, run: Race) -> Row:
    ratio = run.times_faster(_OURS, _SPARKS)
    inside = "; decryption and row hashes included, in both" if kind == "JSON" else ""
    return Row(
        measure=f"{kind}, against Spark's own reader with a pass for the schema",
        result=times_text(ratio),
        target=f">= {_TIMES:.0f}x",
        reached=ratio[0] >= _TIMES,
        note=f"{run.less_work(_OURS, _SPARKS):.2f}x less processor time{inside}",
    )


def _large(around: Surroundings, large_bytes: int) -> Row:
    around.say(f"Partner files: one document of {megabytes_text(large_bytes)}")
    files = write_json(around.place, "large", days=1, files=1, file_bytes=large_bytes)
    try:
        with open_session(around.place) as session:
            parameters = prepare_days(around.place, files)
            run_days(session.sparkContext, parameters)
            peak_bytes = max(peak_memory_bytes(process) for process in workers())
        around.place.remove(parameters.output_uri)
    finally:
        around.place.remove(files.prefix_uri)
    return Row(
        measure=f"JSON, peak memory of a worker on one document of {megabytes_text(files.decoded_bytes)}",
        result=megabytes_text(peak_bytes),
        target=f"< {megabytes_text(_MOST_BYTES)}",
        reached=peak_bytes < _MOST_BYTES,
        note="resident, as the kernel counts it",
    )


def _year(around: Surroundings, days: int) -> Row:
    around.say(f"Partner files: {days} days in one application")
    files = write_csv(around.place, "year", days=days, files=1, file_bytes=20_000)
    try:
        with open_session(around.place) as session:
            parameters = prepare_days(around.place, files)
            with stopwatch() as watch:
                run_days(session.sparkContext, parameters)
        around.place.remove(parameters.output_uri)
    finally:
        around.place.remove(files.prefix_uri)
    seconds = watch.seconds / days
    return Row(
        measure=f"{days} days of small files caught up in one application, a day",
        result=f"{seconds:.2f} s",
        target=f"< {_DAY_SECONDS:.0f} s",
        reached=seconds < _DAY_SECONDS,
        note=f"{watch.seconds:.0f} s in all",
    )
