"""`dataworks adg run`: carry out a run of the analytical dataset generation on this machine, recorded in Dagster."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from dataworks_assets.cli.carrying import carry_out
from dataworks_assets.cli.confirming import DryRunOption
from dataworks_assets.cli.plan import show_plan
from dataworks_assets.cli.ranges import DayRange
from dataworks_assets.cli.selection import (
    CollectionsOption,
    DaysOption,
    JsonOption,
    TypeOption,
    parse_days,
    refuse_days_of_none,
    select_collections,
)
from dataworks_assets.cli.workplace import workplace_of
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.systems.adg.correlation import refuse_misfits
from dataworks_assets.systems.adg.planner import Planner
from dataworks_assets.systems.plan import Request
from dataworks_assets.systems.refusals import read_refusals
from spark.errors import ConfigurationError

app = typer.Typer(help="Run the analytical dataset generation.", no_args_is_help=True)


@app.callback()
def adg() -> None:
    """Run the analytical dataset generation."""


@app.command("run")
def run(
    ctx: typer.Context,
    snapshot_type: TypeOption = SnapshotType.FULL,
    day: DaysOption = None,
    collection: CollectionsOption = None,
    correlation_id: Annotated[str, typer.Option(help="Of the export's message; shown in notices, rows and logs.")] = "",
    s3_prefix: Annotated[
        str | None, typer.Option(help="Prefix of the data files in the input bucket, in place of the configured one; one day.")
    ] = None,
    skip_pdm_trigger: Annotated[
        bool | None,
        typer.Option(
            "--skip-pdm-trigger/--no-skip-pdm-trigger",
            help="Whether nobody is told of a day that becomes complete; unset: nobody, as of any run by hand. Full only.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option(help="Read and publish again what is published and unchanged.")] = False,
    confirm: Annotated[bool, typer.Option(help="Accept a full in which a collection lost its rows.")] = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
) -> None:
    """Publish one day, or a range of days, of some or all collections.

    What is published and unchanged is left alone, and so is what an operator holds. Exit code 1 when anything else that
    was asked for is not published.

    [bold]Examples[/]

    dataworks adg run --type full --day 2026-11-20

    dataworks adg run --day 2026-11-20 --force --dry-run

    dataworks adg run -t incremental -D 2026-11-18...2026-11-20 -c 'core/*' --force
    """
    workplace = workplace_of(ctx)
    scope = workplace.scope(snapshot_type)
    days = _one_range(day)
    if s3_prefix is not None and len(days) > 1:
        raise ConfigurationError("--s3-prefix is one day's", where="--day", remedy="Run each day with a prefix by itself")
    s3_prefix = scope.given_prefix(s3_prefix)
    refuse_misfits([correlation_id])
    chosen = select_collections(scope, collection)
    refuse_days_of_none(chosen, days)
    names = tuple(scoped.name for scoped in chosen)
    if dry_run:
        made = Planner(workplace.platform, scope).plan(Request(names, days, s3_prefix=s3_prefix, force=force))
        show_plan(workplace, scope, made, read_refusals(workplace.platform.store, scope), work_only=False)
        return
    options: dict[str, object] = {
        "correlation_id": correlation_id,
        "s3_prefix": s3_prefix,
        "skip_pdm_trigger": skip_pdm_trigger,
        "force": force or None,
        "confirm": confirm or None,
    }
    carry_out(workplace, scope, [DayRange(names, days[0], days[-1])], options, as_json=as_json)


def _one_range(texts: list[str] | None) -> tuple[date, ...]:
    if not texts:
        raise typer.BadParameter("say which day", param_hint="--day")
    days = parse_days(texts)
    if (days[-1] - days[0]).days + 1 != len(days):
        raise typer.BadParameter("the days are no range: use `dataworks backfill` for scattered days", param_hint="--day")
    return days
