"""The control plane of the emulated EMR: the operations of its API over clusters in memory.

Operations take and return what boto3's do, with times as datetimes; what AWS refuses raises `RefusedError`. Clusters advance
whenever an operation is called, by a given clock.
"""

from __future__ import annotations

import secrets
import string
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from dataworks_assets.stack.emr import rules
from dataworks_assets.stack.emr.life import Delays, Lives
from dataworks_assets.stack.emr.records import CLUSTER_ENDED, Cluster, Document, Nodes, RefusedError, Step, tags_of

_PAGE = 50
_ID_CHARACTERS = string.ascii_uppercase + string.digits


class EmulatedEmr:
    """One account's EMR in one region.

    Args:
        nodes: where clusters run their work.
        delays: how long states last.
        clock: seconds since the epoch.
    """

    def __init__(self, nodes: Nodes, *, delays: Delays | None = None, clock: Callable[[], float] = time.time) -> None:
        self.clusters: dict[str, Cluster] = {}
        self._lives = Lives(nodes, delays or Delays())
        self._clock = clock
        self._security: dict[str, str] = {}
        self._lock = threading.RLock()
        self._operations: dict[str, Callable[[Mapping[str, Any]], Document]] = {
            "RunJobFlow": self._run_job_flow,
            "DescribeCluster": self._describe_cluster,
            "ListClusters": self._list_clusters,
            "AddJobFlowSteps": self._add_steps,
            "DescribeStep": self._describe_step,
            "ListSteps": self._list_steps,
            "CancelSteps": self._cancel_steps,
            "TerminateJobFlows": self._terminate,
            "SetTerminationProtection": self._protect,
            "AddTags": self._add_tags,
            "RemoveTags": self._remove_tags,
            "ModifyCluster": self._modify,
            "PutAutoTerminationPolicy": self._put_idle,
            "CreateSecurityConfiguration": self._create_security,
            "DescribeSecurityConfiguration": self._describe_security,
        }

    def call(self, operation: str, parameters: Mapping[str, Any]) -> Document:
        """Carries out an operation of the API, named as AWS names it (`RunJobFlow`).

        Raises:
            RefusedError: AWS would refuse it, or it is not emulated.
        """
        found = self._operations.get(operation)
        if found is None:
            raise RefusedError("InvalidRequestException", f"{operation} is not emulated.")
        with self._lock:
            self.advance()
            answer = found(parameters)
            self.advance()
            return answer

    def advance(self) -> None:
        """Advances every cluster to its current state."""
        with self._lock:
            now = self._clock()
            for cluster in self.clusters.values():
                if cluster.state not in CLUSTER_ENDED:
                    self._lives.advance(cluster, now)

    def reclaim(self, cluster_id: str) -> None:
        """Takes a cluster's instances away, like a spot reclaim of its last node."""
        with self._lock:
            message = "The master instance was terminated: its spot capacity was reclaimed"
            self._lives.end(
                self._cluster(cluster_id), self._clock(), code="INSTANCE_FAILURE", message=message, with_errors=True
            )

    def close(self) -> None:
        """Ends everything that runs on any cluster."""
        with self._lock:
            for cluster in self.clusters.values():
                self._lives.end(cluster, self._clock(), code="INTERNAL_ERROR", message="The emulated EMR ends")

    def _run_job_flow(self, parameters: Mapping[str, Any]) -> Document:
        rules.check_run(parameters, self._security)
        now = self._clock()
        instances = parameters["Instances"]
        idle = parameters.get("AutoTerminationPolicy")
        cluster = Cluster(
            id=f"j-{_make_id()}",
            request=parameters,
            created=now,
            changed=now,
            concurrency=parameters.get("StepConcurrencyLevel", 1),
            keeps_alive=instances.get("KeepJobFlowAliveWhenNoSteps", False),
            is_protected=instances.get("TerminationProtected", False),
            idle_seconds=float(idle.get("IdleTimeout", 3600)) if idle is not None else None,
            tags=tags_of(parameters.get("Tags", ())),
        )
        cluster.steps = [self._make_step(step) for step in parameters.get("Steps", ())]
        self.clusters[cluster.id] = cluster
        return {"JobFlowId": cluster.id, "ClusterArn": cluster.arn}

    def _add_steps(self, parameters: Mapping[str, Any]) -> Document:
        cluster = self._cluster(parameters["JobFlowId"])
        rules.check_takes_steps(cluster)
        steps = parameters["Steps"]
        rules.check_steps(steps, concurrency=cluster.concurrency, active=len(cluster.active_steps()))
        made = [self._make_step(step) for step in steps]
        cluster.steps.extend(made)
        return {"StepIds": [step.id for step in made]}

    def _make_step(self, step: Mapping[str, Any]) -> Step:
        jar = step["HadoopJarStep"]
        return Step(
            id=f"s-{_make_id()}",
            name=step["Name"],
            action_on_failure=step.get("ActionOnFailure", "TERMINATE_CLUSTER"),
            jar=jar["Jar"],
            args=tuple(jar.get("Args", ())),
            created=self._clock(),
        )

    def _describe_cluster(self, parameters: Mapping[str, Any]) -> Document:
        return {"Cluster": self._cluster(parameters["ClusterId"]).described()}

    def _list_clusters(self, parameters: Mapping[str, Any]) -> Document:
        found = sorted(self.clusters.values(), key=lambda cluster: cluster.created, reverse=True)
        states = parameters.get("ClusterStates") or ()
        after, before = parameters.get("CreatedAfter"), parameters.get("CreatedBefore")
        kept = [
            cluster.summary()
            for cluster in found
            if (not states or cluster.state in states)
            and (after is None or cluster.created >= _seconds(after))
            and (before is None or cluster.created <= _seconds(before))
        ]
        return _page(kept, "Clusters", parameters)

    def _describe_step(self, parameters: Mapping[str, Any]) -> Document:
        return {"Step": self._step(self._cluster(parameters["ClusterId"]), parameters["StepId"]).described()}

    def _list_steps(self, parameters: Mapping[str, Any]) -> Document:
        steps = list(reversed(self._cluster(parameters["ClusterId"]).steps))
        states, ids = parameters.get("StepStates") or (), parameters.get("StepIds") or ()
        kept = [step for step in steps if (not states or step.state in states) and (not ids or step.id in ids)]
        return _page([step.described() for step in kept], "Steps", parameters)

    def _cancel_steps(self, parameters: Mapping[str, Any]) -> Document:
        cluster = self._cluster(parameters["ClusterId"])
        rules.check_cancel(cluster)
        kill = parameters.get("StepCancellationOption") == "TERMINATE_PROCESS"
        answers = []
        for step_id in parameters["StepIds"]:
            why = self._lives.cancel(cluster, self._step(cluster, step_id), self._clock(), kill=kill)
            answers.append({"StepId": step_id, "Status": "FAILED" if why else "SUBMITTED", "Reason": why})
        return {"CancelStepsInfoList": answers}

    def _terminate(self, parameters: Mapping[str, Any]) -> Document:
        rules.check_terminate(parameters["JobFlowIds"])
        clusters = [self._cluster(cluster_id) for cluster_id in parameters["JobFlowIds"]]
        for cluster in clusters:
            if not cluster.is_protected:
                self._lives.end(cluster, self._clock(), code="USER_REQUEST", message="Terminated by user request")
        if any(cluster.is_protected for cluster in clusters):
            raise rules.invalid("Could not shut down one or more job flows since they are termination protected.")
        return {}

    def _protect(self, parameters: Mapping[str, Any]) -> Document:
        for cluster_id in parameters["JobFlowIds"]:
            self._cluster(cluster_id).is_protected = parameters["TerminationProtected"]
        return {}

    def _add_tags(self, parameters: Mapping[str, Any]) -> Document:
        self._cluster(parameters["ResourceId"]).tags.update(tags_of(parameters["Tags"]))
        return {}

    def _remove_tags(self, parameters: Mapping[str, Any]) -> Document:
        for key in parameters["TagKeys"]:
            self._cluster(parameters["ResourceId"]).tags.pop(key, None)
        return {}

    def _modify(self, parameters: Mapping[str, Any]) -> Document:
        cluster = self._cluster(parameters["ClusterId"])
        rules.check_concurrency(parameters["StepConcurrencyLevel"])
        cluster.concurrency = parameters["StepConcurrencyLevel"]
        return {"StepConcurrencyLevel": cluster.concurrency}

    def _put_idle(self, parameters: Mapping[str, Any]) -> Document:
        policy = parameters.get("AutoTerminationPolicy", {})
        rules.check_idle(policy)
        self._cluster(parameters["ClusterId"]).idle_seconds = float(policy.get("IdleTimeout", 3600))
        return {}

    def _create_security(self, parameters: Mapping[str, Any]) -> Document:
        self._security[parameters["Name"]] = parameters["SecurityConfiguration"]
        return {"Name": parameters["Name"]}

    def _describe_security(self, parameters: Mapping[str, Any]) -> Document:
        name = parameters["Name"]
        if name not in self._security:
            raise RefusedError("InvalidRequestException", f"Security configuration with name '{name}' does not exist.")
        return {"Name": name, "SecurityConfiguration": self._security[name]}

    def _cluster(self, cluster_id: str) -> Cluster:
        if cluster_id not in self.clusters:
            raise RefusedError("InvalidRequestException", f"Cluster id '{cluster_id}' is not valid.")
        return self.clusters[cluster_id]

    @staticmethod
    def _step(cluster: Cluster, step_id: str) -> Step:
        for step in cluster.steps:
            if step.id == step_id:
                return step
        raise RefusedError("InvalidRequestException", f"Step id '{step_id}' is not valid.")


def _page(items: Sequence[Document], name: str, parameters: Mapping[str, Any]) -> Document:
    start = int(parameters.get("Marker") or 0)
    page: Document = {name: list(items[start : start + _PAGE])}
    if start + _PAGE < len(items):
        page["Marker"] = str(start + _PAGE)
    return page


def _seconds(moment: datetime | float) -> float:
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


def _make_id() -> str:
    return "".join(secrets.choice(_ID_CHARACTERS) for _ in range(13))
