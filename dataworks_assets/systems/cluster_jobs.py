"""EMR clusters in Dagster: a sensor that ends clusters without a live run, and the operators' actions as jobs.

(Annotations are not postponed in this module: Dagster reads those of the ops to find their configuration.)
"""

import msgspec
from dagster import (
    Config,
    DefaultSensorStatus,
    JobDefinition,
    OpExecutionContext,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    job,
    op,
    sensor,
)
from pydantic import Field

from dataworks_assets.engines.emr.clusters import Swept
from dataworks_assets.ledger.notices import Notice, NoticeType
from dataworks_assets.systems import clusters
from dataworks_assets.systems.acts import BY, NO_RETRIES, new_act
from dataworks_assets.systems.confirming import DRY, is_confirmed
from dataworks_assets.systems.ending import told_plainly
from dataworks_assets.systems.platform import Platform

_SWEEP_SECONDS = 300


class ActConfig(Config):
    """What every job that acts is told."""

    by: str = Field(description=BY)
    dry_run: bool = Field(default=False, description=DRY)


class StopConfig(ActConfig):
    """Which clusters to stop."""

    cluster: str = Field(default="", description="Id or name of one; empty: all of the kinds below.")
    kinds: list[str] = Field(
        default_factory=list,
        description="Started for `full`, `incremental`, `backfill`, a system such as `kickstart`, or `manual`; empty: all.",
    )
    confirmation: str = Field(default="", description="Type `stop`: clusters end with everything that runs on them.")


class StartConfig(ActConfig):
    """Which cluster to start."""

    name: str = Field(description="Its name, behind `dataworks-<deployment>-`.")
    size: str = Field(description="One of the deployment's sizes.")
    hours: float = Field(default=8.0, description="How long the sweeper leaves it alone.")


class SweepConfig(ActConfig):
    """How to sweep."""

    confirmation: str = Field(default="", description="Type `sweep`: what works for no live run of this Dagster ends.")


@op(name="list_clusters", required_resource_keys={"platform"})
@told_plainly()
def _list_clusters(context: OpExecutionContext) -> None:
    found = clusters.clusters_of(context.resources.platform).living()
    for each in found:
        context.log.info("%s", clusters.describe(each))
    context.add_output_metadata({"clusters": len(found)})


@op(name="stop_clusters", required_resource_keys={"platform"})
@told_plainly()
def _stop_clusters(context: OpExecutionContext, config: StopConfig) -> None:
    platform = context.resources.platform
    own = clusters.clusters_of(platform)
    plan = clusters.Stopping(tuple([own.find(config.cluster)] if config.cluster else own.of_kinds(config.kinds)))
    if not is_confirmed(context, plan, config.confirmation, dry_run=config.dry_run):
        return
    if plan.chosen:
        act = clusters.act_on(platform, clusters.STOP, plan.chosen, by=config.by, via=f"run {context.run_id}")
        clusters.stop(own, plan.chosen, context.instance, act)
        context.log.info("done by %s (%s)", act.by, act.identity)
    context.add_output_metadata({"stopped": len(plan.chosen)})


@op(name="start_cluster", required_resource_keys={"platform"})
@told_plainly()
def _start_cluster(context: OpExecutionContext, config: StartConfig) -> None:
    platform = context.resources.platform
    own = clusters.clusters_of(platform)
    keep_until = clusters.kept_until(config.hours)
    plan = clusters.plan_start(own, config.name, size=config.size, keep_until=keep_until)
    context.log.info("%s", plan.words)
    if config.dry_run:
        context.log.info("a dry run: nothing was done")
        return
    act = new_act(platform, clusters.START, plan.about, by=config.by, via=f"run {context.run_id}")
    made = clusters.start(own, plan, act)
    context.log.info("%s starts; done by %s (%s)", made, act.by, act.identity)
    context.add_output_metadata({"cluster": made})


@op(name="sweep_clusters", required_resource_keys={"platform"})
@told_plainly()
def _sweep_clusters(context: OpExecutionContext, config: SweepConfig) -> None:
    platform = context.resources.platform
    own = clusters.clusters_of(platform)
    plan = clusters.plan_sweep(own, context.instance)
    if not is_confirmed(context, plan, config.confirmation, dry_run=config.dry_run):
        return
    swept = []
    if plan.found:
        about = {"ended": ", ".join(plan.names)}
        act = new_act(platform, clusters.SWEEP, about, by=config.by, via=f"run {context.run_id}")
        swept = clusters.sweep_by_hand(own, context.instance, plan, act)
        for each in swept:
            context.log.info("%s; done by %s (%s)", clusters.outcome_of(each), act.by, act.identity)
    context.add_output_metadata({"ended": sum(not each.error for each in swept)})


@job(name="emr_list_clusters", description="Says which clusters live, with their ages and what they have cost.")
def _listing() -> None:
    _list_clusters()


@job(name="emr_stop_clusters", description="Ends one cluster, all of some kinds, or all of this deployment.", tags=NO_RETRIES)
def _stopping() -> None:
    _stop_clusters()


@job(name="emr_start_cluster", description="Starts a cluster that waits for steps.", tags=NO_RETRIES)
def _starting() -> None:
    _start_cluster()


@job(name="emr_sweep_clusters", description="Ends clusters and steps of no live run.", tags=NO_RETRIES)
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
def _sweeper(context: SensorEvaluationContext) -> SensorResult:
    platform = context.resources.platform
    swept = clusters.sweep(clusters.clusters_of(platform), context.instance)
    told = msgspec.json.decode(context.cursor or "[]", type=list[str])
    stuck = []
    for each in swept:
        context.log.warning("%s: %s", clusters.outcome_of(each), each.why)
        if each.error and (each.what in told or platform.notifier.send(_stuck(each))):
            stuck.append(each.what)
    said = "; ".join(map(clusters.outcome_of, swept)) or "Every cluster has a live run"
    return SensorResult(skip_reason=said, cursor=msgspec.json.encode(stuck).decode())


def _stuck(swept: Swept) -> Notice:
    """Returns the notice about a cluster or step that costs money, works for no run and could not be ended."""
    remedy = "See what AWS says, such as a termination protection that somebody switched on; the sensor tries on until it ends"
    elements = {"what": swept.what, "why it should end": swept.why, "error": swept.error, "what to do": remedy}
    return Notice(NoticeType.ERROR, "A cluster of no live run could not be ended", elements)


def build_clusters(platform: Platform) -> tuple[list[JobDefinition], list[SensorDefinition]]:
    """Returns the jobs and the sensor of a deployment whose Spark jobs run on EMR; none for any other deployment."""
    if platform.settings.deployment.engine.emr is None:
        return [], []
    return [_listing, _starting, _stopping, _sweeping], [_sweeper]
