"""`dataworks stack`: start, stop and inspect the embedded stack of this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dataworks_assets.stack.lifecycle import ON_DEMAND, ServiceStatus, down, look, up
from dataworks_assets.stack.state import default_home

app = typer.Typer(
    help="The embedded stack: S3, the other AWS APIs, a Hive metastore and a key service, all on this machine.",
    no_args_is_help=True,
)

Home = Annotated[
    Path | None,
    typer.Option(help="State folder: data, ports, logs. DATAWORKS_HOME where that is set, else .dataworks in the project."),
]

Wanted = Annotated[
    list[str] | None,
    typer.Option("--with", help=f"A service that runs only on demand: {', '.join(ON_DEMAND)}. May be given several times."),
]

_COLOURS = {"running": "green", "dead": "red", "stopped": "yellow"}
_MEBIBYTE = 1024 * 1024


@app.command("up")
def start(home: Home = None, wanted: Wanted = None) -> None:
    """Start what does not run or does not answer, however the last stack ended; takes about 10 s.

    What lay in S3 and in the metastore is still there. The emulated AWS APIs keep nothing: their topics and queues are
    made anew, and that is said.
    """
    console = Console(highlight=False)
    if unknown := [name for name in wanted or () if name not in ON_DEMAND]:
        raise typer.BadParameter(f"{unknown[0]!r} is no service on demand: there is {', '.join(ON_DEMAND)}")
    up(_folder(home), wanted=wanted or (), say=lambda line: console.print(line, markup=False))
    _show(console, _folder(home))


@app.command("down")
def stop(home: Home = None) -> None:
    """End every process of the stack; data, ports and certificates are kept."""
    console = Console(highlight=False)
    down(_folder(home), say=lambda line: console.print(line, markup=False))


@app.command("status")
def status(home: Home = None) -> None:
    """Show each service with its state, address, process, memory and log. Exit code 1 when one does not run."""
    if not _show(Console(highlight=False), _folder(home)):
        raise typer.Exit(1)


def _folder(home: Path | None) -> Path:
    return (home or default_home(os.environ)).resolve()


def _show(console: Console, home: Path) -> bool:
    """Prints the table and returns whether every service runs."""
    rows = look(home)
    if not rows:
        console.print(f"No stack was ever started in {home}. Start it: dataworks stack up", markup=False, soft_wrap=True)
        return False
    table = Table(title=f"Stack in {home}", title_justify="left", box=None, pad_edge=False)
    for name in ("Service", "State", "Address", "Pid", "Memory"):
        table.add_column(name, no_wrap=True)
    table.add_column("logs/*.log", overflow="fold")  # the one that gives way on a narrow terminal
    for row in rows:
        table.add_row(*_cells(row))
    console.print(table)
    if any(row.bound_to_all for row in rows if row.state == "running"):
        console.print("* listens on every address of this machine, without a password: it has no option for one address.")
    return all(row.state == "running" for row in rows)


def _cells(row: ServiceStatus) -> tuple[str, ...]:
    memory = f"{row.memory_bytes / _MEBIBYTE:.0f} MB" if row.memory_bytes else ""
    state = f"[{_COLOURS[row.state]}]{row.state}[/]"
    title = row.title + (" *" if row.bound_to_all else "")
    return (title, state, row.url, str(row.pid or ""), memory, row.log_path.stem)
