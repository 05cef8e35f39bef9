"""A deployment's clusters as operators see them: with their runs and costs; to be started, stopped and swept."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from dataworks_assets.config.emr import SizeConfig
from dataworks_assets.engines.emr.artefacts import current_artefacts
from dataworks_assets.engines.emr.calls import CLUSTER_LIVING, STEP_ENDED, ClusterView, EmrCalls
from dataworks_assets.engines.emr.forecast import forecast_of
from dataworks_assets.engines.emr.intents import Intent, Intents
from dataworks_assets.engines.emr.requests import (
    MANUAL,
    TAG_APPLICATION,
    TAG_DEPLOYMENT,
    TAG_FAMILY,
    TAG_KEEP_UNTIL,
    TAG_KIND,
    TAG_SIZE,
    Place,
    cluster_request,
)
from dataworks_assets.engines.emr.starting import refuse_without_logs
from spark.errors import ConfigurationError, EngineError
from spark.store import ObjectStore

_SECONDS_AN_HOUR = 3600.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_GRACE = timedelta(minutes=10)
"""How long a run may take to become visible; until then its cluster is left alone."""

IsLive = Callable[[str], bool]
"""Whether any try of a family is under way, or about to start."""


@dataclass(frozen=True)
class OwnCluster:
    """A running cluster of the deployment.

    Args:
        view: as EMR shows it.
        hours: since its start was requested.
        usd: its approximate cost so far; None if a price is not configured.
        families: of the runs it works for, including those whose steps it runs.
    """

    view: ClusterView
    hours: float
    usd: float | None
    families: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """The family of the run that it was created for; empty for one that waits for steps."""
        return self.view.tags.get(TAG_FAMILY, "")

    @property
    def kind(self) -> str:
        """What it was started for; empty for clusters of earlier versions, which did not record it."""
        return self.view.tags.get(TAG_KIND, "")

    @property
    def application(self) -> str:
        """The application that it was created for; empty for one that waits for steps."""
        return self.view.tags.get(TAG_APPLICATION, "")

    @property
    def keep_until(self) -> datetime | None:
        """The time until which only an operator ends it."""
        said = self.view.tags.get(TAG_KEEP_UNTIL)
        try:
            return datetime.fromisoformat(said) if said else None
        except ValueError:
            return None


@dataclass(frozen=True)
class Swept:
    """What was ended, or would be, and why. `what` is a cluster's id, or a step's id with its cluster's.

    `error` says why it goes on: AWS refused to end it.
    """

    what: str
    why: str
    error: str = ""


@dataclass(frozen=True)
class Clusters:
    """The clusters of one deployment.

    Args:
        place: where the deployment's clusters are made.
        calls: EMR's API.
        store: holds artefacts and intents.
        artefacts_uri: the prefix of artefacts.
        control_uri: the prefix of intents.
        now: returns the current time, UTC.
    """

    place: Place
    calls: EmrCalls
    store: ObjectStore
    artefacts_uri: str
    control_uri: str
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def living(self) -> list[OwnCluster]:
        """Returns every cluster of this deployment that has not ended and is not ending, newest first."""
        steps: dict[str, set[str]] = defaultdict(set)
        for intent in Intents(self.store, self.control_uri).list():
            steps[intent.cluster_id].add(intent.family)
        return [self._own(view, steps[view.id]) for view in self._views()]

    def of_kinds(self, kinds: Collection[str]) -> list[OwnCluster]:
        """Returns those of `living` that were started for one of these kinds; all if no kind is given.

        Raises:
            ConfigurationError: none of them is of these kinds.
        """
        found = self.living()
        chosen = [each for each in found if not kinds or each.kind in kinds]
        if found and not chosen:
            there = ", ".join(sorted({each.kind or "no kind" for each in found}))
            raise ConfigurationError(f"no cluster of the kind {' or '.join(kinds)} lives", remedy=f"There are those of {there}")
        return chosen

    def size(self, name: str) -> SizeConfig:
        """Returns one of the deployment's sizes.

        Raises:
            ConfigurationError: there is none of this name.
        """
        sizes = self.place.config.sizes
        if name not in sizes:
            raise ConfigurationError(f"there is no size {name!r}", remedy=f"There are {', '.join(sorted(sizes))}")
        return sizes[name]

    def start(self, name: str, *, size: str, keep_until: datetime) -> str:
        """Starts a cluster that waits for steps until it has been idle for too long, and returns its id.

        Args:
            name: its name without the deployment's prefix.
            size: one of the configured sizes.
            keep_until: until when the sweeper leaves it alone.

        Raises:
            ConfigurationError: there is no such size, or a cluster of this name is already running.
            StoreError: there is no bucket for its logs.
            EngineError: nothing was deployed, or AWS refuses it.
        """
        chosen = self.size(size)
        self.refuse_taken(name)
        refuse_without_logs(self.store, self.place.log_uri)
        artefacts = current_artefacts(self.store, self.artefacts_uri, python=self.place.config.python)
        tags = {TAG_DEPLOYMENT: self.place.deployment, TAG_SIZE: size, TAG_KIND: MANUAL}
        tags[TAG_KEEP_UNTIL] = keep_until.isoformat()
        request = cluster_request(self.place, artefacts, chosen, name=self.place.cluster_name(name), tags=tags)
        return self.calls.run_job_flow(request)

    def refuse_taken(self, name: str) -> None:
        """Refuses a name that is invalid or that a running cluster has, because jobs find their cluster by its name.

        Raises:
            ConfigurationError: the name is taken, or invalid.
        """
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"{name!r} is no name of a cluster", remedy="Name it by up to 100 letters, digits, `.`, `_` and `-`: shared"
            )
        if taken := self._named(name):
            raise ConfigurationError(
                f"the cluster {taken[0].view.id} is called {taken[0].view.name!r} already, and is {taken[0].view.state}",
                remedy=f"Use it, stop it (`dataworks clusters stop {taken[0].view.id}`), or choose another name",
            )

    def _named(self, name: str) -> list[OwnCluster]:
        called = {name, self.place.cluster_name(name)}
        return [each for each in self.living() if {each.view.id, each.view.name} & called]

    def find(self, name: str) -> OwnCluster:
        """Returns a running cluster of this deployment by its id or name.

        Raises:
            ConfigurationError: several have the name.
            EngineError: there is none.
        """
        found = self._named(name)
        if len(found) > 1:
            ids = ", ".join(each.view.id for each in found)
            raise ConfigurationError(f"{len(found)} clusters are called {name!r}", remedy=f"Name one by its id: {ids}")
        if found:
            return found[0]
        raise EngineError(
            f"no cluster {name!r} of this deployment lives",
            where=f"deployment {self.place.deployment}",
            remedy="`dataworks clusters list` shows those that do",
            transient=False,
        )

    def stop(self, clusters: Sequence[OwnCluster]) -> None:
        """Terminates clusters with everything that runs on them."""
        if clusters:
            self.calls.terminate([each.view.id for each in clusters])

    def sweep(self, is_live: IsLive, *, dry_run: bool = False, only: Collection[str] | None = None) -> list[Swept]:
        """Ends clusters and steps without a live run, except those to be kept until later; returns which.

        One that AWS refuses to end does not keep the others from ending.

        Args:
            is_live: whether a run is under way.
            dry_run: only returns what would be ended.
            only: restricts the sweep to these, by their `Swept.what`; None for all.

        Raises:
            EngineError: AWS does not answer.
        """
        swept = []
        for cluster in self.living():
            if (why := self._why_swept(cluster, is_live)) and (only is None or cluster.view.id in only):
                found = Swept(cluster.view.id, why)
                swept.append(found if dry_run else _ended(found, partial(self.stop, [cluster])))
        for intent in self._dead_intents(is_live):
            swept.extend(self._sweep_step(intent, dry_run=dry_run, only=only))
        return swept

    def _views(self) -> Iterator[ClusterView]:
        prefix = self.place.cluster_name("")
        for listed in self.calls.list_clusters(states=CLUSTER_LIVING):
            if listed.name.startswith(prefix):
                view = self.calls.describe_cluster(listed.id)
                if view.tags.get(TAG_DEPLOYMENT) == self.place.deployment:
                    yield view

    def _own(self, view: ClusterView, of_steps: set[str]) -> OwnCluster:
        hours = (self.now() - view.created).total_seconds() / _SECONDS_AN_HOUR if view.created else 0.0
        size = self.place.config.sizes.get(view.tags.get(TAG_SIZE, ""))
        an_hour = forecast_of(self.place.config, size).usd_an_hour if size is not None else None
        own = view.tags.get(TAG_FAMILY)
        families = tuple(sorted(of_steps | ({own} if own else set())))
        return OwnCluster(view, hours, None if an_hour is None else an_hour * hours, families)

    def _why_swept(self, cluster: OwnCluster, is_live: IsLive) -> str:
        if cluster.keep_until is not None:
            return "" if self.now() < cluster.keep_until else f"it was to be kept until {cluster.keep_until.isoformat()}"
        if cluster.hours * _SECONDS_AN_HOUR < _GRACE.total_seconds():
            return ""
        if not cluster.family:
            return "it is no run's, and nobody said how long to keep it"
        return "" if is_live(cluster.family) else f"no try of the run {cluster.family} is under way"

    def _dead_intents(self, is_live: IsLive) -> Iterator[Intent]:
        for intent in Intents(self.store, self.control_uri).list():
            if self.now() - datetime.fromisoformat(intent.begun_utc) > _GRACE and not is_live(intent.family):
                yield intent

    def _sweep_step(self, intent: Intent, *, dry_run: bool, only: Collection[str] | None) -> Iterator[Swept]:
        """Ends what is left of an abandoned application; deletes its intent once its cluster or step has ended."""
        if intent.owns_cluster and intent.cluster_id:
            if self.calls.describe_cluster(intent.cluster_id).state in CLUSTER_LIVING:
                return  # an application's own cluster is found by its tags
        elif intent.cluster_id and intent.step_id:
            step = self.calls.describe_step(intent.cluster_id, intent.step_id)
            if step.state not in STEP_ENDED:
                swept = Swept(f"{intent.step_id} on {intent.cluster_id}", f"no try of the run {intent.family} is under way")
                if only is None or swept.what in only:
                    cancel = partial(self.calls.cancel_step, intent.cluster_id, intent.step_id, kill=True)
                    yield swept if dry_run else _ended(swept, cancel)
                return
        if not dry_run:
            Intents(self.store, self.control_uri).remove(intent)


def _ended(swept: Swept, end: Callable[[], None]) -> Swept:
    """Ends a cluster or step; the result says if AWS refused."""
    try:
        end()
    except EngineError as error:
        return replace(swept, error=str(error))
    return swept
