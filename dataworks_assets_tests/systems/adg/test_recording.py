"""The status rows of a run of ADG: what a day's row says after runs of all or some collections, good, bad and cancelled."""

from datetime import UTC, datetime, timedelta

import pytest
from dagster import DagsterExecutionInterruptedError

from dataworks_assets.systems.adg.recording import ledger_book, run_entry
from dataworks_assets.systems.plan import Request
from dataworks_assets.systems.recording import recorded
from dataworks_assets_tests.ledger.memory_tables import MemoryTables
from dataworks_assets_tests.systems.adg.whole_path import (
    DAY,
    DAY_AFTER,
    DAY_BEFORE,
    Events,
    World,
    bare,
    configured,
    documents,
)
from spark.errors import CatalogError, EngineError, StoreError
from spark.jobs.progress import Placed

STATUS, COLLECTIONS = "data_pipeline_metadata", "UCExportToCrownStatus"
LEDGER = {"ledger": {"status_table": STATUS, "collection_table": COLLECTIONS}}
STATEMENT, CLAIMANT = "db.core.statement", "db.core.claimant"
MORNING = datetime(2026, 11, 20, 9, tzinfo=UTC)
AN_HOUR_LATER = MORNING + timedelta(hours=1)
BAD = [bare(b"no json")]


@pytest.fixture
def world():
    made = World(deployment_fields=LEDGER)
    for topic in (STATEMENT, CLAIMANT):
        made.write(topic, DAY, documents(2))
    return made


def row(world, day=DAY, correlation_id=None):
    return world.tables.row(STATUS, correlation_id or f"ADG-full_{day}", "ADG-full")


def said(world, name, day=DAY, correlation_id=None):
    return world.tables.row(COLLECTIONS, correlation_id or f"ADG-full_{day}", name).get("ADGStatus")


def history(world, name="Status"):
    """What the row was made to say, change by change; not what only a row that is gone would get."""
    return [value for change in world.tables.made if (value := change.sets.get(name))]


def test_a_run_of_all_collections_completes_the_day(world):
    world.run_recorded(correlation_id="c-1", now=MORNING)
    found = row(world, correlation_id="c-1")
    assert found["S3_Prefix_Snapshots"] == "businessdata/mongo/ucdata/2026-11-20/full"
    assert found["S3_Prefix_Analytical_DataSet"] == "analytical-dataset/full/2026-11-20"
    assert found["TimeToExist"] == int((MORNING + timedelta(days=7)).timestamp())
    assert (found["Date"], found["Snapshot_Type"], found["Run_Id"]) == ("2026-11-20", "full", 1)
    assert history(world) == ["IN_PROGRESS", "COMPLETED"]
    assert history(world, "CurrentStep") == ["submit-job", "send_notification", "flush-pushgateway"]


def test_each_collection_is_processed_published_and_completed(world):
    world.run_recorded("core/statement")
    assert history(world, "ADGStatus") == ["Processing", "Publishing", "Completed"]
    assert said(world, STATEMENT) == "Completed"


def test_a_collection_that_is_refused_fails_the_day_and_not_its_sibling(world):
    world.write(CLAIMANT, DAY, BAD)
    world.run_recorded()
    assert (row(world)["Status"], row(world)["CurrentStep"]) == ("FAILED", "submit-job")
    assert (said(world, CLAIMANT), said(world, STATEMENT)) == ("Failed_Processing", "Completed")


def test_a_collection_that_the_catalog_refuses_failed_in_publishing(world):
    def refuse(when, method):
        if (when, method) == ("before", "switch"):
            raise CatalogError("the metastore refuses", transient=False)

    world.catalog.hook = refuse
    world.run_recorded("core/claimant")
    assert (said(world, CLAIMANT), row(world)["Status"]) == ("Failed_Publishing", "FAILED")


