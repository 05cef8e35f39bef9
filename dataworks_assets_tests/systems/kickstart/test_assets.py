from datetime import UTC, datetime, timedelta

import pytest
from dagster import AssetCheckKey, AssetKey, AssetSelection, DagsterInstance
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from dataworks_assets.definitions import build_definitions
from dataworks_assets.systems.kickstart import deliveries, running
from dataworks_assets_tests.systems.adg.whole_path import Events
from dataworks_assets_tests.systems.kickstart.whole_path import ADVERTS, CLAIMS, DAY, World, configured, days_from
from spark.contract import StoreSettings
from spark.errors import AccessError, ConfigurationError

GOOD = "id,title\n1,Baker\n"
KEY = AssetKey(["kickstart", "vacancy", "adverts"])
FILES = AssetKey(["kickstart", "vacancy", ""])


@pytest.fixture
def world(monkeypatch):
    made = World([configured(ADVERTS, owners=["team:kickstart"]), configured(CLAIMS)], first_day=DAY - timedelta(days=1))
    for module in (running, deliveries):
        monkeypatch.setattr(module, "source_settings", lambda platform, run_id: StoreSettings(scheme="memory"))
        monkeypatch.setattr(module, "shared_store", lambda settings: made.source)
    return made


@pytest.fixture
def definitions(world):
    return build_definitions(settings=world.settings, platform=world.platform)


def execute(definitions, world, name, **how):
    with DagsterInstance.ephemeral() as instance:
        job = definitions.get_repository_def().get_job(name)
        del world
        result = job.execute_in_process(instance=instance, raise_on_error=False, **how)
        materialized = instance.get_materialized_partitions(KEY)
    return result, materialized


def test_there_is_an_asset_a_collection_with_key_group_owner_and_tags(definitions):
    specs = {spec.key: spec for spec in definitions.resolve_all_asset_specs()}
    spec = specs[KEY]
    assert (spec.group_name, list(spec.owners), spec.tags["pii"]) == ("kickstart_vacancy", ["team:kickstart"], "false")
    assert AssetKey(["kickstart", "application", "claims"]) in specs
    assert [dep.asset_key for dep in spec.deps] == [FILES]


def test_a_deployment_without_kickstart_has_none_of_it(world):
    world.collections = ()
    names = {
        spec.key.path[0]
        for spec in build_definitions(settings=world.settings, platform=world.platform).resolve_all_asset_specs()
    }
    assert "kickstart" not in names


def run_config(**said):
    return {"ops": {"kickstart_by_dates": {"config": {"module": "VACANCY", **said}}}}


def test_the_job_by_dates_publishes_a_modules_days_and_reports_on_its_assets(world, definitions):
    for day in days_from(2):
        world.csv(GOOD, day)
    said = {"START_DT": "2026-11-19", "END_DT": "2026-11-20"}
    result, materialized = execute(definitions, world, "kickstart_run", run_config=run_config(**said))
    assert result.success
    assert materialized == {"2026-11-19", "2026-11-20"}
    checks = [
        event.asset_check_evaluation_data for event in result.all_events if event.event_type_value == "ASSET_CHECK_EVALUATION"
    ]
    assert [check.passed for check in checks] == [True, True]


def test_the_job_fails_by_name_where_a_day_is_missing(world, definitions):
    result, materialized = execute(definitions, world, "kickstart_run", run_config=run_config(END_DT="2026-11-19"))
    assert not result.success
    assert materialized == set()


@pytest.mark.parametrize("said", [{"START_DT": "yesterday"}, {"START_DT": "2026-11-20", "END_DT": "2026-11-19"}])
def test_the_job_refuses_dates_that_are_none(world, definitions, said):
    result, _ = execute(definitions, world, "kickstart_run", run_config=run_config(**said))
    assert not result.success


def test_the_test_folder_is_refused_in_production(world):
    world.environment = "production"
    definitions = build_definitions(settings=world.settings, platform=world.platform)
    world.csv(GOOD)
    said = run_config(START_DT="2026-11-20", END_DT="2026-11-20", E2E_TEST_FLG=True)
    result, _ = execute(definitions, world, "kickstart_run", run_config=said)
    assert not result.success
    assert world.pointer(ADVERTS) is None


def test_a_clean_up_forgets_first_and_rebuilds(world, definitions):
    for day in days_from(2):
        world.csv(GOOD, day)
    world.run(ADVERTS, days=days_from(2))
    before = world.pointer(ADVERTS).attempt
    said = run_config(START_DT="2026-11-20", END_DT="2026-11-20", CLEAN_UP_FLG=True)
    result, _ = execute(definitions, world, "kickstart_run", run_config=said)
    assert result.success
    assert world.pointer(ADVERTS).attempt != before


