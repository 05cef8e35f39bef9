"""A deployment: where the platform runs, and everything that differs between one place and another. Frozen, without secrets.

The services a deployment talks to are in `config.services`; what is configured for a collection in `config.collections`.
"""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from dataworks_assets.config.engine import EngineConfig
from dataworks_assets.config.kickstart import KickstartConfig
from dataworks_assets.config.ledger import LedgerConfig
from dataworks_assets.config.model import Model
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.prefixes import Prefix, PrefixTemplate
from dataworks_assets.config.services import (
    AwsConfig,
    CatalogConfig,
    KeyServiceConfig,
    NoticesConfig,
    StoreConfig,
)

_MEBIBYTE = 1024 * 1024
_CRON = re.compile(r"\S+( \S+){4}")


def _cron(text: str) -> str:
    if not _CRON.fullmatch(text):
        raise ValueError(f"{text!r} is no schedule: write five fields, such as `30 6 * * *` (UTC)")
    return text


Bucket = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
Cron = Annotated[str, AfterValidator(_cron)]


class BucketsConfig(Model):
    """Buckets by what is in them."""

    input: Bucket
    """The export's data files."""
    manifests: Bucket
    """The export's manifests."""
    output: Bucket
    """What is published, and the platform's own records."""
    logs: Bucket
    """Logs of applications and of Dagster's computations."""


class PrefixesConfig(Model):
    """Prefixes in those buckets."""

    data: PrefixTemplate = "businessdata/mongo/ucdata/{export_date}/{snapshot_type}"
    """One day's data files."""
    manifests: PrefixTemplate = "businessdata/mongo/manifests/{export_date}/{snapshot_type}"
    """One day's manifests."""
    output: Prefix = "analytical-dataset"
    """Everything that is published."""
    control: Prefix = "_dataworks"
    """Leases, job documents, refusals and the inbox, in the output bucket."""
    artefacts: Prefix = "_artefacts"
    """What clusters of EMR are made with (job, Python environment, bootstrap scripts), in the output bucket."""
    cluster_logs: Prefix = "emr"
    """Logs of EMR's clusters, in the logs bucket."""


class SnapshotConfig(Model):
    """What starts and watches one snapshot type."""

    topic: str | None = None
    """ARN of the topic on which the producer says that its export is complete, or `embedded`; null: no messages."""
    schedule: Cron | None = None
    """When to look for exports in environments without messages (UTC); null: never."""
    due_utc: time | None = None
    """Time of day by which the day's export must have come, else an alarm; null: no alarm."""


class ExportsConfig(Model):
    """The producer's exports."""

    first_day: date
    """First export date there is; a collection may begin later, or earlier where days of it lie elsewhere."""
    settle_minutes: int = Field(default=30, ge=0)
    """Without a message an export is complete when nothing under its prefix has changed for so long."""
    manifest_required: bool = True
    """Whether a data file without its manifest refuses its collection's day."""
    queue: str | None = None
    """URL of the queue that is subscribed to the topics, or `embedded`; null: no messages are read."""
    full: SnapshotConfig = SnapshotConfig()
    """The full export."""
    incremental: SnapshotConfig = SnapshotConfig()
    """The incremental export."""

    def of(self, snapshot_type: SnapshotType) -> SnapshotConfig:
        """Returns what starts and watches this snapshot type."""
        return {SnapshotType.FULL: self.full, SnapshotType.INCREMENTAL: self.incremental}[snapshot_type]


class OutputConfig(Model):
    """How tables are written."""

    timestamps: Literal["int96", "int64"] = "int96"
    """Physical type of timestamps in Parquet. Hive's reader throws on int64: choose it only where no Hive reads."""
    target_file_bytes: int = Field(default=256 * _MEBIBYTE, ge=_MEBIBYTE)
    """Size of an output file before a new one is begun."""
    lease_ttl_seconds: float = Field(default=120.0, ge=5)
    """A lease whose owner has been silent for so long is free."""
    skip_pdm_trigger: bool = True
    """Whether a full ends without telling the next product (completion message and PDM trigger), where the run does not say."""


