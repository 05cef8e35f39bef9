"""`dataworks clusters`: the deployment's clusters of EMR, listed, started to wait for steps, stopped, swept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from dataworks_assets.cli.selection import JsonOption
from dataworks_assets.cli.showing import plural, table, write_json
from dataworks_assets.cli.workplace import Workplace, workplace_of

if TYPE_CHECKING:
    from dataworks_assets.engines.emr.clusters import Clusters, OwnCluster

app = typer.Typer(help="Clusters of EMR: list, start, stop, sweep.", no_args_is_help=True)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command("list")
def list_all(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Show every cluster of this deployment that lives, with its run, its age and what it has cost so far.

    [bold]Example[/]

    dataworks -d aws clusters list
    """
    workplace = workplace_of(ctx)
    found = _clusters(workplace).living()
    if as_json:
        write_json([_document(each) for each in found])
    elif not found:
        workplace.console.print("No cluster of this deployment lives.")
    else:
        _show(workplace, found)


@app.command()
def start(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name, behind `dataworks-<deployment>-`.")],
    size: Annotated[str, typer.Option("--size", help="One of the deployment's sizes.")],
    hours: Annotated[float, typer.Option("--hours", min=0.1, help="How long it is left alone by the sweeper.")] = 8.0,
    dry_run: DryRun = False,
) -> None:
    """Start a cluster that waits for steps; it ends when it is idle for the configured time.

    Jobs become its steps in a deployment that names it: `engine: {emr: {cluster: dataworks-<deployment>-<name>}}`.

    [bold]Example[/]

    dataworks -d aws clusters start shared --size small --hours 4
    """
    from dataworks_assets.engines.emr.forecast import forecast_of

    workplace = workplace_of(ctx)
    clusters = _clusters(workplace)
    config = clusters.place.config
    if size in config.sizes:
        workplace.notes.print(forecast_of(config, config.sizes[size], size).text(), soft_wrap=True)
    if dry_run:
        return
    made = clusters.start(name, size=size, keep_until=datetime.now(UTC) + timedelta(hours=hours))
    workplace.console.print(f"{made} starts", soft_wrap=True)


@app.command()
def stop(
    ctx: typer.Context,
    cluster: Annotated[str, typer.Argument(help="Its id or its name.")],
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """End one cluster with everything that runs on it; its run fails with that as its reason and is not retried.

    [bold]Example[/]

    dataworks -d aws clusters stop j-2AXXXXXXGAPLF
    """
    workplace = workplace_of(ctx)
    clusters = _clusters(workplace)
    _stop(workplace, clusters, [clusters.find(cluster)], dry_run=dry_run, yes=yes)


@app.command("stop-all")
def stop_all(ctx: typer.Context, dry_run: DryRun = False, yes: Yes = False) -> None:
    """End every cluster of this deployment, also those that are to be kept.

    [bold]Example[/]

    dataworks -d aws clusters stop-all --dry-run
    """
    workplace = workplace_of(ctx)
    clusters = _clusters(workplace)
    _stop(workplace, clusters, clusters.living(), dry_run=dry_run, yes=yes)


@app.command()
def sweep(ctx: typer.Context, dry_run: DryRun = False) -> None:
    """End clusters and steps of no live run, as the sensor `emr_clusters` does every five minutes.

    [bold]Example[/]

    dataworks -d aws clusters sweep --dry-run
    """
    from dataworks_assets.cli.dagster_home import open_instance
    from dataworks_assets.systems.clusters import is_live

    workplace = workplace_of(ctx)
    clusters = _clusters(workplace)
    with open_instance(workplace.settings) as instance:
        swept = clusters.sweep(lambda family: is_live(instance, family), dry_run=dry_run)
    for each in swept:
        workplace.console.print(f"{'would end' if dry_run else 'ended'} {each.what}: {each.why}", soft_wrap=True)
    if not swept:
        workplace.console.print("Nothing to end: every cluster has a live run, or is to be kept.")


def _clusters(workplace: Workplace) -> Clusters:
    from dataworks_assets.systems.clusters import clusters_of

    return clusters_of(workplace.platform)


def _stop(workplace: Workplace, clusters: Clusters, chosen: list[OwnCluster], *, dry_run: bool, yes: bool) -> None:
    from dataworks_assets.cli.dagster_home import open_instance
    from dataworks_assets.systems.clusters import stop as stop_clusters

    if not chosen:
        workplace.console.print("No cluster of this deployment lives: nothing to stop.")
        return
    _show(workplace, chosen)
    if dry_run:
        workplace.console.print(f"{plural(len(chosen), 'cluster')} would be stopped.")
        return
    if not yes:
        typer.confirm(f"Stop {plural(len(chosen), 'cluster')} with everything that runs there?", abort=True, err=True)
    with open_instance(workplace.settings) as instance:
        stop_clusters(clusters, chosen, instance)
    workplace.console.print(f"{plural(len(chosen), 'cluster')} stopped.")


def _show(workplace: Workplace, found: list[OwnCluster]) -> None:
    rows = table("Cluster", "Name", "State", "Run", "Hours", "US dollars", "Keep until", right=("Hours", "US dollars"))
    for each in found:
        rows.add_row(
            each.view.id,
            each.view.name,
            each.view.state,
            each.family or Text("none", style="dim"),
            f"{each.hours:.1f}",
            "" if each.usd is None else f"{each.usd:,.2f}",
            each.keep_until.isoformat(timespec="minutes") if each.keep_until else "",
        )
    workplace.console.print(rows)


def _document(each: OwnCluster) -> dict[str, object]:
    return {
        "id": each.view.id,
        "name": each.view.name,
        "state": each.view.state,
        "run": each.family,
        "hours": round(each.hours, 3),
        "usd": each.usd,
        "keep_until": each.keep_until.isoformat() if each.keep_until else None,
    }
