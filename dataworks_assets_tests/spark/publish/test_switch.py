import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from dataworks_assets_tests.spark.publish.world import AUDIT, OUTPUT, STATEMENT, TTL_SECONDS, Faults
from spark.errors import CatalogError, LeaseError, NotFoundError
from spark.publish.manifest import manifest_uri, read_manifest
from spark.publish.newest import NewestFollower
from spark.publish.state import half_published, published_state
from spark.publish.tables import TableDefinition

DAY, NEXT = "2026-11-20", "2026-11-21"


def test_a_published_day_is_what_all_its_tables_show(lake):
    (outcome,) = lake.run("run-1").publish(AUDIT, DAY)
    assert outcome.error is None
    assert [f"{table.database}.{table.name}" for table in outcome.pointers] == ["uc_dw.managed", "uc.sec_v", "uc.red_v"]
    assert lake.shown(AUDIT) == {DAY: {outcome.pointers[0].pointer.attempt}}


def test_the_pointer_tells_how_the_day_came_to_be(lake):
    lake.run("run-1").publish(STATEMENT, DAY, rows=7)
    pointer = published_state(lake.catalog, STATEMENT, [DAY])[DAY]
    assert (pointer.fingerprint, pointer.epoch, pointer.run_id, pointer.rows) == ("f1", 1, "run-1", 7)
    assert pointer.location == f"{OUTPUT}/{DAY}/adg/core_statement_history/{pointer.attempt}"


def test_a_day_that_is_not_published_is_none(lake):
    lake.run("run-1").publish(STATEMENT, DAY)
    assert published_state(lake.catalog, STATEMENT, [NEXT]) == {NEXT: None}


def test_each_tables_files_have_a_manifest_with_the_tables_tags(lake):
    (outcome,) = lake.run("run-1").publish(AUDIT, DAY)
    manifests = [read_manifest(lake.store, table.pointer.location) for table in outcome.pointers]
    assert [manifest.tags for manifest in manifests] == [{"table": "managed"}, {"table": "sec_v"}, {"table": "red_v"}]
    assert manifests[0].inputs[0].uri == f"memory://input/{DAY}"
    assert manifests[0].columns[0].name == "1_abroad"


def test_the_newest_table_shows_the_day_as_soon_as_it_is_made(lake):
    lake.run("run-1").publish(STATEMENT, DAY)
    assert lake.newest() == DAY


def test_the_newest_table_follows_and_never_goes_backwards(lake):
    run = lake.run("run-1")
    for day, shown in ((DAY, DAY), (NEXT, NEXT), (DAY, NEXT), ("2026-11-19", NEXT)):
        run.publish(STATEMENT, day)
        assert lake.newest() == shown


def test_redoing_the_newest_day_moves_the_newest_table_to_the_new_files(lake):
    lake.run("run-1").publish(STATEMENT, DAY)
    (outcome,) = lake.run("run-2").publish(STATEMENT, DAY)
    assert lake.catalog.newest("adg", "core_statement").attempt == outcome.pointers[0].pointer.attempt


def test_a_newest_table_that_is_behind_is_moved_without_publishing(lake):
    run = lake.run("run-1")
    run.publish(STATEMENT, DAY)
    run.publish(STATEMENT, NEXT)
    lake.catalog.point("adg", "core_statement", lake.catalog.pointers("adg", "core_statement_history")[DAY])
    assert NewestFollower(lake.catalog, run.publisher.tables).follow_many([STATEMENT], {}) == {}
    assert lake.newest() == NEXT


def test_many_days_cost_one_switch(lake):
    lake.catalog.calls.clear()
    lake.run("run-1").publish(STATEMENT, *(f"2026-10-{day:02d}" for day in range(1, 32)))
    assert lake.catalog.calls.count("switch") == 1
    assert len(lake.shown(STATEMENT)) == 31


def test_a_lease_that_was_lost_publishes_nothing(lake):
    run = lake.run("run-1")
    (lease,) = run.acquire(STATEMENT, DAY)
    item = run.ready(STATEMENT, DAY, lease)
    lake.now_seconds += 2 * TTL_SECONDS
    lake.run("run-2").acquire(STATEMENT, DAY)
    (outcome,) = run.publisher.publish([item])
    assert isinstance(outcome.error, LeaseError)
    assert not outcome.is_published
    assert lake.shown(STATEMENT) == {}


