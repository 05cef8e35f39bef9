"""The protocol over a real metastore and a real S3 server."""

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from dataworks_assets_tests.spark.publish.world import AUDIT, STATEMENT, TTL_SECONDS, Lake
from spark.contract import StoreSettings
from spark.errors import CatalogError, LeaseError
from spark.publish.hive import HiveCatalog
from spark.publish.lease import Lease
from spark.publish.manifest import intact_many
from spark.publish.state import published_state, published_states
from spark.store import ObjectStore

DAY, NEXT = "2026-11-20", "2026-11-21"


class UnsureCatalog(HiveCatalog):
    """Its n-th change is made, or not, and then it seems to have timed out."""

    def __init__(self, uri, *, at=0, done=True):
        super().__init__(uri)
        self.at, self.done, self.changes = at, done, 0
        self._write = self._client.write
        self._client.write = self._change

    def _change(self, method, *args, **options):
        self.changes += 1
        if self.changes != self.at:
            return self._write(method, *args, **options)
        if self.done:
            self._write(method, *args, **options)
        raise CatalogError("timed out on purpose")


@pytest.fixture
def real(stack, prefix_uri):
    """A lake on the stack."""
    store = ObjectStore(StoreSettings(endpoint_url=stack.s3_endpoint))
    return Lake(catalog=HiveCatalog(stack.metastore_uri), store=store, root_uri=prefix_uri)


@pytest.fixture
def statement(database):
    return in_database(STATEMENT, database)


@pytest.fixture
def audit(database):
    return in_database(AUDIT, database)


def in_database(collection, database):
    tables = tuple(msgspec.structs.replace(table, database=database) for table in collection.tables)
    return msgspec.structs.replace(collection, tables=tables)


def test_a_day_is_published_and_published_anew(real, statement):
    for name in ("run-1", "run-2"):
        (outcome,) = real.run(name).publish(statement, DAY, quarantined=1)
        assert outcome.error is None
        attempt = outcome.pointers[0].pointer.attempt
        assert real.shown(statement) == {DAY: {attempt}}
        assert real.catalog.newest(statement.tables[0].database, "core_statement").attempt == attempt


def test_nothing_but_the_attempts_files_and_the_days_document_is_left_in_the_store(real, statement):
    (outcome,) = real.run("run-1").publish(statement, DAY)
    location = outcome.pointers[0].pointer.location
    assert sorted(item.uri for item in real.store.list(real.output_uri)) == sorted(
        [f"{location}/_manifest.json", f"{location}/part-0.parquet", f"{real.output_uri}/{DAY}/_published.json"]
    )


def test_the_published_files_are_known_to_be_there_or_not(real, statement):
    real.run("run-1").publish(statement, DAY)
    pointer = published_state(real.catalog, statement, [DAY])[DAY]
    assert intact_many(real.store, [pointer]) == {pointer.location: True}
    real.store.delete([f"{pointer.location}/part-0.parquet"])
    assert intact_many(real.store, [pointer]) == {pointer.location: False}


def test_of_runs_that_race_for_a_day_one_publishes_it(real, audit):
    def publish(name):
        run = real.run(name)
        (lease,) = run.acquire(audit, DAY)
        return run.publisher.publish([run.ready(audit, DAY, lease)])[0] if isinstance(lease, Lease) else lease

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(publish, "abcd"))
    (winner,) = [outcome for outcome in outcomes if not isinstance(outcome, LeaseError)]
    assert real.shown(audit) == {DAY: {winner.pointers[0].pointer.attempt}}


def test_runs_that_publish_other_days_at_once_leave_the_newest_as_newest(real, statement):
    real.run("first").publish(statement, "2026-11-01")
    days = ["2026-11-02", "2026-11-05", "2026-11-04", "2026-11-03"]
    with ThreadPoolExecutor(4) as pool:
        outcomes = [outcome for found in pool.map(lambda day: real.run(day).publish(statement, day), days) for outcome in found]
    assert [outcome.error for outcome in outcomes] == [None] * 4
    assert real.newest(statement) == "2026-11-05"


@pytest.mark.parametrize("done", [True, False], ids=["was made", "was not made"])
def test_a_change_whose_outcome_is_unknown_is_read_back(real, stack, statement, done):
    at = 0
    while True:
        at += 1
        real.catalog = UnsureCatalog(stack.metastore_uri, at=at, done=done)
        outcomes = real.run(f"run-{at}").publish(statement, DAY, NEXT)
        assert [outcome.error for outcome in outcomes] == [None, None], at
        assert real.newest(statement) == NEXT
        if real.catalog.changes < at:
            break
    assert at > 2


def test_a_half_switched_day_is_done_again_by_the_next_run(real, stack, audit):
    run = real.run("run-1")
    (lease,) = run.acquire(audit, DAY)
    item = run.ready(audit, DAY, lease)
    switch = real.catalog.switch

    def die_at_the_second_table(database, name, pointers):
        if name == audit.tables[1].name:
            raise KeyboardInterrupt
        switch(database, name, pointers)

    real.catalog.switch = die_at_the_second_table
    with pytest.raises(KeyboardInterrupt):
        run.publisher.publish([item])
    real.catalog = HiveCatalog(stack.metastore_uri)
    assert published_states(real.catalog, [audit], [DAY]) == {audit.name: {DAY: None}}

    real.now_seconds += 2 * TTL_SECONDS
    (outcome,) = real.run("run-2").publish(audit, DAY)
    assert outcome.error is None
    assert real.shown(audit) == {DAY: {outcome.pointers[0].pointer.attempt}}
