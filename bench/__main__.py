"""The command: `python -m bench`, by way of `make bench`."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from bench.findings import Section, Surroundings
from bench.measures import MEASURES
from bench.place import open_place
from bench.report import read_results, table_text, write_results
from bench.sizes import FULL, QUICK
from dataworks_assets.engines.properties import PROJECT_FOLDER
from dataworks_assets.stack.state import default_home

_HOME = default_home({}) / "bench"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    quick: Annotated[bool, typer.Option(help="Small sizes, for developing the bench; written beside the stack.")] = False,
    only: Annotated[list[str] | None, typer.Option(help=f"Measure only these: {', '.join(MEASURES)}.")] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="How often each contender runs.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder of table and plot.")] = None,
    home: Annotated[Path, typer.Option(help="Folder of the bench's own stack.")] = _HOME,
) -> None:
    """Measures speed and memory against baselines and writes a table and a plot."""
    console = Console(stderr=True, highlight=False)
    folder = output or (home / "quick" if quick else PROJECT_FOLDER / "docs" / "bench")
    results = read_results(folder)
    results.quick = quick
    sizes = QUICK if quick else FULL
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open_place(home) as place:
        around = Surroundings(place, replace(sizes, rounds=rounds or sizes.rounds), console.print)
        for name in only or MEASURES:
            results.sections[name] = _measured(name, around)
            results.sections = {each: results.sections[each] for each in MEASURES if each in results.sections}
            write_results(folder, results)
    Console(highlight=False, soft_wrap=True).print(table_text(results), markup=False)
    console.print(f"Written to {folder}")


def _measured(name: str, around: Surroundings) -> Section:
    started, load = time.monotonic(), os.getloadavg()[0]
    section = MEASURES[name](around)
    return msgspec.structs.replace(
        section,
        seconds=time.monotonic() - started,
        load=(load, os.getloadavg()[0]),
        measured_utc=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
    )


if __name__ == "__main__":
    app()