def test_one_collections_refused_table_leaves_the_others_alone(lake):
    run = lake.run("run-1")
    lake.catalog.ensure_database("adg", location_uri=OUTPUT)
    lake.catalog.ensure_table(TableDefinition("adg", "core_statement_history", (), "another_column"))
    items = [run.ready(kind, DAY, run.acquire(kind, DAY)[0]) for kind in (STATEMENT, AUDIT)]
    refused, published = run.publisher.publish(items)
    assert isinstance(refused.error, CatalogError)
    assert published.is_published


def test_the_days_document_names_the_published_files(lake):
    run = lake.run("run-1")
    run.publish(AUDIT, DAY)
    (outcome,) = run.publish(STATEMENT, DAY)
    document = json.loads(lake.store.read(f"{OUTPUT}/{DAY}/_published.json"))
    assert sorted(document["tables"]) == ["adg.core_statement_history", "uc.red_v", "uc.sec_v", "uc_dw.managed"]
    entry = document["tables"]["adg.core_statement_history"]
    assert entry["files"] == [f"{outcome.pointers[0].pointer.location}/part-0.parquet"]


def test_quarantined_lines_are_shown_until_a_later_attempt_has_none(lake):
    run = lake.run("run-1")
    run.publish(STATEMENT, DAY, quarantined=3)
    assert lake.catalog.pointers("adg", "core_statement_quarantine")[DAY].rows == 3
    run.publish(STATEMENT, DAY)
    assert lake.catalog.pointers("adg", "core_statement_quarantine") == {}


def test_a_refused_days_quarantine_is_shown_and_the_day_is_not(lake):
    run = lake.run("run-1")
    (lease,) = run.acquire(STATEMENT, DAY)
    run.publisher.publish_quarantine([run.ready(STATEMENT, DAY, lease, quarantined=5)])
    assert lake.catalog.pointers("adg", "core_statement_quarantine")[DAY].rows == 5
    assert lake.shown(STATEMENT) == {}


def test_a_zombie_that_switches_late_puts_back_what_it_overwrote(lake):
    zombie, heir = lake.run("run-1"), lake.run("run-2")
    (lease,) = zombie.acquire(STATEMENT, DAY)
    item = zombie.ready(STATEMENT, DAY, lease)
    published = []

    def sleep_through_the_lease(moment, method):
        if (moment, method) == ("before", "switch") and not published:
            published.append(None)
            lake.now_seconds += 2 * TTL_SECONDS
            published[:] = heir.publish(STATEMENT, DAY)

    lake.catalog.hook = sleep_through_the_lease
    (outcome,) = zombie.publisher.publish([item])
    assert isinstance(outcome.error, LeaseError)
    assert lake.shown(STATEMENT) == {DAY: {published[0].pointers[0].pointer.attempt}}
    assert lake.catalog.newest("adg", "core_statement").attempt == published[0].pointers[0].pointer.attempt


def test_a_zombie_leaves_it_to_an_heir_that_has_not_marked_anything(lake):
    zombie, heir = lake.run("run-1"), lake.run("run-2")
    (lease,) = zombie.acquire(STATEMENT, DAY)
    item = zombie.ready(STATEMENT, DAY, lease)

    def take_over(moment, method):
        if (moment, method) == ("after", "switch"):
            lake.catalog.hook = None
            lake.now_seconds += 2 * TTL_SECONDS
            heir.acquire(STATEMENT, DAY)
            lake.catalog.drop_partitions("adg", "core_statement_history", [DAY])

    lake.catalog.hook = take_over
    (outcome,) = zombie.publisher.publish([item])
    assert isinstance(outcome.error, LeaseError)
    assert lake.shown(STATEMENT) == {}