class LimitsConfig(Model):
    """Bounds on what is started by itself."""

    catch_up_days: int = Field(default=7, ge=1)
    """Most days that the catch-up sensor asks for at once."""
    catch_up_window_days: int = Field(default=14, ge=1)
    """How many days back the catch-up sensor looks, today among them."""
    backfill_days_per_run: int = Field(default=31, ge=1)
    """Most days in one run of a backfill."""


class DeploymentRetention(Model):
    """How long what is no longer published is kept."""

    attempts: int = Field(default=2, ge=1)
    """Attempts of one day that stay for a rollback, the published one among them."""
    garbage_hours: int = Field(default=48, ge=1)
    """Age at which an object that nothing points at is garbage; longer than any run may last."""
    schedule: Cron | None = None
    """When retention and garbage collection run (UTC); null: by hand."""


class SecretsConfig(Model):
    """Secrets that configure collections: JSON whose `collections_all` maps topic to tags."""

    full: str | None = None
    """Name of the full collections' secret."""
    incremental: str | None = None
    """Name of the incremental collections' secret."""

    def of(self, snapshot_type: SnapshotType) -> str | None:
        """Returns the name of this snapshot type's secret."""
        return {SnapshotType.FULL: self.full, SnapshotType.INCREMENTAL: self.incremental}[snapshot_type]


class CollectionSources(Model):
    """Where the collections are configured. Files are named from the configuration's folder."""

    files: tuple[str, ...] = ()
    """Files that are always read."""
    options: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Files that are read when the option is on (`DATAWORKS_OPTIONS`)."""
    secrets: SecretsConfig = SecretsConfig()
    """Secrets that add collections, or snapshot types to those of files; their tags count."""


class Deployment(Model):
    """One place the platform runs in."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    """Its name, which is its file's."""
    description: str = ""
    """What it is for."""
    installation: str | None = None
    """File with the names and addresses of what the infrastructure's stacks made, as `dataworks infrastructure` wrote it;
    what this file says itself goes before them."""
    environment: Literal["development", "qa", "integration", "preprod", "production"]
    """Which kind of environment it is: notices are routed by it."""
    store: StoreConfig = StoreConfig()
    """The object store."""
    buckets: BucketsConfig
    """Buckets by what is in them."""
    prefixes: PrefixesConfig = PrefixesConfig()
    """Prefixes in those buckets."""
    key_service: KeyServiceConfig
    """The data key service."""
    catalog: CatalogConfig
    """The metastore."""
    engine: EngineConfig = EngineConfig()
    """Where jobs run."""
    aws: AwsConfig = AwsConfig()
    """The other AWS services."""
    notices: NoticesConfig = NoticesConfig()
    """What operators are told."""
    ledger: LedgerConfig = LedgerConfig()
    """What the rest of the organisation reads about runs."""
    exports: ExportsConfig
    """The producer's exports."""
    output: OutputConfig = OutputConfig()
    """How tables are written."""
    limits: LimitsConfig = LimitsConfig()
    """Bounds on what is started by itself."""
    retention: DeploymentRetention = DeploymentRetention()
    """How long what is no longer published is kept."""
    collections: CollectionSources = CollectionSources()
    """Where the collections are configured."""
    kickstart: KickstartConfig | None = None
    """The partner's files; null: this deployment has none."""

    @model_validator(mode="after")
    def _checked(self) -> Self:
        emr, paths = self.engine.emr, self.key_service
        places = (paths.ca_path, paths.certificate_path, paths.private_key_path)
        if emr is not None and emr.key_service_secret is not None and not all(places):
            raise ValueError(
                "engine.emr.key_service_secret needs key_service.ca_path, certificate_path and private_key_path:"
                " nodes get the certificates there"
            )
        if self.retention.garbage_hours * 3600 <= self.engine.timeout_seconds:
            raise ValueError(
                "retention.garbage_hours must be longer than engine.timeout_seconds, or a live run loses its files"
            )
        return self
