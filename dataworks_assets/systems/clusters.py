"""Clusters of EMR in Dagster: a sensor that ends those of no live run, and the operators' actions as jobs.

(Annotations are not postponed in this module: Dagster reads those of the ops to find their configuration.)
"""

from datetime import UTC, datetime, timedelta

from dagster import (
    Config,
    DagsterError,
    DagsterInstance,
    DagsterRun,
    DefaultSensorStatus,
    Failure,
    JobDefinition,
    OpExecutionContext,
    RunsFilter,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    job,
    op,
    sensor,
)
from pydantic import Field

from dataworks_assets.engines.emr.clusters import Clusters, OwnCluster, Swept
from dataworks_assets.engines.factory import open_clusters
from dataworks_assets.systems.acts import BY, COMMAND_LINE, NO_RETRIES, Act, new_act, record_act
from dataworks_assets.systems.platform import Platform

_SWEEP_SECONDS = 300
_RUN_ID_CHARACTERS = 36
_ROOT_TAG = "dagster/root_run_id"
_WILL_RETRY_TAG = "dagster/will_retry"
_RETRIED_TAG = "dagster/auto_retry_run_id"
_MAX_RETRIES_TAG = "dagster/max_retries"
START, STOP = "start cluster", "stop clusters"
CONFIRMATION = "stop"
"""What has to be typed where something is to be ended."""


def clusters_of(platform: Platform) -> Clusters:
    """Returns the deployment's clusters.

    Raises:
        ConfigurationError: its jobs do not run on EMR.
    """
    return open_clusters(platform.running.deployment, platform.store)


def tries_of(instance: DagsterInstance, family: str) -> list[DagsterRun]:
    """Returns the runs of a family: the first try, and those that retried it."""
    root = family[:_RUN_ID_CHARACTERS]
    first = instance.get_run_by_id(root)
    later = list(instance.get_runs(filters=RunsFilter(tags={_ROOT_TAG: root})))
    return [*([first] if first else []), *later]


def is_live(instance: DagsterInstance, family: str) -> bool:
    """Whether a try is under way, or Dagster is about to start another one."""
    return any(
        not run.is_finished or (run.tags.get(_WILL_RETRY_TAG) == "true" and _RETRIED_TAG not in run.tags)
        for run in tries_of(instance, family)
    )


def stop(clusters: Clusters, chosen: list[OwnCluster], instance: DagsterInstance, act: Act) -> None:
    """Cancels the runs that clusters work for, so that nothing retries them, and terminates the clusters.

    Raises:
        StoreError: it cannot be recorded, and is not done.
        EngineError: AWS does not take it.
    """
    record_act(clusters.store, clusters.control_uri, act)
    for each in chosen:
        for run in live_runs(each, instance):
            _cancel(run, instance, f"{act.by} ({act.identity}) stops cluster {each.view.id}: the run ends with it")
    clusters.stop(chosen)


def live_runs(each: OwnCluster, instance: DagsterInstance) -> list[DagsterRun]:
    """Returns the runs that a cluster works for."""
    return [run for family in each.families for run in tries_of(instance, family) if not run.is_finished]


def _cancel(run: DagsterRun, instance: DagsterInstance, why: str) -> None:
    """Has a run cancelled; one that cannot be reached fails, with its cluster as the reason. Neither is retried."""
    instance.add_run_tags(run.run_id, {_MAX_RETRIES_TAG: "0"})
    instance.report_engine_event(why, run)
    try:
        instance.run_coordinator.cancel_run(run.run_id)
    except DagsterError as error:
        instance.report_engine_event(f"The run could not be cancelled, and fails: {error}", run)


def act_on(platform: Platform, what: str, chosen: list[OwnCluster], *, by: str = "", via: str = COMMAND_LINE) -> Act:
    """Returns an act on clusters that is about to be done."""
    families = sorted({family for each in chosen for family in each.families})
    about = {"clusters": ", ".join(each.view.id for each in chosen), "runs": ", ".join(families)}
    return new_act(platform, what, {name: value for name, value in about.items() if value}, by=by, via=via)


def start(platform: Platform, name: str, *, size: str, keep_until: datetime, act: Act) -> str:
    """Starts a cluster that waits for steps, and returns its id.

    Raises:
        StoreError: it cannot be recorded, and is not done.
        ConfigurationError: there is no such size.
        EngineError: nothing was deployed, or AWS refuses it.
    """
    clusters = clusters_of(platform)
    record_act(clusters.store, clusters.control_uri, act)
    return clusters.start(name, size=size, keep_until=keep_until)


def describe(each: OwnCluster) -> str:
    """Returns a cluster as a line."""
    cost = f"about {each.usd:,.2f} US dollars" if each.usd is not None else "cost unknown"
    kept = f", kept until {each.keep_until.isoformat()}" if each.keep_until else ""
    runs = f", works for {', '.join(each.families)}" if each.families else ""
    kind = f" ({each.kind})" if each.kind else ""
    return f"{each.view.id} {each.view.name}{kind} {each.view.state}, {each.hours:.1f} hours, {cost}{runs}{kept}"


class ActConfig(Config):
    """What every job that acts is told."""

    by: str = Field(description=BY)
    dry_run: bool = Field(default=False, description="Say what would be done, do nothing.")


