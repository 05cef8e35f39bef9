"""One behaviour suite for every catalog."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from dataworks_assets_tests.spark.publish.memory_catalog import InMemoryCatalog
from spark.contract import CatalogSettings, StoreSettings
from spark.errors import CatalogError
from spark.publish.catalog import Pointer, TableColumn, TableDefinition
from spark.publish.catalogs import open_catalog
from spark.publish.hive import BATCH_PARTITIONS
from spark.store import ObjectStore

COLUMNS = (TableColumn("id", "string", "the id"), TableColumn("payload", "struct<Foo:string,bar:array<bigint>>"))


@pytest.fixture(params=["memory", "hive", "glue", pytest.param("hive31", marks=pytest.mark.hive31)])
def catalog(request):
    if request.param == "memory":
        return InMemoryCatalog()
    stack = request.getfixturevalue("stack")
    if request.param == "glue":
        return open_catalog(CatalogSettings(kind="glue", uri=stack.aws_endpoint, region=stack.region))
    uri = request.getfixturevalue("hive31_uri") if request.param == "hive31" else stack.metastore_uri
    return open_catalog(CatalogSettings(uri=uri))


@pytest.fixture
def lake(catalog, request, prefix_uri):
    """Where tables lie: a folder that is there."""
    if not isinstance(catalog, InMemoryCatalog):
        stack = request.getfixturevalue("stack")
        ObjectStore(StoreSettings(endpoint_url=stack.s3_endpoint)).put(f"{prefix_uri}/there", b"")
    return prefix_uri


@pytest.fixture
def days(catalog, lake):
    """A table of all days, in a database of its own."""
    database = f"db_{uuid.uuid4().hex[:12]}"
    catalog.ensure_database(database, location_uri=lake)
    definition = TableDefinition(database, "history", COLUMNS, "export_date", lake, "all days", {"system": "adg"})
    catalog.ensure_table(definition)
    return definition


def pointer(lake, partition, attempt="20261121T000000-00000001", **changes):
    location = f"{lake}/{partition}/{attempt}"
    made = Pointer(partition, location, attempt, "f1", 3, "run-1", 42, "c1", "2026-11-21T00:00:00Z", 2, 1000)
    return replace(made, **changes)


def many(lake, number, attempt):
    """Pointers to one place that is there: a metastore makes folders that are not."""
    return [pointer(lake, f"{year:04d}-01-01", attempt, location=lake) for year in range(1000, 1000 + number)]


def test_a_table_is_described_as_it_was_defined(catalog, days):
    described = catalog.describe(days.database, days.name)
    assert replace(described, location_uri="") == replace(days, location_uri="")


def test_what_is_not_there_is_none(catalog, days):
    assert catalog.describe(days.database, "nothing") is None
    assert catalog.describe("no_database", "nothing") is None
    assert catalog.newest(days.database, "nothing") is None
    assert catalog.newest("no_database", "nothing") is None
    assert catalog.newest_partition(days.database, "nothing") is None
    assert catalog.pointers(days.database, "nothing") == {}
    assert catalog.tables("no_database") == []


def test_ensuring_twice_changes_nothing(catalog, days, lake):
    catalog.ensure_database(days.database, location_uri=lake)
    before = catalog.describe(days.database, days.name)
    catalog.ensure_table(days)
    assert catalog.describe(days.database, days.name) == before
    assert catalog.tables(days.database) == ["history"]


def test_tables_of_one_database_are_described_in_one_call(catalog, days):
    assert list(catalog.describe_many(days.database, ["history", "nothing"])) == ["history"]


def test_a_switch_adds_a_partition(catalog, days, lake):
    new = pointer(lake, "2026-11-20")
    catalog.switch(days.database, days.name, [new])
    assert new.shows_same(catalog.pointers(days.database, days.name)["2026-11-20"])


def test_a_switch_moves_a_partition_with_all_it_tells(catalog, days, lake):
    catalog.switch(days.database, days.name, [pointer(lake, "2026-11-20"), pointer(lake, "2026-11-21")])
    moved = pointer(lake, "2026-11-20", "20261122T000000-00000002", fingerprint="f2", epoch=4, rows=0, tags_hash="t")
    catalog.switch(days.database, days.name, [moved])
    found = catalog.pointers(days.database, days.name)
    assert moved.shows_same(found["2026-11-20"])
    assert pointer(lake, "2026-11-21").shows_same(found["2026-11-21"])


def test_only_the_named_partitions_are_read(catalog, days, lake):
    catalog.switch(days.database, days.name, [pointer(lake, "2026-11-20"), pointer(lake, "2026-11-21")])
    assert list(catalog.pointers(days.database, days.name, ["2026-11-21", "2026-11-22"])) == ["2026-11-21"]


@pytest.mark.parametrize("number", [BATCH_PARTITIONS, BATCH_PARTITIONS + 1])
def test_more_partitions_than_a_call_takes(catalog, days, lake, number):
    catalog.switch(days.database, days.name, many(lake, number, "a1"))
    catalog.switch(days.database, days.name, many(lake, number, "a2"))
    found = catalog.pointers(days.database, days.name)
    assert len(found) == number
    assert {one.attempt for one in found.values()} == {"a2"}


def test_ten_times_as_many_partitions_as_a_call_takes(catalog, days, lake):
    catalog.switch(days.database, days.name, many(lake, 10 * BATCH_PARTITIONS, "a1"))
    assert len(catalog.pointers(days.database, days.name)) == 10 * BATCH_PARTITIONS


@pytest.mark.parametrize("number", [1, BATCH_PARTITIONS, BATCH_PARTITIONS + 1])
def test_dropping_partitions(catalog, days, lake, number):
    catalog.switch(days.database, days.name, [*many(lake, number, "a1"), pointer(lake, "2026-11-20")])
    catalog.drop_partitions(days.database, days.name, [one.partition for one in many(lake, number, "a1")])
    catalog.drop_partitions(days.database, days.name, ["1000-01-01"])
    assert list(catalog.pointers(days.database, days.name)) == ["2026-11-20"]


def test_the_newest_partition_is_the_greatest_value(catalog, days, lake):
    catalog.switch(days.database, days.name, [pointer(lake, "2026-11-20"), pointer(lake, "2026-11-21")])
    catalog.switch(days.database, days.name, [pointer(lake, "2026-10-31")])
    assert catalog.newest_partition(days.database, days.name) == "2026-11-21"


def test_an_unpartitioned_table_shows_its_pointer_from_its_first_moment(catalog, days, lake):
    newest = TableDefinition(days.database, "newest", COLUMNS)
    first = pointer(lake, "2026-11-20")
    catalog.ensure_table(newest, pointer=first)
    assert first.shows_same(catalog.newest(days.database, "newest"))


def test_an_unpartitioned_table_is_pointed_elsewhere(catalog, days, lake):
    catalog.ensure_table(TableDefinition(days.database, "newest", COLUMNS), pointer=pointer(lake, "2026-11-20"))
    catalog.point(days.database, "newest", pointer(lake, "2026-11-21", "a2"))
    shown = catalog.newest_many(days.database, ["newest", "history", "nothing"])
    assert list(shown) == ["newest"]
    assert pointer(lake, "2026-11-21", "a2").shows_same(shown["newest"])


def test_ensuring_a_table_again_leaves_what_it_shows(catalog, days, lake):
    newest = TableDefinition(days.database, "newest", COLUMNS)
    catalog.ensure_table(newest, pointer=pointer(lake, "2026-11-20"))
    catalog.ensure_table(replace(newest, columns=(*COLUMNS, TableColumn("n", "bigint"))), pointer=pointer(lake, "2026-11-21"))
    assert pointer(lake, "2026-11-20").shows_same(catalog.newest(days.database, "newest"))
    assert [column.name for column in catalog.describe(days.database, "newest").columns] == ["id", "payload", "n"]


def test_new_columns_are_added_and_old_ones_stay(catalog, days):
    catalog.ensure_table(replace(days, columns=(TableColumn("n", "decimal(9,2)"), COLUMNS[1])))
    assert [column.name for column in catalog.describe(days.database, days.name).columns] == ["id", "payload", "n"]


def test_a_struct_gains_a_field(catalog, days):
    wider = TableColumn("payload", "struct<bar:array<bigint>,more:date>")
    catalog.ensure_table(replace(days, columns=(COLUMNS[0], wider)))
    assert catalog.describe(days.database, days.name).columns[1].type == "struct<Foo:string,bar:array<bigint>,more:date>"


def test_a_type_that_old_files_cannot_be_read_as_is_refused(catalog, days):
    with pytest.raises(CatalogError, match=rf"{days.full_name}.*column id is string and cannot become bigint"):
        catalog.ensure_table(replace(days, columns=(TableColumn("id", "bigint"),)))


def test_switching_in_a_table_that_is_not_there_names_it(catalog, days, lake):
    with pytest.raises(CatalogError, match=rf"{days.database}.nothing"):
        catalog.switch(days.database, "nothing", [pointer(lake, "2026-11-20")])


def test_a_partition_value_that_hive_would_escape_is_refused(catalog, days, lake):
    with pytest.raises(CatalogError, match="cannot be a partition's value"):
        catalog.switch(days.database, days.name, [replace(pointer(lake, "x"), partition="a/b=c")])


def test_several_threads_switch_tables_at_once(catalog, days, lake):
    names = [f"table_{number}" for number in range(8)]

    def fill(name):
        catalog.ensure_table(replace(days, name=name))
        catalog.switch(days.database, name, many(lake, 3, name))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fill, names))
    for name in names:
        assert {one.attempt for one in catalog.pointers(days.database, name).values()} == {name}
