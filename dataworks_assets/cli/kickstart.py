"""`dataworks kickstart`: run, plan and look at the partner's files; give up days that are lost."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated

import typer
from rich.text import Text

from dataworks_assets.cli.carrying import carry_out
from dataworks_assets.cli.plan import plan_document, show_plan
from dataworks_assets.cli.ranges import DayRange
from dataworks_assets.cli.selection import DaysOption, JsonOption, parse_days
from dataworks_assets.cli.showing import number, state_text, table, write_json
from dataworks_assets.cli.workplace import Workplace, workplace_of
from dataworks_assets.config.kickstart import PartnerModule
from dataworks_assets.systems.kickstart.access import source_store
from dataworks_assets.systems.kickstart.acknowledged import acknowledge as give_up
from dataworks_assets.systems.kickstart.clean_up import look_at_history
from dataworks_assets.systems.kickstart.days import chosen_days, done_days, first_open_day, read_day, refuse_test_folder
from dataworks_assets.systems.kickstart.planner import KickstartPlanner
from dataworks_assets.systems.kickstart.scope import KickstartScope, ScopedPartner
from dataworks_assets.systems.plan import Decision, Plan, PlannedDay, Request
from dataworks_assets.systems.refusals import read_refusals

_STATES = {
    Decision.NEW: "delivered",
    Decision.NOT_EXPORTED: "missing",
    Decision.CHANGED: "changed",
    Decision.RECONFIGURED: "reconfigured",
}
_DAYS_SHOWN = 10
_LEGEND = (
    "rows of a published day; [cyan]delivered[/] and not published yet; [dim]missing[/]; [yellow]waits[/] behind one that is;"
    " [bold red]expired[/]: lost until it is acknowledged; [bold red]refused[/]"
)

app = typer.Typer(help="Run, plan and look at Kickstart, the partner's files.", no_args_is_help=True)

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
    """Run, plan and look at Kickstart, the partner's files."""


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
    as_json: JsonOption = False,
) -> None:
    """Publish a module's days; without dates from the first incomplete one up to yesterday.

    What is published and unchanged is left alone. Exit code 1 when anything that was asked for is not published.

    [bold]Examples[/]

    dataworks kickstart run --module vacancy

    dataworks kickstart run -m payment --start 2026-11-12 --end 2026-11-14 --force
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
    if clean_up:
        _show_history(workplace, collections, is_test=e2e_test, confirm=confirm)
    options: dict[str, object] = {
        "CLEAN_UP_FLG": clean_up,
        "E2E_TEST_FLG": e2e_test,
        "force": force,
        "confirm": confirm,
    }
    chosen = DayRange(tuple(each.name for each in collections), days[0], days[-1])
    look_at = "dataworks kickstart status shows what is published, and where a catch-up begins"
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
def status(
    ctx: typer.Context,
    module: ModuleOption = None,
    day: DaysOption = None,
    last: Annotated[int, typer.Option("--last", "-n", min=1, help="Number of days up to yesterday.")] = _DAYS_SHOWN,
    as_json: JsonOption = False,
) -> None:
    """Show what is published, by collection and day, what is not and why, and where a catch-up would begin.

    [bold]Examples[/]

    dataworks kickstart status

    dataworks kickstart status --module payment --day 2026-11-12...2026-11-20
    """
    workplace = workplace_of(ctx)
    scope = workplace.kickstart
    collections = _of(scope, module)
    today = datetime.now(UTC).date()
    days = parse_days(day) if day else _last_days(scope, last, today)
    made = _planned(workplace, collections, days)
    refusals = read_refusals(workplace.platform.store, scope)
    refused = {key for key in refusals if any((each.collection.name, each.day.isoformat()) == key for each in made.days)}
    if as_json:
        write_json(
            [{**_document(each), "refused": (each.collection.name, each.day.isoformat()) in refused} for each in made.days]
        )
        return
    shown = table("Collection", *(f"{each:%m-%d}" for each in days), right=[f"{each:%m-%d}" for each in days], title=scope.name)
    by_place = {(each.collection.name, each.day): each for each in made.days}
    for scoped in collections:
        cells = [_cell(by_place.get((scoped.name, each)), (scoped.name, each.isoformat()) in refused) for each in days]
        shown.add_row(scoped.name, *cells)
    workplace.console.print(shown)
    workplace.console.print(_LEGEND, soft_wrap=True)
    for each in scope.modules() if module is None else (module,):
        done = done_days(workplace.platform, scope, scope.of_module(each), today=today)
        first = first_open_day(scope, scope.of_module(each), done, today=today)
        said = "complete up to yesterday" if first == today else f"a catch-up begins at {first}"
        workplace.console.print(f"{each}: [bold]{said}[/]")


@app.command()
def acknowledge(
    ctx: typer.Context,
    collection: Annotated[str, typer.Argument(help="The collection, such as `payment/payments`.")],
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
    (scoped,) = scope.select([collection])
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
    done = {} if is_fresh else done_days(workplace.platform, scope, collections, today=today)
    first = first_open_day(scope, collections, done, today=today)
    return chosen_days(read_day("START_DT", start), read_day("END_DT", end), first_open=first, today=today)


def _last_days(scope: KickstartScope, count: int, today: date) -> tuple[date, ...]:
    days = chosen_days(None, None, first_open=scope.first_day, today=today)
    return days[-count:]


def _planner(workplace: Workplace, *, is_test: bool = False) -> KickstartPlanner:
    platform = workplace.platform
    return KickstartPlanner(platform, workplace.kickstart, source_store(platform, run_id="command"), is_test=is_test)


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


def _show_history(workplace: Workplace, collections: Sequence[ScopedPartner], *, is_test: bool, confirm: bool) -> None:
    """Says what a clean-up would forget, and asks; what cannot be rebuilt is refused later, unless it is confirmed."""
    history = look_at_history(workplace.platform, _planner(workplace, is_test=is_test), collections)
    workplace.console.print(f"Clean-up: {history.text()}", soft_wrap=True)
    if not confirm and not typer.confirm("Forget this history?"):
        raise typer.Exit(1)


def _cell(planned: PlannedDay | None, is_refused: bool) -> Text:
    if planned is None:
        return Text("")
    if planned.published is not None:
        cell = Text(number(planned.published.rows), style="green")
        if planned.decision is not Decision.UNCHANGED:
            cell.append(f"\n{planned.decision}", style="cyan")
        return cell
    return state_text("refused") if is_refused else state_text(_STATES.get(planned.decision, planned.decision.value))


def _document(planned: PlannedDay) -> dict[str, object]:
    return {
        "collection": planned.collection.name,
        "date_uploaded": planned.day.isoformat(),
        "decision": planned.decision.value,
        "reason": planned.reason,
        "rows": planned.published.rows if planned.published else None,
        "location": planned.published.location if planned.published else None,
        "published_utc": planned.published.published_utc if planned.published else None,
    }
