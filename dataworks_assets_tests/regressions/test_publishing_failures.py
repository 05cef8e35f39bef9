"""What went wrong in the systems that this replaces, in writing and publishing: failures 1, 2, 3 and 7."""

import re
from functools import partial

import pyarrow as pa
import pytest

from dataworks_assets_tests.spark.publish.memory_catalog import InMemoryCatalog
from dataworks_assets_tests.systems.adg.whole_path import DAY, World, configured, documents, encoded, with_body
from spark.contract import PartitionState
from spark.errors import AccessError, CatalogError, StoreError
from spark.jobs import writers
from spark.publish.parquet import TableWriter
from spark.store import ObjectStore

STATEMENT, CLAIMANT = "db.core.statement", "db.core.claimant"
BOTH = {("core/statement", DAY.isoformat()), ("core/claimant", DAY.isoformat())}


class Broken:
    """A streaming writer that fails as the store's library does."""

    def __init__(self, target, at):
        self.target, self.at = target, at

    def write(self, data):
        if self.at == "write":
            raise OSError("Generic S3 error: HTTP error")
        return self.target.write(data)

    def close(self):
        if self.at == "close":
            raise OSError("Generic S3 error: HTTP error")
        self.target.close()


class FailingStore(ObjectStore):
    """Fails a write of the statement's files."""

    fails_at, fails_in = "", "core_statement"

    def writer(self, uri, **options):
        target = super().writer(uri, **options)
        return Broken(target, self.fails_at) if self.fails_in in uri else target

    def put(self, uri, body, **options):
        if self.fails_at == "manifest" and self.fails_in in uri and uri.endswith("_manifest.json"):
            raise AccessError("access refused", where=uri)
        return super().put(uri, body, **options)


class FailingCatalog(InMemoryCatalog):
    """Fails to switch the statement's table."""

    is_failing = True

    def switch(self, database, name, pointers):
        if self.is_failing and "core_statement" in name:
            raise CatalogError("timed out on purpose", where=f"{database}.{name}")
        super().switch(database, name, pointers)


@pytest.fixture
def world():
    world = World()
    world.store = FailingStore(world.store.settings)
    world.write(STATEMENT, DAY, documents(3))
    world.write(CLAIMANT, DAY, documents(2))
    return world


@pytest.mark.parametrize(("moment", "check"), [("write", "write"), ("close", "write"), ("manifest", "publish")], ids=str)
def test_1_a_failed_write_fails_its_day_and_is_not_marked_completed(world, moment, check):
    """There: the write's error was logged and swallowed, and the day marked completed."""
    world.store.fails_at = moment
    outcome = world.run()
    assert outcome.published() == BOTH - {("core/statement", DAY.isoformat())}
    assert (world.table("core/statement"), world.newest("core/statement")) == (None, None)
    finding = outcome.finding("core/statement")
    assert (finding.check, "core_statement_history" in finding.object) == (check, True)
    assert [(failed.collection, failed.lies_in_data) for failed in outcome.failures] == [("core/statement", False)]


def test_1_a_collection_of_several_tables_shows_none_where_one_cannot_be_written(world):
    """There: the tables that could be written were shown beside the old ones."""
    second = {"database": "uc", "table": "sec_v", "layout": "text", "partition_column": "export_date"}
    world.collections = [
        configured(STATEMENT, database="adg", table="first", newest=False, tables=[second]),
        *world.collections[1:],
    ]
    world.store.fails_at, world.store.fails_in = "close", "/uc/sec_v"
    world.run()
    assert (world.table("core/statement"), world.table("core/statement", table=1)) == (None, None)
    world.store.fails_at = ""
    world.run()
    assert [world.table("core/statement", table=number).num_rows for number in (0, 1)] == [3, 3]


@pytest.mark.parametrize("moment", ["write", "close", "manifest"])
def test_1_a_plain_retry_does_what_was_not_written(world, moment):
    """There: the day counted as done, so nobody did it again."""
    world.store.fails_at = moment
    world.run()
    world.store.fails_at = ""
    assert world.run().published() == BOTH
    assert world.ids("core/statement") == ["s0", "s1", "s2"]


@pytest.mark.parametrize("request_fields", [{}, {"force": True}])
def test_2_readers_see_the_old_day_or_the_new_one_at_every_step(world, request_fields):
    """There: tables were dropped and created; readers met no table, or half the data."""
    world.run()
    if not request_fields:
        world.write(STATEMENT, DAY, documents(5))
    seen = []

    def read(_moment, _method):
        if not reading:
            reading.append(True)
            seen.append((len(world.ids("core/statement") or ()), world.newest("core/statement").num_rows))
            reading.clear()

    reading: list[bool] = []
    world.catalog.hook = read
    world.run(**request_fields)
    world.catalog.hook = None
    new = len(world.ids("core/statement"))
    assert len(seen) > 10
    assert {rows for pair in seen for rows in pair} <= {3, new}
    assert seen[0] == (3, 3)
    assert seen[-1] == (new, new)


class TagStore(ObjectStore):
    """Remembers the tags in the request that created each object."""

    def __init__(self, settings):
        super().__init__(settings)
        self.tags = {}

    def put(self, uri, body, *, tags=None, **options):
        self.tags[uri] = tags
        return super().put(uri, body, tags=tags, **options)

    def writer(self, uri, *, tags=None):
        self.tags[uri] = tags
        return super().writer(uri, tags=tags)


