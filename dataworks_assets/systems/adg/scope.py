"""The collections of one snapshot type, with the names by which Dagster, the job and the catalog know them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from dataworks_assets.config.building import audit_hash, output_hash
from dataworks_assets.config.collections import CollectionConfig, RetentionConfig
from dataworks_assets.config.naming import SnapshotType, asset_key, group_name
from dataworks_assets.config.prefixes import fill
from dataworks_assets.config.settings import Settings
from spark.contract import ExportCollection
from spark.errors import ConfigurationError

SYSTEM = "adg"


@dataclass(frozen=True)
class ExportPlace:
    """Where one day's export lies."""

    data_uri: str
    manifest_uri: str | None


@dataclass(frozen=True)
class ScopedCollection:
    """A configured collection in one snapshot type."""

    config: CollectionConfig
    job: ExportCollection
    config_hash: str
    """Hash of all configuration that shapes the output."""
    audit_hash: str
    """Hash of all configuration that shapes the output or decides whether it is accepted."""
    key_path: tuple[str, ...]
    source_path: tuple[str, ...]
    group: str
    first_day: date

    @property
    def name(self) -> str:
        """`core/statement`."""
        return self.config.name

    @property
    def retention(self) -> RetentionConfig:
        """How long its days and attempts are kept."""
        return self.config.retention

    def has_day(self, day: date) -> bool:
        """Whether the collection is exported on this day at all."""
        return self.first_day <= day and (self.config.last_day is None or day <= self.config.last_day)


@dataclass(frozen=True)
class AdgScope:
    """One snapshot type of ADG in one deployment."""

    settings: Settings
    snapshot_type: SnapshotType

    @property
    def system(self) -> str:
        """`adg`."""
        return SYSTEM

    @property
    def name(self) -> str:
        """`adg_full`: the multi-asset's name, and the first part of its assets' keys."""
        return f"{SYSTEM}_{self.snapshot_type}"

    @cached_property
    def collections(self) -> dict[str, ScopedCollection]:
        """Every collection of this snapshot type, by name."""
        jobs = self.settings.built(self.snapshot_type)
        return {name: self._scoped(config, jobs[name]) for name, config in sorted(self.settings.of(self.snapshot_type).items())}

    def _scoped(self, config: CollectionConfig, job: ExportCollection) -> ScopedCollection:
        deployment = self.settings.deployment
        timestamps = deployment.output.timestamps
        return ScopedCollection(
            config=config,
            job=job,
            config_hash=output_hash(job, timestamps=timestamps),
            audit_hash=audit_hash(job, timestamps=timestamps),
            key_path=asset_key(SYSTEM, self.snapshot_type, config.topic),
            source_path=("export", str(self.snapshot_type)),
            group=group_name(SYSTEM, self.snapshot_type, config.topic),
            first_day=config.begins(deployment.exports.first_day),
        )

    def select(self, names: Iterable[str]) -> tuple[ScopedCollection, ...]:
        """Returns the collections of these names; all of them if no name is given.

        Raises:
            ConfigurationError: a name is not configured for this snapshot type.
        """
        wanted = sorted(set(names)) or sorted(self.collections)
        unknown = [name for name in wanted if name not in self.collections]
        if unknown:
            raise ConfigurationError(
                f"no collection {unknown[0]!r} in {self.name}",
                remedy=f"There are {', '.join(self.collections)}",
            )
        return tuple(self.collections[name] for name in wanted)

    def place_of(self, collection: ScopedCollection, day: date, *, s3_prefix: str | None = None) -> ExportPlace:
        """Returns where a collection's export of a day lies: in its own source for that day, else in the deployment's.

        Args:
            collection: the collection.
            day: the export date.
            s3_prefix: the prefix that the export's message named; replaces the configured one.
        """
        deployment = self.settings.deployment
        scheme, buckets, prefixes = deployment.store.scheme, deployment.buckets, deployment.prefixes
        own = collection.config.source_on(day)

        def filled(template: str) -> str:
            return fill(template, export_date=day, snapshot_type=self.snapshot_type)

        if own is not None:
            manifests = f"{scheme}://{own.manifest_bucket}/{filled(own.manifest_prefix)}" if own.manifest_prefix else None
            return ExportPlace(f"{scheme}://{own.bucket}/{filled(own.prefix)}", manifests)
        return ExportPlace(
            f"{scheme}://{buckets.input}/{self.given_prefix(s3_prefix) or filled(prefixes.data)}",
            f"{scheme}://{buckets.manifests}/{filled(prefixes.manifests)}",
        )

    def given_prefix(self, s3_prefix: str | None) -> str | None:
        """Returns a prefix that somebody named, relative to the input bucket; it may be given with or without the bucket.

        Raises:
            ConfigurationError: it is not a valid prefix.
        """
        if not s3_prefix:
            return None
        deployment = self.settings.deployment
        below = s3_prefix.removeprefix(f"{deployment.store.scheme}://{deployment.buckets.input}/").strip("/")
        if not below or "//" in below:
            raise ConfigurationError(
                f"{s3_prefix!r} is no prefix of the input bucket",
                where="s3_prefix",
                remedy=f"Write it as it is below {deployment.buckets.input}, such as {deployment.prefixes.data}",
            )
        return below

    @property
    def output_uri(self) -> str:
        """`s3://output/analytical-dataset/full`: each day's tables lie below it."""
        deployment = self.settings.deployment
        return f"{deployment.store.scheme}://{deployment.buckets.output}/{deployment.prefixes.output}/{self.snapshot_type}"

    @property
    def control_uri(self) -> str:
        """The prefix of leases, job documents, refusals and the inbox."""
        deployment = self.settings.deployment
        return f"{deployment.store.scheme}://{deployment.buckets.output}/{deployment.prefixes.control}"
