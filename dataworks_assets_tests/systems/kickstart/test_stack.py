"""Kickstart over the real stack: the partner's account by two roles, Spark's own workers, the metastore, and every reader."""

from __future__ import annotations

import io
import uuid
from datetime import date, timedelta

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.engines.session import SessionEngine
from dataworks_assets.systems.kickstart.access import source_settings
from dataworks_assets.systems.kickstart.expiry import s3_rules
from dataworks_assets_tests.systems.adg.whole_path import Events
from dataworks_assets_tests.systems.kickstart.on_stack import LAST, Delivery
from spark.publish.manifest import data_files

DAYS = [LAST - timedelta(days=back) for back in reversed(range(10))]
ROWS = 20
TABLES = ("vacancies", "applicants", "payments")


class Published:
    """A deployment of its own on the stack, with ten days of the partner's sample published by Spark."""

    def __init__(self, stack, home, spark):
        loaded = load_settings("local", environment=Environment(home=home)).resolved(stack)
        delivery = Delivery.open(loaded, f"kickstart_{uuid.uuid4().hex[:8]}", days=DAYS)
        delivery.write()
        self.scope, self.platform = delivery.scope, delivery.platform
        self.platform.engine = SessionEngine(home / "session")
        self.source = source_settings(self.platform, run_id="test")
        self.events = Events("run-kickstart")
        execution = delivery.execution(self.events)
        execution.run(delivery.request)
        self.failures = execution.failures

    def table(self, name: str):
        (found,) = [each.job.tables[0] for each in self.scope.collections.values() if each.job.tables[0].name == name]
        return found


@pytest.fixture(scope="module")
def published(stack, spark, tmp_path_factory):
    return Published(stack, tmp_path_factory.mktemp("kickstart"), spark)


def test_all_but_the_missing_day_and_the_one_behind_it_are_published(published):
    failed = [(each.collection, each.day) for each in published.failures]
    assert failed == [("payment/payments", "2026-11-19"), ("payment/payments", "2026-11-20")]
    assert len(published.events.materializations) == 28


@pytest.mark.parametrize("convert", ["true", "false"], ids=["spark reader", "hive reader"])
def test_every_day_is_read_with_the_tables_newest_schema_by_spark_and_by_hives_own_reader(published, spark, convert):
    spark.conf.set("spark.sql.hive.convertMetastoreParquet", convert)
    try:
        vacancies = published.table("vacancies")
        rows = spark.sql(
            "SELECT date_uploaded, count(*) AS n, count(salary_gbp) AS salaries, count(error_desc) AS errors,"
            f" min(start_date) AS t FROM {vacancies.database}.{vacancies.name} GROUP BY 1 ORDER BY 1"
        ).collect()
    finally:
        spark.conf.unset("spark.sql.hive.convertMetastoreParquet")
    assert [(row.date_uploaded, row.n) for row in rows] == [
        (day.isoformat(), ROWS * 3 if day == date(2026, 11, 13) else ROWS) for day in DAYS
    ]
    assert [row.salaries > 0 for row in rows] == [day >= date(2026, 11, 14) for day in DAYS]
    assert [row.errors for row in rows] == [1 if day == date(2026, 11, 17) else 0 for day in DAYS]
    assert all(row.t is not None for row in rows)


def test_another_engine_reads_old_and_new_days_as_one_table(published):
    applicants = published.table("applicants")
    pointers = published.platform.catalog.pointers(applicants.database, applicants.name)
    store = published.platform.store
    tables = [
        pq.read_table(io.BytesIO(store.read(listed.uri)))
        for _, pointer in sorted(pointers.items())
        for listed in data_files(store.list(pointer.location))
    ]
    whole = pa.concat_tables(tables, promote_options="default")
    with duckdb.connect() as connection:
        connection.register("applicants", whole)
        found = connection.execute(
            "SELECT count(*), count(age), count(preferred_hours), count(DISTINCT row_hash_id) FROM applicants"
        ).fetchone()
    assert found == (ROWS * 10, ROWS * 5, ROWS * 5, ROWS * 10)


def test_the_objects_have_their_tags_and_pii_and_other_tables_share_no_prefix(published):
    import boto3

    client = boto3.client("s3", endpoint_url=published.platform.store_settings.endpoint_url)
    for name in TABLES:
        table = published.table(name)
        pointer = published.platform.catalog.pointers(table.database, name)["2026-11-11"]
        pii = "non-pii" if name == "vacancies" else "pii"
        assert f"/{table.database}/{pii}/{name}/date_uploaded=2026-11-11/" in pointer.location
        (listed,) = data_files(published.platform.store.list(pointer.location))
        bucket, _, key = listed.uri.removeprefix("s3://").partition("/")
        tags = {tag["Key"]: tag["Value"] for tag in client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]}
        assert tags == {"pii": str(name != "vacancies").lower(), "db": table.database, "table": name}


def test_the_buckets_own_rules_are_read_by_the_roles(published):
    assert ("", 7) in s3_rules(published.scope, published.source)()