def test_a_run_of_some_collections_makes_a_row_that_is_completed_by_the_last_of_them(world):
    world.run_recorded("core/statement", now=MORNING)
    assert row(world)["Status"] == "IN_PROGRESS"
    world.run_recorded("core/claimant", now=MORNING + timedelta(hours=1))
    assert (row(world)["Status"], row(world)["Run_Id"]) == ("COMPLETED", 2)


def test_a_run_of_some_collections_keeps_what_a_row_says_that_is_not_complete(world):
    world.write(CLAIMANT, DAY, BAD)
    world.run_recorded(now=MORNING)
    world.run_recorded("core/statement", now=MORNING + timedelta(hours=1), force=True)
    assert (row(world)["Status"], row(world)["Run_Id"]) == ("FAILED", 2)


def test_a_complete_day_of_which_a_collection_is_redone_and_fails_is_failed(world):
    world.run_recorded(now=MORNING)
    world.write(CLAIMANT, DAY, BAD)
    world.run_recorded("core/claimant", now=MORNING + timedelta(hours=1))
    assert row(world)["Status"] == "FAILED"


def test_a_run_that_finds_everything_published_completes_the_day(world):
    world.run_recorded(now=MORNING)
    world.run_recorded(now=MORNING + timedelta(hours=1))
    assert history(world) == ["IN_PROGRESS", "COMPLETED", "IN_PROGRESS", "COMPLETED"]
    assert len(world.submissions) == 1


def test_a_day_that_was_not_exported_fails(world):
    world.run_recorded(days=[DAY, DAY_AFTER])
    assert (row(world)["Status"], row(world, DAY_AFTER)["Status"]) == ("COMPLETED", "FAILED")


def test_a_run_of_several_messages_has_each_days_own_correlation_id(world):
    world.write(STATEMENT, DAY_BEFORE, documents(1))
    ids = {DAY.isoformat(): "c-2", DAY_BEFORE.isoformat(): "c-1"}
    world.run_recorded(days=[DAY_BEFORE, DAY], correlation_ids=ids)
    assert [row(world, correlation_id=each)["Date"] for each in ("c-1", "c-2")] == ["2026-11-19", "2026-11-20"]


@pytest.mark.parametrize("error", [DagsterExecutionInterruptedError, KeyboardInterrupt])
def test_a_cancelled_run_counts_as_failed(world, error):
    def interrupt(_parameters):
        raise error

    world.submissions = _Listening(interrupt)
    with pytest.raises(error):
        world.run_recorded()
    assert (row(world)["Status"], said(world, STATEMENT)) == ("FAILED", "Failed_Processing")


@pytest.mark.parametrize(("asked", "outcome"), [(True, "was cancelled"), (False, "failed")])
def test_a_run_that_ends_with_its_cluster_was_cancelled_where_somebody_asked_for_its_end(world, asked, outcome):
    book = ledger_book(world.platform, world.scope, world)
    request = Request((), (DAY,))
    entry = run_entry(world.scope, request, run_id="run-1", has_message=False, now=MORNING)
    ends = recorded(book, entry, Events("run-1").log, was_cancelled=lambda: asked, in_background=False)
    with pytest.raises(EngineError), ends:
        raise EngineError("the cluster is gone")
    assert row(world)["Status"] == "FAILED"
    assert world.notices[-1].title == f"ADG-full {DAY} {outcome}"


@pytest.mark.parametrize(("can_pass", "titles"), [(True, []), (False, [f"ADG-full {DAY} failed"])])
def test_a_failure_that_no_retry_can_help_is_told_at_once(world, can_pass, titles):
    book = ledger_book(world.platform, world.scope, world)
    entry = run_entry(world.scope, Request((), (DAY,)), run_id="run-1", has_message=False, now=MORNING)
    ends = recorded(book, entry, Events("run-1").log, may_be_retried=True, in_background=False)
    with pytest.raises(EngineError), ends:
        raise EngineError("AWS could not make the cluster", transient=can_pass)
    assert [notice.title for notice in world.notices][1:] == titles