def test_a_switch_that_somebody_overwrote_is_made_again_by_the_holder(lake):
    run = lake.run("run-1")
    run.publish(STATEMENT, DAY)
    old = lake.catalog.pointers("adg", "core_statement_history")[DAY]

    def overwrite(moment, method):
        if (moment, method) == ("after", "switch"):
            lake.catalog.hook = None
            lake.catalog.switch("adg", "core_statement_history", [old])

    (lease,) = run.acquire(STATEMENT, DAY)
    item = run.ready(STATEMENT, DAY, lease)
    lake.catalog.hook = overwrite
    (outcome,) = run.publisher.publish([item])
    assert outcome.error is None
    assert lake.shown(STATEMENT) == {DAY: {item.work.attempt}}


def test_two_runs_that_publish_the_same_day_at_once_leave_one_attempt(lake):
    def publish(name):
        run = lake.run(name)
        (lease,) = run.acquire(AUDIT, DAY)
        return None if isinstance(lease, LeaseError) else run.publisher.publish([run.ready(AUDIT, DAY, lease)])[0]

    with ThreadPoolExecutor(4) as pool:
        outcomes = [outcome for outcome in pool.map(publish, ["a", "b", "c", "d"]) if outcome is not None]
    (winner,) = outcomes
    assert lake.shown(AUDIT) == {DAY: {winner.pointers[0].pointer.attempt}}


def test_two_runs_that_publish_two_days_at_once_leave_the_newer_one_as_newest(lake):
    days = [f"2026-11-{day:02d}" for day in range(1, 9)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda day: lake.run(day).publish(STATEMENT, day), days))
    assert lake.newest() == days[-1]
    assert len(lake.shown(STATEMENT)) == 8


def test_a_half_is_seen_and_done_again_by_the_next_run(lake):
    run = lake.run("run-1")
    run.publish(AUDIT, DAY)
    (lease,) = run.acquire(AUDIT, DAY)
    die_at_the_second_table(lake, run, run.ready(AUDIT, DAY, lease))
    assert half_published(lake.catalog, AUDIT, [DAY]) == (DAY,)
    assert published_state(lake.catalog, AUDIT, [DAY]) == {DAY: None}

    lake.now_seconds += 2 * TTL_SECONDS
    (outcome,) = lake.run("run-2").publish(AUDIT, DAY)
    assert lake.shown(AUDIT) == {DAY: {outcome.pointers[0].pointer.attempt}}
    assert half_published(lake.catalog, AUDIT, [DAY]) == ()


def die_at_the_second_table(lake, run, item):
    switches = []

    def die(moment, method):
        if (moment, method) == ("before", "switch"):
            switches.append(method)
            if len(switches) > 1:
                raise KeyboardInterrupt

    lake.catalog.hook = die
    with pytest.raises(KeyboardInterrupt):
        run.publisher.publish([item])
    lake.catalog.hook = None


def test_an_attempt_that_was_never_audited_has_no_manifest(lake):
    run = lake.run("run-1")
    item = run.ready(STATEMENT, DAY, run.acquire(STATEMENT, DAY)[0])
    with pytest.raises(NotFoundError):
        read_manifest(lake.store, item.tables[0].location)
    run.publisher.publish([item])
    assert lake.store.exists(manifest_uri(item.tables[0].location))


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_call_that_times_out_is_read_back_and_the_run_goes_on(lake, moment):
    """An error before or after the n-th call of a publication, for every n: each has to end as if nothing were."""
    at = 0
    while True:
        at += 1
        run = lake.run(f"run-{at}")
        leases = [run.acquire(kind, DAY)[0] for kind in (STATEMENT, AUDIT)]
        items = [run.ready(kind, DAY, lease) for kind, lease in zip((STATEMENT, AUDIT), leases, strict=True)]
        faults = lake.set_faults(Faults(at=at, moment=moment, fault="error"))
        outcomes = run.publisher.publish(items)
        lake.set_faults(Faults())
        assert [outcome.error for outcome in outcomes] == [None, None], faults.calls[at - 1]
        assert lake.shown(STATEMENT) == {DAY: {items[0].work.attempt}}, faults.calls[at - 1]
        assert lake.shown(AUDIT) == {DAY: {items[1].work.attempt}}, faults.calls[at - 1]
        run.leases.release_many(leases)
        if at > len(faults.calls):
            break
    assert at > 30
