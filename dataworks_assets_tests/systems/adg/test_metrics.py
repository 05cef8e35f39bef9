"""What runs push: each day's status, what was read and written, the age of the newest days; deleted after the last scrape."""

from datetime import UTC, datetime, timedelta

import pytest
from dagster import DagsterExecutionInterruptedError, DagsterRunStatus

from dataworks_assets.systems.adg.automation.ledger_watch import LedgerWatch
from dataworks_assets.systems.adg.recording import ledger_repair
from dataworks_assets_tests.ledger.memory_gateway import MemoryGateway
from dataworks_assets_tests.systems.adg.automation.test_ledger_repair import DiedError, DyingStore, Life, Runs
from dataworks_assets_tests.systems.adg.whole_path import DAY, World, bare, documents
from spark.store import ObjectStore

MORNING = datetime(2026, 11, 20, 9, tzinfo=UTC)
STATEMENT, CLAIMANT = "db.core.statement", "db.core.claimant"


def made(store=None):
    world = World(
        store=store or ObjectStore.in_memory(),
        gateway=MemoryGateway(),
        deployment_fields={"ledger": {"metrics": {"delete_after_seconds": 60}, "patience_seconds": 0}},
    )
    world.write(STATEMENT, DAY, documents(2))
    world.write(CLAIMANT, DAY, documents(3))
    return world


@pytest.fixture
def world():
    return made()


def run(world, *names, now=MORNING, **said):
    return world.run_recorded(*names, now=now, correlation_id="c-1", **said)


def tick(world, now, *, status=DagsterRunStatus.FAILURE):
    return ledger_repair(world.platform, world.scope, world).tick(Runs(status), now=now)


def statuses(world):
    return list(world.gateway.samples("adg_status").values())


def test_a_days_status_has_the_labels_and_values_that_its_readers_know(world):
    run(world)
    labels = ("snapshot_type", "export_date", "cluster_id", "component", "correlation_id")
    assert world.gateway.labels("adg_status") == labels
    [(sample, value)] = world.gateway.samples("adg_status").items()
    assert ((*sample[:2], *sample[3:]), value) == (("full", "2026-11-20", "ADG", "c-1"), 2)
    assert world.gateway.pushed == [1, 2]


def test_a_day_that_failed_is_three(world):
    world.write(CLAIMANT, DAY, [bare(b"no json")])
    run(world)
    assert statuses(world) == [3]


def test_a_cancelled_day_is_four(world):
    class Interrupting(list):
        def append(self, _parameters):
            raise DagsterExecutionInterruptedError

    world.submissions = Interrupting()
    with pytest.raises(DagsterExecutionInterruptedError):
        run(world)
    assert statuses(world) == [4]


def test_what_was_read_and_written_is_pushed_by_collection_and_in_total(world):
    run(world)
    labels = ("snapshot_type", "collection", "component")
    assert world.gateway.labels("adg_collection_rows") == labels
    assert world.gateway.samples("adg_collection_rows") == {
        ("full", "core/claimant", "ADG"): 3,
        ("full", "core/statement", "ADG"): 2,
    }
    assert world.gateway.samples("adg_rows") == {("full", "ADG"): 5}
    for name in ("input_bytes", "output_bytes", "seconds"):
        assert all(value > 0 for value in world.gateway.samples(f"adg_collection_{name}").values())
        assert world.gateway.samples(f"adg_{name}")["full", "ADG"] > 0


def test_quarantined_rows_are_pushed_and_rows_of_a_refused_day_are_not(world):
    world.write(CLAIMANT, DAY, [bare(b"no json"), *documents(3)])
    run(world)
    assert world.gateway.samples("adg_collection_quarantined_rows")["full", "core/claimant", "ADG"] == 1
    assert world.gateway.samples("adg_collection_rows")["full", "core/claimant", "ADG"] == 0


def test_metrics_are_deleted_after_the_last_scrape(world):
    run(world)
    tick(world, MORNING + timedelta(seconds=59))
    assert statuses(world) == [2]
    tick(world, MORNING + timedelta(seconds=60))
    assert world.gateway.groups == {}
    assert not list(world.store.list("memory://output/_dataworks/ledger/pushed"))


def test_a_run_that_does_the_day_again_replaces_its_status_and_keeps_it(world):
    run(world)
    later = MORNING + timedelta(seconds=30)
    world.is_deaf = True  # the second run's ledger stays open
    run(world, "core/statement", force=True, now=later)
    tick(world, MORNING + timedelta(seconds=70), status=DagsterRunStatus.STARTED)
    assert len(statuses(world)) == 1


def test_the_late_end_of_a_dead_run_leaves_the_status_of_the_one_that_followed():
    world = made()
    store = world.store
    world.store = DyingStore(store, Life(4))
    with pytest.raises(DiedError):
        run(world)
    world.store = store
    run(world, now=MORNING + timedelta(minutes=1))
    tick(world, MORNING + timedelta(minutes=1, seconds=1))
    assert statuses(world) == [2]


def test_a_gateway_that_is_down_fails_nothing_and_gets_the_end_later(world):
    world.gateway.down = True
    outcome = run(world)
    assert (outcome.failures, outcome.error) == ((), None)
    assert world.notices[-1].title == "The ledger of ADG-full could not be written"
    world.gateway.down = False
    tick(world, MORNING, status=DagsterRunStatus.SUCCESS)
    assert (statuses(world), world.gateway.samples("adg_rows")) == ([2], {("full", "ADG"): 5})


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_run_that_dies_at_any_call_of_its_ledger_leaves_no_metric_that_runs(done):
    for calls in range(1, 40):
        store = ObjectStore.in_memory()
        world = made(store)
        world.store = DyingStore(store, Life(calls, done))
        try:
            run(world)
            died = False
        except DiedError:
            died = True
        world.store = store
        tick(world, MORNING)
        assert set(statuses(world)) <= {2, 3}
        tick(world, MORNING + timedelta(minutes=5))
        assert world.gateway.groups == {}
        if not died:
            return
    raise AssertionError("no run was clean")


def test_the_age_of_the_newest_days_is_pushed_now_and_then(world):
    run(world)
    watch = LedgerWatch(world.platform, world.scope, world)

    class NoRuns(Runs):
        def get_run_records(self, _filter):
            return []

    first = watch.tick(None, NoRuns(), now=MORNING)
    ages = {labels[1]: age for labels, age in world.gateway.samples("adg_newest_partition_age_seconds").items()}
    assert ages == {"core/statement": 9 * 3600, "core/claimant": 9 * 3600}
    second = watch.tick(first.cursor, NoRuns(), now=MORNING + timedelta(minutes=9))
    assert world.gateway.samples("adg_newest_partition_age_seconds")["full", "core/statement", "ADG"] == 9 * 3600
    watch.tick(second.cursor, NoRuns(), now=MORNING + timedelta(minutes=10))
    assert world.gateway.samples("adg_newest_partition_age_seconds")["full", "core/statement", "ADG"] == 9 * 3600 + 600


def test_without_a_gateway_nothing_is_pushed_or_marked(world):
    world.gateway = None
    run(world)
    assert not list(world.store.list("memory://output/_dataworks/ledger/pushed"))
