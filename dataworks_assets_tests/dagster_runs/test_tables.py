"""Every published table equals the sample's own truth, for every reader: pyarrow and DuckDB on S3, Spark, and Hive's reader."""

from __future__ import annotations

import duckdb
import pytest

from dataworks_assets_tests.dagster_runs.reading import Holds, held_by, newest_of, nothing_in, query, read_files, table_days
from dataworks_assets_tests.dagster_runs.world import DAYS, FULL, INCREMENTAL, NEWEST

INTERPRETED = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
}


@pytest.fixture(scope="module")
def expected(published):
    """Every table's day, as the sample's writer says it has to be."""
    return [
        table_day
        for snapshot_type in (FULL, INCREMENTAL)
        for day in DAYS
        for table_day in table_days(
            published.world,
            snapshot_type,
            day,
            {topic.topic: topic for topic in published.truth(snapshot_type, day).topics},
        )
    ]


@pytest.fixture(params=["true", "false"], ids=["spark reader", "hive reader"])
def spark_sql(request, spark):
    """Runs a query by one of Spark's two readers of Hive tables, without compiling code for a few rows."""
    chosen = {**INTERPRETED, "spark.sql.hive.convertMetastoreParquet": request.param}
    before = {name: spark.conf.get(name, None) for name in chosen}
    for name, value in chosen.items():
        spark.conf.set(name, value)
    spark.catalog.clearCache()
    yield spark.sql
    for name, value in before.items():
        spark.conf.unset(name) if value is None else spark.conf.set(name, value)


def _told(days):
    return {day.place: day.holds for day in days}


def _read(spark_sql, days):
    rows = spark_sql(query(days)).collect()
    empty = {day.place: nothing_in(day) for day in days}
    return empty | {(row.name, row.day): Holds(row.n, row.ids, row.texts, row.total) for row in rows}


def _location(world, day):
    if day.partition_column is None:
        return world.platform.catalog.newest(day.database, day.name).location
    return world.platform.catalog.pointers(day.database, day.name, [day.day])[day.day].location


def test_the_export_is_worth_the_name(expected):
    assert len({day.place[0] for day in expected}) >= 26
    assert sum(day.holds.rows for day in expected) > 50_000


def test_files_on_s3_hold_the_truth(published, stack, expected):
    read = {day.place: held_by(read_files(stack, _location(published.world, day)), day) for day in expected}
    assert read == _told(expected)


def test_duckdb_sums_typed_columns_as_the_source_has_them(published, stack, expected):
    summed = [day for day in expected if day.sum_column and day.holds.rows]
    assert summed
    for day in summed:
        rows = read_files(stack, _location(published.world, day))
        found = duckdb.from_arrow(rows).aggregate(f"count(*)::BIGINT, sum({day.sum_column})::BIGINT").fetchall()
        assert found == [(day.holds.rows, day.holds.total)]


def test_tables_of_all_days_hold_the_truth_for_sql(spark_sql, expected):
    assert _read(spark_sql, expected) == _told(expected)


def test_plain_tables_hold_the_newest_day_alone_for_sql(published, spark_sql, expected):
    newest = newest_of(expected, NEWEST)
    assert len(newest) == len(published.world.names(FULL)) + len(published.world.names(INCREMENTAL)) - 2
    assert _read(spark_sql, newest) == _told(newest)