def test_a_notice_says_what_ended_the_run_and_nothing_of_the_log_behind_it(world):
    book = ledger_book(world.platform, world.scope, world)
    entry = run_entry(world.scope, Request((), (DAY,)), run_id="run-1", has_message=False, now=MORNING)
    error = EngineError("AWS could not make it\n--- end of the log ---\nname: Ann", where="j-1", remedy="Correct `engine.emr`")
    with pytest.raises(EngineError), recorded(book, entry, Events("run-1").log, in_background=False):
        raise error
    assert world.notices[-1].elements["error"] == "j-1: AWS could not make it. Correct `engine.emr`"


class _Listening(list):
    def __init__(self, listener):
        super().__init__()
        self.append = listener


def test_a_run_that_cannot_plan_fails_its_days(world):
    def refuse(when, _method):
        if when == "before":
            raise StoreError("the metastore is gone")

    world.catalog.hook = refuse
    world.run_recorded()
    assert row(world)["Status"] == "FAILED"


def test_forty_days_of_three_of_many_collections_write_a_row_a_day():
    topics = [f"db.many.c{number:03}" for number in range(300)]
    days = [DAY - timedelta(days=back) for back in range(40)]
    world = World([configured(topic) for topic in topics], deployment_fields=LEDGER, first_day=days[-1])
    for day in days:
        world.write(topics[0], day, documents(1))
    names = ["many/c000", "many/c001", "many/c002"]
    world.run_recorded(*names, days=days)
    rows = world.tables.all(STATUS)
    assert len(rows) == 40
    assert {(each["Status"], each["Run_Id"], each["CurrentStep"]) for each in rows} == {("IN_PROGRESS", 1, "flush-pushgateway")}
    assert len(world.tables.all(COLLECTIONS)) == 120
    assert {each["ADGStatus"] for each in world.tables.all(COLLECTIONS)} == {"Completed"}


def test_tables_that_are_down_change_nothing_of_the_run_and_are_an_alarm(world):
    world.tables = MemoryTables(down=True)
    world.deployment_fields = {"ledger": {**LEDGER["ledger"], "patience_seconds": 0}}
    outcome = world.run_recorded()
    assert (outcome.failures, outcome.error) == ((), None)
    assert world.ids("core/statement") == ["s0", "s1"]
    notice = world.notices[-1]
    assert [each.title for each in world.notices[:-1]] == ["ADG-full 2026-11-20 started", "ADG-full 2026-11-20 completed"]
    assert (notice.kind, notice.title) == ("Error", "The ledger of ADG-full could not be written")
    assert "the ledger is not complete" in outcome.events.lines[-1]


@pytest.fixture
def on_a_cluster(world):
    """A run of the day was on a cluster."""

    class Placing(list):
        def append(self, parameters):
            world.on_message(Placed(cluster_id="j-1"))
            super().append(parameters)

    world.submissions = Placing()
    world.run_recorded(correlation_id="c-1", now=MORNING)


def test_the_cluster_that_a_run_runs_on_is_in_its_rows(world, on_a_cluster):
    assert row(world, correlation_id="c-1")["Cluster_Id"] == "j-1"


def test_a_run_that_finds_everything_published_leaves_the_cluster_that_published_it(world, on_a_cluster):
    world.run_recorded(correlation_id="c-1", now=AN_HOUR_LATER)
    found = row(world, correlation_id="c-1")
    assert (found["Cluster_Id"], found["Run_Id"], found["Status"]) == ("j-1", 2, "COMPLETED")


def test_a_run_without_a_cluster_that_works_on_a_day_names_itself(world, on_a_cluster):
    world.submissions = []
    world.run_recorded(correlation_id="c-1", now=AN_HOUR_LATER, force=True)
    assert row(world, correlation_id="c-1")["Cluster_Id"].startswith("run-")


def test_a_run_of_no_day_writes_nothing_and_fails_nothing(world):
    outcome = world.run_recorded(days=[])
    assert (outcome.error, world.tables.all(STATUS)) == (None, [])
    assert [notice.title for notice in world.notices] == ["ADG-full of no day started", "ADG-full of no day completed"]
