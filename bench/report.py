"""What was found, as a table in Markdown, a plot, and a document to be read by programs."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import msgspec
import psutil

from bench.findings import Bar, Row, Section

_RESULTS, _TABLE, _PLOT = "results.json", "README.md", "throughput.svg"
_OURS, _OTHERS = "#2a6f97", "#b8b8b8"


class Results(msgspec.Struct, kw_only=True):
    """All sections by name, with where they were measured."""

    machine: str = ""
    quick: bool = False
    sections: dict[str, Section] = {}


def read_results(folder: Path) -> Results:
    """Returns what lies in a folder from an earlier run; nothing where there is none."""
    path = folder / _RESULTS
    return msgspec.json.decode(path.read_bytes(), type=Results) if path.exists() else Results()


def write_results(folder: Path, results: Results) -> None:
    """Writes document, table and plot."""
    folder.mkdir(parents=True, exist_ok=True)
    results.machine = machine_text()
    (folder / _RESULTS).write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    (folder / _TABLE).write_text(table_text(results), encoding="utf-8")
    bars = [bar for section in results.sections.values() for bar in section.bars]
    if bars:
        _draw(bars, folder / _PLOT)


def machine_text() -> str:
    """Returns what the machine is, in a few words."""
    memory_gigabytes = psutil.virtual_memory().total / 1e9
    return f"{platform.machine()}, {os.cpu_count()} cores, {memory_gigabytes:.0f} GB, {platform.system()} {platform.release()}"


def table_text(results: Results) -> str:
    """Returns the page."""
    lines = [
        "# What it costs: speed and memory",
        "",
        f"Written by `make bench`{' with `QUICK=1`: small sizes, of no weight' if results.quick else ''}"
        f", each section when it says. Machine: {results.machine}.",
        "",
        "Every ratio is to a baseline of the same run on the same machine, contenders in turns, `local[2]`, the object store on"
        " the same cores, session start and planning left out. The job has a driver of its own with the JVM options that it has"
        " in production, Spark's baselines have the full compiler. A result is the median over the rounds, in brackets the"
        " least and the most. Processor time is that of all processes, the stack's among them; a busy machine disturbs it"
        " less than the clock. A load above the number of cores says that other programs ran meanwhile: seconds are then too"
        " many, ratios uncertain.",
        "",
        "![Throughput of each contender](throughput.svg)",
        "",
    ]
    for section in results.sections.values():
        lines += _section_lines(section)
    return "\n".join(lines)


def _section_lines(section: Section) -> list[str]:
    before, after = section.load
    took = f"{section.seconds:.0f} s until {section.measured_utc} UTC"
    load = f"load of the machine {before:.1f} before, {after:.1f} after"
    table = [
        "| measure | result | to reach | reached | remarks |",
        "|---|---|---|---|---|",
        *(_row_line(row) for row in section.rows),
    ]
    return [f"## {section.title}", "", f"{section.inputs}. Took {took}; {load}.", "", *table, ""]


def _row_line(row: Row) -> str:
    reached = {True: "yes", False: "**no**", None: ""}[row.reached]
    return f"| {row.measure} | {row.result} | {row.target} | {reached} | {row.note} |"


def _draw(bars: list[Bar], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "bench"
    from matplotlib import pyplot

    ordered = sorted(bars, key=lambda bar: bar.median)
    figure, axes = pyplot.subplots(figsize=(8, 0.45 * len(ordered) + 1), layout="constrained")
    errors = [[bar.median - bar.least for bar in ordered], [bar.most - bar.median for bar in ordered]]
    colours = [_OURS if bar.is_production else _OTHERS for bar in ordered]
    drawn = axes.barh([bar.name for bar in ordered], [bar.median for bar in ordered], xerr=errors, color=colours, capsize=3)
    axes.bar_label(drawn, fmt="%.0f", padding=6)
    axes.set_xlabel("MB of JSON text a second: median, with the least and the most")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