def test_3_every_object_of_a_table_is_created_with_its_collections_tags(world):
    """There: tags were set afterwards, on the first page of a listing; access control failed open or closed."""
    store = world.store = TagStore(world.store.settings)
    tags = {"pii": "true", "db": "core", "table": "statement"}
    world.collections = [configured(STATEMENT, tags=tags, quarantine_share=1.0), configured(CLAIMANT, tags={})]
    world.write(STATEMENT, DAY, documents(3))
    world.write(CLAIMANT, DAY, documents(2))
    world.run()
    places = {
        "core_statement": tags | {"snapshot_type": "full"},
        "core_claimant": {"collection_tag": "NOT_SET", "snapshot_type": "full"},
    }
    for table, expected in places.items():
        created = [store.tags[uri] for uri in world.objects() if re.search(f"/{table}[^/]*/", uri)]
        assert len(created) == 2
        assert all(found == expected for found in created)


@pytest.mark.parametrize("count", [999, 1000, 1001])
def test_3_tags_do_not_end_with_the_first_page(count):
    """There: the 1,001st object of a table had no tags."""
    store = TagStore(ObjectStore.in_memory().settings)
    schema = pa.schema([("id", pa.string())])
    writer = TableWriter(
        store, "memory://output/table", schema=schema, tags={"pii": "true"}, target_file_bytes=1, row_group_bytes=1
    )
    for number in range(count):
        writer.write(pa.record_batch([[str(number)]], schema=schema))
    assert len(writer.close()) == count
    assert [store.tags[item.uri] for item in store.list("memory://output/table")] == [{"pii": "true"}] * count


def test_3_a_day_of_more_than_1000_objects_has_its_tags_on_every_one_and_so_have_changed_tags(monkeypatch):
    """There: the listing had one page, when the tags were set and when they were changed."""
    many = partial(TableWriter, row_group_bytes=1)
    monkeypatch.setattr(writers, "TableWriter", lambda *place, **said: many(*place, **{**said, "target_file_bytes": 1}))
    store = TagStore(ObjectStore.in_memory().settings)
    first, then = {"pii": "true", "db": "core"}, {"pii": "false", "db": "core"}
    world = World(store=store, collections=[configured(STATEMENT, tags=first)])
    for batch in range(1, 1002):
        world.write(STATEMENT, DAY, documents(1, first=batch), batch=batch)
    assert world.run().error is None
    objects = [uri for uri in world.objects() if "/core_statement_history/" in uri]
    assert (len(objects), len(world.ids("core/statement"))) == (1002, 1001)
    assert [store.tags[uri] for uri in objects] == [first | {"snapshot_type": "full"}] * 1002
    world.collections = [configured(STATEMENT, tags=then)]
    assert world.run().error is None
    assert {uri: world.retagged[uri] for uri in objects} == dict.fromkeys(objects, then | {"snapshot_type": "full"})


@pytest.mark.parametrize("failure", ["its data", "its files"])
def test_7_a_collection_that_fails_in_a_task_leaves_the_siblings_of_that_task_alone(world, failure):
    """There: one collection's failure ended the whole job."""
    if failure == "its data":
        world.put(with_body(encoded(STATEMENT, documents(3)), b"garbage"))
    else:
        world.store.fails_at = "write"
    outcome = world.run()
    assert outcome.error is None
    assert outcome.published() == BOTH - {("core/statement", DAY.isoformat())}
    assert [failed.collection for failed in outcome.failures] == ["core/statement"]


def test_7_a_failed_publication_leaves_the_siblings_alone_and_holds_nothing(world):
    """There: one collection's failure ended the whole job, and its status stayed "Processing" for ever."""
    catalog = world.catalog = FailingCatalog()
    outcome = world.run()
    assert outcome.published() == BOTH - {("core/statement", DAY.isoformat())}
    assert not outcome.check("core/statement").passed
    assert world.refusals()["core/statement", DAY.isoformat()].state is PartitionState.FAILED
    catalog.is_failing = False
    assert world.run().published() == BOTH
    assert world.refusals() == {}


def test_7_a_collection_that_another_run_holds_fails_alone_and_says_who_holds_it(world):
    """There: two runs wrote one table, or one waited for ever."""
    other = World(store=world.store, catalog=world.catalog, collections=world.collections)

    class Meanwhile(InMemoryCatalog):
        def switch(self, database, name, pointers):
            if "core_statement" in name and not seen:
                seen.append(other.run("core/statement"))
            super().switch(database, name, pointers)

    seen = []
    world.catalog = other.catalog = Meanwhile()
    assert world.run().published() == BOTH
    finding = seen[0].finding("core/statement")
    assert finding.check == "lease"
    assert world.submissions[0].lease_owner in finding.cause
    assert [failed.lies_in_data for failed in seen[0].failures] == [False]


def test_7_an_outage_of_the_store_ends_the_run_with_one_error_and_publishes_nothing(world):
    """There: the error was caught where it happened, and the next step ran on nothing."""

    class Away(ObjectStore):
        def list(self, prefix_uri, **options):
            raise StoreError("no answer", where=prefix_uri)

    world.store = Away(world.store.settings, world.store._clients)
    outcome = world.run()
    assert isinstance(outcome.error, StoreError)
    assert world.submissions == []
