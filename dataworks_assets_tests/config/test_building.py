import pytest

from dataworks_assets.config.building import audit_hash, build_collection, output_hash
from dataworks_assets.config.collections import CollectionConfig
from dataworks_assets.config.naming import SnapshotType
from spark.contract import Column, Layout

COLUMNS = [{"name": "a", "type": "bigint", "path": "x.a", "comment": "c"}, "b"]


def build(snapshot_type=SnapshotType.FULL, manifest_required=True, **fields):
    config = CollectionConfig.model_validate({"topic": "db.agent-core.toDo", **fields})
    return build_collection(config, snapshot_type, manifest_required=manifest_required)


def test_the_plain_table_shows_the_newest_day_and_history_all():
    table = build().tables[0]
    assert (table.database, table.name, table.newest) == (
        "analytical_dataset_generation",
        "agent_core_todo_history",
        "agent_core_todo",
    )


def test_incrementals_have_a_database_of_their_own():
    assert build(SnapshotType.INCREMENTAL).tables[0].database == "analytical_dataset_generation_incremental"


def test_without_newest_there_is_one_table():
    table = build(newest=False).tables[0]
    assert (table.name, table.newest) == ("agent_core_todo", None)


def test_columns_travel_with_type_and_path():
    columns = build(layout="typed", columns=COLUMNS).tables[0].columns
    assert columns == (Column(name="a", type="bigint", path=("x", "a"), comment="c"), Column(name="b"))


def test_tags_get_the_snapshot_type():
    assert build(tags={"pii": "true"}).tables[0].tags == {"pii": "true", "snapshot_type": "full"}


def test_without_tags_access_fails_closed():
    assert build().tables[0].tags == {"collection_tag": "NOT_SET", "snapshot_type": "full"}


def test_a_further_table_does_not_inherit_tags():
    built = build(tags={"pii": "false"}, tables=[{"database": "uc", "table": "t", "columns": ["a"]}])
    assert built.tables[1].tags["collection_tag"] == "NOT_SET"


def test_taken_columns_keep_type_and_path():
    tables = [{"database": "uc", "table": "red", "columns_from": "agent_core_todo", "columns": ["a"]}]
    built = build(layout="columns", columns=COLUMNS, tables=tables)
    assert built.tables[1].columns == (Column(name="a", type="bigint", path=("x", "a"), comment="c"),)
    assert built.tables[1].layout is Layout.COLUMNS


def test_no_named_columns_takes_all():
    tables = [{"database": "uc", "table": "sec", "columns_from": "agent_core_todo"}]
    built = build(layout="columns", columns=COLUMNS, tables=tables)
    assert built.tables[1].columns == built.tables[0].columns


@pytest.mark.parametrize(("own", "deployment", "required"), [(None, True, True), (None, False, False), (False, True, False)])
def test_a_collections_rule_on_manifests_goes_before_the_deployments(own, deployment, required):
    config = CollectionConfig(topic="db.a.b", manifest_required=own)
    assert build_collection(config, SnapshotType.FULL, manifest_required=deployment).manifest_required is required


def test_without_ids_nothing_is_unique():
    assert build(id_path=None).unique_ids is False


@pytest.mark.parametrize(
    "change",
    [
        {"tags": {"pii": "true"}},
        {"description": "other"},
        {"owners": ["team:other"]},
        {"quarantine_share": 0.5},
        {"row_loss_share": 0.5},
        {"unique_ids": False},
        {"manifest_required": False},
        {"columns": [{**COLUMNS[0], "comment": "other"}, "b"]},
    ],
)
def test_what_does_not_shape_the_output_leaves_its_hash(change):
    base = {"layout": "typed", "columns": COLUMNS}
    assert output_hash(build(**base)) == output_hash(build(**{**base, **change}))


@pytest.mark.parametrize(
    "change",
    [
        {"layout": "columns"},
        {"columns": ["b", "a"]},
        {"columns": [{"name": "a", "type": "double", "path": "x.a"}, "b"]},
        {"misfit": "refuse"},
        {"id_path": "message._id"},
        {"text_column": "val"},
        {"table": "other"},
        {"partition_column": "date_str"},
    ],
)
def test_what_shapes_the_output_is_in_its_hash(change):
    base = {"layout": "typed", "columns": COLUMNS}
    assert output_hash(build(**base)) != output_hash(build(**{**base, **change}))


def test_the_physical_type_of_timestamps_is_in_the_hash():
    assert output_hash(build(), timestamps="int64") != output_hash(build())


def test_the_output_hash_does_not_change_from_one_release_to_the_next():
    assert output_hash(build()) == "e21bae097a863bdb"


@pytest.mark.parametrize("change", [{"quarantine_share": 0.5}, {"unique_ids": False}, {"manifest_required": False}])
def test_what_decides_on_acceptance_is_in_the_audit_hash(change):
    assert audit_hash(build()) != audit_hash(build(**change))


def test_tags_are_not_in_the_audit_hash():
    assert audit_hash(build(tags={"pii": "true"})) == audit_hash(build())
