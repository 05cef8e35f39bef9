"""The whole configuration, loaded and checked: one deployment and its collections."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from dataworks_assets.config.addresses import StackAddresses, resolve
from dataworks_assets.config.building import build_collection
from dataworks_assets.config.collections import CollectionConfig
from dataworks_assets.config.deployment import Deployment
from dataworks_assets.config.environment import Environment
from dataworks_assets.config.kickstart import PartnerCollectionConfig
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.problems import nearest
from spark.contract import ExportCollection
from spark.errors import ConfigurationError


@dataclass(frozen=True)
class Settings:
    """A deployment, its collections, and the values from the environment. `files` are those that were read.

    `collections` are those of the snapshot export, `partner` those of partner files.
    """

    deployment: Deployment
    collections: tuple[CollectionConfig, ...]
    environment: Environment
    files: tuple[Path, ...] = ()
    partner: tuple[PartnerCollectionConfig, ...] = ()

    def of(self, snapshot_type: SnapshotType) -> dict[str, CollectionConfig]:
        """Returns the collections of one snapshot type by name (`core/statement`)."""
        return {config.name: config for config in self.collections if snapshot_type in config.snapshot_types}

    def collection(self, name: str, snapshot_type: SnapshotType) -> CollectionConfig:
        """Returns one collection.

        Raises:
            ConfigurationError: none of this name is configured for the snapshot type.
        """
        configured = self.of(snapshot_type)
        if name not in configured:
            raise ConfigurationError(
                f"no {snapshot_type} collection {name!r} is configured", remedy=nearest(name, list(configured))
            )
        return configured[name]

    def built(self, snapshot_type: SnapshotType) -> dict[str, ExportCollection]:
        """Returns the collections of one snapshot type as a job needs them, by name."""
        required = self.deployment.exports.manifest_required
        return {
            name: build_collection(config, snapshot_type, manifest_required=required)
            for name, config in self.of(snapshot_type).items()
        }

    def resolved(self, stack: StackAddresses | None) -> Settings:
        """Returns the settings with the embedded stack's addresses filled in; `stack` is None if it is down."""
        return replace(self, deployment=resolve(self.deployment, stack))
