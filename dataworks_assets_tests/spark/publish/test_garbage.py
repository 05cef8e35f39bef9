from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dataworks_assets_tests.spark.publish.memory_catalog import InMemoryCatalog
from dataworks_assets_tests.spark.publish.world import AUDIT, CONTROL, OUTPUT, STATEMENT, TTL_SECONDS
from spark.errors import LeaseError
from spark.publish.attempts import list_stored
from spark.publish.garbage import GarbageCollector, GarbageContext, Retention

DAY, NEXT = "2026-11-20", "2026-11-21"
LATER = datetime.now(UTC) + timedelta(days=10)
SAFE_SECONDS = 2 * 86400.0


@pytest.fixture
def collect(lake):
    def call(*retentions, now=LATER, dry_run=False, catalog=None):
        context = GarbageContext(system="adg", output_uri=OUTPUT, safe_age_seconds=SAFE_SECONDS, now=now)
        keeper = lake.run("collector").leases
        collector = GarbageCollector(catalog or lake.catalog, lake.store, leases=keeper, context=context)
        return collector.collect(retentions, dry_run=dry_run)

    return call


def stored(lake, table="core_statement_history"):
    return [item.attempt for item in list_stored(lake.store, OUTPUT) if item.table == table]


def attempt_of(outcomes):
    return outcomes[0].pointers[0].pointer.attempt


def test_the_published_attempt_and_the_one_before_stay(lake, collect):
    run = lake.run("run-1")
    first, *others = [attempt_of(run.publish(STATEMENT, DAY)) for _ in range(3)]
    report = collect(Retention(STATEMENT, attempts=2))
    assert [item.attempt.attempt for item in report.removed] == [first]
    assert stored(lake) == others


def test_what_the_catalog_shows_stays_however_old_it_is(lake, collect):
    run = lake.run("run-1")
    attempts = [attempt_of(run.publish(STATEMENT, DAY)) for _ in range(3)]
    lake.catalog.switch(
        "adg",
        "core_statement_history",
        [replace(lake.catalog.newest("adg", "core_statement"), location=location_of(lake, attempts[0]), attempt=attempts[0])],
    )
    collect(Retention(STATEMENT, attempts=1))
    assert attempts[0] in stored(lake)


def location_of(lake, attempt):
    (location,) = {item.location for item in list_stored(lake.store, OUTPUT) if item.attempt == attempt}
    return location


def test_what_never_passed_its_audit_goes_when_no_run_can_be_at_it_any_more(lake, collect):
    run = lake.run("run-1")
    run.publish(STATEMENT, DAY)
    (lease,) = run.acquire(STATEMENT, NEXT)
    unpublished = run.ready(STATEMENT, NEXT, lease).work.attempt
    run.leases.release_many([lease])
    assert collect(Retention(STATEMENT), now=datetime.now(UTC) + timedelta(hours=1)).removed == ()
    report = collect(Retention(STATEMENT))
    assert [(item.attempt.attempt, item.reason) for item in report.removed] == [(unpublished, "unpublished")]


def test_files_of_a_day_published_anew_a_moment_ago_may_still_have_readers(lake, collect):
    run = lake.run("run-1")
    run.publish(STATEMENT, DAY)
    run.publish(STATEMENT, DAY)
    assert collect(Retention(STATEMENT, attempts=1), now=datetime.now(UTC) + timedelta(hours=1)).removed == ()


def test_a_day_that_a_run_holds_is_spared(lake, collect):
    run = lake.run("run-1")
    run.publish(STATEMENT, DAY)
    run.publish(STATEMENT, DAY)
    run.acquire(STATEMENT, DAY)
    report = collect(Retention(STATEMENT, attempts=1))
    assert report.removed == ()
    assert [(name, day, type(error)) for name, day, error in report.spared] == [("core/statement", DAY, LeaseError)]
    assert len(stored(lake)) == 2


def test_a_dry_run_says_the_same_and_changes_nothing(lake, collect):
    run = lake.run("run-1")
    for day in (DAY, DAY, "2020-01-01"):
        run.publish(STATEMENT, day)
    before = [item.uri for item in lake.store.list("memory://lake")]
    planned = collect(Retention(STATEMENT, attempts=1, days=30), dry_run=True)
    assert [item.uri for item in lake.store.list("memory://lake")] == before
    done = collect(Retention(STATEMENT, attempts=1, days=30))
    assert (done.dropped, done.removed) == (planned.dropped, planned.removed)
    assert len(done.removed) == 2


