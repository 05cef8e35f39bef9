"""`dataworks kickstart`: commands that only partner files have: runs and plans by dates, giving days up."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from dataworks_assets.cli.carrying import carry_out
from dataworks_assets.cli.confirming import DryRunOption
from dataworks_assets.cli.plan import plan_document, show_plan
from dataworks_assets.cli.ranges import DayRange
from dataworks_assets.cli.selection import COLLECTION_HELP, DaysOption, JsonOption, parse_days, refuse_days_of_none, the_one
from dataworks_assets.cli.showing import write_json
from dataworks_assets.cli.workplace import Workplace, workplace_of
from dataworks_assets.config.kickstart import PartnerModule
from dataworks_assets.systems.kickstart.acknowledged import acknowledge as give_up
from dataworks_assets.systems.kickstart.clean_up import look_at_history
from dataworks_assets.systems.kickstart.days import beginning, catch_up_start, chosen_days, read_day, refuse_test_folder
from dataworks_assets.systems.kickstart.planner import KickstartPlanner
from dataworks_assets.systems.kickstart.room import KickstartRoom
from dataworks_assets.systems.kickstart.scope import KickstartScope, ScopedPartner
from dataworks_assets.systems.plan import Plan, Request
from dataworks_assets.systems.refusals import read_refusals

app = typer.Typer(no_args_is_help=True)

ModuleOption = Annotated[
    PartnerModule | None, typer.Option("--module", "-m", help="Whose collections; all modules where it is left out.")
]
StartOption = Annotated[
    str | None, typer.Option("--start", help="First day (START_DT); by default the first that is not complete.")
]
EndOption = Annotated[str | None, typer.Option("--end", help="Last day (END_DT); by default yesterday.")]
TestOption = Annotated[bool, typer.Option("--e2e-test", help="Read the test folder (E2E_TEST_FLG).")]


@app.callback()
def kickstart() -> None:
    """Run and plan Kickstart, the partner's files, by dates; give up days that are lost.

    All else is done by the commands of every system: [bold]dataworks status --system kickstart[/], plan, backfill, hold,
    release, rollback, quarantine, collect-garbage.
    """


@app.command()
def run(
    ctx: typer.Context,
    module: ModuleOption = None,
    start: StartOption = None,
    end: EndOption = None,
    clean_up: Annotated[
        bool, typer.Option("--clean-up", help="Forget the history first (CLEAN_UP_FLG); says what can be rebuilt, and asks.")
    ] = False,
    e2e_test: TestOption = False,
    force: Annotated[bool, typer.Option(help="Read and publish again what is published and unchanged.")] = False,
    confirm: Annotated[bool, typer.Option(help="Accept that a clean-up loses days which the source has no more.")] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Publish a module's days; without dates from the first incomplete one up to yesterday.

    What is published and unchanged is left alone. A new day of a table that follows its source waits for every earlier one that
    is not published, also where only the later is asked for; one that was given up is not waited for. Exit code 1 when anything
    that was asked for is not published.

    [bold]Examples[/]

    dataworks kickstart run --module vacancy

    dataworks kickstart run -m payment --start 2026-11-12 --end 2026-11-14 --force --dry-run
    """
    workplace = workplace_of(ctx)
    scope = workplace.kickstart
    if e2e_test:
        refuse_test_folder(scope)
    collections = _of(scope, module)
    days = _days(workplace, collections, start, end, is_fresh=clean_up)
    if not days:
        workplace.console.print("[bold green]Nothing had to be done[/]: every day up to yesterday is complete.")
        return
    refuse_days_of_none(collections, days)
    if clean_up:
        _show_history(workplace, collections, is_test=e2e_test, asks=not confirm and not dry_run)
    if dry_run:
        made = _planned(workplace, collections, days, is_test=e2e_test, force=force)
        show_plan(workplace, scope, made, read_refusals(workplace.platform.store, scope), work_only=False)
        return
    options: dict[str, object] = {
        "CLEAN_UP_FLG": clean_up or None,
        "E2E_TEST_FLG": e2e_test or None,
        "force": force or None,
        "confirm": confirm or None,
    }
    chosen = DayRange(tuple(each.name for each in collections), days[0], days[-1])
    look_at = "dataworks status --system kickstart shows what is published, and where a catch-up begins"
    carry_out(workplace, scope, [chosen], options, as_json=as_json, look_at=look_at)


