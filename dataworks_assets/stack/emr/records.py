"""What the emulated EMR knows of a cluster and of a step, and how its API describes them. Nothing changes a state here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from dataworks_assets.stack.emr.configurations import shown

Document = dict[str, Any]

CLUSTER_ENDED = frozenset({"TERMINATED", "TERMINATED_WITH_ERRORS"})
CLUSTER_ENDING = CLUSTER_ENDED | {"TERMINATING"}
CLUSTER_READY = frozenset({"RUNNING", "WAITING"})
STEP_ENDED = frozenset({"COMPLETED", "CANCELLED", "FAILED", "INTERRUPTED"})


class RefusedError(Exception):
    """A call that AWS refuses; `code` is the name of its exception."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Work(Protocol):
    """Something that runs on a cluster's nodes."""

    def poll(self) -> int | None:
        """Returns its exit code, None while it runs."""

    def interrupt(self) -> None:
        """Asks it to end."""

    def kill(self) -> None:
        """Makes it end."""


class Nodes(Protocol):
    """Where clusters run their bootstrap actions and steps."""

    def bootstrap(self, cluster: Cluster) -> Work:
        """Configures a cluster's nodes and starts its bootstrap actions.

        Raises:
            LookupError: a secret that the configuration names cannot be read.
        """

    def start(self, cluster: Cluster, step: Step) -> Work:
        """Starts a step."""

    def keep_logs(self, cluster: Cluster, step: Step) -> None:
        """Copies what a step that has ended wrote to the cluster's log address."""

    def free(self, cluster: Cluster) -> None:
        """Gives back what a cluster that has ended had."""


@dataclass
class Step:
    """One step; times are seconds since the epoch."""

    id: str
    name: str
    action_on_failure: str
    jar: str
    args: tuple[str, ...]
    created: float
    state: str = "PENDING"
    reason: Document = field(default_factory=dict)
    failure: Document = field(default_factory=dict)
    started: float | None = None
    ended: float | None = None
    work: Work | None = None
    is_cancelled: bool = False

    def described(self) -> Document:
        """Returns it as DescribeStep shows it."""
        status: Document = {
            "State": self.state,
            "StateChangeReason": self.reason,
            "Timeline": _timeline(CreationDateTime=self.created, StartDateTime=self.started, EndDateTime=self.ended),
        }
        if self.failure:
            status["FailureDetails"] = self.failure
        config = {"Jar": self.jar, "Args": list(self.args), "Properties": {}}
        return {
            "Id": self.id,
            "Name": self.name,
            "Config": config,
            "ActionOnFailure": self.action_on_failure,
            "Status": status,
        }


@dataclass
class Cluster:
    """One cluster; `request` is the RunJobFlow it was made by. Times are seconds since the epoch."""

    id: str
    request: Mapping[str, Any]
    created: float
    changed: float
    concurrency: int
    keeps_alive: bool
    is_protected: bool
    idle_seconds: float | None
    tags: dict[str, str]
    state: str = "STARTING"
    reason: Document = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    ready: float | None = None
    ended: float | None = None
    idle_since: float | None = None
    bootstrap: Work | None = None
    ends_with_errors: bool = False

    @property
    def name(self) -> str:
        """The name, which need not be its own alone."""
        return str(self.request["Name"])

    @property
    def log_uri(self) -> str | None:
        """Where its logs go; None: nowhere."""
        uri = self.request.get("LogUri")
        return str(uri).rstrip("/") if uri else None

    @property
    def arn(self) -> str:
        """Its name in AWS."""
        return f"arn:aws:elasticmapreduce:eu-west-2:123456789012:cluster/{self.id}"

    def active_steps(self) -> list[Step]:
        """Returns the steps that have not ended."""
        return [step for step in self.steps if step.state not in STEP_ENDED]

    def summary(self) -> Document:
        """Returns it as ListClusters shows it."""
        timeline = _timeline(CreationDateTime=self.created, ReadyDateTime=self.ready, EndDateTime=self.ended)
        status = {"State": self.state, "StateChangeReason": self.reason, "Timeline": timeline}
        return {"Id": self.id, "Name": self.name, "Status": status, "NormalizedInstanceHours": 0, "ClusterArn": self.arn}

    def described(self) -> Document:
        """Returns it as DescribeCluster shows it."""
        instances = self.request["Instances"]
        collection = "INSTANCE_FLEET" if "InstanceFleets" in instances else "INSTANCE_GROUP"
        kept = ("LogUri", "ReleaseLabel", "SecurityConfiguration", "ServiceRole", "Applications", "MonitoringConfiguration")
        subnets = instances.get("Ec2SubnetIds") or [instances.get("Ec2SubnetId")]
        return {
            **self.summary(),
            **{name: self.request[name] for name in kept if name in self.request},
            "Configurations": shown(self.request.get("Configurations", ())),
            "Ec2InstanceAttributes": {
                "IamInstanceProfile": self.request.get("JobFlowRole", ""),
                "RequestedEc2SubnetIds": [subnet for subnet in subnets if subnet],
            },
            "InstanceCollectionType": collection,
            "AutoTerminate": not self.keeps_alive,
            "TerminationProtected": self.is_protected,
            "Tags": tag_list(self.tags),
            "StepConcurrencyLevel": self.concurrency,
            "MasterPublicDnsName": "ip-127-0-0-1.eu-west-2.compute.internal",
        }


def tag_list(tags: Mapping[str, str]) -> list[Document]:
    """Returns tags as the API has them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tags_of(listed: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Returns tags by key."""
    return {tag["Key"]: tag.get("Value", "") for tag in listed}


def _timeline(**times: float | None) -> Document:
    return {name: datetime.fromtimestamp(seconds, UTC) for name, seconds in times.items() if seconds is not None}