def test_a_clean_up_without_dates_rebuilds_every_day_that_it_forgets(world, definitions):
    world.first_day = None
    world.today = datetime.now(UTC).date()
    days = [world.today - timedelta(days=back) for back in (12, 11, 10)]
    for day in days:
        world.csv(GOOD, day)
    world.run(ADVERTS, days=days)
    definitions = build_definitions(settings=world.settings, platform=world.platform)
    said = run_config(END_DT=days[-1].isoformat(), CLEAN_UP_FLG=True)
    result, materialized = execute(definitions, world, "kickstart_run", run_config=said)
    assert result.success
    assert materialized == {day.isoformat() for day in days}


def test_a_run_of_checks_alone_says_how_the_newest_day_is_and_works_on_nothing(world, definitions):
    for day in days_from(2):
        world.csv(GOOD, day)
    first = days_from(2)[0].isoformat()
    result, _ = execute(definitions, world, "kickstart_run", run_config=run_config(START_DT=first, END_DT=first))
    (materialization,) = [
        each.materialization for each in result.all_events if each.event_type_value == "ASSET_MATERIALIZATION"
    ]
    assert materialization.tags["dagster/input_event_pointer/kickstart/vacancy/"] == "NULL"
    job = definitions.get_repository_def().get_maybe_subset_job_def(
        "__ASSET_JOB", asset_selection=set(), asset_check_selection={AssetCheckKey(KEY, "published")}
    )
    with DagsterInstance.ephemeral() as instance:
        events = job.execute_in_process(instance=instance, tags={"dagster/partition": days_from(2)[1].isoformat()}).all_events
    (check,) = [each.asset_check_evaluation_data for each in events if each.event_type_value == "ASSET_CHECK_EVALUATION"]
    assert (check.passed, check.partition) == (False, days_from(2)[1].isoformat())
    assert not [each for each in events if each.event_type_value == "ASSET_MATERIALIZATION"]


def test_a_run_of_no_day_is_refused(world):
    order = running.Order(collections=(ADVERTS,), days=())
    with pytest.raises(ConfigurationError, match="the run is for no day"):
        running.carry_out(world.platform, world.scope, running.Around(Events("run")), order)


def selected(definitions, selection):
    """What `dagster asset materialize --select` takes, and the backfill policies it asks for."""
    graph = definitions.get_repository_def().asset_graph
    keys = AssetSelection.from_coercible(selection.split(",")).resolve(graph)
    return keys, {graph.get(key).backfill_policy.policy_type.value for key in keys}


@pytest.mark.parametrize("selection", ["kickstart/vacancy/*", 'key:"kickstart/vacancy/*"'])
def test_a_modules_collections_are_selected_by_its_folder(definitions, selection):
    assert selected(definitions, selection) == ({FILES, KEY}, {"SINGLE_RUN"})


def test_a_modules_group_is_its_collections(definitions):
    assert selected(definitions, "group:kickstart_vacancy") == ({KEY}, {"SINGLE_RUN"})


def run_of(definitions, instance, keys, days):
    """Runs a selection over a range of days, as the command does."""
    job = definitions.get_repository_def().get_implicit_job_def_for_assets(keys)
    names = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
    tags = dict(zip(names, (days[0].isoformat(), days[-1].isoformat()), strict=True))
    return job.execute_in_process(instance=instance, asset_selection=list(keys), tags=tags, raise_on_error=False)


def test_a_run_of_a_module_publishes_its_days_and_says_what_was_delivered(world, definitions):
    first, second = days = days_from(2)
    world.csv(GOOD, first, end="_1.csv")
    world.csv("id,title\n2,Cook\n", first, end="_2.csv")
    keys, _ = selected(definitions, "kickstart/vacancy/*")
    with DagsterInstance.ephemeral() as instance:
        result = run_of(definitions, instance, keys, days)
        records = instance.fetch_observations(FILES, limit=10).records
        graph = definitions.get_repository_def().asset_graph
        resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
        status = resolver.get_status(KEY, first.isoformat())
        assert instance.get_materialized_partitions(KEY) == {first.isoformat()}
    assert not result.success, "the second day was never delivered"
    seen = {each.asset_observation.partition: each.asset_observation.metadata for each in (r.event_log_entry for r in records)}
    assert (seen[first.isoformat()]["files"].value, seen[first.isoformat()]["missing_collections"].value) == (2, "")
    assert (seen[second.isoformat()]["files"].value, seen[second.isoformat()]["missing_collections"].value) == (0, "adverts")
    assert status is StaleStatus.FRESH


def test_a_partner_that_refuses_fails_the_collections_and_an_observation_by_itself(world, definitions, monkeypatch):
    def refuse(*_, **__):
        raise AccessError("access denied", where="s3://partner", remedy="Ask the partner")

    monkeypatch.setattr(world.source, "list", refuse)
    with DagsterInstance.ephemeral() as instance:
        result = run_of(definitions, instance, {FILES, KEY}, [DAY])
        alone = run_of(definitions, instance, {FILES}, [DAY])
    failed = [[event.step_key for event in each.all_events if event.is_step_failure] for each in (result, alone)]
    assert failed == [["kickstart"], ["kickstart_deliveries"]]
