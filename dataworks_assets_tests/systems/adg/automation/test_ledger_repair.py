"""Whatever dies at whichever call of the ledger: the sensor brings every row to the end that the catalog gives it."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from dagster import DagsterRunStatus

from dataworks_assets.ledger.errands import ErrandStore
from dataworks_assets.systems.adg.recording import ledger_repair
from dataworks_assets_tests.ledger.memory_tables import MemoryTables
from dataworks_assets_tests.systems.adg.whole_path import DAY, World, bare, documents
from spark.store import ObjectStore

STATUS, COLLECTIONS = "data_pipeline_metadata", "UCExportToCrownStatus"
STATEMENT, CLAIMANT = "db.core.statement", "db.core.claimant"
MORNING = datetime(2026, 11, 20, 9, tzinfo=UTC)
MOST_CALLS = 60


class DiedError(BaseException):
    """Nobody catches it, as nobody catches a kill."""


@dataclass
class Life:
    """Counts the ledger's calls; at the n-th everything dies, before it or after it, and stays dead."""

    calls: int
    done: bool = False

    def before(self):
        self.calls -= 1
        if self.calls < 0 or (self.calls == 0 and not self.done):
            raise DiedError

    def after(self):
        if self.calls == 0:
            raise DiedError


class DyingStore:
    """An object store in which writing below `_dataworks/ledger` may be the last thing that is done."""

    def __init__(self, store, life):
        self._store, self._life = store, life

    def __getattr__(self, name):
        found = getattr(self._store, name)
        if name not in {"put", "delete"}:
            return found

        def guarded(target, *args, **kwargs):
            if "/ledger/" not in str(target):
                return found(target, *args, **kwargs)
            self._life.before()
            answer = found(target, *args, **kwargs)
            self._life.after()
            return answer

        return guarded


class DyingTables(MemoryTables):
    """Status tables of which each row that is written may be the last."""

    life = None

    def _make(self, change):
        if self.life is not None:
            self.life.before()
        super()._make(change)
        if self.life is not None:
            self.life.after()


@dataclass
class Runs:
    """Stands for Dagster's instance: how each run ended."""

    status: DagsterRunStatus | None = DagsterRunStatus.FAILURE
    tags: dict[str, str] = field(default_factory=dict)

    def get_run_by_id(self, _run_id):
        return None if self.status is None else self


@dataclass
class Scene:
    """A world with an export of one day, of which one collection may be bad."""

    bad: bool = False
    world: World = field(init=False)

    def __post_init__(self):
        self.store, tables = ObjectStore.in_memory(), DyingTables()
        ledger = {"status_table": STATUS, "collection_table": COLLECTIONS}
        self.world = World(store=self.store, tables=tables, deployment_fields={"ledger": ledger})
        self.world.write(STATEMENT, DAY, documents(2))
        self.world.write(CLAIMANT, DAY, [bare(b"no json")] if self.bad else documents(2))

    def run(self, life=None, *, now=MORNING):
        """Runs; returns whether it died."""
        self._live(life)
        try:
            self.world.run_recorded(correlation_id="c-1", now=now)
        except DiedError:
            return True
        finally:
            self._live(None)
        return False

    def repair(self, life=None, *, status=DagsterRunStatus.FAILURE, now=MORNING, tags=None):
        self._live(life)
        try:
            return ledger_repair(self.world.platform, self.world.scope, self.world).tick(Runs(status, tags or {}), now=now)
        except DiedError:
            return None
        finally:
            self._live(None)

    def _live(self, life):
        self.world.store = DyingStore(self.store, life) if life else self.store
        self.world.tables.life = life

    @property
    def row(self):
        return self.world.tables.row(STATUS, "c-1", "ADG-full")

    @property
    def open(self):
        return list(self.store.list(f"{self.world.scope.control_uri}/ledger/open"))

    def statuses(self):
        return {str(each["CollectionName"]): each["ADGStatus"] for each in self.world.tables.all(COLLECTIONS)}

    def titles(self):
        return [notice.title for notice in self.world.notices]

    def is_published(self):
        names = ("core/statement", "core/claimant")
        return all(self.world.pointer(name) is not None for name in names)


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("bad", [False, True], ids=["good", "bad"])
def test_a_run_that_dies_at_any_call_of_its_ledger_is_told_as_the_catalog_shows_it(bad, done):
    for calls in range(1, MOST_CALLS):
        scene = Scene(bad)
        died = scene.run(Life(calls, done))
        was_remembered = bool(scene.open)
        scene.repair()
        assert scene.open == []
        if was_remembered or not died:
            assert scene.row["Status"] == ("COMPLETED" if scene.is_published() else "FAILED")
            assert scene.row["Run_Id"] == 1
        assert not {"Processing", "Publishing"} & set(scene.statuses().values())
        scene.run(now=MORNING + timedelta(hours=1))
        assert scene.row["Status"] == ("FAILED" if bad else "COMPLETED")
        if not died:
            return
    raise AssertionError("no run was clean")


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_repair_that_dies_at_any_call_is_done_again(done):
    for calls in range(1, MOST_CALLS):
        scene = Scene()
        scene.run(Life(5))
        clean = scene.repair(Life(calls, done)) is not None
        scene.repair()
        assert (scene.row["Status"], scene.row["Run_Id"], scene.open) == ("FAILED", 1, [])
        if clean:
            return
    raise AssertionError("no repair was clean")


