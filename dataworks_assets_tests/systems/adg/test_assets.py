"""What the UI shows of a collection before anything was run: keys, groups, owners, tags, kinds, schema, lineage."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from dagster import AssetKey, BackfillPolicy, DailyPartitionsDefinition

from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.definitions import build_definitions
from dataworks_assets.systems.platform import Platform

STATEMENT = AssetKey(["adg_full", "core", "statement"])
CONTRACT = AssetKey(["adg_full", "core", "contract"])


@pytest.fixture(scope="module")
def settings():
    return load_settings("local", environment=Environment(home=Path("/nowhere")))


@pytest.fixture(scope="module")
def graph(settings):
    return build_definitions(settings=settings, platform=Platform(settings)).get_repository_def().asset_graph


def spec(graph, key):
    return graph.get(key).assets_def.get_asset_spec(key)


def test_there_is_one_asset_a_collection_and_snapshot_type(graph, settings):
    expected = {
        (f"adg_{snapshot_type}", *config.name.split("/", 1))
        for config in settings.collections
        for snapshot_type in config.snapshot_types
    }
    assert {tuple(key.path) for key in graph.materializable_asset_keys if key.path[0] != "kickstart"} == expected


def test_lineage_begins_at_the_export(graph):
    export = AssetKey(["export", "full"])
    assert graph.get(STATEMENT).parent_keys == {export}
    assert graph.get(export).is_external


def test_groups_are_by_system_and_database(graph):
    assert graph.get(STATEMENT).group_name == "adg_full_core"
    sanction = AssetKey(["adg_incremental", "penalties-and-deductions", "sanction"])
    assert graph.get(sanction).group_name == "adg_incremental_penalties_and_deductions"


def test_kinds_owners_and_tags_are_shown(graph):
    node = graph.get(AssetKey(["adg_full", "core", "toDo"]))
    assert node.kinds == {"parquet", "hive", "spark"}
    assert node.owners == ["team:analytical-data", "team:journal"]
    tags = {name: value for name, value in node.tags.items() if not name.startswith("dagster/")}
    assert tags == {"pii": "true", "db": "core", "table": "toDo", "snapshot_type": "full"}


def test_an_owner_may_be_an_address(graph):
    assert graph.get(AssetKey(["adg_full", "quartz", "claimantEvent"])).owners == ["scheduling@example.org"]


def test_partitions_are_days_and_todays_is_one(graph):
    partitions = graph.get(STATEMENT).partitions_def
    assert isinstance(partitions, DailyPartitionsDefinition)
    assert partitions.start.date() == date(2026, 11, 1)
    assert partitions.end_offset == 1


def test_any_range_of_days_is_one_run(graph):
    assert graph.get(STATEMENT).backfill_policy == BackfillPolicy.single_run()


def test_the_description_names_the_tables(graph):
    database = "analytical_dataset_generation"
    described = f"Table of the newest day: `{database}.core_contract`. Table of all days: `{database}.core_contract_history`."
    assert described in graph.get(CONTRACT).description
    assert spec(graph, CONTRACT).metadata["dagster/table_name"] == "analytical_dataset_generation.core_contract"


def test_tables_of_several_databases_are_named_with_them(graph):
    audit = AssetKey(["adg_incremental", "data", "businessAudit"])
    assert "Tables of all days: `uc_dw_auditlog.auditlog_raw`, `uc_dw_auditlog" in graph.get(audit).description
    assert spec(graph, audit).metadata["tables"].startswith("uc_dw_auditlog.auditlog_raw, ")


def test_the_exports_place_has_its_snapshot_type(graph):
    place = graph.get(AssetKey(["export", "full"])).metadata["location"]
    assert place.value == "s3://dataworks-input/businessdata/mongo/ucdata/{export_date}/full"


def test_columns_have_types_and_comments(graph):
    columns = {column.name: column for column in spec(graph, CONTRACT).metadata["dagster/column_schema"].columns}
    assert list(columns)[:5] == ["id", "record_timestamp", "created", "removed", "record"]
    assert columns["monthly_allowance"].type == "decimal(18,2)"
    assert columns["monthly_allowance"].description == "Pounds"
    assert list(columns)[-1] == "export_date"
    assert columns["export_date"].description == "the partition's day, YYYY-MM-DD"


def test_every_collection_has_one_check(graph):
    assert {(key.asset_key, key.name) for key in graph.asset_check_keys} == {
        (key, "published") for key in graph.materializable_asset_keys
    }


def test_the_code_version_changes_with_what_shapes_the_output(graph):
    assert graph.get(STATEMENT).code_version
    assert graph.get(STATEMENT).code_version != graph.get(AssetKey(["adg_full", "core", "toDo"])).code_version
