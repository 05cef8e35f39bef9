"""The most memory that a Python worker ever had while it read one large file."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

from bench.findings import Row, Section, Surroundings, megabytes_text
from bench.place import open_session
from bench.production import collection_of, prepare_day, run_day
from spark.contract import Layout
from spark.jobs import daemon

_MOST_BYTES = 600_000_000
_WORKER = daemon.__name__
_HIGH_WATER = "VmHWM:"


def measure(around: Surroundings) -> Section:
    """Reads one file raw and typed, each in a session with fresh workers."""
    around.say(f"Memory: writing one file of {megabytes_text(around.sizes.large.file_bytes)}")
    export = around.place.write("large", around.sizes.large)
    rows = []
    try:
        for layout in (Layout.RAW, Layout.TYPED):
            with open_session(around.place) as session:
                parameters = prepare_day(around.place, export, collection_of(layout))
                run_day(session.sparkContext, parameters)
                peak_bytes = max(peak_memory_bytes(process) for process in workers())
            around.place.remove(parameters.output_uri)
            around.say(f"  {layout}: {megabytes_text(peak_bytes)}")
            rows.append(_row(layout, peak_bytes, export.decoded_bytes))
    finally:
        around.place.remove_export(export)
    return Section(title="Memory", rows=tuple(rows), inputs=f"one file, {export.rows:,} documents")


def _row(layout: Layout, peak_bytes: int, decoded_bytes: int) -> Row:
    return Row(
        measure=f"{layout}, peak memory of a worker on one file of {megabytes_text(decoded_bytes)}",
        result=megabytes_text(peak_bytes),
        target=f"< {megabytes_text(_MOST_BYTES)}",
        reached=peak_bytes < _MOST_BYTES,
        note="resident, as the kernel counts it",
    )


def workers() -> list[psutil.Process]:
    """Returns the Python workers of this process' Spark session."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if _WORKER in process.cmdline():
                found.append(process)
    return found


def peak_memory_bytes(process: psutil.Process) -> int:
    """Returns the most memory that a process ever had resident."""
    for line in Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(_HIGH_WATER):
            return int(line.split()[1]) * 1024
    return 0