def test_a_day_older_than_its_retention_leaves_all_tables_and_the_store(lake, collect):
    run = lake.run("run-1")
    for day in ("2020-01-01", DAY):
        run.publish(AUDIT, day, quarantined=1)
    report = collect(Retention(AUDIT, days=30))
    assert report.dropped == (("data/audit", "2020-01-01"),)
    assert list(lake.shown(AUDIT)) == [DAY]
    assert list(lake.catalog.pointers("uc_dw", "managed_quarantine")) == [DAY]
    assert {item.export_date for item in list_stored(lake.store, OUTPUT)} == {DAY}
    assert not lake.store.exists(f"{OUTPUT}/2020-01-01/_published.json")


def test_the_newest_published_day_is_never_too_old(lake, collect):
    run = lake.run("run-1")
    run.publish(STATEMENT, "2019-01-01")
    run.publish(STATEMENT, "2020-01-01")
    collect(Retention(STATEMENT, days=30))
    assert list(lake.shown(STATEMENT)) == ["2020-01-01"]
    assert lake.newest() == "2020-01-01"


def test_an_expired_day_that_was_dropped_but_not_deleted_is_deleted_next_time(lake, collect):
    run = lake.run("run-1")
    run.publish(STATEMENT, "2020-01-01")
    run.publish(STATEMENT, DAY)
    lake.catalog.drop_partitions("adg", "core_statement_history", ["2020-01-01"])
    report = collect(Retention(STATEMENT, days=30))
    assert report.dropped == ()
    assert [item.reason for item in report.removed] == ["retention"]


def test_a_zombie_does_not_bring_back_a_day_that_was_dropped(lake, collect):
    run = lake.run("run-1")
    run.publish(STATEMENT, DAY)
    (lease,) = run.acquire(STATEMENT, "2020-01-01")
    item = run.ready(STATEMENT, "2020-01-01", lease)

    def drop_it(moment, method):
        if (moment, method) == ("before", "switch"):
            lake.catalog.hook = None
            lake.now_seconds += 2 * TTL_SECONDS
            lake.catalog.switch("adg", "core_statement_history", [run_pointer(lake)])
            collect(Retention(STATEMENT, days=30))

    lake.catalog.hook = drop_it
    (outcome,) = run.publisher.publish([item])
    assert isinstance(outcome.error, LeaseError)
    assert list(lake.shown(STATEMENT)) == [DAY]


def run_pointer(lake):
    return replace(
        lake.catalog.newest("adg", "core_statement"), partition="2020-01-01", published_utc="2020-01-02T00:00:00+00:00"
    )


def test_a_lost_catalog_is_no_reason_to_delete_the_data(lake, collect):
    run = lake.run("run-1")
    for day in ("2020-01-01", DAY, DAY):
        run.publish(STATEMENT, day)
    assert collect(Retention(STATEMENT, attempts=1, days=30), catalog=InMemoryCatalog()).removed == ()


def test_tables_that_no_collection_fills_are_left_alone_and_named(lake, collect):
    lake.run("run-1").publish(STATEMENT, DAY)
    report = collect(Retention(AUDIT))
    assert [item.table for item in report.unknown] == ["core_statement_history"]
    assert len(stored(lake)) == 1


def test_more_objects_than_one_delete_takes(lake, collect):
    run = lake.run("run-1")
    run.publish(STATEMENT, DAY)
    location = f"{OUTPUT}/{NEXT}/adg/core_statement_history/20261121T000000-ffffffff"
    for number in range(1001):
        lake.store.put(f"{location}/part-{number}.parquet", b"x")
    (removed,) = collect(Retention(STATEMENT)).removed
    assert removed.attempt.objects == 1001
    assert list(lake.store.list(location)) == []


def test_heartbeats_of_dead_owners_are_deleted(lake):
    lake.run("run-1").leases.start_heartbeat()
    context = GarbageContext(system="adg", output_uri=OUTPUT, safe_age_seconds=SAFE_SECONDS, now=LATER)
    collector = GarbageCollector(lake.catalog, lake.store, leases=lake.run("collector").leases, context=context)
    assert collector.collect_heartbeats(CONTROL) == 1
