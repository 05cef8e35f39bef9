"""ADG's assets: one per collection and snapshot type, those of a snapshot type in one multi-asset, partitioned by export date.

Whatever a run selects, any collections over any range of days, becomes one Spark application. (Annotations are not postponed
in this module: Dagster reads those of the op to find its configuration.)
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from dagster import (
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    BackfillPolicy,
    Config,
    DailyPartitionsDefinition,
    MetadataValue,
    multi_asset,
)
from pydantic import Field

from dataworks_assets.config.naming import dagster_tags
from dataworks_assets.engines.pipes import PipesChannel
from dataworks_assets.systems.adg.automation.exports import export_key
from dataworks_assets.systems.adg.planner import Planner
from dataworks_assets.systems.adg.recording import ledger_book, run_entry
from dataworks_assets.systems.adg.scope import AdgScope, ScopedCollection
from dataworks_assets.systems.ending import ended_by_cause, fail_step
from dataworks_assets.systems.execution import Execution
from dataworks_assets.systems.pages import shown_in
from dataworks_assets.systems.plan import Request
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.rechecking import Recheck
from dataworks_assets.systems.recording import may_be_retried, recorded
from dataworks_assets.systems.reporting import CHECK_NAME, column_schema
from dataworks_assets.systems.runs import MESSAGE_TRIGGER, TRIGGER_TAG, gone_on_with, is_cancelled, run_days
from spark.contract import OutputTable
from spark.publish.tables import columns_of

SPARK_POOL = "local_spark"


class AdgRunConfig(Config):
    """What a run of ADG may be told, in the launchpad or on the command line."""

    correlation_id: str = Field(default="", description="Of the export's message; shown in notices, rows and logs.")
    correlation_ids: dict[str, str] = Field(
        default_factory=dict, description="By export date, where one run answers several messages; goes before correlation_id."
    )
    s3_prefix: str | None = Field(
        default=None, description="Prefix of the data files in the input bucket, in place of the configured one; one day only."
    )
    skip_pdm_trigger: bool | None = Field(
        default=None,
        description="true: tell nobody; false: tell downstream of a day that becomes complete; unset: the deployment's default"
        " where an export's message started the run, else nobody. Full only.",
    )
    force: bool = Field(default=False, description="Read and publish again what is published and unchanged.")
    confirm: bool = Field(default=False, description="Accept a full in which a collection lost its rows.")


def export_asset(scope: AdgScope) -> AssetSpec:
    """Returns the producer's export as an external asset, where the lineage begins."""
    return AssetSpec(
        key=export_key(scope),
        partitions_def=_daily(min([scope.settings.deployment.exports.first_day, *_first_days(scope)])),
        group_name=f"{scope.name}_source",
        kinds={"s3"},
        description=f"The producer's {scope.snapshot_type} export: encrypted files of every topic, a prefix a day.",
        metadata={"location": MetadataValue.path(_data_template(scope))},
    )


def collection_assets(scope: AdgScope) -> AssetsDefinition | None:
    """Returns the multi-asset of one snapshot type; None if no collection is configured for it."""
    if not scope.collections:
        return None
    by_key = {AssetKey(list(scoped.key_path)): scoped.name for scoped in scope.collections.values()}

    @multi_asset(
        name=scope.name,
        specs=[_spec(scope, scoped) for scoped in scope.collections.values()],
        check_specs=[AssetCheckSpec(CHECK_NAME, asset=key, description=_CHECK_DESCRIPTION) for key in by_key],
        can_subset=True,
        backfill_policy=BackfillPolicy.single_run(),
        required_resource_keys={"platform"},
        pool=SPARK_POOL,
    )
    def materialize(context: AssetExecutionContext, config: AdgRunConfig) -> Iterator[None]:
        platform: Platform = context.resources.platform
        names, days = tuple(sorted(by_key[key] for key in context.selected_asset_keys)), tuple(run_days(context.run.tags))
        if not names:  # "Execute" of checks: no collection is asked for, so none may be worked on
            checked = sorted(by_key[check.asset_key] for check in context.selected_asset_check_keys)
            for event in Recheck(platform, scope, Planner(platform, scope)).events(checked, days):
                context.log_event(event)
            return
        with ended_by_cause(context):
            _carry_out(context, scope, config, names, days)
        yield from ()

    return materialize