def test_a_dead_run_that_another_followed_leaves_the_row_to_it():
    scene = Scene()
    scene.run(Life(4))
    scene.run(Life(6), now=MORNING + timedelta(hours=1))
    assert scene.repair(status=DagsterRunStatus.STARTED).counts == Counter(waiting=2)
    scene.run(now=MORNING + timedelta(hours=2))
    scene.repair(now=MORNING + timedelta(hours=3))
    assert (scene.row["Status"], scene.row["Run_Id"]) == ("COMPLETED", 3)


def test_a_cancelled_run_that_could_not_say_so_counts_as_failed():
    scene = Scene()
    scene.run(Life(5))
    scene.repair(status=DagsterRunStatus.CANCELED)
    assert scene.row["Status"] == "FAILED"


def test_a_run_that_goes_on_is_left_alone():
    scene = Scene()
    scene.run(Life(5))
    assert scene.repair(status=DagsterRunStatus.STARTED).counts == Counter(waiting=1)
    assert scene.row["Status"] == "IN_PROGRESS"


def test_a_run_that_dagster_does_not_know_is_dead_when_no_run_lasts_so_long():
    scene = Scene()
    scene.run(Life(5))
    assert scene.repair(status=None, now=MORNING + timedelta(hours=1)).counts == Counter(waiting=1)
    scene.repair(status=None, now=MORNING + timedelta(hours=5))
    assert scene.row["Status"] == "FAILED"


def test_what_cannot_be_repaired_is_told_once_and_repaired_later():
    scene = Scene()
    scene.run(Life(5))
    scene.world.tables.down = True
    assert scene.repair().counts == Counter(left=1)
    assert "the table is down" in scene.repair().problems[0]
    assert scene.titles() == [
        "ADG-full 2026-11-20 started",
        "ADG-full 2026-11-20 failed",
        "The ledger of ADG-full could not be written",
    ]
    scene.world.tables.down = False
    assert scene.repair().counts == Counter(repaired=1)


def test_a_row_that_a_dead_run_never_made_is_made():
    scene = Scene()
    scene.run(Life(2))
    assert scene.row == {}
    scene.repair()
    assert (scene.row["Status"], scene.row["Run_Id"], scene.row["Date"]) == ("FAILED", 1, "2026-11-20")


def test_marks_of_runs_that_are_long_closed_are_forgotten():
    scene = Scene()
    scene.run()
    closed = f"{scene.world.scope.control_uri}/ledger/closed"
    assert len(list(scene.store.list(closed))) == 1
    scene.repair(now=datetime.now(UTC) + timedelta(days=8))
    assert list(scene.store.list(closed)) == []


def test_how_a_dead_run_ended_is_told_once():
    scene = Scene()
    scene.run(Life(5))
    scene.repair()
    scene.repair()
    assert scene.titles()[1:] == ["ADG-full 2026-11-20 failed"]


def test_a_dead_run_that_dagster_starts_again_is_no_alarm():
    scene = Scene()
    scene.run(Life(5))
    scene.repair(tags={"dagster/will_retry": "true"})
    assert scene.titles()[1:] == ["ADG-full 2026-11-20 failed and is relaunched"]
    assert scene.world.notices[-1].kind == "Warning"


def test_a_failed_run_that_may_be_retried_waits_for_dagsters_decision():
    scene = Scene(bad=True)
    scene.world.run_recorded(correlation_id="c-1", now=MORNING, may_be_retried=True)
    assert (scene.row["Status"], scene.titles()) == ("FAILED", ["ADG-full 2026-11-20 started"])
    assert scene.repair().counts == Counter(repaired=1)
    assert scene.titles()[1:] == ["ADG-full 2026-11-20 completed with failures"]


def test_a_notice_that_is_not_taken_is_sent_later():
    scene = Scene()
    scene.world.is_deaf = True
    scene.run()
    assert (scene.row["Status"], len(scene.open)) == ("COMPLETED", 1)
    scene.world.is_deaf = False
    scene.repair(status=DagsterRunStatus.SUCCESS)
    assert (scene.titles(), scene.open) == (["ADG-full 2026-11-20 completed"], [])


def test_a_ledger_of_another_release_is_left_for_that_one_and_told_of():
    scene = Scene()
    assert scene.run(Life(3))
    [kept] = scene.open
    body = scene.store.read(kept.uri)
    scene.store.put(kept.uri, body[:-1] + b',"of_another_release":1}')
    repaired = scene.repair()
    assert (len(repaired.problems), "of_another_release" in repaired.problems[0]) == (1, True)
    assert [listed.uri for listed in scene.open] == [kept.uri]
    scene.store.put(kept.uri, body)
    assert scene.repair().counts == {"repaired": 1}


def test_a_message_of_another_release_is_left_for_that_one_and_told_of():
    store, told = ObjectStore.in_memory(), []
    store.put("memory://output/control/ledger/errands/adg_full/a.json", b'{"of_another_release":1}')
    assert ErrandStore(store, "memory://output/control").all("adg_full", unread=told.append) == []
    assert len(told) == len(list(store.list("memory://output/control/ledger/errands"))) == 1
