"""Whom a run tells what becomes of it: a ledger, or nobody. What is made of it is the listener's business."""

from __future__ import annotations

from typing import Protocol

from dataworks_assets.systems.plan import Plan
from spark.contract import PartitionResult


class Told(Protocol):
    """Whom a run tells what becomes of it, while it runs; no call raises or waits."""

    def correlation_id(self, name: str, day: str) -> str:
        """The correlation id of the row in which a collection's day is told; empty where it is told in none."""

    def planned(self, plan: Plan) -> None:
        """The plan is made."""

    def running_on(self, cluster_id: str) -> None:
        """The cluster is known that the run's application runs on."""

    def publishing(self, name: str, day: str) -> None:
        """A collection's day is about to be published."""

    def reported(self, item: PartitionResult) -> None:
        """A collection's day was published, refused, or failed."""

    def failed(self, name: str, day: str, cause: str) -> None:
        """A collection's day is not published, for this cause."""


class Nobody:
    """Is told, and keeps nothing."""

    def correlation_id(self, name: str, day: str) -> str:
        """The correlation id of the row in which a collection's day is told; empty where it is told in none."""
        del name, day
        return ""

    def planned(self, plan: Plan) -> None:
        """The plan is made."""

    def running_on(self, cluster_id: str) -> None:
        """The cluster is known that the run's application runs on."""

    def publishing(self, name: str, day: str) -> None:
        """A collection's day is about to be published."""

    def reported(self, item: PartitionResult) -> None:
        """A collection's day was published, refused, or failed."""

    def failed(self, name: str, day: str, cause: str) -> None:
        """A collection's day is not published, for this cause."""
