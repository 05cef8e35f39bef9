"""Kickstart's collections in one deployment, with the names by which Dagster, the job and the catalog know them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from dataworks_assets.config.building import audit_hash, output_hash
from dataworks_assets.config.collections import RetentionConfig
from dataworks_assets.config.kickstart import KickstartConfig, PartnerCollectionConfig, PartnerModule, build_partner_tags
from dataworks_assets.config.settings import Settings
from spark.contract import Column, Layout, Misfit, OutputTable, PartnerCollection
from spark.errors import ConfigurationError

SYSTEM = "kickstart"
PARTITION_COLUMN = "date_uploaded"


def module_path(module: PartnerModule) -> tuple[str, ...]:
    """Returns the key parts of the asset that stands for a module's files.

    The last part is empty, so that the key reads as a folder name with a trailing slash: Dagster's selection
    `kickstart/vacancy/*`, "this asset and everything downstream of it", then selects the module's collections.
    """
    return (SYSTEM, module.value, "")


@dataclass(frozen=True)
class ScopedPartner:
    """A configured collection of partner files."""

    config: PartnerCollectionConfig
    job: PartnerCollection
    config_hash: str
    audit_hash: str
    first_day: date

    @property
    def name(self) -> str:
        """`vacancy/adverts`."""
        return self.config.name

    @property
    def key_path(self) -> tuple[str, ...]:
        """The parts of its asset's key: `("kickstart", "vacancy", "adverts")`."""
        return (SYSTEM, self.config.module.value, self.config.collection)

    @property
    def source_path(self) -> tuple[str, ...]:
        """The parts of its module's key: `("kickstart", "vacancy", "")`."""
        return module_path(self.config.module)

    @property
    def group(self) -> str:
        """Its asset group: `kickstart_vacancy`."""
        return f"{SYSTEM}_{self.config.module}"

    @property
    def retention(self) -> RetentionConfig:
        """How long its days and attempts are kept."""
        return self.config.retention

    def has_day(self, day: date) -> bool:
        """Whether the collection is delivered on this day at all."""
        return self.first_day <= day and (self.config.last_day is None or day <= self.config.last_day)

    def wants(self, day: date, today: date) -> bool:
        """Whether the day has to be published or given up; not if the collection's retention would drop it at once."""
        return self.has_day(day) and self.retention.keeps(day, today)


@dataclass(frozen=True)
class KickstartScope:
    """Kickstart in one deployment."""

    settings: Settings

    @property
    def source(self) -> KickstartConfig:
        """The partner's source.

        Raises:
            ConfigurationError: the deployment has none.
        """
        source = self.settings.deployment.kickstart
        if source is None:
            raise ConfigurationError(
                "this deployment has no Kickstart", where=self.settings.deployment.name, remedy="Configure `kickstart` there"
            )
        return source

    @property
    def first_day(self) -> date:
        """The first possible day."""
        return self.source.first_day or self.settings.deployment.exports.first_day

    @property
    def system(self) -> str:
        """`kickstart`."""
        return SYSTEM

    @property
    def name(self) -> str:
        """The multi-asset's name, and the first part of its assets' keys."""
        return SYSTEM

    @property
    def snapshot_type(self) -> str:
        """Which deliveries: the partner's."""
        return "partner"

    @cached_property
    def collections(self) -> dict[str, ScopedPartner]:
        """Every collection, by name; none where the deployment has no Kickstart."""
        return {config.name: self._scoped(config) for config in sorted(self.settings.partner, key=lambda each: each.name)}

    def _scoped(self, config: PartnerCollectionConfig) -> ScopedPartner:
        job = _build(config, self.source)
        timestamps = self.settings.deployment.output.timestamps
        return ScopedPartner(
            config=config,
            job=job,
            config_hash=output_hash(job, timestamps=timestamps),
            audit_hash=audit_hash(job, timestamps=timestamps),
            first_day=max(filter(None, (config.first_day, self.first_day))),
        )

    def select(self, names: Iterable[str]) -> tuple[ScopedPartner, ...]:
        """Returns the collections of these names; all of them if no name is given.

        Raises:
            ConfigurationError: a name is not configured.
        """
        wanted = sorted(set(names)) or sorted(self.collections)
        unknown = [name for name in wanted if name not in self.collections]
        if unknown:
            raise ConfigurationError(
                f"no collection {unknown[0]!r} in {self.name}", remedy=f"There are {', '.join(self.collections)}"
            )
        return tuple(self.collections[name] for name in wanted)

    def of_module(self, module: PartnerModule) -> tuple[ScopedPartner, ...]:
        """Returns the collections of a module."""
        return tuple(each for each in self.collections.values() if each.config.module is module)

    def modules(self) -> tuple[PartnerModule, ...]:
        """Returns the modules that have collections."""
        return tuple(module for module in PartnerModule if self.of_module(module))

    def prefix_uri(self, module: PartnerModule, day: date, *, is_test: bool = False) -> str:
        """Returns the prefix of a module's files of a day."""
        template = self.source.test_prefix if is_test else self.source.prefix
        prefix = template.format(module=module.value, export_date=day.isoformat())
        return f"{self.source.scheme}://{self.source.bucket}/{prefix}"

    @property
    def output_uri(self) -> str:
        """`s3://output/data/uc_kickstart`."""
        deployment = self.settings.deployment
        return f"{deployment.store.scheme}://{deployment.buckets.output}/{self.source.output}"

    @property
    def control_uri(self) -> str:
        """The prefix of leases, job documents, refusals and acknowledgements."""
        deployment = self.settings.deployment
        return f"{deployment.store.scheme}://{deployment.buckets.output}/{deployment.prefixes.control}"


def _build(config: PartnerCollectionConfig, source: KickstartConfig) -> PartnerCollection:
    module = source.modules[config.module]
    table = OutputTable(
        database=source.database,
        name=config.table_name,
        partition_column=PARTITION_COLUMN,
        layout=Layout.COLUMNS,
        columns=tuple(Column(name=each.name, type=each.type, comment=each.comment) for each in config.columns),
        misfit=Misfit.REFUSE,
        tags=build_partner_tags(config, source.database),
        comment=config.description,
        folder=f"{'pii' if config.pii else 'non-pii'}/{{table}}/{PARTITION_COLUMN}={{date}}",
    )
    return PartnerCollection(
        name=config.name,
        snapshot_type="partner",
        tables=(table,),
        quarantine_share=config.quarantine_share,
        preview=not config.pii,
        module=config.module.value,
        format=module.format,
        pii=config.pii,
        evolves=config.evolves,
        row_hash=module.row_hash,
    )
