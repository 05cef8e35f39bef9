"""The listener that a run tells of its progress: a ledger, or nobody."""

from __future__ import annotations

from typing import Protocol

from dataworks_assets.systems.plan import Plan
from spark.contract import PartitionResult


class Told(Protocol):
    """Listens to the events of a run while it runs; no call raises or blocks."""

    def correlation_id(self, name: str, day: str) -> str:
        """The correlation id of the status row that a collection's day belongs to; empty if it has none."""

    def planned(self, plan: Plan) -> None:
        """Called when the plan is made."""

    def running_on(self, cluster_id: str) -> None:
        """Called when the application's cluster is known."""

    def publishing(self, name: str, day: str) -> None:
        """Called just before a collection's day is published."""

    def reported(self, item: PartitionResult) -> None:
        """Called when a collection's day was published, refused, or failed."""

    def failed(self, name: str, day: str, cause: str) -> None:
        """Called when a collection's day is not published, with the cause."""


class Nobody:
    """Listens, and keeps nothing."""

    def correlation_id(self, name: str, day: str) -> str:
        """The correlation id of the status row that a collection's day belongs to; empty if it has none."""
        del name, day
        return ""

    def planned(self, plan: Plan) -> None:
        """Called when the plan is made."""

    def running_on(self, cluster_id: str) -> None:
        """Called when the application's cluster is known."""

    def publishing(self, name: str, day: str) -> None:
        """Called just before a collection's day is published."""

    def reported(self, item: PartitionResult) -> None:
        """Called when a collection's day was published, refused, or failed."""

    def failed(self, name: str, day: str, cause: str) -> None:
        """Called when a collection's day is not published, with the cause."""
