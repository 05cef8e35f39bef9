"""The sensors and schedule as Dagster evaluates them, with assets of the shape that ADG's have."""

import pytest
from dagster import (
    AssetKey,
    AssetMaterialization,
    AssetSpec,
    BackfillPolicy,
    Config,
    DagsterInstance,
    DailyPartitionsDefinition,
    DefaultSensorStatus,
    Definitions,
    ResourceDefinition,
    build_schedule_context,
    build_sensor_context,
    multi_asset,
)
from pydantic import Field

from dataworks_assets.systems.adg.automation.build import build_automation
from dataworks_assets.systems.adg.automation.inbox import KeptMessage
from dataworks_assets.systems.adg.automation.messages import parse_message
from dataworks_assets_tests.systems.adg.automation.conftest import (
    NOON,
    completion,
    days,
    in_memory_platform,
    key,
    names,
    put_export,
)
from spark.errors import StoreError

EXPORT = AssetKey(["export", "full"])


class RunConfig(Config):
    correlation_id: str = ""
    correlation_ids: dict[str, str] = Field(default_factory=dict)
    s3_prefix: str | None = None


def _assets(scope):
    """A multi-asset that materializes what it is asked for, days by the run's tags."""
    specs = [
        AssetSpec(
            key(name),
            deps=[EXPORT],
            skippable=True,
            partitions_def=DailyPartitionsDefinition(start_date=scoped.first_day.isoformat(), end_offset=1),
        )
        for name, scoped in scope.collections.items()
    ]

    @multi_asset(name=scope.name, specs=specs, can_subset=True, backfill_policy=BackfillPolicy.single_run())
    def materialize(context, config: RunConfig):
        tags = context.run.tags
        first = tags.get("dagster/partition") or tags["dagster/asset_partition_range_start"]
        last = tags.get("dagster/partition") or tags["dagster/asset_partition_range_end"]
        said = {first: config.correlation_id} | config.correlation_ids
        for asset_key in context.selected_asset_keys:
            for day in sorted({first, last}):
                metadata = {"correlation_id": said.get(day, "")}
                context.log_event(AssetMaterialization(asset_key, partition=day, metadata=metadata))
        yield from ()

    return materialize


def _repository(scope, platform):
    sensors, schedules = build_automation(scope)
    definitions = Definitions(
        assets=[AssetSpec(EXPORT), _assets(scope)],
        sensors=sensors,
        schedules=schedules,
        resources={"platform": ResourceDefinition.hardcoded_resource(platform)},
    )
    Definitions.validate_loadable(definitions)
    return definitions.get_repository_def()


def _run(repository, instance, asked):
    job = repository.get_job(asked.job_name or "__ASSET_JOB")
    return job.execute_in_process(
        instance=instance,
        tags=asked.tags,
        run_config=asked.run_config,
        asset_selection=asked.asset_selection,
        partition_key=asked.partition_key,
    )


def _tick(repository, instance, name, *, cursor=None):
    sensor = repository.get_sensor_def(name)
    context = build_sensor_context(
        instance=instance,
        repository_def=repository,
        cursor=cursor,
        sensor_name=name,
        resources=repository.get_top_level_resources(),
    )
    return sensor.evaluate_tick(context)


def _names(found):
    return {each.name for each in found}


def test_a_deployment_with_messages_has_the_sensor_of_messages_and_no_schedule(scope):
    sensors, schedules = build_automation(scope)
    assert _names(sensors) == {"adg_exports_full", "adg_catch_up_full", "adg_reconcile_full", "adg_ledger_full"}
    assert schedules == []


def test_a_deployment_without_messages_has_what_is_configured_in_their_place(scoped):
    quiet = scoped(messages=False, extra="schedule: '0 6 * * *', due_utc: '09:00'")
    sensors, schedules = build_automation(quiet)
    assert _names(sensors) == {"adg_catch_up_full", "adg_overdue_full", "adg_reconcile_full", "adg_ledger_full"}
    assert _names(schedules) == {"adg_schedule_full"}


def test_a_snapshot_type_without_collections_has_nothing(scope):
    from dataworks_assets.config.naming import SnapshotType
    from dataworks_assets.systems.adg.scope import AdgScope

    assert build_automation(AdgScope(scope.settings, SnapshotType.INCREMENTAL)) == ([], [])


