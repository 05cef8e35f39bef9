"""The process ends before or after its n-th call to the store or the catalog, for every n; a plain retry puts it right."""

import pytest

from dataworks_assets_tests.spark.publish.world import AUDIT, STATEMENT, TTL_SECONDS, Faults, Killed, Lake
from spark.publish.newest import NewestFollower
from spark.publish.state import published_state

DAYS = ("2026-11-20", "2026-11-21")
KINDS = (STATEMENT, AUDIT)


def publish_all(lake, name, staged):
    """What a run does with its days: publish what is not published, follow, give back."""
    run = lake.run(name)
    leases = {(kind.name, day): lease for kind in KINDS for day, lease in zip(DAYS, run.acquire(kind, *DAYS), strict=True)}
    open_days = [(kind, day) for kind in KINDS for day in DAYS if not is_done(lake, kind, day)]
    items = [run.ready(kind, day, leases[kind.name, day], inputs="f2") for kind, day in open_days]
    staged.update(item.work.attempt for item in items)
    assert [outcome.error for outcome in run.publisher.publish(items) if outcome.error] == []
    assert NewestFollower(lake.catalog, run.publisher.tables).follow_many(KINDS, {}) == {}
    run.leases.release_many(list(leases.values()))


def is_done(lake, kind, day):
    pointer = published_state(lake.catalog, kind, [day])[day]
    return pointer is not None and pointer.fingerprint == "f2"


def lake_with_yesterdays_state():
    lake = Lake()
    before = lake.run("before")
    before.publish(STATEMENT, DAYS[0])
    before.publish(AUDIT, DAYS[0])
    return lake


def crash_at(at, moment):
    lake, staged = lake_with_yesterdays_state(), set()
    faults = lake.set_faults(Faults(at=at, moment=moment))
    try:
        publish_all(lake, "run-1", staged)
    except Killed:
        lake.now_seconds += 2 * TTL_SECONDS
    finally:
        lake.set_faults(Faults())
    return lake, staged, faults


@pytest.mark.parametrize("moment", ["before", "after"])
def test_after_a_crash_at_any_call_a_plain_retry_gives_the_undisturbed_state(moment):
    at = 0
    while True:
        at += 1
        lake, staged, faults = crash_at(at, moment)
        publish_all(lake, "run-2", staged)
        for kind in KINDS:
            shown = lake.shown(kind)
            assert sorted(shown) == list(DAYS), faults.calls[-1]
            assert all(len(attempts) == 1 and attempts <= staged for attempts in shown.values()), faults.calls[-1]
        assert lake.newest() == DAYS[-1], faults.calls[-1]
        if not faults.is_dead:
            break
    assert at > 60


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_never_leaves_an_unpublished_day_as_the_newest(moment):
    at = 0
    while True:
        at += 1
        lake, _, faults = crash_at(at, moment)
        days = lake.shown(STATEMENT)
        shown = lake.catalog.newest("adg", "core_statement")
        assert shown.partition in days, faults.calls[-1]
        if not faults.is_dead:
            break
