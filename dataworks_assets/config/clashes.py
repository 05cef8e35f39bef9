"""Finds conflicts that only show across all collections: two that claim the same table or the same asset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from dataworks_assets.config.building import build_tables
from dataworks_assets.config.collections import CollectionConfig
from dataworks_assets.config.naming import SnapshotType, asset_fold, asset_key, quarantine_table
from dataworks_assets.config.problems import Problem


class Placed(NamedTuple):
    """A collection and where it is configured."""

    config: CollectionConfig
    where: str

    def __str__(self) -> str:
        return f"{self.config.topic} ({self.where})"


def clashes(collections: Iterable[Placed]) -> Iterator[Problem]:
    """Yields every pair that clashes, naming both: tables as Hive folds their names, assets as Dagster does."""
    owners: dict[str, Placed] = {}
    told: set[tuple[str, str]] = set()
    for placed in collections:
        for claim in (claim for each in placed.config.snapshot_types for claim in _claims(placed.config, each)):
            other = owners.get(claim)
            if other is None:
                owners[claim] = placed
            elif (placed.where, other.where) not in told:
                told.add((placed.where, other.where))
                yield _problem(placed, other, claim)


def _claims(config: CollectionConfig, snapshot_type: SnapshotType) -> Iterator[str]:
    """Yields the names that a collection of one snapshot type claims exclusively."""
    tables = build_tables(config, snapshot_type)
    for table in tables:
        yield f"the table {table.database}.{table.name}"
        if table.newest is not None:
            yield f"the table {table.database}.{table.newest}"
    yield f"the table {tables[0].database}.{quarantine_table(tables[0])}"
    yield f"the asset {asset_fold(asset_key('adg', snapshot_type, config.topic))}"


def _problem(placed: Placed, other: Placed, claim: str) -> Problem:
    if other is placed:
        return Problem(placed.where, f"{placed.config.topic} needs {claim} twice", "Give its tables names of their own")
    if other.config.topic == placed.config.topic:
        return Problem(placed.where, f"{placed.config.topic} is configured already in {other.where}", "Keep one of the two")
    return Problem(
        placed.where,
        f"{placed.config.topic} and {other} both need {claim}: case and hyphens do not tell names apart there",
        "Give one of them another `table`, or leave it out",
    )
