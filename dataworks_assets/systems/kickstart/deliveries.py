"""What the partner delivered: one observable asset per module, from which the lineage of its collections begins.

Its key ends in an empty part, `kickstart/vacancy/`: see `module_path`. A run that selects it lists what the partner has of
each day and records that in the asset's history; nothing depends on it. (Annotations are not postponed in this module.)
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, cast

from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    BackfillPolicy,
    BetaWarning,
    MetadataValue,
    ObserveResult,
    multi_observable_source_asset,
)

from dataworks_assets.config.kickstart import PartnerModule
from dataworks_assets.systems.kickstart.access import source_settings
from dataworks_assets.systems.kickstart.assets import daily
from dataworks_assets.systems.kickstart.expiry import last_readable_day
from dataworks_assets.systems.kickstart.planner import KickstartPlanner
from dataworks_assets.systems.kickstart.scope import SYSTEM, KickstartScope, module_path
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.runs import run_days
from spark.errors import DataworksError
from spark.sources.partner_objects import PartnerListing
from spark.store import shared_store


def delivery_assets(scope: KickstartScope) -> AssetsDefinition:
    """Returns the modules' files as observable assets.

    They have a backfill policy because `dagster asset materialize --partition-range` requires one.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BetaWarning)  # the decorator's warning; every Dagster command would print it
        return _observable(scope, {AssetKey(list(module_path(module))): module for module in scope.modules()})


def _observable(scope: KickstartScope, modules: Mapping[AssetKey, PartnerModule]) -> AssetsDefinition:
    @multi_observable_source_asset(  # type: ignore[untyped-decorator]
        name=f"{SYSTEM}_deliveries",
        specs=[_spec(scope, key, module) for key, module in modules.items()],
        can_subset=True,
        required_resource_keys={"platform"},
    )
    def observe(context: AssetExecutionContext) -> Iterator[ObserveResult]:
        wanted = {key: modules[key] for key in context.selected_asset_keys}
        try:
            for key, day, found in look(context.resources.platform, scope, wanted, run_days(context.run.tags), context.run_id):
                context.add_asset_metadata(found, asset_key=key, partition_key=day.isoformat())
        except DataworksError as error:
            selection = context.run.asset_selection
            if selection is not None and selection <= set(modules):
                raise
            context.log.warning("nothing is seen, and the collections say what is wrong: %s", error)
        for key in wanted:
            yield ObserveResult(asset_key=key)

    return cast("AssetsDefinition", observe.with_attributes(backfill_policy=BackfillPolicy.single_run()))


def look(
    platform: Platform, scope: KickstartScope, modules: Mapping[AssetKey, PartnerModule], days: Sequence[date], run_id: str
) -> Iterator[tuple[AssetKey, date, dict[str, MetadataValue[Any]]]]:
    """Yields what the partner has of each module and day.

    Raises:
        AccessError, StoreError: the partner's bucket cannot be listed.
    """
    planner = KickstartPlanner(platform, scope, shared_store(source_settings(platform, run_id=run_id)))
    found = planner.list_days({(module, day) for module in modules.values() for day in days})
    for key, module in modules.items():
        for day in days:
            yield key, day, seen(scope, module, day, found[module, day])


def seen(scope: KickstartScope, module: PartnerModule, day: date, listing: PartnerListing) -> dict[str, MetadataValue[Any]]:
    """Returns the observation of a module's day."""
    sources = [file.source for same in listing.files.values() for file in same]
    expected = [each.config.collection for each in scope.of_module(module) if each.has_day(day)]
    missing = [name for name in expected if name not in listing.files]
    said: dict[str, MetadataValue[Any]] = {
        "files": MetadataValue.int(len(sources)),
        "input_bytes": MetadataValue.int(sum(source.size_bytes for source in sources)),
        "location": MetadataValue.path(scope.prefix_uri(module, day)),
        "missing_collections": MetadataValue.text(", ".join(missing)),
    }
    if listing.oldest_utc:
        last_day = last_readable_day(min(listing.oldest_utc.values()), scope.source.expiry_days)
        said["last_readable_day"] = MetadataValue.text(last_day.isoformat())
    return said


def _spec(scope: KickstartScope, key: AssetKey, module: PartnerModule) -> AssetSpec:
    source = scope.source
    config = source.modules[module]
    return AssetSpec(
        key=key,
        partitions_def=daily(scope.first_day),
        group_name=f"{SYSTEM}_{module}",
        kinds={"s3", f"{module}-files"},  # the UI shows a key by its last part, which is empty: this is its name there
        description=f"The partner's files of the module {module} in their own account, {config.format}, a prefix a day.",
        metadata={"location": MetadataValue.path(f"{source.scheme}://{source.bucket}/{source.prefix}")},
    )