def _carry_out(
    context: AssetExecutionContext, scope: AdgScope, config: AdgRunConfig, names: tuple[str, ...], days: tuple[date, ...]
) -> None:
    platform: Platform = context.resources.platform
    request = Request(
        collections=names,
        days=days,
        correlation_id=config.correlation_id,
        correlation_ids=config.correlation_ids,
        s3_prefix=config.s3_prefix,
        force=config.force,
        done_by=gone_on_with(context.instance, context.run),
        confirm=config.confirm,
        tells=None if config.skip_pdm_trigger is None else not config.skip_pdm_trigger,
    )
    book = ledger_book(platform, scope, platform.notifier)
    has_message = context.run.tags.get(TRIGGER_TAG) == MESSAGE_TRIGGER
    entry = run_entry(scope, request, run_id=context.run_id, has_message=has_message, now=book.clock())
    with recorded(
        *(book, entry, context.log),
        may_be_retried=may_be_retried(context.instance, context.run),
        was_cancelled=lambda: is_cancelled(context.instance, context.run_id),
    ) as told:
        is_retry = context.run.parent_run_id is not None
        plans, channel = Planner(platform, scope), PipesChannel(context)
        execution = Execution(
            *(platform, scope, plans, context),
            channel=channel,
            is_patient=is_retry,
            family=context.run.root_run_id or context.run_id,
            told=told,
            show=shown_in(context, platform),
        )
        execution.run(request)
        told.may_be_retried &= not all(failure.lies_in_data for failure in execution.failures)
    if execution.failures:
        fail_step(context, execution.failures)


_CHECK_DESCRIPTION = (
    "Whether the day was published, with the evidence: files, manifests, ids, slices, schema, quarantine, rows."
)


def _spec(scope: AdgScope, scoped: ScopedCollection) -> AssetSpec:
    config, main = scoped.config, scoped.job.tables[0]
    tables = [(table.database, name) for table in scoped.job.tables for name in (table.newest, table.name) if name]
    return AssetSpec(
        key=AssetKey(list(scoped.key_path)),
        deps=[AssetKey(list(scoped.source_path))],
        skippable=True,
        group_name=scoped.group,
        kinds={"parquet", "hive", "spark"},
        owners=list(config.owners),
        tags=dagster_tags(main.tags),
        code_version=scoped.config_hash,
        partitions_def=_daily(scoped.first_day, config.last_day),
        description="\n\n".join(filter(None, (config.description, _described(scoped.job.tables)))),
        metadata={
            "dagster/table_name": f"{main.database}.{main.newest or main.name}",
            "dagster/column_schema": column_schema(columns_of(main), partition_column=main.partition_column),
            "topic": config.topic,
            "layout": str(main.layout),
            "tables": ", ".join(f"{database}.{name}" for database, name in tables),
        },
    )


def _first_days(scope: AdgScope) -> list[date]:
    return [scoped.first_day for scoped in scope.collections.values()]


def _described(tables: Sequence[OutputTable]) -> str:
    """Returns the text that shows the tables' names, quoted as queries need them."""
    newest = [f"`{table.database}.{table.newest}`" for table in tables if table.newest]
    every = [f"`{table.database}.{table.name}`" for table in tables]
    said = (("the newest day", newest), ("all days", every)) if newest else (("all days", every),)
    return " ".join(f"{'Table' if len(names) == 1 else 'Tables'} of {what}: {', '.join(names)}." for what, names in said)


def _daily(first_day: date, last_day: date | None = None) -> DailyPartitionsDefinition:
    """Daily partitions by export date, today's included: an export arrives on its own date."""
    end = (last_day + timedelta(days=1)).isoformat() if last_day else None
    return DailyPartitionsDefinition(start_date=first_day.isoformat(), end_date=end, end_offset=0 if end else 1)


def _data_template(scope: AdgScope) -> str:
    deployment = scope.settings.deployment
    prefix = deployment.prefixes.data.replace("{snapshot_type}", str(scope.snapshot_type))
    return f"{deployment.store.scheme}://{deployment.buckets.input}/{prefix}"
