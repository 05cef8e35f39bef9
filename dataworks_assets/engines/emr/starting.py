"""Starts an application on EMR exactly once, as far as that is possible, and finds it again.

EMR's calls take no client token, so a start whose response was lost may have happened. Therefore every start has a unique
name and is looked for by that name before it is requested again, and duplicates are ended. Should two run all the same, only
the one whose token is in the job's claim goes on.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from dataworks_assets.config.emr import SizeConfig
from dataworks_assets.engines.emr.artefacts import current_artefacts
from dataworks_assets.engines.emr.calls import CLUSTER_ENDING, CLUSTER_LIVING, ClusterView, EmrCalls, OutcomeUnknownError
from dataworks_assets.engines.emr.intents import Intent, Intents
from dataworks_assets.engines.emr.requests import (
    TAG_APPLICATION,
    TAG_DEPLOYMENT,
    TAG_FAMILY,
    TAG_KIND,
    TAG_SIZE,
    TAG_TOKEN,
    TAG_VERSION,
    Place,
    cluster_request,
    step_request,
)
from spark.errors import AccessError, EngineError, NotFoundError
from spark.jobs.runner import CLAIM
from spark.store import ObjectStore

_STARTS = 3
_APPEAR_SECONDS = 5.0
"""How long a cluster may take to appear in listings after a call whose response was lost."""
_CLOCKS_DIFFER = timedelta(minutes=10)


def refuse_without_logs(store: ObjectStore, log_uri: str) -> None:
    """Refuses to start a cluster whose log bucket does not exist: AWS would end it, or its logs would be lost.

    Raises:
        StoreError: there is no such bucket, or the store does not answer. (A bucket that denies listing counts as existing.)
    """
    with suppress(AccessError):
        next(iter(store.list(log_uri)), None)


@dataclass(frozen=True)
class Starter:
    """Starts and finds applications.

    Args:
        place: where and how the deployment's clusters are made.
        calls: EMR's API.
        store: holds documents and artefacts.
        artefacts_uri: the prefix of artefacts.
        sleep: pauses.
    """

    place: Place
    calls: EmrCalls
    store: ObjectStore
    artefacts_uri: str
    sleep: Callable[[float], None] = time.sleep

    def start(self, intents: Intents, intent: Intent, arguments: tuple[str, ...], size: SizeConfig) -> Intent:
        """Returns the intent with cluster and step filled in; starts them if they are not found.

        Raises:
            EngineError: AWS refuses it, or does not answer.
        """
        if not intent.token:
            intent = self._ask(intents, intent, arguments, size)
        elif not intent.cluster_id or not intent.step_id:
            intent = self._find(intent) or self._ask(intents, intent, arguments, size)
        intents.write(intent)
        return intent

    def end_duplicates(self, intent: Intent) -> list[str]:
        """Ends clusters of the same name as the intent's own and returns their ids."""
        if not intent.owns_cluster:
            return []
        others = [each.id for each in self._named(intent) if each.id != intent.cluster_id and each.state not in CLUSTER_ENDING]
        if others:
            self.calls.terminate(others)
        return others

    def rival(self, intent: Intent) -> Intent | None:
        """Returns, for a failed application, the other application that claimed the job, if there is one."""
        claim = self._claim(intent)
        if not claim or claim == intent.token:
            return None
        if not intent.owns_cluster:
            steps = [step for step in self.calls.list_steps(intent.cluster_id) if step.name == intent.name]
            others = [step for step in steps if step.id != intent.step_id]
            return msgspec.structs.replace(intent, step_id=others[-1].id, token=claim) if others else None
        for each in self._named(intent):
            if self.calls.describe_cluster(each.id).tags.get(TAG_TOKEN) == claim:
                return self._with_step(msgspec.structs.replace(intent, cluster_id=each.id, token=claim))
        return None

    def find_running(self, name: str) -> ClusterView:
        """Returns a running cluster by its id or name, with its tags.

        Raises:
            EngineError: no such cluster is running.
        """
        found = [each for each in self.calls.list_clusters(states=CLUSTER_LIVING) if name in {each.id, each.name}]
        if not found:
            raise EngineError(
                f"no cluster {name!r} runs",
                where=f"deployment {self.place.deployment}",
                remedy="Start one (`dataworks clusters start`), or let each run have its own: leave `engine.emr.cluster` out",
                transient=False,
            )
        return self.calls.describe_cluster(found[-1].id)

    def _ask(self, intents: Intents, intent: Intent, arguments: tuple[str, ...], size: SizeConfig) -> Intent:
        """Requests the start from EMR; repeats the request only if it was not carried out."""
        for _ in range(_STARTS - 1):
            try:
                return self._ask_once(intents, intent, arguments, size)
            except OutcomeUnknownError:
                self.sleep(_APPEAR_SECONDS)
                if (found := self._find(intent)) is not None:
                    return found
        return self._ask_once(intents, intent, arguments, size)

    def _ask_once(self, intents: Intents, intent: Intent, arguments: tuple[str, ...], size: SizeConfig) -> Intent:
        intent = msgspec.structs.replace(intent, token=secrets.token_hex(8))
        claimed = (*arguments, "--claim", intent.token)
        if not intent.owns_cluster:
            cluster = self.calls.describe_cluster(intent.cluster_id)
            version = cluster.tags.get(TAG_VERSION, "")
            if not version:
                raise EngineError(
                    "the cluster was made without this platform's environment",
                    where=cluster.id,
                    remedy="Make it with `dataworks clusters start`",
                    transient=False,
                )
            step = step_request(self.place, version, size, name=intent.name, arguments=claimed, terminates=False)
            intents.write(intent)
            return msgspec.structs.replace(intent, step_id=self.calls.add_step(intent.cluster_id, step))
        refuse_without_logs(self.store, self.place.log_uri)
        artefacts = current_artefacts(self.store, self.artefacts_uri, python=self.place.config.python)
        step = step_request(self.place, artefacts.version, size, name=intent.run_id, arguments=claimed, terminates=True)
        tags = {
            TAG_DEPLOYMENT: self.place.deployment,
            TAG_APPLICATION: intent.run_id,
            TAG_FAMILY: intent.family,
            TAG_TOKEN: intent.token,
            TAG_SIZE: intent.size,
            TAG_KIND: intent.kind,
        }
        request = cluster_request(self.place, artefacts, size, name=intent.name, tags=tags, steps=[step])
        intents.write(intent)
        started = msgspec.structs.replace(intent, cluster_id=self.calls.run_job_flow(request))
        intents.write(started)
        return self._with_step(started)

    def _find(self, intent: Intent) -> Intent | None:
        """Returns the intent with the cluster and step that an earlier call created; None if there are none."""
        if intent.owns_cluster and not intent.cluster_id:
            named = self._named(intent)
            if not named:
                return None
            kept = self._best(intent, named)
            others = [each.id for each in named if each.id != kept.id and each.state not in CLUSTER_ENDING]
            if others:
                self.calls.terminate(others)
            intent = msgspec.structs.replace(intent, cluster_id=kept.id)
        if intent.owns_cluster:
            return self._with_step(intent)
        steps = [step for step in self.calls.list_steps(intent.cluster_id) if step.name == intent.name]
        for extra in steps[:-1]:
            self.calls.cancel_step(intent.cluster_id, extra.id, kill=True)
        return msgspec.structs.replace(intent, step_id=steps[-1].id) if steps else None

    def _with_step(self, intent: Intent) -> Intent:
        """Returns the intent with the one step that its cluster was started with."""
        steps = list(self.calls.list_steps(intent.cluster_id))
        if not steps:
            raise EngineError("the cluster has no step", where=intent.cluster_id, remedy="Run it again", transient=True)
        return msgspec.structs.replace(intent, step_id=steps[-1].id)

    def _named(self, intent: Intent) -> list[ClusterView]:
        after = datetime.fromisoformat(intent.begun_utc) - _CLOCKS_DIFFER
        return [each for each in self.calls.list_clusters(after=after) if each.name == intent.name]

    def _best(self, intent: Intent, named: list[ClusterView]) -> ClusterView:
        """Returns, of several clusters, the one whose application claimed the job, else the oldest one that is not ending."""
        if len(named) == 1:
            return named[0]
        claim = self._claim(intent)
        if claim:
            for each in named:
                if self.calls.describe_cluster(each.id).tags.get(TAG_TOKEN) == claim:
                    return each
        return next((each for each in reversed(named) if each.state not in CLUSTER_ENDING), named[-1])

    def _claim(self, intent: Intent) -> str:
        try:
            return self.store.read(f"{intent.parameters_uri.rpartition('/')[0]}/{CLAIM}").decode()
        except NotFoundError:
            return ""
