"""What went wrong in the systems that this replaces, in finding out what there is to do: failures 4, 5, 6, 8, 11 and 12."""

from datetime import UTC, datetime, timedelta

import pytest

from dataworks_assets.stack.sample.wire import Destination, store_file
from dataworks_assets.systems.plan import Decision
from dataworks_assets_tests.spark.publish.memory_catalog import InMemoryCatalog
from dataworks_assets_tests.systems.adg.whole_path import (
    DAY,
    DAY_BEFORE,
    World,
    bare,
    configured,
    documents,
    encoded,
    with_body,
)
from spark.errors import AccessError, CatalogError
from spark.publish.garbage import GarbageCollector, GarbageContext, Retention
from spark.publish.lease import LeaseKeeper
from spark.store import ObjectStore

STATEMENT, CLAIMANT = "db.core.statement", "db.core.claimant"


@pytest.fixture
def world():
    world = World()
    world.write(STATEMENT, DAY, documents(3))
    world.write(CLAIMANT, DAY, documents(2))
    return world


def test_4_all_files_of_a_days_prefix_are_read(world):
    """There: the loop over a day's files kept the last one only."""
    world.write(STATEMENT, DAY, documents(2, first=10), batch=2)
    world.write(CLAIMANT, DAY, documents(1, first=20), batch=2)
    world.write(CLAIMANT, DAY, documents(1, first=30), batch=3)
    world.run()
    assert world.ids("core/statement") == ["s0", "s1", "s10", "s11", "s2"]
    assert world.ids("core/claimant") == ["s0", "s1", "s20", "s30"]


def decisions(world):
    return {planned.collection.name: planned.decision for planned in world.plan().days}


def test_5_a_table_of_another_name_is_not_done_because_one_of_the_old_name_was(world):
    """There: resume went by step name; after a rename every step was skipped and the run ended green."""
    world.run()
    world.collections = [configured(STATEMENT, table="renamed"), *world.collections[1:]]
    assert decisions(world) == {"core/statement": Decision.NEW, "core/claimant": Decision.UNCHANGED}
    world.run()
    assert world.ids("core/statement") == ["s0", "s1", "s2"]


def test_5_done_is_what_the_catalog_shows_not_what_a_run_said(world):
    """There: a step that was said to be done was skipped, whatever became of its table."""
    world.run()
    world.catalog = InMemoryCatalog()
    assert set(decisions(world).values()) == {Decision.NEW}
    world.run()
    assert world.ids("core/statement") == ["s0", "s1", "s2"]


def test_5_done_is_what_lies_in_the_store(world):
    """There: a table whose files were deleted counted as done."""
    world.run()
    world.store.delete([uri for uri in world.objects() if "core_statement" in uri and uri.endswith(".parquet")])
    assert decisions(world) == {"core/statement": Decision.INCOMPLETE, "core/claimant": Decision.UNCHANGED}
    world.run()
    assert world.ids("core/statement") == ["s0", "s1", "s2"]


def test_5_a_retry_does_only_what_is_missing(world):
    """There: a retry skipped by name, so it did too little or too much."""
    world.put(with_body(encoded(STATEMENT, documents(3)), b""))
    world.run()
    world.write(STATEMENT, DAY, documents(3))
    world.run()
    assert [{work.collection for work in each.partitions} for each in world.submissions] == [
        {"core/statement", "core/claimant"},
        {"core/statement"},
    ]


class RefusingCatalog(InMemoryCatalog):
    def pointers(self, database, name, partitions=None):
        raise CatalogError("not allowed to read", where=f"{database}.{name}", transient=False)


class RefusingStore(ObjectStore):
    """Refuses to list or read below a prefix."""

    prefix = ""

    def list(self, prefix_uri, **options):
        self._refuse(prefix_uri)
        return super().list(prefix_uri, **options)

    def _read(self, uri, read):
        self._refuse(uri)
        return super()._read(uri, read)

    def _refuse(self, uri):
        if self.prefix and uri.startswith(self.prefix):
            raise AccessError("access refused", where=uri)


def test_6_a_catalog_that_cannot_be_read_is_not_an_empty_one(world):
    """There: "no previous run" was concluded from any error, AccessDenied included."""
    world.run()
    before = world.objects()
    world.catalog = RefusingCatalog()
    outcome = world.run()
    assert isinstance(outcome.error, CatalogError)
    assert (len(world.submissions), world.objects()) == (1, before)


