"""`dataworks status`: what is published, by collection and day, what is not and why, and the newest complete day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from dataworks_assets.cli.published import DayStatus, Reported, ScopeStatus, read_status, rows_of
from dataworks_assets.cli.selection import (
    COLLECTIONS_HELP,
    JsonOption,
    OneTypeOption,
    SystemOption,
    parse_days,
    select_anywhere,
)
from dataworks_assets.cli.showing import (
    STATE_STYLES,
    bytes_text,
    days_text,
    finding_text,
    number,
    plural,
    state_text,
    table,
    write_json,
)
from dataworks_assets.cli.workplace import Workplace, workplace_of
from dataworks_assets.systems.rooms import Room
from dataworks_assets.systems.scope import Scoped

_SHORT_RUN_ID = 8
_DAY = timedelta(days=1)
_LEGEND = (
    "[green]1,234[/] rows published   [cyan]delivered[/] and not published   [bold red]refused[/]"
    "   [bold magenta]gone[/] from the catalog   [dim]-[/] missing"
)

app = typer.Typer()


@app.command()
def status(
    ctx: typer.Context,
    collections: Annotated[
        list[str] | None, typer.Argument(help=f"{COLLECTIONS_HELP} Their days in detail. None: the overview.")
    ] = None,
    system: SystemOption = None,
    snapshot_type: OneTypeOption = None,
    day: Annotated[list[str] | None, typer.Option("--day", "-D", help="Days, or ranges of them, in place of the last.")] = None,
    last: Annotated[int, typer.Option("--last", "-n", min=1, help="Number of days up to the newest.")] = 7,
    problems: Annotated[bool, typer.Option("--problems", help="Only what is not as it should be, in detail.")] = False,
    ask_dagster: Annotated[
        bool, typer.Option("--dagster/--no-dagster", help="Whether to compare with what Dagster was told (takes longer).")
    ] = True,
    ask_source: Annotated[
        bool, typer.Option("--source/--no-source", help="Whether to look what the partner has delivered (a listing a day).")
    ] = True,
    verify: Annotated[
        bool, typer.Option("--verify", help="Also look whether the published files are still there (a listing a day).")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what is published, by collection and day, and what is not and why.

    Of Kickstart also what was delivered, what is missing, waits, or is lost, and where a catch-up would begin.

    [bold]Examples[/]

    dataworks status

    dataworks status core/statement --type full

    dataworks status --system kickstart --last 10

    dataworks status --problems --day 2026-11-20
    """
    workplace = workplace_of(ctx)
    documents: list[dict[str, Any]] = []
    for room, chosen in select_anywhere(workplace.rooms(system, snapshot_type), collections):
        found = _read(workplace, room, chosen, ask_dagster=ask_dagster, verify=verify)
        days = list(parse_days(day)) if day else found.newest_days(last, last_day=room.last_day())
        with workplace.notes.status(f"Looking at what lies ahead of {room.scope.name} …"):
            found = replace(found, outlook=room.outlook(chosen, days, ask_source=ask_source))
        rows = [row for row in rows_of(found, days) if not problems or _is_problem(row, found)]
        if problems:
            rows.sort(key=lambda row: row.state == "missing")  # what went wrong stands before what never was there
        if as_json:
            documents.append(_document(found, rows))
        elif collections or problems:
            _show_details(workplace.console, found, [row for row in rows if problems or row.state != "missing" or row.foreseen])
        else:
            _show_overview(workplace.console, found, days)
    if as_json:
        write_json(documents)


def _read(workplace: Workplace, room: Room, collections: Sequence[Scoped], *, ask_dagster: bool, verify: bool) -> ScopeStatus:
    platform, scope = workplace.platform, room.scope
    with workplace.notes.status(f"Reading what is published of {scope.name} …"):
        reported = read_reported(workplace, collections) if ask_dagster else None
        return read_status(platform, scope, collections, reported=reported, verify=verify)


def read_reported(workplace: Workplace, collections: Sequence[Scoped]) -> Reported:
    """Returns the days of which Dagster was told that they are materialized, by collection."""
    from dagster import AssetKey

    from dataworks_assets.cli.dagster_home import open_instance

    with open_instance(workplace.settings) as instance:
        return {
            collection.name: set(instance.get_materialized_partitions(AssetKey(list(collection.key_path))))
            for collection in collections
        }


def _is_problem(row: DayStatus, found: ScopeStatus) -> bool:
    if row.pointer is None and row.is_settled:
        return False
    is_due = row.foreseen is not None and row.pointer is not None
    return row.state != "published" or is_due or bool(row.refusal) or row.reported is False or row.collection in found.holds


def _show_overview(console: Console, found: ScopeStatus, days: Sequence[date]) -> None:
    scope = found.scope
    if not days:
        console.print(f"Nothing of {scope.name} was ever published. Begin: dataworks plan --collection '{scope.name}/*'")
        return
    heads = [f"{day:%m-%d}" for day in days]
    shown = table("Collection", *heads, right=heads, title=f"{scope.name}, rows published, {days[0]} to {days[-1]}")
    for collection in found.collections:
        name = Text(collection.name)
        if collection.name in found.holds:
            name.append(f"\nheld: {found.holds[collection.name]}", style="yellow")
        shown.add_row(name, *(_cell(found.of(collection, day)) for day in days))
    console.print(shown)
    console.print(_LEGEND, soft_wrap=True)
    _show_end(console, found)


