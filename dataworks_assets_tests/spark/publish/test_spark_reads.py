"""What is published, read by Spark SQL through the metastore: by its own Parquet reader and by Hive's."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spark.contract import CatalogSettings, StoreSettings
from spark.publish.catalog import Pointer, TableColumn, TableDefinition
from spark.publish.catalogs import open_catalog
from spark.store import ObjectStore

COLUMNS = (
    TableColumn("id", "string"),
    TableColumn("at", "timestamp"),
    TableColumn("amount", "decimal(9,2)"),
    TableColumn("inner", "struct<FooBar:string,Deep:struct<nBr:bigint>>"),
    TableColumn("items", "array<struct<Qty:bigint>>"),
)
AT = dt.datetime(2026, 11, 20, 1, 2, 3, 456789, tzinfo=dt.UTC)
OLD_ROW = {
    "id": "a",
    "at": AT,
    "amount": Decimal("1.50"),
    "inner": {"FooBar": "x", "Deep": {"nBr": 7}},
    "items": [{"Qty": 1}, {"Qty": 2}],
}
WIDER = (
    *COLUMNS[:2],
    TableColumn("amount", "decimal(9,2)"),
    TableColumn("inner", "struct<FooBar:string,Deep:struct<nBr:bigint,More:string>>"),
    COLUMNS[4],
    TableColumn("1_new", "bigint"),
)


@pytest.fixture(params=["hive", pytest.param("hive31", marks=pytest.mark.hive31)])
def metastore(request):
    return request.param


@pytest.fixture(params=["true", "false"], ids=["spark reader", "hive reader"])
def sql(request, metastore):
    if metastore == "hive31":
        worker = request.getfixturevalue("hive31_sql")
        yield lambda text: worker.ask(text, by_spark=request.param)
        return
    spark = request.getfixturevalue("spark")
    spark.conf.set("spark.sql.hive.convertMetastoreParquet", request.param)
    spark.catalog.clearCache()
    yield lambda text: [row.asDict(recursive=True) for row in spark.sql(text).collect()]
    spark.conf.unset("spark.sql.hive.convertMetastoreParquet")


@pytest.fixture
def table(request, metastore, stack, prefix_uri, database):
    uri = request.getfixturevalue("hive31_uri") if metastore == "hive31" else stack.metastore_uri
    return _Table(ObjectStore(StoreSettings(endpoint_url=stack.s3_endpoint)), uri, prefix_uri, database)


class _Table:
    def __init__(self, store, metastore_uri, prefix_uri, database):
        self.store, self.prefix_uri = store, prefix_uri
        self.catalog = open_catalog(CatalogSettings(uri=metastore_uri))
        self.definition = TableDefinition(database, "history", COLUMNS, "export_date", prefix_uri)
        self.stage("2026-11-20", "a1", OLD_ROW)
        self.catalog.ensure_database(database, location_uri=prefix_uri)
        self.catalog.ensure_table(self.definition)

    def stage(self, day, attempt, row, *, deep=("nBr",)):
        deep_type = pa.struct([(name, pa.int64() if name == "nBr" else pa.string()) for name in deep])
        inner = pa.struct([("FooBar", pa.string()), ("Deep", deep_type)])
        items = pa.list_(pa.struct([("Qty", pa.int64())]))
        types = [pa.string(), pa.timestamp("us", tz="UTC"), pa.decimal128(9, 2), inner, items]
        fields = [pa.field(column.name, kind) for column, kind in zip(COLUMNS, types, strict=True)]
        schema = pa.schema(fields + ([pa.field("1_new", pa.int64())] if "1_new" in row else []))
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist([row], schema), sink, use_deprecated_int96_timestamps=True)
        body = sink.getvalue().to_pybytes()
        location = f"{self.prefix_uri}/{day}/{attempt}"
        self.store.put(f"{location}/part-0.parquet", body)
        self.store.put(f"{location}/_manifest.json", b"{}")
        return Pointer(day, location, attempt, "f1", 1, "run-1", 1, "c1", "2026-11-21T00:00:00Z", 1, len(body))

    def widen(self):
        self.definition = replace(self.definition, columns=WIDER)
        self.catalog.ensure_table(self.definition)

    def show(self, pointer):
        self.catalog.switch(self.definition.database, "history", [pointer])


def test_every_type_is_read_back_with_the_partitions_value(table, sql):
    table.show(table.stage("2026-11-20", "a1", OLD_ROW))
    (row,) = sql(f"SELECT * FROM {table.definition.full_name}")
    assert row == OLD_ROW | {"at": AT.replace(tzinfo=None), "export_date": "2026-11-20"}


def test_a_field_of_a_struct_is_found_whatever_its_case(table, sql):
    table.show(table.stage("2026-11-20", "a1", OLD_ROW))
    query = f"SELECT inner.foobar AS a, inner.Deep.nbr AS b, items[1].qty AS c FROM {table.definition.full_name}"
    assert sql(query) == [{"a": "x", "b": 7, "c": 2}]


def test_a_switched_partition_shows_the_new_files_alone(table, sql):
    table.show(table.stage("2026-11-20", "a1", OLD_ROW))
    table.show(table.stage("2026-11-20", "a2", OLD_ROW | {"id": "b"}))
    assert sql(f"SELECT id FROM {table.definition.full_name}") == [{"id": "b"}]


def test_one_day_is_found_by_its_partition(table, sql):
    table.show(table.stage("2026-11-20", "a1", OLD_ROW))
    table.show(table.stage("2026-11-21", "a2", OLD_ROW | {"id": "b"}))
    assert sql(f"SELECT id FROM {table.definition.full_name} WHERE export_date = '2026-11-21'") == [{"id": "b"}]
    assert sql(f"SELECT id FROM {table.definition.full_name} WHERE export_date < '2026-11-21'") == [{"id": "a"}]


def test_old_partitions_are_read_with_null_in_what_came_later(table, sql):
    table.show(table.stage("2026-11-20", "a1", OLD_ROW))
    table.widen()
    inner = {"FooBar": "y", "Deep": {"nBr": 8, "More": "z"}}
    new_row = OLD_ROW | {"id": "b", "inner": inner, "1_new": 5}
    table.show(table.stage("2026-11-21", "a2", new_row, deep=("nBr", "More")))
    query = f"SELECT id, inner.Deep.More AS more, inner.Deep.nBr AS n, `1_new` FROM {table.definition.full_name} ORDER BY id"
    assert sql(query) == [
        {"id": "a", "more": None, "n": 7, "1_new": None},
        {"id": "b", "more": "z", "n": 8, "1_new": 5},
    ]


def test_the_newest_table_reads_the_same_files_and_moves_with_them(table, sql):
    first, second = table.stage("2026-11-20", "a1", OLD_ROW), table.stage("2026-11-21", "a2", OLD_ROW | {"id": "b"})
    newest = replace(table.definition, name="newest", partition_column=None, location_uri="")
    table.catalog.ensure_table(newest, pointer=first)
    assert sql(f"SELECT id FROM {newest.full_name}") == [{"id": "a"}]
    table.catalog.point(newest.database, "newest", second)
    sql(f"REFRESH TABLE {newest.full_name}")
    assert sql(f"SELECT id FROM {newest.full_name}") == [{"id": "b"}]


def test_a_partition_without_rows_is_an_empty_answer(table, sql):
    location = f"{table.prefix_uri}/2026-11-20/empty"
    table.store.put(f"{location}/_manifest.json", b"{}")
    table.show(replace(table.stage("2026-11-20", "a1", OLD_ROW), location=location, rows=0, files=0, size_bytes=0))
    assert sql(f"SELECT count(*) AS n FROM {table.definition.full_name}") == [{"n": 0}]


def test_registering_leaves_no_object_behind(table):
    before = {item.uri for item in table.store.list(table.prefix_uri)}
    pointer = table.stage("2026-11-22", "a1", OLD_ROW)
    table.show(pointer)
    after = {item.uri for item in table.store.list(table.prefix_uri)}
    assert after - before == {f"{pointer.location}/part-0.parquet", f"{pointer.location}/_manifest.json"}