class StopConfig(ActConfig):
    """Which clusters to stop."""

    cluster: str = Field(default="", description="Id or name of one; empty: all of the kinds below.")
    kinds: list[str] = Field(
        default_factory=list,
        description="Started for `full`, `incremental`, `backfill`, a system such as `kickstart`, or `manual`; empty: all.",
    )
    confirm: str = Field(default="", description=f"Type `{CONFIRMATION}`: clusters end with everything that runs on them.")


class StartConfig(ActConfig):
    """Which cluster to start."""

    name: str = Field(description="Its name, behind `dataworks-<deployment>-`.")
    size: str = Field(description="One of the deployment's sizes.")
    hours: float = Field(default=8.0, gt=0, description="How long the sweeper leaves it alone.")


class SweepConfig(Config):
    """How to sweep."""

    dry_run: bool = Field(default=True, description="Say what would be ended, end nothing.")


@op(name="list_clusters", required_resource_keys={"platform"})
def _list_clusters(context: OpExecutionContext) -> None:
    found = clusters_of(context.resources.platform).living()
    for each in found:
        context.log.info("%s", describe(each))
    context.add_output_metadata({"clusters": len(found)})


@op(name="stop_clusters", required_resource_keys={"platform"})
def _stop_clusters(context: OpExecutionContext, config: StopConfig) -> None:
    platform = context.resources.platform
    clusters = clusters_of(platform)
    chosen = [clusters.find(config.cluster)] if config.cluster else clusters.of_kinds(config.kinds)
    for each in chosen:
        context.log.info("to be stopped: %s", describe(each))
    if config.dry_run:
        context.log.info("a dry run: nothing was done")
        return
    if config.confirm != CONFIRMATION:
        raise Failure(f"Nothing was stopped: type `{CONFIRMATION}` into `confirm`", allow_retries=False)
    if chosen:
        act = act_on(platform, STOP, chosen, by=config.by, via=f"run {context.run_id}")
        stop(clusters, chosen, context.instance, act)
        context.log.info("done by %s (%s)", act.by, act.identity)
    context.add_output_metadata({"stopped": len(chosen)})


@op(name="start_cluster", required_resource_keys={"platform"})
def _start_cluster(context: OpExecutionContext, config: StartConfig) -> None:
    platform = context.resources.platform
    keep_until = datetime.now(UTC) + timedelta(hours=config.hours)
    context.log.info("to be started: %s of the size %s, kept until %s", config.name, config.size, keep_until.isoformat())
    if config.dry_run:
        context.log.info("a dry run: nothing was done")
        return
    about = {"name": config.name, "size": config.size, "kept until": keep_until.isoformat(timespec="minutes")}
    act = new_act(platform, START, about, by=config.by, via=f"run {context.run_id}")
    made = start(platform, config.name, size=config.size, keep_until=keep_until, act=act)
    context.log.info("%s starts; done by %s (%s)", made, act.by, act.identity)
    context.add_output_metadata({"cluster": made})


@op(name="sweep_clusters", required_resource_keys={"platform"})
def _sweep_clusters(context: OpExecutionContext, config: SweepConfig) -> None:
    for each in _sweep(context.resources.platform, context.instance, dry_run=config.dry_run):
        context.log.info("%s %s: %s", "would be ended:" if config.dry_run else "ended:", each.what, each.why)


@job(name="emr_list_clusters", description="Says which clusters live, with their ages and what they have cost.")
def _listing() -> None:
    _list_clusters()


@job(name="emr_stop_clusters", description="Ends one cluster, all of some kinds, or all of this deployment.", tags=NO_RETRIES)
def _stopping() -> None:
    _stop_clusters()


@job(name="emr_start_cluster", description="Starts a cluster that waits for steps.", tags=NO_RETRIES)
def _starting() -> None:
    _start_cluster()


@job(name="emr_sweep_clusters", description="Ends clusters and steps of no live run.")
def _sweeping() -> None:
    _sweep_clusters()


@sensor(
    name="emr_clusters",
    description="Ends clusters and steps of no live run; leaves those that are to be kept.",
    minimum_interval_seconds=_SWEEP_SECONDS,
    default_status=DefaultSensorStatus.RUNNING,
    required_resource_keys={"platform"},
    jobs=[_sweeping],
)
def _sweeper(context: SensorEvaluationContext) -> SkipReason:
    swept = _sweep(context.resources.platform, context.instance, dry_run=False)
    for each in swept:
        context.log.warning("ended %s: %s", each.what, each.why)
    return SkipReason(f"Ended {', '.join(each.what for each in swept)}" if swept else "Every cluster has a live run")


def build_clusters(platform: Platform) -> tuple[list[JobDefinition], list[SensorDefinition]]:
    """Returns the jobs and the sensor of a deployment whose jobs run on EMR; none for another one."""
    if platform.settings.deployment.engine.emr is None:
        return [], []
    return [_listing, _starting, _stopping, _sweeping], [_sweeper]


def _sweep(platform: Platform, instance: DagsterInstance, *, dry_run: bool) -> list[Swept]:
    return clusters_of(platform).sweep(lambda family: is_live(instance, family), dry_run=dry_run)