@pytest.mark.parametrize(
    "prefix",
    ["memory://input/", "memory://manifests/", "memory://output/analytical-dataset", "memory://output/_dataworks/holds"],
)
def test_6_a_prefix_that_may_not_be_read_is_not_an_empty_one(world, prefix):
    """There: as above; a refused listing would here make every collection of the day an empty partition."""
    world.run()
    before = world.pointer("core/statement")
    world.write(STATEMENT, DAY, documents(5))
    store = world.store = RefusingStore(world.store.settings, world.store._clients)
    store.prefix = prefix
    outcome = world.run()
    assert isinstance(outcome.error, AccessError)
    assert outcome.error.where.startswith(prefix)
    assert (len(world.submissions), world.pointer("core/statement")) == (1, before)


def test_6_a_lease_that_may_not_be_read_is_not_a_free_one(world):
    """There: as above; two runs would here write one partition."""
    world.run()
    world.write(STATEMENT, DAY, documents(5))
    store = world.store = RefusingStore(world.store.settings, world.store._clients)
    store.prefix = "memory://output/_dataworks/leases"
    outcome = world.run("core/statement")
    assert outcome.error is not None or not outcome.failures[0].lies_in_data
    store.prefix = ""
    assert world.ids("core/statement") == ["s0", "s1", "s2"]


def test_8_files_of_one_name_under_two_prefixes_are_two_files(world):
    """There: a dictionary by base name kept one of them; the other was lost."""
    place = world.destination()
    for number in (1, 2):
        below = Destination(world.store, f"{place.data_uri}/part{number}", f"{place.manifest_uri}/part{number}")
        store_file(below, encoded(STATEMENT, documents(2, first=10 * number)))
    world.run()
    assert world.ids("core/statement") == ["s0", "s1", "s10", "s11", "s2", "s20", "s21"]


@pytest.mark.parametrize("position", [0, 1, 40, 200, -8, -5, -4, -1])
def test_11_a_changed_byte_is_found_and_the_file_is_named(world, position):
    """There: AES-CTR has no tamper check; garbage surfaced, if at all, as an unzip error without the file's name."""
    file = encoded(STATEMENT, documents(400))
    body = bytearray(file.body)
    body[position] ^= 0x40
    world.put(with_body(file, bytes(body)))
    outcome = world.run()
    assert world.table("core/statement") is None
    assert outcome.findings("core/statement")[0].object == world.data_uri(file)
    assert world.data_uri(file) in outcome.failures[0].cause
    assert world.ids("core/claimant") == ["s0", "s1"]


def collect_garbage(world):
    """Collects two days later."""
    scope = world.scope
    keeper = LeaseKeeper(world.store, scope.control_uri, owner="collector", ttl_seconds=60)
    context = GarbageContext("adg", scope.output_uri, 3600, datetime.now(UTC) + timedelta(days=2))
    collector = GarbageCollector(world.catalog, world.store, leases=keeper, context=context)
    return collector.collect([Retention(scoped.job) for scoped in scope.collections.values()])


def test_12_what_is_cleaned_is_what_was_written(world):
    """There: clean-up deleted a path that nothing was ever written to, and what was written stayed for ever."""
    world.run()
    published = set(world.objects())
    world.put(with_body(encoded(STATEMENT, documents(3), batch=2), b"garbage"))
    world.run()
    assert set(world.objects()) > published
    report = collect_garbage(world)
    assert set(world.objects()) == published
    assert {item.collection for item in report.removed} == {"core/statement"}
    assert world.ids("core/statement") == ["s0", "s1", "s2"]


@pytest.mark.parametrize("was_published", [True, False])
def test_12_cleaning_leaves_the_quarantine_of_a_refused_day(world, was_published):
    """There: cleaning went by name, and took what was still needed."""
    if was_published:
        world.run()
    world.write(STATEMENT, DAY, [*documents(3), bare(b"12")])
    world.run()
    world.run()
    collect_garbage(world)
    assert [row["raw"] for row in world.quarantine("core/statement")] == [b"12"]
    assert len([uri for uri in world.objects() if "core_statement_quarantine/" in uri and uri.endswith(".parquet")]) == 1


def test_12_a_day_that_a_run_refused_loses_nothing_of_what_was_published(world):
    """There: cleaning before the run took the last good day away."""
    world.write(STATEMENT, DAY_BEFORE, documents(2))
    world.write(CLAIMANT, DAY_BEFORE, documents(2))
    world.run(days=[DAY_BEFORE, DAY])
    world.put(with_body(encoded(STATEMENT, documents(3)), b"garbage"))
    world.run(days=[DAY_BEFORE, DAY])
    assert (world.ids("core/statement", DAY_BEFORE), world.ids("core/statement")) == (["s0", "s1"], ["s0", "s1", "s2"])
