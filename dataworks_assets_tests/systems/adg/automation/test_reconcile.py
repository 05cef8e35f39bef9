from datetime import timedelta

import pytest
from dagster import AssetMaterialization

from dataworks_assets.systems.adg.automation.reconcile import ReconcileCursor, Reconciliation
from dataworks_assets_tests.systems.adg.automation.conftest import NOON, in_memory_platform, key, started
from spark.contract import encode
from spark.publish.catalog import Pointer, TableColumn, TableDefinition

DATABASE = "analytical_dataset_generation"


@pytest.fixture
def tick(scope, store, catalog, instance, told):
    watch = Reconciliation(in_memory_platform(scope, store, catalog), scope, told, window_days=10)
    return lambda cursor=None: watch.tick(cursor, instance, now=NOON)


@pytest.fixture
def publish(catalog):
    def published(day, name="core_statement"):
        table = f"{name}_history"
        catalog.ensure_database(DATABASE, location_uri="memory://output")
        catalog.ensure_table(TableDefinition(DATABASE, table, (TableColumn("id", "string"),), "export_date"))
        pointer = Pointer(day, f"memory://output/{day}", "a-1", "f", 1, "run-1", 7, "c", "2026-11-20T00:00:00+00:00")
        catalog.switch(DATABASE, table, [pointer])

    return published


@pytest.fixture
def report(instance):
    return lambda day, name="core/statement": instance.report_runless_asset_event(
        AssetMaterialization(key(name), partition=day)
    )


def _gone(result):
    return [(event.asset_key, event.partition) for event in result.asset_events if not getattr(event, "passed", True)]


def test_where_both_say_the_same_nothing_is_said(tick, publish, report, told):
    publish("2026-11-19")
    report("2026-11-19")
    assert (tick().asset_events, told.notices) == ([], [])


def test_reported_but_gone_from_the_catalog_fails_the_days_check_and_is_told(tick, report, told):
    report("2026-11-19")
    assert _gone(tick()) == [(key("core/statement"), "2026-11-19")]
    assert told.notices[0].elements["days"] == "core/statement 2026-11-19"


def test_what_is_gone_is_told_once(tick, report, told):
    report("2026-11-19")
    again = tick(tick().cursor)
    assert (again.asset_events, len(told.notices)) == ([], 1)


def test_what_was_restored_and_goes_again_is_told_again(tick, report, publish, catalog, told):
    report("2026-11-19")
    first = tick()
    publish("2026-11-19")
    second = tick(first.cursor)
    catalog.drop_partitions(DATABASE, "core_statement_history", ["2026-11-19"])
    tick(second.cursor)
    assert len(told.notices) == 2


def test_published_but_never_reported_is_reported_with_its_rows(tick, publish, instance):
    publish("2026-11-19")
    materialization, check = tick().asset_events
    assert (materialization.asset_key, materialization.partition) == (key("core/statement"), "2026-11-19")
    assert materialization.metadata["rows"].value == 7
    assert check.passed


def test_what_a_run_is_doing_is_no_difference(tick, publish, report, instance):
    publish("2026-11-19")
    report("2026-11-18")
    tags = {"dagster/asset_partition_range_start": "2026-11-18", "dagster/asset_partition_range_end": "2026-11-19"}
    started(instance, [key("core/statement")], tags)
    assert tick().asset_events == []


def test_days_before_the_window_are_not_looked_at(tick, report):
    report((NOON.date() - timedelta(days=10)).isoformat())
    assert tick().asset_events == []


def test_days_that_retention_may_have_dropped_are_not_missed(scope, store, catalog, instance, told, report):
    report("2026-11-15")
    collections = tuple(
        each.model_copy(update={"retention": each.retention.model_copy(update={"days": 3})})
        for each in scope.settings.collections
    )
    scope.settings.__dict__.update(collections=collections)
    watch = Reconciliation(in_memory_platform(scope, store, catalog), scope, told, window_days=10)
    assert watch.tick(None, instance, now=NOON).asset_events == []


def test_a_round_that_stopped_at_a_collection_that_is_gone_begins_anew(tick, report):
    report("2026-11-19")
    stopped = encode(ReconcileCursor(last="zz/removed")).decode()
    assert _gone(tick(tick(stopped).cursor)) == [(key("core/statement"), "2026-11-19")]


def test_more_than_a_tick_may_report_is_left_for_the_next(tick, report, monkeypatch, told):
    from dataworks_assets.systems.adg.automation import reconcile

    monkeypatch.setattr(reconcile, "_EVENTS_PER_TICK", 1)
    for name in ("core/account", "core/statement"):
        report("2026-11-19", name)
    first = tick()
    second = tick(first.cursor)
    assert [_gone(each) for each in (first, second)] == [
        [(key("core/account"), "2026-11-19")],
        [(key("core/statement"), "2026-11-19")],
    ]
