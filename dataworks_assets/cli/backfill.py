"""`dataworks backfill`: scattered days and collections in as few runs as possible, in this process or in a running Dagster."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from dataworks_assets.cli.carrying import carry_out, record_runs
from dataworks_assets.cli.plan import days_or_usual, make_plan
from dataworks_assets.cli.ranges import DayRange, cover, free_days, gaps
from dataworks_assets.cli.selection import (
    CollectionsOption,
    DaysOption,
    NarrowTypeOption,
    SystemOption,
    in_one_room,
    refuse_days_of_none,
)
from dataworks_assets.cli.showing import number, plural, table
from dataworks_assets.cli.workplace import Workplace, workplace_of
from dataworks_assets.systems.plan import Request
from dataworks_assets.systems.rooms import Room
from dataworks_assets.systems.scope import Scope

app = typer.Typer()


@app.command()
def backfill(
    ctx: typer.Context,
    system: SystemOption = None,
    snapshot_type: NarrowTypeOption = None,
    day: DaysOption = None,
    collection: CollectionsOption = None,
    force: Annotated[bool, typer.Option(help="Read and publish again what is published and unchanged.")] = False,
    confirm: Annotated[bool, typer.Option(help="Accept a full in which a collection lost its rows.")] = False,
    launch: Annotated[
        bool, typer.Option("--launch", help="Hand the runs to the running `dagster dev` and return at once.")
    ] = False,
    url: Annotated[str | None, typer.Option(help="Address of Dagster's UI for --launch; by default the running one.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the runs, start none.")] = False,
) -> None:
    """Publish any days of any collections in as few runs as possible.

    Each run covers a range of days. A day between two others joins their range where it is published and unchanged: it costs
    nothing then. Without --day: the seven newest days that were exported; of Kickstart the days that a catch-up would do.

    [bold]Examples[/]

    dataworks backfill --day 2026-11-02 --day 2026-11-18...2026-11-20

    dataworks backfill -t incremental -D 2026-11-02,2026-11-09 -c 'core/*' --launch

    dataworks backfill -c 'kickstart/vacancy/*' -D 2026-11-12 -D 2026-11-18...2026-11-20 --force
    """
    workplace = workplace_of(ctx)
    room, chosen = in_one_room(workplace.rooms(system, snapshot_type), collection)
    scope, names = room.scope, tuple(scoped.name for scoped in chosen)
    days = days_or_usual(room, chosen, day)
    if not days:
        workplace.console.print(room.idle)
        return
    refuse_days_of_none(chosen, days)
    ranges = plan_ranges(workplace, room, names, days, force=force)
    _show(workplace, ranges, len(days))
    options: dict[str, object] = {"force": force or None, "confirm": confirm or None}
    if dry_run:
        return
    if launch:
        _launch(workplace, scope, ranges, options, url)
    else:
        carry_out(workplace, scope, ranges, options)


def plan_ranges(
    workplace: Workplace, room: Room, names: tuple[str, ...], days: tuple[date, ...], *, force: bool
) -> list[DayRange]:
    """Returns the runs that cover the days; a forced run covers no other days, because it would redo them."""
    between = [] if force else list(gaps(days))
    free = free_days(make_plan(workplace, room, Request(names, tuple(between))).days) if between else set()
    longest = workplace.settings.deployment.limits.backfill_days_per_run
    return cover(names, days, free=free, longest_days=longest)


def _show(workplace: Workplace, ranges: list[DayRange], days: int) -> None:
    shown = table("Run", "From", "To", "Days", "Collections", right=("Days", "Collections"), title="Runs of the backfill")
    for index, chosen in enumerate(ranges, start=1):
        cells = (
            str(index),
            str(chosen.first_day),
            str(chosen.last_day),
            number(chosen.length),
            number(len(chosen.collections)),
        )
        shown.add_row(*cells)
    workplace.console.print(shown)
    workplace.console.print(f"{plural(days, 'day')} asked for, in {plural(len(ranges), 'run')}.")


def _launch(workplace: Workplace, scope: Scope, ranges: list[DayRange], options: dict[str, object], url: str | None) -> None:
    from dataworks_assets.cli.dagster_home import prepare_dagster_home
    from dataworks_assets.cli.launching import launch
    from dataworks_assets.cli.runs import RunRequest
    from dataworks_assets.cli.webserver import webserver_url

    address = webserver_url(prepare_dagster_home(workplace.settings), url)
    act = record_runs(workplace, scope, ranges, options)
    for chosen in ranges:
        request = RunRequest(scope, chosen.collections, chosen.first_day, chosen.last_day, options, act=act.id)
        run_id = launch(address, request)
        workplace.console.print(f"{request.title}: {address}/runs/{run_id}", soft_wrap=True)
