"""What tables hold, whoever wrote them and into however many files: the same is shown as the same, and nothing else is."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataworks_assets.systems.contents import Contents, contents, differences
from dataworks_assets_tests.spark.publish.memory_catalog import InMemoryCatalog
from spark.contract import StoreSettings
from spark.publish.catalog import Pointer, TableColumn, TableDefinition
from spark.store import shared_store

ROWS = [{"id": "a", "n": 1, "raw": b"\xff"}, {"id": "b", "n": None, "raw": None}, {"id": "b", "n": None, "raw": None}]
SCHEMA = pa.schema([("id", pa.string()), ("n", pa.int64()), ("raw", pa.binary())])
COLUMNS = (TableColumn("id", "string"), TableColumn("n", "bigint"), TableColumn("raw", "binary"))
DAY = "2026-11-20"


class Deployment:
    """A store and a catalog of their own."""

    def __init__(self, root):
        self.root, self.store, self.catalog = root, shared_store(StoreSettings(scheme="memory")), InMemoryCatalog()

    def publish(self, *files, day=DAY, schema=SCHEMA, columns=COLUMNS, name="t_history", metadata=None):
        location = f"{self.root}/{name}/{day or 'newest'}/attempt"
        for number, rows in enumerate(files):
            body = io.BytesIO()
            pq.write_table(pa.Table.from_pylist(rows, schema=schema.with_metadata(metadata)), body, row_group_size=2)
            self.store.put(f"{location}/part-{number}.parquet", body.getvalue())
        self.store.put(f"{location}/_manifest.json", b"{}")
        pointer = Pointer(day, location, "a", "f", 1, "r", len(files), "c", "2026-11-21T00:00:00")
        self.catalog.ensure_database("db", location_uri=self.root)
        definition = TableDefinition("db", name, columns, "export_date" if day else None, self.root)
        self.catalog.ensure_table(definition, pointer=None if day else pointer)
        if day:
            self.catalog.switch("db", name, [pointer])
        return self

    def contents(self, **said):
        return contents(self.catalog, self.store, ["db", "db"], **said)


@pytest.fixture
def make(request):
    numbers = iter(range(10))
    return lambda: Deployment(f"memory://{request.node.name[:40].strip('_').replace('[', '-')}{next(numbers)}")


@pytest.fixture
def ours(make):
    return make().publish(ROWS)


def test_a_tables_rows_are_counted_in_the_files_that_the_catalog_shows(ours):
    (found,) = ours.contents()
    assert (found.table, found.day, found.rows) == ("db.t_history", DAY, 3)


def test_files_and_the_order_of_rows_do_not_matter(ours, make):
    theirs = make().publish(ROWS[1:], ROWS[:1], metadata={"written by": "another"})
    assert differences(ours.contents(), theirs.contents()) == []


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (ROWS[:2], "3 rows here, 2 there"),
        ([ROWS[0], ROWS[0], ROWS[1]], "content"),
        ([ROWS[0] | {"n": 2}, *ROWS[1:]], "content"),
        ([ROWS[0] | {"raw": b"\xfe"}, *ROWS[1:]], "content"),
    ],
    ids=["fewer", "another twice", "another number", "another byte"],
)
def test_other_rows_are_told(ours, make, rows, why):
    theirs = make().publish(rows)
    assert differences(ours.contents(), theirs.contents()) == [("db.t_history", DAY, why)]


@pytest.mark.parametrize("side", ["files", "catalog"])
def test_another_schema_is_told_though_the_values_are_the_same(ours, make, side):
    narrow = SCHEMA.set(1, pa.field("n", pa.int32())) if side == "files" else SCHEMA
    columns = (*COLUMNS[:1], TableColumn("n", "int"), *COLUMNS[2:]) if side == "catalog" else COLUMNS
    theirs = make().publish(ROWS, schema=narrow, columns=columns)
    assert differences(ours.contents(), theirs.contents()) == [("db.t_history", DAY, "schema")]


def test_a_day_that_only_one_has_is_told(ours, make):
    theirs = make().publish(ROWS).publish(ROWS, day="2026-11-21")
    assert differences(ours.contents(), theirs.contents()) == [("db.t_history", "2026-11-21", "it is not here")]
    assert differences(theirs.contents(), ours.contents()) == [("db.t_history", "2026-11-21", "it is only here")]


def test_the_table_of_the_newest_day_is_read_where_no_day_is_named(ours):
    ours.publish(ROWS[:1], day="", name="t")
    assert [(each.table, each.day, each.rows) for each in ours.contents()] == [("db.t", "", 1), ("db.t_history", DAY, 3)]
    assert [each.table for each in ours.contents(days=[DAY])] == ["db.t_history"]
    assert [each.table for each in ours.contents(patterns=["*.t"])] == ["db.t"]


def test_a_table_without_rows_is_there():
    nothing = Contents("db.t", DAY, 0, "s", "0")
    assert differences([nothing], []) == [("db.t", DAY, "it is only here")]
