"""`dataworks clusters`: list, start, stop and sweep the deployment's EMR clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from dataworks_assets.cli.confirming import DryRunOption, YesOption, confirmed
from dataworks_assets.cli.selection import JsonOption
from dataworks_assets.cli.showing import plural, table, write_json
from dataworks_assets.cli.workplace import Workplace, workplace_of

if TYPE_CHECKING:
    from dataworks_assets.engines.emr.clusters import Clusters, OwnCluster

app = typer.Typer(help="Clusters of EMR: list, start, stop, sweep.", no_args_is_help=True)

Kinds = Annotated[
    list[str] | None,
    typer.Option(
        "--kind",
        "-k",
        help="Those started for `full`, `incremental`, `backfill`, a system such as `kickstart`, or by hand (`manual`)."
        " Repeatable; all where it is left out.",
    ),
]


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
    dry_run: DryRunOption = False,
) -> None:
    """Start a cluster that waits for steps; it ends when it is idle for the configured time.

    Jobs become its steps in a deployment that names it: `engine: {emr: {cluster: dataworks-<deployment>-<name>}}`.

    [bold]Example[/]

    dataworks -d aws clusters start shared --size small --hours 4
    """
    from dataworks_assets.systems import clusters as own
    from dataworks_assets.systems.acts import new_act

    workplace = workplace_of(ctx)
    clusters = _clusters(workplace)
    plan = own.plan_start(clusters, name, size=size, keep_until=own.kept_until(hours))
    if not confirmed(workplace, plan.words, dry_run=dry_run, yes=True):
        return
    made = own.start(clusters, plan, new_act(workplace.platform, own.START, plan.about))
    workplace.console.print(f"{made} starts, to be kept until {plan.about['kept until']}", soft_wrap=True)


@app.command()
def stop(
    ctx: typer.Context,
    cluster: Annotated[str, typer.Argument(help="Its id or its name.")],
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """End one cluster with everything that runs on it; its run is cancelled with it and not retried.

    [bold]Example[/]

    dataworks -d aws clusters stop j-2AXXXXXXGAPLF
    """
    workplace = workplace_of(ctx)
    clusters = _clusters(workplace)
    _stop(workplace, clusters, [clusters.find(cluster)], dry_run=dry_run, yes=yes)


@app.command("stop-all")
def stop_all(ctx: typer.Context, kind: Kinds = None, dry_run: DryRunOption = False, yes: YesOption = False) -> None:
    """End every cluster of some kinds, or of this deployment, also those that are to be kept; their runs are cancelled.

    [bold]Examples[/]

    dataworks -d aws clusters stop-all --dry-run

    dataworks -d aws clusters stop-all --kind backfill --kind incremental
    """
    workplace = workplace_of(ctx)
    clusters = _clusters(workplace)
    _stop(workplace, clusters, clusters.of_kinds(kind or []), dry_run=dry_run, yes=yes)


@app.command()
def sweep(ctx: typer.Context, dry_run: DryRunOption = False, yes: YesOption = False) -> None:
    """End clusters and steps of no live run, as the sensor `emr_clusters` does every five minutes.

    [bold]Examples[/]

    dataworks -d aws clusters sweep --dry-run

    dataworks -d aws clusters sweep
    """
    from dataworks_assets.cli.dagster_home import open_instance
    from dataworks_assets.systems import clusters as own
    from dataworks_assets.systems.acts import new_act

    workplace = workplace_of(ctx)
    clusters = _clusters(workplace)
    with open_instance(workplace.settings) as instance:
        plan = own.plan_sweep(clusters, instance)
        if not plan.found:
            workplace.console.print(f"{plan.words}.")
            return
        if not confirmed(workplace, plan.words, dry_run=dry_run, yes=yes):
            return
        act = new_act(workplace.platform, own.SWEEP, {"ended": ", ".join(plan.names)})
        swept = own.sweep_by_hand(clusters, instance, plan, act)
    said = "; ".join(map(own.outcome_of, swept)) or "ended nothing: it has a live run by now, or has ended"
    workplace.console.print(f"{said[0].upper()}{said[1:]}. By {act.by} ({act.identity}).", markup=False, soft_wrap=True)
    if any(each.error for each in swept):
        raise typer.Exit(1)


def _clusters(workplace: Workplace) -> Clusters:
    from dataworks_assets.systems.clusters import clusters_of

    return clusters_of(workplace.platform)


def _stop(workplace: Workplace, clusters: Clusters, chosen: list[OwnCluster], *, dry_run: bool, yes: bool) -> None:
    from dataworks_assets.cli.dagster_home import open_instance
    from dataworks_assets.systems import clusters as own

    plan = own.Stopping(tuple(chosen))
    if not chosen:
        workplace.console.print(f"{plan.words}.")
        return
    _show(workplace, chosen)
    if not confirmed(workplace, plan.words, dry_run=dry_run, yes=yes):
        return
    with open_instance(workplace.settings) as instance:
        runs = [run.run_id for each in chosen for run in own.live_runs(each, instance)]
        act = own.act_on(workplace.platform, own.STOP, chosen)
        own.stop(clusters, chosen, instance, act)
    with_them = f", and {plural(len(runs), 'run')} cancelled: {', '.join(runs)}" if runs else ""
    workplace.console.print(
        f"{plural(len(chosen), 'cluster')} stopped{with_them}. By {act.by} ({act.identity}).", soft_wrap=True
    )


def _show(workplace: Workplace, found: list[OwnCluster]) -> None:
    rows = table("Cluster", "Name", "Kind", "State", "Runs", "Hours", "US dollars", "Keep until", right=("Hours", "US dollars"))
    for each in found:
        rows.add_row(
            each.view.id,
            each.view.name,
            each.kind,
            each.view.state,
            "\n".join(each.families) or Text("none", style="dim"),
            f"{each.hours:.1f}",
            "" if each.usd is None else f"{each.usd:,.2f}",
            each.keep_until.isoformat(timespec="minutes") if each.keep_until else "",
        )
    workplace.console.print(rows)


def _document(each: OwnCluster) -> dict[str, object]:
    return {
        "id": each.view.id,
        "name": each.view.name,
        "kind": each.kind,
        "state": each.view.state,
        "runs": list(each.families),
        "hours": round(each.hours, 3),
        "usd": each.usd,
        "keep_until": each.keep_until.isoformat() if each.keep_until else None,
    }
