"""`dataworks ledger`: what others read about runs, and the operators' actions on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from dataworks_assets.cli.confirming import DryRunOption, YesOption, confirmed
from dataworks_assets.cli.ranges import DayRange
from dataworks_assets.cli.selection import DaysOption, JsonOption, OneTypeOption, SystemOption, TypeOption, parse_days
from dataworks_assets.cli.showing import hint, plural, table, write_json
from dataworks_assets.cli.workplace import Workplace, workplace_of
from dataworks_assets.config.ledger import StatusWords
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.ledger.dynamo import Attributes
from dataworks_assets.ledger.errands import ErrandKind
from dataworks_assets.ledger.rows import CollectionStatus
from dataworks_assets.systems.adg.admin import LedgerAdmin
from dataworks_assets.systems.adg.recording import configured
from dataworks_assets.systems.rooms import LedgerNames

OneDayOption = Annotated[str, typer.Option("--day", "-D", help="The export date.")]
CorrelationOption = Annotated[str, typer.Option(help="Of the day's row; needed only where it has more than one.")]

app = typer.Typer(help="Status rows that others read, and what is left to be written.", no_args_is_help=True)


@app.callback()
def ledger() -> None:
    """Status rows that others read, and what is left to be written."""


@app.command("show")
def show(
    ctx: typer.Context,
    day: DaysOption = None,
    system: SystemOption = None,
    snapshot_type: OneTypeOption = None,
    collections: Annotated[bool, typer.Option("--collections", help="Each collection of these rows, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the status rows as others read them; nothing in the platform goes by them.

    ADG has a row a day and export, Kickstart one a module: of the last day of the run that wrote it last.

    [bold]Examples[/]

    dataworks ledger show

    dataworks ledger show --day 2026-11-20 --type full --collections

    dataworks ledger show --system kickstart --collections
    """
    workplace = workplace_of(ctx)
    days = parse_days(day) if day else ()
    names = [room.ledger for room in workplace.rooms(system, snapshot_type)]
    rows = [row for each in names for row in status_rows(workplace, each, days)]
    rows.sort(key=lambda row: (str(row["Date"]), str(row["DataProduct"]), str(row["Correlation_Id"])))
    parts = collection_rows(workplace, rows) if collections else []
    if as_json:
        write_json({"rows": rows, "collections": parts})
        return
    if not rows:
        workplace.console.print("There is no status row. Rows expire after a week; see `ledger` of the deployment.")
        return
    words = {each.names.statuses for each in names}
    _show_rows(workplace, rows, words)
    if collections:
        _show_collections(workplace, parts, {each.names.collection_status for each in names})


@app.command("repair")
def repair(ctx: typer.Context, system: SystemOption = None, snapshot_type: OneTypeOption = None) -> None:
    """Write what runs that are over left unwritten, as the sensors of the ledgers do every minute.

    [bold]Example[/]

    dataworks ledger repair
    """
    from dataworks_assets.cli.dagster_home import open_instance

    workplace = workplace_of(ctx)
    rooms = workplace.rooms(system, snapshot_type)
    problems: list[str] = []
    with open_instance(workplace.settings) as instance:
        for each in (each for room in rooms for each in room.repairs(workplace.platform.notifier)):
            repaired = each.tick(instance, now=datetime.now(UTC))
            workplace.console.print(f"{each.system}: {repaired}", markup=False)
            problems += repaired.problems
    for problem in problems:
        workplace.notes.print(Text(problem, style="red"), soft_wrap=True)
    if problems:
        raise typer.Exit(1)


