from concurrent.futures import ThreadPoolExecutor

import pytest

from dataworks_assets_tests.spark.publish.world import CONTROL, STATEMENT, TTL_SECONDS, Faults
from spark.errors import AccessError, LeaseError, StoreError
from spark.publish.catalog import Pointer
from spark.publish.lease import Lease, LeaseKeeper, LeaseKey, TablePointer

DAY = "2026-11-20"
POINTER = TablePointer(
    database="adg", name="t", pointer=Pointer(DAY, "memory://lake/a", "a1", "f1", 1, "run-1", 2, "c1", "2026-11-21T00:00:00Z")
)


def taken(run, day=DAY):
    (lease,) = run.acquire(STATEMENT, day)
    return lease


def test_the_first_taking_has_epoch_one(lake):
    lease = taken(lake.run("run-1"))
    assert lease == Lease(f"{CONTROL}/leases/adg/full/core/statement/{DAY}.json", "run-1", 1)


def test_another_run_is_refused_while_the_holder_lives(lake):
    taken(lake.run("run-1"))
    assert "run run-1 holds the partition" in str(taken(lake.run("run-2")))


def test_a_released_lease_is_free_and_its_epoch_counts_up(lake):
    first = lake.run("run-1")
    first.leases.release_many([taken(first)])
    assert taken(lake.run("run-2")).epoch == 2


def test_a_dead_owners_lease_is_taken_over(lake):
    first = lake.run("run-1")
    old = taken(first)
    lake.now_seconds += 1.3 * TTL_SECONDS
    assert taken(lake.run("run-2")).epoch == 2
    with pytest.raises(LeaseError, match="held by run run-2, epoch 2"):
        first.leases.check(old)


def test_what_living_others_hold_is_said_and_not_taken(lake):
    first, second = lake.run("run-1"), lake.run("run-2")
    lease, keys = taken(first), [LeaseKey("adg", STATEMENT.name, STATEMENT.snapshot_type, day) for day in (DAY, "2026-11-21")]
    assert second.leases.held_by_others(keys) == {keys[0]}
    assert first.leases.held_by_others(keys) == set()
    first.leases.check(lease)
    lake.now_seconds += 1.3 * TTL_SECONDS
    assert second.leases.held_by_others(keys) == set()


def test_a_clock_a_little_ahead_kills_nobody(lake):
    taken(lake.run("run-1"))
    lake.now_seconds += 1.2 * TTL_SECONDS
    assert isinstance(taken(lake.run("run-2")), LeaseError)


def test_one_heartbeat_keeps_all_leases_of_an_owner(lake):
    first = lake.run("run-1")
    leases = first.acquire(STATEMENT, DAY, "2026-11-21")
    lake.now_seconds += TTL_SECONDS
    first.leases._beat()
    lake.now_seconds += TTL_SECONDS
    assert [first.leases.check(lease).epoch for lease in leases] == [1, 1]
    assert isinstance(taken(lake.run("run-2")), LeaseError)


def test_a_second_process_of_the_owner_keeps_the_leases_alive(lake):
    lease = taken(lake.run("run-1"))
    application = lake.run("run-1")
    lake.now_seconds += TTL_SECONDS
    assert application.leases.adopt_many([(lease.uri, 1)]) == {lease.uri: lease}
    lake.now_seconds += TTL_SECONDS
    assert isinstance(taken(lake.run("run-2")), LeaseError)


def test_a_lease_taken_over_cannot_be_adopted(lake):
    lease = taken(lake.run("run-1"))
    lake.now_seconds += 2 * TTL_SECONDS
    taken(lake.run("run-2"))
    assert isinstance(lake.run("run-1").leases.adopt_many([(lease.uri, 1)])[lease.uri], LeaseError)


def test_the_same_owner_takes_again_and_shuts_out_its_older_self(lake):
    run = lake.run("run-1")
    old = taken(run)
    assert taken(lake.run("run-1")).epoch == 2
    with pytest.raises(LeaseError, match="epoch 2"):
        run.leases.mark_switch(old, [POINTER])


def test_what_was_marked_outlives_release_and_takeover(lake):
    run = lake.run("run-1")
    lease = taken(run)
    run.leases.mark_switch(lease, [POINTER])
    run.leases.release_many([lease])
    assert taken(lake.run("run-2")).pointers == (POINTER,)


def test_nothing_is_marked_after_a_takeover(lake):
    run = lake.run("run-1")
    lease = taken(run)
    lake.now_seconds += 2 * TTL_SECONDS
    other = taken(lake.run("run-2"))
    with pytest.raises(LeaseError):
        run.leases.mark_switch(lease, [POINTER])
    assert lake.run("run-2").leases.check(other).pointers == ()


def test_releasing_a_lease_that_was_taken_over_leaves_it_to_its_holder(lake):
    run = lake.run("run-1")
    lease = taken(run)
    lake.now_seconds += 2 * TTL_SECONDS
    holder = lake.run("run-2")
    other = taken(holder)
    run.leases.release_many([lease])
    assert holder.leases.check(other).released is False


def test_of_many_who_take_at_once_one_wins(lake):
    runs = [lake.run(f"run-{number}") for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        leases = list(pool.map(taken, runs))
    assert len([lease for lease in leases if isinstance(lease, Lease)]) == 1


def test_hundreds_of_leases_are_taken_in_one_call(lake):
    keys = [LeaseKey("adg", f"db/c{number}", "full", DAY) for number in range(300)]
    leases = lake.run("run-1").leases.acquire_many(keys)
    assert list(leases) == keys
    assert {lease.epoch for lease in leases.values()} == {1}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_mark_whose_outcome_is_unknown_is_read_back(lake, moment):
    run = lake.run("run-1")
    lease = taken(run)
    lake.set_faults(Faults(at=2, moment=moment, fault="error"))
    if moment == "before":
        with pytest.raises(StoreError, match="on purpose"):
            run.leases.mark_switch(lease, [POINTER])
    else:
        run.leases.mark_switch(lease, [POINTER])
        assert run.leases.check(lease).pointers == (POINTER,)


def test_a_refused_access_is_not_taken_for_a_free_lease(lake, monkeypatch):
    def refuse(uri):
        raise AccessError("access refused", where=uri)

    run = lake.run("run-1")
    run.leases.start_heartbeat()
    run.leases.stop()
    monkeypatch.setattr(lake.store, "read_versioned", refuse)
    with pytest.raises(AccessError):
        taken(run)


def test_the_heartbeat_goes_on_until_it_is_stopped(lake):
    keeper = LeaseKeeper(lake.store, CONTROL, owner="run-1", ttl_seconds=0.04)
    puts = lake.set_faults(Faults(fault="none")).calls
    keeper.start_heartbeat()
    while len(puts) < 4:
        keeper._stopped.wait(0.01)
    keeper.stop()
    count = len(puts)
    keeper._stopped.wait(0.05)
    assert len(puts) == count
