"""Carrying out runs here and showing what became of them, for the commands of every system."""

from __future__ import annotations

import typer

from dataworks_assets.cli.ranges import DayRange
from dataworks_assets.cli.reports import report_document, show_reports
from dataworks_assets.cli.showing import hint, write_json
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.systems.holds import read_holds
from dataworks_assets.systems.scope import Scope


def carry_out(
    workplace: Workplace,
    scope: Scope,
    ranges: list[DayRange],
    options: dict[str, object],
    *,
    as_json: bool = False,
    look_at: str = "dataworks status shows what is published; dataworks quarantine shows refused rows",
) -> None:
    """Runs ranges here one after another and shows what became of them; where something is refused, what to look at.

    Raises:
        typer.Exit: with code 1, when anything is not published.
    """
    from dataworks_assets.cli.runs import RunRequest, run_here

    held = read_holds(workplace.platform.store, scope)
    for name in sorted({name for chosen in ranges for name in chosen.collections} & set(held)):
        said = f"{scope.name}/{name} is held, and left as it is: {held[name]}"
        workplace.notes.print(said, style="yellow", markup=False, soft_wrap=True)
    reports = [
        run_here(workplace, RunRequest(scope, chosen.collections, chosen.first_day, chosen.last_day, options))
        for chosen in ranges
    ]
    if as_json:
        write_json([report_document(report) for report in reports])
    else:
        show_reports(workplace.console, reports)
        if any(report.of_state("refused") for report in reports):
            hint(workplace.notes, look_at)
    if not all(report.succeeded for report in reports):
        raise typer.Exit(1)
