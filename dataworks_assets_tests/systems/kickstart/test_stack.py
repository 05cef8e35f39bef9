"""Kickstart over the real stack: the partner's account by two roles, Spark's own workers, the metastore, and every reader."""

from __future__ import annotations

import io
import uuid
from datetime import date, timedelta

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from dataworks_assets.cli.main import app
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.engines.session import SessionEngine
from dataworks_assets.systems.kickstart.access import source_settings
from dataworks_assets.systems.kickstart.expiry import s3_rules
from dataworks_assets.systems.plan import Request
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
        self.delivery = delivery
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

    def files(self, name: str) -> dict[str, list[pa.Table]]:
        """A table's files by day, as they are."""
        table, store = self.table(name), self.platform.store
        pointers = self.platform.catalog.pointers(table.database, name)
        return {
            day: [pq.read_table(io.BytesIO(store.read(listed.uri))) for listed in data_files(store.list(pointer.location))]
            for day, pointer in sorted(pointers.items())
        }

    def deliver_again(self, day: date, text: str) -> None:
        """Vacancies of a day come anew, and are published."""
        (file,) = [each for each in self.delivery.files if (each.module, each.day) == ("vacancy", day)]
        self.delivery.source().put(file.uri, text.encode())
        execution = self.delivery.execution(Events("run-again"))
        execution.run(Request(("vacancy/vacancies",), (day,)))
        assert execution.failures == []

    def roll_back(self, name: str, day: date) -> None:
        """As the command does, to the attempt before the one that is shown."""
        workplace = Workplace()
        workplace.settings, workplace.platform = self.platform.settings, self.platform
        arguments = ["rollback", f"kickstart/{name}", "--day", day.isoformat(), "--no-hold"]
        result = CliRunner().invoke(app, arguments, obj=workplace, catch_exceptions=False)
        assert result.exit_code == 0, result.output


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
    whole = pa.concat_tables(
        [file for files in published.files("applicants").values() for file in files], promote_options="default"
    )
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


@pytest.fixture(scope="module")
def rolled_back(published):
    """The second day came again with a column that the table got later, and was rolled back to the attempt without it."""
    published.deliver_again(DAYS[1], "Vacancy ID,Salary (GBP)\nv-1,30000.5\n")
    (again,) = published.files("vacancies")[DAYS[1].isoformat()]
    assert (again.num_rows, again.column("salary_gbp").to_pylist()) == (1, [30000.5])
    published.roll_back("vacancy/vacancies", DAYS[1])
    return published


@pytest.mark.parametrize("convert", ["true", "false"], ids=["spark reader", "hive reader"])
def test_a_day_rolled_back_to_fewer_columns_is_read_by_spark_and_by_hives_own_reader(rolled_back, spark, convert):
    vacancies = rolled_back.table("vacancies")
    spark.sql(f"REFRESH TABLE {vacancies.database}.{vacancies.name}")
    spark.conf.set("spark.sql.hive.convertMetastoreParquet", convert)
    try:
        counts = "count(*) AS n, count(salary_gbp) AS salaries, count(job_title) AS titles"
        read = f"SELECT {counts} FROM {vacancies.database}.{vacancies.name} WHERE date_uploaded IN ('{DAYS[1]}', '{DAYS[-1]}')"
        rows = spark.sql(f"{read} GROUP BY date_uploaded ORDER BY date_uploaded").collect()
    finally:
        spark.conf.unset("spark.sql.hive.convertMetastoreParquet")
    assert [(row.n, row.salaries > 0, row.titles > 0) for row in rows] == [(ROWS, False, True), (ROWS, True, True)]


def test_a_day_rolled_back_to_fewer_columns_is_read_by_another_engine(rolled_back):
    files = rolled_back.files("vacancies")
    (old,) = files[DAYS[1].isoformat()]
    assert "salary_gbp" not in old.column_names
    whole = pa.concat_tables([old, *files[DAYS[-1].isoformat()]], promote_options="default")
    with duckdb.connect() as connection:
        connection.register("vacancies", whole)
        found = connection.execute("SELECT count(*), count(salary_gbp) > 0, count(job_title) > 0 FROM vacancies").fetchone()
    assert found == (ROWS * 2, True, True)
