"""Ten times the files: whether the time grows by more than the data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.findings import Row, Section, Surroundings, megabytes_text, times_text
from bench.place import Export, open_session
from bench.production import collection_of, prepare_day, run_day
from bench.race import Contender, race
from spark.contract import JobParameters, Layout

if TYPE_CHECKING:
    from pyspark import SparkContext

_TIMES_FILES = 10
_MOST = 10.5


def measure(around: Surroundings) -> Section:
    """Runs the raw job on an export and on one with ten times the files, in turns."""
    small_request = around.sizes.scale
    large_request = replace(small_request, files=small_request.files * _TIMES_FILES, seed=3)
    around.say(f"Scale: writing {large_request.files} files of {megabytes_text(small_request.file_bytes)}")
    small, large = around.place.write("scale", small_request), around.place.write("scale-10", large_request)
    warm_up = around.place.write("scale-warm-up", replace(small_request, files=4, seed=4))
    try:
        with open_session(around.place) as session:
            context = session.sparkContext
            run_day(context, prepare_day(around.place, warm_up, collection_of(Layout.RAW)))
            contenders = [
                _contender(around, context, "the files", small),
                _contender(around, context, "10x the files", large),
            ]
            run = race(contenders, rounds=around.sizes.rounds, say=around.say)
    finally:
        for export in (small, large, warm_up):
            around.place.remove_export(export)
    ratio = run.times_faster("the files", "10x the files")
    row = Row(
        measure="10x the files, times the time",
        result=times_text(ratio),
        target=f"<= {_MOST}x",
        reached=ratio[0] <= _MOST,
        note=f"{len(small.files)} and {len(large.files)} files of {megabytes_text(small_request.file_bytes)}",
    )
    return Section(
        title="Scale", rows=(row,), inputs=f"up to {megabytes_text(large.decoded_bytes)} of JSON; {around.sizes.rounds} rounds"
    )


def _contender(around: Surroundings, context: SparkContext, name: str, export: Export) -> Contender:
    def run(prepared: object) -> None:
        assert isinstance(prepared, JobParameters)  # noqa: S101 - what `prepare` gave
        run_day(context, prepared)

    return Contender(
        name,
        prepare=lambda: prepare_day(around.place, export, collection_of(Layout.RAW)),
        run=run,
        clean=lambda prepared: around.place.remove(prepared.output_uri) if isinstance(prepared, JobParameters) else None,
    )
