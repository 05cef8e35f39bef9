"""What a run would start on EMR and what that costs an hour, derived from the configuration alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dataworks_assets.config.emr import EmrConfig, NodesConfig, SizeConfig


@dataclass(frozen=True)
class Forecast:
    """The cluster of a run.

    Args:
        size: name of the size; if runs are steps on a running cluster, that cluster's name.
        nodes: one text per kind of node.
        usd_an_hour: cost of all nodes at the preferred instance types; None if a price is missing.
        unpriced: instance types without a price.
    """

    size: str
    nodes: tuple[str, ...]
    usd_an_hour: float | None
    unpriced: tuple[str, ...] = ()

    def text(self) -> str:
        """Returns the forecast as a sentence."""
        if not self.nodes:
            return f"It would be a step on the running cluster {self.size}: nothing would be started."
        if self.usd_an_hour is None:
            cost = f"no price is configured for {', '.join(self.unpriced)} (engine.emr.prices)"
        else:
            cost = f"about {self.usd_an_hour:,.2f} US dollars an hour"
        return f"A cluster of the size {self.size} would be started: {', '.join(self.nodes)}; {cost}."


def forecast(config: EmrConfig, *, snapshot_type: str, days: int) -> Forecast:
    """Returns what work on so many export dates would start."""
    if config.cluster is not None:
        return Forecast(config.cluster, (), 0.0)
    return forecast_of(config, config.sizes[config.size_for(snapshot_type, days)], config.size_for(snapshot_type, days))


def forecast_of(config: EmrConfig, size: SizeConfig, name: str = "") -> Forecast:
    """Returns what a cluster of a size is and costs."""
    kinds = tuple(_kinds(size))
    unpriced = tuple(sorted({nodes.types[0] for _, nodes in kinds} - set(config.prices)))
    cost = None if unpriced else sum(_cost(config, nodes) for _, nodes in kinds)
    return Forecast(name, tuple(_said(kind, nodes, size) for kind, nodes in kinds), cost, unpriced)


def _kinds(size: SizeConfig) -> Iterator[tuple[str, NodesConfig]]:
    for kind, nodes in (("primary", size.primary), ("core", size.core), ("task", size.task)):
        if nodes is not None:
            yield kind, nodes


def _cost(config: EmrConfig, nodes: NodesConfig) -> float:
    price = config.prices[nodes.types[0]]
    spot = price.on_demand if price.spot is None else price.spot
    return nodes.spot_count * spot + (nodes.count - nodes.spot_count) * price.on_demand + nodes.count * price.emr


def _said(kind: str, nodes: NodesConfig, size: SizeConfig) -> str:
    spot = f", {nodes.spot_count} of them spot" if nodes.spot_count else ""
    scaled = f", scaled to at most {size.scaling.maximum}" if size.scaling and kind == "core" else ""
    return f"{nodes.count} {kind} x {nodes.types[0]}{spot}{scaled}"
