"""An EMR that only answers and counts, on a clock that its caller moves: clusters that become ready, steps that end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

_READY_SECONDS = 300.0


@dataclass
class PretendedEmr:
    """A client of boto3, as far as a poller uses it. A cluster is ready after five minutes.

    Args:
        clock: seconds from any start.
        step_seconds: how long a run's step is under way from the beginning on, by its number, which is its id.
        throttling: whether it refuses.
    """

    clock: Callable[[], float]
    step_seconds: Callable[[int], float]
    throttling: bool = False
    called_seconds: dict[str, list[float]] = field(default_factory=lambda: {"DescribeCluster": [], "DescribeStep": []})
    _begun_seconds: float = field(init=False)

    def __post_init__(self) -> None:
        self._begun_seconds = self.clock()

    @property
    def age_seconds(self) -> float:
        """How long ago everything began."""
        return self.clock() - self._begun_seconds

    def describe_cluster(self, ClusterId: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """As EMR's."""
        self._take("DescribeCluster")
        state = "RUNNING" if self.age_seconds > _READY_SECONDS else "STARTING"
        return {"Cluster": {"Id": ClusterId, "Name": ClusterId, "Status": {"State": state}}}

    def describe_step(self, ClusterId: str, StepId: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """As EMR's."""
        self._take("DescribeStep")
        state = "COMPLETED" if self.age_seconds > self.step_seconds(int(StepId)) else "RUNNING"
        return {"Step": {"Id": StepId, "Name": ClusterId, "Status": {"State": state}}}

    def _take(self, name: str) -> None:
        self.called_seconds[name].append(self.age_seconds)
        if self.throttling:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, name)