def test_catch_up_is_off_until_it_is_switched_on(scope):
    statuses = {sensor.name: sensor.default_status for sensor in build_automation(scope)[0]}
    assert statuses["adg_catch_up_full"] is DefaultSensorStatus.STOPPED
    assert statuses["adg_exports_full"] is DefaultSensorStatus.RUNNING


@pytest.fixture
def queued(scoped, sqs, store, catalog):
    """A repository of a deployment with an emulated queue, and a way to send to it."""
    queue_url = sqs.create_queue(QueueName="exports")["QueueUrl"]
    scope = scoped(queue=queue_url)
    platform = in_memory_platform(scope, store, catalog)
    platform.__dict__["queues"] = sqs
    return _repository(scope, platform), lambda body: sqs.send_message(QueueUrl=queue_url, MessageBody=body)


def test_messages_on_the_queue_become_one_run_that_materializes_their_days(queued, instance):
    repository, send = queued
    for day in ("2026-11-19", "2026-11-18"):
        send(completion(day, correlation_id=f"c-{day}"))
    (asked,) = _tick(repository, instance, "adg_exports_full").run_requests
    assert days(asked) == ("2026-11-18", "2026-11-19")
    assert _run(repository, instance, asked).success
    for name in ("core/account", "core/statement", "core/late"):
        assert instance.get_materialized_partitions(key(name)) == {"2026-11-18", "2026-11-19"}
    assert _tick(repository, instance, "adg_exports_full").run_requests == []


def test_a_single_day_of_collections_with_unlike_partitions_runs(queued, instance):
    repository, send = queued
    send(completion("2026-11-19", correlation_id="c-7"))
    (asked,) = _tick(repository, instance, "adg_exports_full").run_requests
    assert _run(repository, instance, asked).success
    event = instance.get_latest_materialization_event(key("core/late")).asset_materialization
    assert (event.partition, event.metadata["correlation_id"].value) == ("2026-11-19", "c-7")


def test_a_single_day_of_collections_with_like_partitions_runs(queued, instance):
    repository, send = queued
    send(completion("2026-11-10", correlation_id="c-7"))
    (asked,) = _tick(repository, instance, "adg_exports_full").run_requests
    assert _run(repository, instance, asked).success
    assert instance.get_materialized_partitions(key("core/account")) == {"2026-11-10"}


def test_what_was_kept_is_started_though_the_queue_is_down(scope, store, catalog, inbox, instance, sqs):
    platform = in_memory_platform(scope, store, catalog)
    platform.__dict__["queues"] = sqs
    repository = _repository(scope, platform)
    with pytest.raises(StoreError, match="cannot be read"):
        _tick(repository, instance, "adg_exports_full")
    inbox.keep(KeptMessage(message=parse_message(completion("2026-11-10")), kept_utc=NOON))
    assert len(_tick(repository, instance, "adg_exports_full").run_requests) == 1


@pytest.fixture
def kept_instance(tmp_path_factory):
    """An instance on disk: a schedule's context takes no other."""
    with DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as made:
        yield made


def test_the_schedule_asks_for_a_run_that_materializes_the_newest_export(scoped, store, catalog, kept_instance):
    quiet = scoped(messages=False, extra="schedule: '0 6 * * *'")
    exports = quiet.settings.deployment.exports.model_copy(update={"settle_minutes": 0})
    quiet.settings.__dict__.update(deployment=quiet.settings.deployment.model_copy(update={"exports": exports}))
    repository = _repository(quiet, in_memory_platform(quiet, store, catalog))
    put_export(store, "2026-11-20")
    context = build_schedule_context(
        instance=kept_instance,
        scheduled_execution_time=NOON,
        repository_def=repository,
        resources=repository.get_top_level_resources(),
    )
    (asked,) = repository.get_schedule_def("adg_schedule_full").evaluate_tick(context).run_requests
    assert names(asked) == {"core/account", "core/statement", "core/late"}
    assert _run(repository, kept_instance, asked).success
    assert kept_instance.get_materialized_partitions(key("core/late")) == {"2026-11-20"}


@pytest.mark.parametrize("name", ["adg_catch_up_full", "adg_overdue_full", "adg_reconcile_full"])
def test_every_other_sensor_ticks(scoped, store, catalog, instance, name):
    quiet = scoped(messages=False, extra="due_utc: '09:00'")
    repository = _repository(quiet, in_memory_platform(quiet, store, catalog))
    assert _tick(repository, instance, name).skip_message
