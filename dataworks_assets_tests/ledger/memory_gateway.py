"""A Pushgateway in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dataworks_assets.ledger.metrics import Family
from spark.errors import LedgerError


@dataclass
class MemoryGateway:
    """Groups of metrics by instance; `pushed` has the value of each status that ever was pushed."""

    down: bool = False
    groups: dict[str, list[Family]] = field(default_factory=dict)
    pushed: list[float] = field(default_factory=list)

    def push(self, job: str, instance: str, families: Sequence[Family]) -> None:
        self._reach()
        self.groups[instance] = list(families)
        self.pushed += [value for each in families if each.name == f"{job}_status" for value in each.samples.values()]

    def delete(self, job: str, instance: str) -> None:
        del job
        self._reach()
        self.groups.pop(instance, None)

    def _reach(self) -> None:
        if self.down:
            raise LedgerError("the Pushgateway is down")

    def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """Every sample of a metric, whichever group it is in."""
        found = [each for families in self.groups.values() for each in families if each.name == name]
        return {labels: value for each in found for labels, value in each.samples.items()}

    def labels(self, name: str) -> tuple[str, ...]:
        """The names of a metric's labels."""
        return next(each.labels for families in self.groups.values() for each in families if each.name == name)
