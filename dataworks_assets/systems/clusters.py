"""What operators do to EMR clusters, and which clusters work for a Dagster run that is under way."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dagster import DagsterError, DagsterInstance, DagsterRun, RunsFilter

from dataworks_assets.engines.emr.clusters import Clusters, OwnCluster, Swept
from dataworks_assets.engines.emr.forecast import Forecast, forecast_of
from dataworks_assets.engines.factory import open_clusters
from dataworks_assets.systems.acts import COMMAND_LINE, Act, new_act, record_act
from dataworks_assets.systems.platform import Platform
from spark.errors import ConfigurationError

_RUN_ID_CHARACTERS = 36
_ROOT_TAG = "dagster/root_run_id"
_WILL_RETRY_TAG = "dagster/will_retry"
_RETRIED_TAG = "dagster/auto_retry_run_id"
_MAX_RETRIES_TAG = "dagster/max_retries"
_MOST_HOURS = 365 * 24
START, STOP, SWEEP = "start cluster", "stop clusters", "sweep clusters"


@dataclass(frozen=True)
class Starting:
    """A cluster that is to be started.

    Args:
        name: its name without the deployment's prefix.
        whole_name: its name with the deployment's prefix.
        forecast: its size and what it would cost.
        idle_minutes: how long it may be idle before it ends.
        keep_until: until when the sweeper leaves it alone.
    """

    name: str
    whole_name: str
    forecast: Forecast
    idle_minutes: int
    keep_until: datetime

    @property
    def about(self) -> dict[str, str]:
        """How its act describes it."""
        return {"name": self.name, "size": self.forecast.size, "kept until": self.keep_until.isoformat(timespec="minutes")}

    @property
    def words(self) -> str:
        """What would be done."""
        return (
            f"{self.forecast.text()} It is called {self.whole_name}, ends when it is idle for {self.idle_minutes} minutes, and"
            f" is kept from the sweeper until {self.about['kept until']}"
        )


@dataclass(frozen=True)
class Stopping:
    """Clusters that are to be stopped."""

    chosen: tuple[OwnCluster, ...]
    phrase: str = "stop"

    @property
    def words(self) -> str:
        """What would be done."""
        if not self.chosen:
            return "No cluster of this deployment lives: nothing to stop"
        return f"Stop with everything that runs there, and cancel their runs: {'; '.join(map(describe, self.chosen))}"


@dataclass(frozen=True)
class Sweeping:
    """The clusters and steps without a live run that are to be ended."""

    found: tuple[Swept, ...]
    phrase: str = "sweep"

    @property
    def names(self) -> tuple[str, ...]:
        """The clusters and steps."""
        return tuple(each.what for each in self.found)

    @property
    def words(self) -> str:
        """What would be done."""
        if not self.found:
            return "Nothing to end: every cluster has a live run, or is to be kept"
        return f"End {'; '.join(f'{each.what}: {each.why}' for each in self.found)}"


def clusters_of(platform: Platform) -> Clusters:
    """Returns the deployment's clusters.

    Raises:
        ConfigurationError: its jobs do not run on EMR.
    """
    return open_clusters(platform.running.deployment, platform.store)


def tries_of(instance: DagsterInstance, family: str) -> list[DagsterRun]:
    """Returns the runs of a family: the first try and its retries."""
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


def stop(clusters: Clusters, chosen: Sequence[OwnCluster], instance: DagsterInstance, act: Act) -> None:
    """Cancels the runs that clusters work for, prevents their retries, and terminates the clusters.

    Raises:
        StoreError: the act cannot be recorded, and is not done.
        EngineError: AWS refuses it.
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
    """Cancels a run and its retries. A run that cannot be reached ends with its cluster, and counts as cancelled too."""
    instance.add_run_tags(run.run_id, {_MAX_RETRIES_TAG: "0"})
    instance.report_engine_event(why, run)
    try:
        instance.run_coordinator.cancel_run(run.run_id)
    except DagsterError as error:
        instance.report_engine_event(f"The run could not be reached, and ends with its cluster: {error}", run)


def plan_sweep(clusters: Clusters, instance: DagsterInstance) -> Sweeping:
    """Returns what a sweep would end."""
    return Sweeping(tuple(sweep(clusters, instance, dry_run=True)))


def sweep_by_hand(clusters: Clusters, instance: DagsterInstance, plan: Sweeping, act: Act) -> list[Swept]:
    """Ends what was planned, except what has a live run by now; returns what was ended.

    Raises:
        StoreError: the act cannot be recorded, and is not done.
        EngineError: AWS refuses it.
    """
    record_act(clusters.store, clusters.control_uri, act)
    return sweep(clusters, instance, only=plan.names)


def sweep(
    clusters: Clusters, instance: DagsterInstance, *, dry_run: bool = False, only: Collection[str] | None = None
) -> list[Swept]:
    """Ends clusters and steps that work for no live run of this Dagster instance; see `Clusters.sweep`."""
    return clusters.sweep(lambda family: is_live(instance, family), dry_run=dry_run, only=only)


def outcome_of(swept: Swept) -> str:
    """Returns what became of something that was to be ended."""
    return f"could not end {swept.what}: {swept.error}" if swept.error else f"ended {swept.what}"


def act_on(platform: Platform, what: str, chosen: Sequence[OwnCluster], *, by: str = "", via: str = COMMAND_LINE) -> Act:
    """Returns an act on clusters that is about to be done."""
    families = sorted({family for each in chosen for family in each.families})
    about = {"clusters": ", ".join(each.view.id for each in chosen), "runs": ", ".join(families)}
    return new_act(platform, what, {name: value for name, value in about.items() if value}, by=by, via=via)


def kept_until(hours: float) -> datetime:
    """Returns until when a cluster is kept that starts now.

    Raises:
        ConfigurationError: the number of hours is not allowed.
    """
    if not 0 < hours <= _MOST_HOURS:
        raise ConfigurationError(
            f"a cluster cannot be kept for {hours:g} hours",
            where="hours",
            remedy=f"Name more than 0, and {_MOST_HOURS:,} at most",
        )
    return datetime.now(UTC) + timedelta(hours=hours)


def plan_start(clusters: Clusters, name: str, *, size: str, keep_until: datetime) -> Starting:
    """Returns what starting a cluster would do.

    Raises:
        ConfigurationError: there is no such size, or a cluster of this name is already running.
        EngineError: the clusters cannot be listed.
    """
    place = clusters.place
    expected = forecast_of(place.config, clusters.size(size), size)
    clusters.refuse_taken(name)
    return Starting(name, place.cluster_name(name), expected, place.config.idle_minutes, keep_until)


def start(clusters: Clusters, plan: Starting, act: Act) -> str:
    """Starts a cluster that waits for steps, and returns its id.

    Raises:
        StoreError: the act cannot be recorded, and is not done.
        ConfigurationError: there is no such size.
        EngineError: nothing was deployed, or AWS refuses it.
    """
    record_act(clusters.store, clusters.control_uri, act)
    return clusters.start(plan.name, size=plan.forecast.size, keep_until=plan.keep_until)


def describe(each: OwnCluster) -> str:
    """Returns one line that describes a cluster."""
    cost = f"about {each.usd:,.2f} US dollars" if each.usd is not None else "cost unknown"
    kept = f", kept until {each.keep_until.isoformat(timespec='minutes')}" if each.keep_until else ""
    runs = f", works for {', '.join(each.families)}" if each.families else ""
    kind = f" ({each.kind})" if each.kind else ""
    return f"{each.view.id} {each.view.name}{kind} {each.view.state}, {each.hours:.1f} hours, {cost}{runs}{kept}"
