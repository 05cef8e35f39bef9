import itertools
from datetime import UTC, datetime, timedelta

import pytest
from dagster import DagsterInstance

from dataworks_assets.ledger.entries import EntryStore
from dataworks_assets.ledger.notices import LogNotifier
from dataworks_assets.ledger.recorder import Recorder
from dataworks_assets.systems.kickstart import recording
from dataworks_assets.systems.kickstart.acknowledged import acknowledge
from dataworks_assets.systems.kickstart.recording import kickstart_recorded, kickstart_repairs
from dataworks_assets_tests.systems.adg.whole_path import Events
from dataworks_assets_tests.systems.kickstart.whole_path import ADVERTS, CLAIMS, DAY, World, configured, days_from

GOOD = "id,title\n1,Baker\n"
VACANCY, APPLICATION = (f"kickstart_{module}_analytical_dataset_generation" for module in ("vacancy", "application"))


@pytest.fixture
def world():
    return World([configured(ADVERTS), configured(CLAIMS)])


def row(world, correlation_id=VACANCY, product="kickstart-vacancy"):
    return world.tables.row("data_pipeline_metadata", correlation_id, product)


def told(world):
    return {name: row(world)[name] for name in ("Date", "Status", "Run_Id", "Snapshot_Type")}


def test_a_run_over_days_is_one_start_of_its_modules_row(world):
    for day in days_from(3):
        world.csv(GOOD, day)
    world.run_recorded(ADVERTS, days=days_from(3))
    assert told(world) == {"Date": "2026-11-20", "Status": "Completed", "Run_Id": 1, "Snapshot_Type": "vacancy"}
    assert world.tables.row("UCExportToCrownStatus", VACANCY, ADVERTS)["KickstartStatus"] == "Completed"
    assert row(world, APPLICATION, "kickstart-application") == {}


def test_lines_of_the_application_have_the_correlation_id_of_their_modules_row(world):
    for day in days_from(2):
        world.csv(GOOD, day)
        world.json([{"id": "c-1"}], day)
    world.run_recorded(days=days_from(2))
    (submitted,) = world.submissions
    said = {(work.collection, work.export_date): work.correlation_id for work in submitted.partitions}
    ids = {ADVERTS: VACANCY, CLAIMS: APPLICATION}
    assert said == {(name, day.isoformat()): each for name, each in ids.items() for day in days_from(2)}


def test_the_next_run_counts_up(world, monkeypatch):
    seconds = itertools.count(1_800_000_000)  # which start is the later one is told by whole seconds
    monkeypatch.setattr(recording, "expiry_epoch", lambda now, keep_days: next(seconds))
    for number, day in enumerate(days_from(2), 1):
        world.csv(GOOD, day)
        world.run_recorded(ADVERTS, days=[day])
        assert (row(world)["Run_Id"], row(world)["Date"]) == (number, day.isoformat())


def test_a_day_that_is_missing_fails_its_modules_row_and_no_other(world):
    first, second = days_from(2)
    world.csv(GOOD, second)
    for day in (first, second):
        world.json([{"id": "c-1"}], day)
    world.run_recorded(days=[first, second])
    assert row(world)["Status"] == "Failed"
    assert row(world, APPLICATION, "kickstart-application")["Status"] == "Completed"


def test_lines_of_the_log_name_their_own_day_and_not_that_of_the_row(world, monkeypatch):
    said = []
    kept = lambda _, message, *, level="INFO", **fields: said.append((message.partition(":")[0], fields.get("partition")))  # noqa: E731
    monkeypatch.setattr(Recorder, "log", kept)
    first, second, third = days_from(3)
    for day in (first, second):
        world.csv(GOOD, day)
    world.run_recorded(ADVERTS, days=[first, second, third])
    assert [day for text, day in said if text == f"time taken for {ADVERTS}"] == [first.isoformat(), second.isoformat()]
    assert {day for text, day in said if text == "not published"} == {third.isoformat()}


def test_a_day_that_is_refused_fails_the_row(world):
    world.csv('id\n"x\n')
    world.run_recorded(ADVERTS)
    assert row(world)["Status"] == "Failed"


def test_a_last_day_that_was_given_up_is_complete_without_it(world):
    first, second = days_from(2)
    world.csv(GOOD, first)
    world.today = DAY + timedelta(days=9)
    acknowledge(world.store, world.scope, [(ADVERTS, second)], reason="lost", by="ops")
    world.collections = [*world.collections, configured("vacancy/others")]
    world.csv(GOOD, first, name="vacancy/others")
    world.csv(GOOD, second, name="vacancy/others")
    world.run_recorded(ADVERTS, "vacancy/others", days=[first, second])
    assert row(world)["Status"] == "Completed"


def test_while_it_runs_the_row_says_so_and_a_dead_run_is_brought_to_its_end(world):
    platform, scope, events = world.platform, world.scope, Events("run-dead")
    recorded = kickstart_recorded(platform, scope, events, names=[ADVERTS, CLAIMS], days=[DAY], in_background=False)
    recorded.__enter__()
    assert row(world)["Status"] == "In-Progress"
    entries = EntryStore(world.store, scope.control_uri)
    assert {entry.name for entry in entries.open_entries()} == {"run-dead.application", "run-dead.vacancy"}
    with DagsterInstance.ephemeral() as instance:
        later = datetime.now(UTC) + timedelta(days=2)
        for repair in kickstart_repairs(platform, scope, LogNotifier()):
            assert repair.tick(instance, now=later).counts["repaired"] == 1
    assert row(world)["Status"] == "Failed"
    assert entries.open_entries() == []
