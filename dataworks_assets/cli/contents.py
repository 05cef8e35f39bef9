"""`dataworks contents`: what the published tables hold, and how they differ from another deployment's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.markup import escape

from dataworks_assets.cli.selection import DaysOption, JsonOption, parse_days
from dataworks_assets.cli.showing import number, plural, table, write_json
from dataworks_assets.cli.workplace import Workplace, workplace_of
from dataworks_assets.systems.contents import Contents, contents, differences
from spark.errors import ConfigurationError

app = typer.Typer()


@app.command("contents")
def show_contents(
    ctx: typer.Context,
    tables: Annotated[
        list[str] | None, typer.Argument(help="Globs of `database.table`; all tables where none is named.")
    ] = None,
    days: DaysOption = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", "-a", help="What `--json` wrote of another deployment: show what is not the same, exit code 1."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read every published table and show its rows, with digests of schema and content that do not depend on the files.

    Two deployments that made the same tables show the same: after an upgrade of EMR, Spark or this platform, or on another
    engine. Without days also the tables of the newest day, which have none.

    [bold]Examples[/]

    dataworks contents --json > before.json

    dataworks -d emulated contents --against before.json

    dataworks contents 'uc_kickstart.*' --day 2026-11-20
    """
    workplace = workplace_of(ctx)
    found = _read(workplace, tables or [], [day.isoformat() for day in parse_days(days or [])])
    if against is not None:
        _compare(workplace, found, against)
        return
    if as_json:
        write_json(msgspec.to_builtins(found))
        return
    shown = table("Table", "Day", "Rows", "Schema", "Content", right=("Rows",))
    for each in found:
        shown.add_row(escape(each.table), each.day, number(each.rows), each.schema, each.content)
    workplace.console.print(shown)


def _read(workplace: Workplace, patterns: list[str], days: list[str]) -> list[Contents]:
    jobs = [scoped.job for room in workplace.rooms() for scoped in room.scope.collections.values()]
    databases = {each.database for job in jobs for each in job.tables}
    platform = workplace.platform
    with workplace.notes.status("Reading the tables …"):
        return contents(platform.catalog, platform.store, databases, patterns=patterns, days=days)


def _compare(workplace: Workplace, found: list[Contents], path: Path) -> None:
    try:
        theirs = msgspec.json.decode(path.read_bytes(), type=list[Contents])
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigurationError(
            f"what the other deployment holds cannot be read: {error}",
            where=str(path),
            remedy="Have it written by `dataworks contents --json`, there",
        ) from error
    differing = differences(found, theirs)
    if not differing:
        tables = len({each.table for each in found})
        workplace.console.print(
            f"[bold green]The same[/]: {plural(tables, 'table')}, {sum(each.rows for each in found):,} rows."
        )
        return
    shown = table("Table", "Day", "What differs")
    for each in differing:
        shown.add_row(escape(each.table), each.day, each.why)
    workplace.console.print(shown)
    raise typer.Exit(1)