@app.command("clear")
def clear(
    ctx: typer.Context,
    day: OneDayOption,
    snapshot_type: TypeOption = SnapshotType.FULL,
    correlation_id: CorrelationOption = "",
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Delete an ADG day's status row, then publish the whole day again, by force, with that row's correlation id.

    Kickstart begins a day anew by `dataworks kickstart run --force`, and its whole history by `--clean-up`.

    [bold]Examples[/]

    dataworks ledger clear --day 2026-11-20 --dry-run

    dataworks ledger clear --day 2026-11-20 --correlation-id generate_snapshots_4_full
    """
    from dataworks_assets.cli.carrying import carry_out
    from dataworks_assets.cli.dagster_home import open_instance
    from dataworks_assets.systems.acts import new_act

    workplace = workplace_of(ctx)
    scope = workplace.scope(snapshot_type)
    admin = LedgerAdmin(workplace.platform, scope)
    with open_instance(workplace.settings) as instance:
        plan = admin.plan_clear(_one(day), correlation_id, instance)
    if not confirmed(workplace, plan.words, dry_run=dry_run, yes=yes):
        return
    about = {"day": str(plan.day), "correlation_id": plan.correlation_id, "product": plan.product}
    act = new_act(workplace.platform, "clear", about)
    admin.clear(plan, act, starts=False)
    names = tuple(sorted(configured(scope, plan.day)))
    options: dict[str, object] = {"correlation_id": plan.correlation_id, "force": True}
    carry_out(workplace, scope, [DayRange(names, plan.day, plan.day)], options, act=act)


@app.command("resend")
def resend(
    ctx: typer.Context,
    day: OneDayOption,
    snapshot_type: TypeOption = SnapshotType.FULL,
    correlation_id: CorrelationOption = "",
    what: Annotated[
        list[ErrandKind] | None,
        typer.Option("--what", help="Which message; the completion message where it is left out. Repeatable."),
    ] = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Tell downstream of a complete day of ADG's full export again. The PDM trigger is sent at once, whatever its window.

    Of an incremental, and of Kickstart's days, nobody is told.

    [bold]Examples[/]

    dataworks ledger resend --day 2026-11-20 --dry-run

    dataworks ledger resend --day 2026-11-20 --what completion --what pdm
    """
    from dataworks_assets.systems.acts import new_act

    workplace = workplace_of(ctx)
    admin = LedgerAdmin(workplace.platform, workplace.scope(snapshot_type))
    kinds = tuple(what or [ErrandKind.COMPLETION])
    plan = admin.plan_resend(_one(day), correlation_id, kinds)
    if not confirmed(workplace, plan.words, dry_run=dry_run, yes=yes):
        return
    about = {"day": str(plan.day), "what": ", ".join(kinds), "correlation_id": plan.errands[0].correlation_id}
    admin.resend(plan, new_act(workplace.platform, "resend", about))
    workplace.console.print(f"Sent: {', '.join(errand.kind.words for errand in plan.errands)} of {plan.day}.")


@app.command("acts")
def acts(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List what operators did by hand: runs, rows cleared, messages sent again, clusters started or ended, passwords rotated.

    [bold]Example[/]

    dataworks ledger acts
    """
    from dataworks_assets.systems.acts import read_acts

    workplace = workplace_of(ctx)
    found = read_acts(workplace.platform.store, workplace.scope(SnapshotType.FULL).control_uri)
    if as_json:
        write_json([msgspec.to_builtins(act) for act in found])
        return
    if not found:
        workplace.console.print("No operator has done anything by hand.")
        return
    shown = table("At (UTC)", "What", "About", "By", "AWS identity", "Via")
    for act in found:
        about = ", ".join(f"{name} {value}" for name, value in act.about.items())
        shown.add_row(
            f"{act.at_utc:%Y-%m-%d %H:%M:%S}", *(Text(text) for text in (act.what, about, act.by, act.identity, act.via))
        )
    workplace.console.print(shown)


def _one(text: str) -> date:
    days = parse_days([text])
    if len(days) != 1:
        raise typer.BadParameter("name one day", param_hint="--day")
    return days[0]


def status_rows(workplace: Workplace, names: LedgerNames, days: Sequence[date]) -> list[Attributes]:
    """Returns the status rows of a system's products, of these days or all."""
    name = workplace.settings.deployment.ledger.status_table
    if name is None:
        return []
    wanted = [
        {"DataProduct": product, **date}
        for product in names.products
        for date in ([{"Date": day.isoformat()} for day in days] or [{}])
    ]
    return [row for each in wanted for row in workplace.platform.status_tables.rows(name, where=each)]


def collection_rows(workplace: Workplace, rows: Sequence[Attributes]) -> list[Attributes]:
    """Returns the rows of collections that belong to status rows."""
    name = workplace.settings.deployment.ledger.collection_table
    if name is None:
        return []
    tables = workplace.platform.status_tables
    ids = dict.fromkeys(str(row["Correlation_Id"]) for row in rows)
    return [found for each in ids for found in tables.rows(name, key=("CorrelationId", each), where={})]


def _show_rows(workplace: Workplace, rows: Sequence[Attributes], words: Iterable[StatusWords]) -> None:
    styles = {
        said: style
        for each in words
        for said, style in ((each.completed, "green"), (each.failed, "bold red"), (each.running, "yellow"))
    }
    shown = table("Date", "Product", "Correlation id", "Run", "Status", "Step", "Cluster", right=("Run",))
    for row in rows:
        values = [row.get(name, "") for name in ("Run_Id", "Status", "CurrentStep", "Cluster_Id")]
        plain = [Text(str(row[name])) for name in ("Date", "DataProduct", "Correlation_Id")]
        run, status, step, cluster = (str(value) for value in values)
        shown.add_row(*plain, run, Text(status, style=styles.get(status, "")), Text(step), Text(cluster))
    workplace.console.print(shown)


def _show_collections(workplace: Workplace, parts: Sequence[Attributes], attributes: Collection[str]) -> None:
    shown = table("Correlation id", "Collection", " or ".join(sorted(attributes)))
    for row in parts:
        status = " ".join(str(row[name]) for name in sorted(attributes) if name in row)
        style = "green" if status == CollectionStatus.COMPLETED else "bold red" if status.startswith("Failed") else ""
        shown.add_row(Text(str(row["CorrelationId"])), Text(str(row["CollectionName"])), Text(status, style=style))
    workplace.console.print(shown)
    hint(workplace.notes, plural(len(parts), "collection"))