def _show_end(console: Console, found: ScopeStatus) -> None:
    for note in found.outlook.notes:
        console.print(note, markup=False, soft_wrap=True)
    console.print(f"Newest complete day: [bold]{found.newest_complete_day() or 'none'}[/]\n")


def _cell(row: DayStatus | None) -> Text:
    if row is None:
        return Text("")
    if row.pointer is None:
        return Text("-", style="dim") if row.state == "missing" and row.foreseen is None else state_text(row.state)
    cell = Text(number(row.pointer.rows), style=STATE_STYLES["published"])
    if row.broken:
        cell = Text("incomplete", style=STATE_STYLES["incomplete"])
    if row.refusal is not None:
        cell.append(f"\n{row.refusal.state} since", style="red")
    elif row.foreseen is not None:
        cell.append(f"\n{row.foreseen.state}", style="cyan")
    return cell


def _show_details(console: Console, found: ScopeStatus, rows: Sequence[DayStatus]) -> None:
    if not rows:
        console.print(f"{found.scope.name}: nothing to show.")
        return
    numbers = ("Rows", "Files", "Size")
    shown = table("Collection", "Day", "State", *numbers, "Published (UTC)", "Run", "Attempt", "Why", right=numbers)
    shown.title = found.scope.name
    for alike in _together(rows):
        shown.add_row(*_details(alike[-1], found, days_text([row.day.isoformat() for row in alike])))
    console.print(shown)
    _show_end(console, found)


def _together(rows: Sequence[DayStatus]) -> list[list[DayStatus]]:
    """Returns the rows, with days in a row of a collection of which nothing is known but that they are missing as one."""
    groups: list[list[DayStatus]] = []
    for row in rows:
        if groups and _follows(groups[-1][-1], row):
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _follows(before: DayStatus, row: DayStatus) -> bool:
    are_bare = all(each.state == "missing" and each.foreseen is None for each in (before, row))
    return are_bare and row.collection == before.collection and row.day == before.day + _DAY


def _details(row: DayStatus, found: ScopeStatus, days: str) -> tuple[str | Text, ...]:
    pointer = row.pointer
    run_id = pointer.run_id if pointer else row.refusal.run_id if row.refusal else ""
    return (
        row.collection,
        days,
        state_text(row.state),
        number(pointer.rows) if pointer else "",
        number(pointer.files) if pointer else "",
        bytes_text(pointer.size_bytes) if pointer else "",
        pointer.published_utc[:19] if pointer else "",
        run_id[:_SHORT_RUN_ID],
        pointer.attempt if pointer else "",
        _why(row, found),
    )


def _why(row: DayStatus, found: ScopeStatus) -> Text:
    why = Text()
    if row.refusal is not None and (finding := row.finding) is not None:
        begin = f"{row.refusal.state} at {row.refusal.refused_utc}: " if row.pointer else ""
        why.append(f"{begin}{finding_text(finding)}", style="red")
        if (more := len(row.refusal.findings) - 1) > 0:
            why.append(f"\nand {plural(more, 'more finding')}, in the day's check", style="red")
        why.append(f"\n{finding.remedy}" if finding.remedy else "", style="dim")
    if row.foreseen is not None and (row.pointer or row.state == row.foreseen.state):
        why.append(f"\n{row.foreseen.reason}", style="dim" if row.is_settled else STATE_STYLES.get(row.foreseen.state, "cyan"))
    if row.state == "gone":
        why.append("\nDagster was told of it, the catalog has it no more: a run restores it", style="magenta")
    if row.state == "not kept":
        why.append("\nolder than `retention.days` of the collection: it was dropped", style="dim")
    if row.broken:
        why.append(f"\n{row.broken}", style="red")
    if row.pointer and row.reported is False:
        why.append("\nnot yet reported in Dagster: the next run does it", style="yellow")
    if row.collection in found.holds:
        why.append(f"\nheld: {found.holds[row.collection]}", style="yellow")
    why.rstrip()
    return why[1:] if why.plain.startswith("\n") else why


def _document(found: ScopeStatus, rows: Sequence[DayStatus]) -> dict[str, Any]:
    return {
        "system": found.scope.system,
        "snapshot_type": str(found.scope.snapshot_type),
        "newest_complete_day": found.newest_complete_day(),
        "holds": dict(found.holds),
        "notes": list(found.outlook.notes),
        "days": [_day_document(row) for row in rows],
    }


def _day_document(row: DayStatus) -> dict[str, Any]:
    pointer, finding = row.pointer, row.finding
    return {
        "collection": row.collection,
        "export_date": row.day.isoformat(),
        "state": row.state,
        "rows": pointer.rows if pointer else None,
        "files": pointer.files if pointer else None,
        "size_bytes": pointer.size_bytes if pointer else None,
        "published_utc": pointer.published_utc if pointer else None,
        "run_id": pointer.run_id if pointer else row.refusal.run_id if row.refusal else None,
        "attempt": pointer.attempt if pointer else None,
        "location": pointer.location if pointer else None,
        "reported_in_dagster": row.reported,
        "refused_utc": row.refusal.refused_utc if row.refusal else None,
        "cause": (finding.cause if finding else row.broken) or None,
        "where": (", ".join(filter(None, (finding.object, finding.place))) if finding else "") or None,
        "remedy": (finding.remedy if finding else "") or None,
        "foreseen": row.foreseen.state if row.foreseen else None,
        "reason": row.foreseen.reason if row.foreseen else None,
    }
