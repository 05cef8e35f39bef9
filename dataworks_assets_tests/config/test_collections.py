from datetime import date

import pytest
from pydantic import ValidationError

from dataworks_assets.config.collections import CollectionConfig


def collection(**fields):
    return CollectionConfig.model_validate({"topic": "db.core.thing", **fields})


def test_the_defaults_are_those_of_the_exports_documents():
    config = collection()
    assert (config.id_path, config.timestamp_path, config.layout) == (("_id",), ("_lastModifiedDateTime",), "raw")


def test_collections_are_immutable():
    with pytest.raises(ValidationError, match="frozen"):
        collection().layout = "typed"


def test_a_path_may_be_one_text():
    assert collection(id_path="message._id").id_path == ("message", "_id")


def test_a_path_may_be_a_list_where_a_name_holds_a_dot():
    assert collection(id_path=["a.b", "c"]).id_path == ("a.b", "c")


def test_a_column_may_be_its_name_alone():
    config = collection(layout="columns", columns=["1_abroad_for_more_than_one_month"])
    assert (config.columns[0].name, config.columns[0].type) == ("1_abroad_for_more_than_one_month", "string")


def test_misfit_may_be_written_as_yamls_null():
    assert collection(misfit=None).misfit == "null"


@pytest.mark.parametrize(("pii", "allowed"), [("false", True), ("true", False), ("False", False), (None, False)])
def test_previews_are_allowed_only_where_the_tags_say_exactly_that_it_is_not_pii(pii, allowed):
    assert collection(tags={"pii": pii} if pii else {}).preview_allowed is allowed


def _source(first_day, last_day):
    return {"bucket": "history", "prefix": "a/{export_date}", "first_day": first_day, "last_day": last_day}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"columns": ["a"]}, "layout raw has no `columns`"),
        ({"layout": "typed"}, "layout typed needs `columns`"),
        ({"layout": "columns"}, "layout columns needs `columns`"),
        ({"layout": "typed", "columns": ["a", "a"]}, "the column 'a' is there 2 times"),
        ({"layout": "typed", "columns": ["id"]}, "'id' has the name of one that every typed table has"),
        ({"layout": "typed", "columns": ["val"], "text_column": "val"}, "'val' has the name"),
        ({"layout": "typed", "columns": ["export_date"]}, "'export_date' has the name"),
        ({"layout": "columns", "columns": ["_errors"]}, "'_errors' has the name"),
        ({"layout": "typed", "columns": ["Name"]}, "is no Hive name"),
        ({"layout": "typed", "columns": [{"name": "a", "type": "strukt"}]}, "does not parse"),
        ({"text_column": "removed"}, "is the name of a standard column"),
        ({"snapshot_types": []}, "at least 1"),
        ({"owners": ["somebody"]}, "is no owner"),
        ({"tags": {f"k{n}": "v" for n in range(10)}}, "10 tags"),
        ({"tags": {"k": "v" * 257}}, "S3 refuses the tag"),
        ({"tags": {"k": "é!"}}, "S3 refuses the tag"),
        ({"tags": {"AWS:k": "v"}}, "S3 refuses the tag"),
        ({"partition_column": "record"}, "partition_column 'record' has the name of one that every raw table has"),
        ({"partition_column": "val", "layout": "text", "text_column": "val"}, "partition_column 'val' has the name"),
        ({"layout": "typed", "columns": [{"name": "a", "path": "b..c"}]}, "an empty name in it"),
        (
            {"sources": [_source("2020-01-01", "2020-02-01"), _source("2020-02-01", "2020-03-01")]},
            "two sources hold 2020-02-01",
        ),
        ({"quarantine_share": 1.5}, "less than or equal to 1"),
        ({"first_day": "2026-01-02", "last_day": "2026-01-01"}, "last_day is before first_day"),
        ({"topic": "nonsense"}, "is no topic"),
        ({"id_path": []}, "write null where documents have no id"),
    ],
)
def test_what_cannot_be_is_refused(fields, said):
    with pytest.raises(ValidationError, match=said):
        collection(**fields)


def test_without_error_entries_a_column_may_be_called_errors():
    assert collection(layout="columns", columns=["_errors"], misfit="refuse").columns


TABLE = {"database": "uc", "table": "red"}


def test_a_further_table_takes_columns_only_from_a_table_of_its_collection():
    with pytest.raises(ValidationError, match="columns_from names 'nowhere'"):
        collection(tables=[{**TABLE, "columns_from": "nowhere"}])


def test_a_further_table_takes_only_columns_that_are_there():
    with pytest.raises(ValidationError, match="the table 'core_thing' has no column 'b'"):
        collection(layout="columns", columns=["a"], tables=[{**TABLE, "columns_from": "core_thing", "columns": ["b"]}])


def test_a_taken_column_is_a_name_alone():
    taken = [{"name": "a", "type": "bigint"}]
    with pytest.raises(ValidationError, match="a column is a name alone"):
        collection(layout="columns", columns=["a"], tables=[{**TABLE, "columns_from": "core_thing", "columns": taken}])


def test_a_historical_load_is_another_source_for_its_days():
    source = {"bucket": "old", "prefix": "audit/{export_date}", "first_day": "2020-01-01", "last_day": "2020-12-31"}
    config = collection(sources=[source])
    assert config.source_on(date(2020, 12, 31)).bucket == "old"
    assert config.source_on(date(2021, 1, 1)) is None


@pytest.mark.parametrize(
    ("fields", "begins"),
    [
        ({}, "2026-11-01"),
        ({"first_day": "2026-11-18"}, "2026-11-18"),
        ({"first_day": "2019-01-01"}, "2019-01-01"),
        ({"sources": [_source("2020-01-01", "2020-12-31")]}, "2020-01-01"),
        ({"first_day": "2020-06-01", "sources": [_source("2020-01-01", "2020-12-31")]}, "2020-06-01"),
    ],
)
def test_a_historical_load_may_lie_before_the_deployments_first_export(fields, begins):
    assert collection(**fields).begins(date(2026, 11, 1)) == date.fromisoformat(begins)


def test_a_source_that_ends_before_the_first_day_is_refused():
    with pytest.raises(ValidationError, match="its days end before first_day, 2026-11-18"):
        collection(first_day="2026-11-18", sources=[_source("2020-01-01", "2020-12-31")])


def test_a_prefix_without_the_day_is_refused():
    source = {"bucket": "old", "prefix": "audit", "first_day": "2020-01-01", "last_day": "2020-12-31"}
    with pytest.raises(ValidationError, match="every day would read the same objects"):
        collection(sources=[source])
