"""Carrying out runs in this process and showing their results, for the commands of every system.

A run that an operator starts is an act: it is recorded before it begins, and the run is tagged with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from dataworks_assets.cli.hints import as_typed
from dataworks_assets.cli.ranges import DayRange
from dataworks_assets.cli.reports import report_document, show_reports
from dataworks_assets.cli.showing import hint, write_json
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.systems.holds import read_holds
from dataworks_assets.systems.scope import Scope

if TYPE_CHECKING:
    from dataworks_assets.cli.runs import RunReport
    from dataworks_assets.systems.acts import Act


def carry_out(
    workplace: Workplace,
    scope: Scope,
    ranges: list[DayRange],
    options: dict[str, object],
    *,
    as_json: bool = False,
    look_at: str = "dataworks status shows what is published; dataworks quarantine shows refused rows",
    act: Act | None = None,
) -> None:
    """Runs ranges in this process, one after another, and shows the results; if anything is refused, what to look at.

    Args:
        workplace: this invocation's.
        scope: the runs' system.
        ranges: what to run.
        options: fields of the runs' configuration.
        as_json: whether to show it as JSON.
        look_at: what to look at where something is refused.
        act: the operator's, where it is recorded already.

    Raises:
        StoreError: the act cannot be recorded, and nothing is run.
        typer.Exit: with code 1, when anything is not published.
    """
    from dataworks_assets.cli.runs import RunRequest, run_here

    held = read_holds(workplace.platform.store, scope)
    left_alone = sorted({name for chosen in ranges for name in chosen.collections} & set(held))
    for name in left_alone:
        said = f"{scope.name}/{name} is held, and left as it is: {held[name]}"
        workplace.notes.print(said, style="yellow", markup=False, soft_wrap=True)
    act = act or record_runs(workplace, scope, ranges, options)
    reports: list[RunReport] = []
    for chosen in ranges:
        request = RunRequest(scope, chosen.collections, chosen.first_day, chosen.last_day, options, act=act.id)
        reports.append(run_here(workplace, request))
        if reports[-1].was_cancelled:
            break
    if left := ranges[len(reports) :]:
        said = f"Not begun, for the run before was cancelled: {', '.join(each.text for each in left)}"
        workplace.notes.print(said, style="yellow", markup=False, soft_wrap=True)
    if as_json:
        write_json([report_document(report) for report in reports])
    else:
        show_reports(workplace.console, reports, held=len(left_alone))
        if any(report.of_state("refused") for report in reports):
            hint(workplace.notes, as_typed(look_at))
    if left or not all(report.succeeded for report in reports):
        raise typer.Exit(1)


def record_runs(workplace: Workplace, scope: Scope, ranges: list[DayRange], options: dict[str, object]) -> Act:
    """Records that an operator has runs started, and returns the act.

    Raises:
        StoreError: it cannot be recorded: then nothing may be started.
    """
    from dataworks_assets.systems.acts import RUN, new_act, record_act, run_about

    names = {name for chosen in ranges for name in chosen.collections}
    act = new_act(workplace.platform, RUN, run_about(scope, [chosen.text for chosen in ranges], names, options))
    record_act(workplace.platform.store, scope.control_uri, act)
    return act
