"""`dataworks ledger`: what others read about runs, and what an operator does with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated

import typer
from rich.text import Text

from dataworks_assets.cli.selection import DaysOption, JsonOption, OneTypeOption, parse_days, types_of
from dataworks_assets.cli.showing import hint, plural, table, write_json
from dataworks_assets.cli.workplace import Workplace, workplace_of
from dataworks_assets.ledger.dynamo import Attributes
from dataworks_assets.systems.adg.scope import AdgScope

_STYLES = {"COMPLETED": "green", "Completed": "green", "FAILED": "bold red", "IN_PROGRESS": "yellow"}

app = typer.Typer(help="Status rows that others read, and what is left to be written.", no_args_is_help=True)


@app.callback()
def ledger() -> None:
    """Status rows that others read, and what is left to be written."""


@app.command("show")
def show(
    ctx: typer.Context,
    day: DaysOption = None,
    snapshot_type: OneTypeOption = None,
    collections: Annotated[bool, typer.Option("--collections", help="Each collection of these days, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the status rows of days as others read them; nothing in the platform goes by them.

    [bold]Examples[/]

    dataworks ledger show

    dataworks ledger show --day 2026-11-20 --type full --collections
    """
    workplace = workplace_of(ctx)
    days = parse_days(day) if day else ()
    rows = [row for each in types_of(snapshot_type) for row in status_rows(workplace, workplace.scope(each), days)]
    rows.sort(key=lambda row: (str(row["Date"]), str(row["DataProduct"]), str(row["Correlation_Id"])))
    parts = collection_rows(workplace, rows) if collections else []
    if as_json:
        write_json({"rows": rows, "collections": parts})
        return
    if not rows:
        workplace.console.print("There is no status row. Rows expire after a week; see `ledger` of the deployment.")
        return
    _show_rows(workplace, rows)
    if collections:
        _show_collections(workplace, parts)


@app.command("repair")
def repair(ctx: typer.Context, snapshot_type: OneTypeOption = None) -> None:
    """Write what runs that are over left unwritten, as the sensor of the ledger does every minute.

    [bold]Example[/]

    dataworks ledger repair
    """
    from dataworks_assets.cli.dagster_home import open_instance
    from dataworks_assets.systems.adg.recording import ledger_repair

    workplace = workplace_of(ctx)
    platform = workplace.platform
    problems: list[str] = []
    with open_instance(workplace.settings) as instance:
        for each in types_of(snapshot_type):
            scope = workplace.scope(each)
            repaired = ledger_repair(platform, scope, platform.notifier).tick(instance, now=datetime.now(UTC))
            workplace.console.print(f"{scope.name}: {repaired}", markup=False)
            problems += repaired.problems
    for problem in problems:
        workplace.notes.print(Text(problem, style="red"), soft_wrap=True)
    if problems:
        raise typer.Exit(1)


def status_rows(workplace: Workplace, scope: AdgScope, days: Sequence[date]) -> list[Attributes]:
    """Returns the status rows of a snapshot type, of these days or all."""
    config = scope.settings.deployment.ledger
    if config.status_table is None:
        return []
    where = {"DataProduct": config.adg.product(str(scope.snapshot_type))}
    wanted = [{**where, "Date": day.isoformat()} for day in days] or [where]
    return [row for each in wanted for row in workplace.platform.status_tables.rows(config.status_table, where=each)]


def collection_rows(workplace: Workplace, rows: Sequence[Attributes]) -> list[Attributes]:
    """Returns the rows of collections that belong to status rows."""
    name = workplace.settings.deployment.ledger.collection_table
    if name is None:
        return []
    tables = workplace.platform.status_tables
    ids = dict.fromkeys(str(row["Correlation_Id"]) for row in rows)
    return [found for each in ids for found in tables.rows(name, key=("CorrelationId", each), where={})]


def _show_rows(workplace: Workplace, rows: Sequence[Attributes]) -> None:
    shown = table("Date", "Product", "Correlation id", "Run", "Status", "Step", "Cluster", right=("Run",))
    for row in rows:
        values = [row.get(name, "") for name in ("Run_Id", "Status", "CurrentStep", "Cluster_Id")]
        plain = [Text(str(row[name])) for name in ("Date", "DataProduct", "Correlation_Id")]
        run, status, step, cluster = (str(value) for value in values)
        shown.add_row(*plain, run, Text(status, style=_STYLES.get(status, "")), Text(step), Text(cluster))
    workplace.console.print(shown)


def _show_collections(workplace: Workplace, parts: Sequence[Attributes]) -> None:
    attribute = workplace.settings.deployment.ledger.adg.collection_status
    shown = table("Correlation id", "Collection", attribute)
    for row in parts:
        status = str(row.get(attribute, ""))
        style = _STYLES.get(status, "bold red" if status.startswith("Failed") else "")
        shown.add_row(Text(str(row["CorrelationId"])), Text(str(row["CollectionName"])), Text(status, style=style))
    workplace.console.print(shown)
    hint(workplace.notes, plural(len(parts), "collection"))
