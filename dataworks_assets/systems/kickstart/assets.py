"""Kickstart's assets: one per collection, all in one multi-asset, partitioned by day of upload; and the job that takes dates.

Whatever a run selects, any collections over any range of days, becomes one Spark application. (Annotations are not postponed
in this module: Dagster reads those of the ops to find their configuration.)
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import cast

from dagster import (
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    BackfillPolicy,
    Config,
    DailyPartitionsDefinition,
    JobDefinition,
    OpExecutionContext,
    job,
    multi_asset,
    op,
)
from pydantic import Field

from dataworks_assets.config.naming import dagster_tags
from dataworks_assets.engines.pipes import PipesChannel
from dataworks_assets.systems.attending import RunContext
from dataworks_assets.systems.ending import ended_by_cause, fail_step
from dataworks_assets.systems.kickstart.days import beginning, catch_up_start, chosen_days, read_day
from dataworks_assets.systems.kickstart.running import Around, Order, carry_out, look_again
from dataworks_assets.systems.kickstart.scope import KickstartScope, ScopedPartner
from dataworks_assets.systems.pages import shown_in
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.reporting import CHECK_NAME, column_schema
from dataworks_assets.systems.runs import gone_on_with, is_cancelled, run_days
from spark.decode.partner.evolution import first_columns
from spark.publish.catalog import TableColumn

SPARK_POOL = "local_spark"
RUN_JOB = "kickstart_run"
_CHECK_DESCRIPTION = "Whether the day was published, with the evidence: files, schema, PII marks, quarantine, rows."


class Module(Enum):
    """The partner's modules, as the launchpad offers them."""

    ALL = "all"
    VACANCY = "vacancy"
    APPLICATION = "application"
    PAYMENT = "payment"


class KickstartAssetConfig(Config):
    """What a run of chosen assets and partitions may be told."""

    CLEAN_UP_FLG: bool = Field(default=False, description="Forget the history of the selected collections first.")
    E2E_TEST_FLG: bool = Field(
        default=False, description="Read the test folder. Refused in integration, preprod and production."
    )
    force: bool = Field(default=False, description="Read and publish again what is published and unchanged.")
    confirm: bool = Field(default=False, description="Accept that a clean-up loses days which the source has no more.")


class KickstartRunConfig(KickstartAssetConfig):
    """What a run by dates may be told."""

    module: Module = Field(default=Module.ALL, description="Whose collections; all of them by default.")
    START_DT: str = Field(
        default="", description="First day, YYYY-MM-DD; empty: the first that is not complete. Alone it runs up to yesterday."
    )
    END_DT: str = Field(default="", description="Last day, YYYY-MM-DD; empty: yesterday.")


def kickstart_assets(scope: KickstartScope) -> AssetsDefinition:
    """Returns the multi-asset of all collections."""
    by_key = {AssetKey(list(scoped.key_path)): scoped.name for scoped in scope.collections.values()}

    @multi_asset(
        name=scope.name,
        specs=[_spec(scoped) for scoped in scope.collections.values()],
        check_specs=[AssetCheckSpec(CHECK_NAME, asset=key, description=_CHECK_DESCRIPTION) for key in by_key],
        can_subset=True,
        backfill_policy=BackfillPolicy.single_run(),
        required_resource_keys={"platform"},
        pool=SPARK_POOL,
    )
    def materialize(context: AssetExecutionContext, config: KickstartAssetConfig) -> Iterator[None]:
        names, days = tuple(sorted(by_key[key] for key in context.selected_asset_keys)), tuple(run_days(context.run.tags))
        if names:
            _carry_out(context, scope, config, names, days)
        else:  # "Execute" of checks: no collection is asked for, so none may be worked on
            checked = sorted(by_key[check.asset_key] for check in context.selected_asset_check_keys)
            for event in look_again(context.resources.platform, scope, checked, days, run_id=context.run_id):
                context.log_event(event)
        yield from ()

    return materialize


def kickstart_job(scope: KickstartScope) -> JobDefinition:
    """Returns the job that takes dates and a module in the launchpad; it materializes the same assets."""

    @op(name="kickstart_by_dates", required_resource_keys={"platform"}, pool=SPARK_POOL)
    def run_by_dates(context: OpExecutionContext, config: KickstartRunConfig) -> None:
        wanted = [each for each in scope.collections.values() if config.module.value in {"all", each.config.module.value}]
        platform: Platform = context.resources.platform
        today = datetime.now(UTC).date()
        begin = beginning if config.CLEAN_UP_FLG else catch_up_start
        days = chosen_days(
            read_day("START_DT", config.START_DT),
            read_day("END_DT", config.END_DT),
            first_open=begin(platform, scope, wanted, today=today),
            today=today,
        )
        if days:
            _carry_out(context, scope, config, tuple(each.name for each in wanted), days)
        else:
            context.log.info("every day up to yesterday is complete, or held: nothing to do")

    @job(name=RUN_JOB, description="Kickstart by dates: catch up, or run from START_DT to END_DT.")
    def run_job() -> None:
        run_by_dates()

    return run_job


def _carry_out(
    context: AssetExecutionContext | OpExecutionContext,
    scope: KickstartScope,
    config: KickstartAssetConfig,
    names: tuple[str, ...],
    days: tuple[date, ...],
) -> None:
    order = Order(
        collections=names,
        days=days,
        clean_up=config.CLEAN_UP_FLG,
        is_test=config.E2E_TEST_FLG,
        force=config.force,
        confirm=config.confirm,
    )
    platform: Platform = context.resources.platform
    around = Around(
        cast("RunContext", context),
        channel=PipesChannel(context),
        is_retry=context.run.parent_run_id is not None,
        goes_on_with=gone_on_with(context.instance, context.run),
        family=context.run.root_run_id or context.run_id,
        show=shown_in(context, platform),
        was_cancelled=lambda: is_cancelled(context.instance, context.run_id),
    )
    with ended_by_cause(context):
        failures = carry_out(platform, scope, around, order)
    if failures:
        fail_step(context, failures)


def _spec(scoped: ScopedPartner) -> AssetSpec:
    config, main = scoped.config, scoped.job.tables[0]
    columns = first_columns(main.columns, row_hash=scoped.job.row_hash)
    described = [TableColumn(column.name, column.type, column.comment) for column in columns]
    return AssetSpec(
        key=AssetKey(list(scoped.key_path)),
        deps=[AssetKey(list(scoped.source_path))],
        skippable=True,
        group_name=scoped.group,
        kinds={"parquet", "hive", "spark"},
        owners=list(config.owners),
        tags=dagster_tags(main.tags),
        code_version=scoped.config_hash,
        partitions_def=daily(scoped.first_day, config.last_day),
        description="\n\n".join(filter(None, (config.description, f"Table: `{main.database}.{main.name}`."))),
        metadata={
            "dagster/table_name": f"{main.database}.{main.name}",
            "dagster/column_schema": column_schema(described, partition_column=main.partition_column),
            "module": config.module.value,
            "format": scoped.job.format.value,
            "schema": "follows the source" if scoped.job.evolves else "fixed: a day with other columns is refused",
        },
    )


def daily(first_day: date, last_day: date | None = None) -> DailyPartitionsDefinition:
    """Daily partitions by day of upload, today's included."""
    end = (last_day + timedelta(days=1)).isoformat() if last_day else None
    return DailyPartitionsDefinition(start_date=first_day.isoformat(), end_date=end, end_offset=0 if end else 1)