@app.command()
def plan(
    ctx: typer.Context,
    module: ModuleOption = None,
    start: StartOption = None,
    end: EndOption = None,
    e2e_test: TestOption = False,
    force: Annotated[bool, typer.Option(help="As if what is published had to be done again.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a run would read and do, and why. Nothing is changed, and no data object is opened.

    [bold]Examples[/]

    dataworks kickstart plan --module application
    """
    workplace = workplace_of(ctx)
    scope = workplace.kickstart
    collections = _of(scope, module)
    days = _days(workplace, collections, start, end, is_fresh=False)
    made = _planned(workplace, collections, days, is_test=e2e_test, force=force)
    refusals = read_refusals(workplace.platform.store, scope)
    if as_json:
        write_json(plan_document(scope, made, refusals))
    elif days:
        show_plan(workplace, scope, made, refusals, work_only=False)
    else:
        workplace.console.print("[bold green]Nothing to do[/]: every day up to yesterday is complete.")


@app.command()
def acknowledge(
    ctx: typer.Context,
    collection: Annotated[str, typer.Argument(help=COLLECTION_HELP)],
    day: DaysOption = None,
    reason: Annotated[str, typer.Option(help="Why; shown wherever the day is.")] = "",
) -> None:
    """Give days up whose source is lost, or will never be right: later days go on without them.

    [bold]Examples[/]

    dataworks kickstart acknowledge payment/payments --day 2026-11-12 --reason 'the partner lost it'
    """
    workplace = workplace_of(ctx)
    scope = workplace.kickstart
    if not day or not reason:
        raise typer.BadParameter("say which day, and why", param_hint="--day, --reason")
    _, found = the_one([KickstartRoom(workplace.platform, scope)], collection)
    scoped = scope.collections[found.name]
    made = _planned(workplace, [scoped], parse_days(day))
    there = [each for each in made.days if each.published is not None]
    if there:
        raise typer.BadParameter(f"{there[0].day} is published: there is nothing to give up", param_hint="--day")
    days = [(scoped.name, each.day) for each in made.days]
    give_up(workplace.platform.store, scope, days, reason=reason, by=getpass.getuser())
    workplace.console.print(f"Given up: {scoped.name} {', '.join(str(each) for _, each in days)} ({reason})")


def _of(scope: KickstartScope, module: PartnerModule | None) -> Sequence[ScopedPartner]:
    return tuple(scope.collections.values()) if module is None else scope.of_module(module)


def _days(
    workplace: Workplace, collections: Sequence[ScopedPartner], start: str | None, end: str | None, *, is_fresh: bool
) -> tuple[date, ...]:
    """The days of a run; where its history is to be forgotten first, every day is open."""
    scope, today = workplace.kickstart, datetime.now(UTC).date()
    begin = beginning if is_fresh else catch_up_start
    first_open = begin(workplace.platform, scope, collections, today=today)
    return chosen_days(read_day("START_DT", start), read_day("END_DT", end), first_open=first_open, today=today)


def _planner(workplace: Workplace, *, is_test: bool = False) -> KickstartPlanner:
    return KickstartRoom(workplace.platform, workplace.kickstart).planner(is_test=is_test)


def _planned(
    workplace: Workplace,
    collections: Sequence[ScopedPartner],
    days: Sequence[date],
    *,
    is_test: bool = False,
    force: bool = False,
) -> Plan:
    with workplace.notes.status("Listing the partner's files and what is published …"):
        request = Request(tuple(each.name for each in collections), tuple(days), force=force)
        return _planner(workplace, is_test=is_test).plan(request)


def _show_history(workplace: Workplace, collections: Sequence[ScopedPartner], *, is_test: bool, asks: bool) -> None:
    """Says what a clean-up would forget, and asks; what cannot be rebuilt is refused later, unless it is confirmed."""
    history = look_at_history(workplace.platform, _planner(workplace, is_test=is_test), collections)
    workplace.console.print(f"Clean-up: {history.text()}", soft_wrap=True)
    if asks and not typer.confirm("Forget this history?"):
        raise typer.Exit(1)
