"""Executing a check by itself: it says how the newest day is, starts no job and changes nothing."""

from __future__ import annotations

import pytest
from dagster import AssetCheckKey, AssetKey, DagsterInstance

from dataworks_assets.definitions import build_definitions
from dataworks_assets.systems.adg.planner import Planner
from dataworks_assets.systems.rechecking import Recheck
from dataworks_assets_tests.systems.adg.whole_path import DAY, DAY_BEFORE, World, bare, documents

STATEMENT, NAME = "db.core.statement", "core/statement"
KEY = AssetKey(["adg_full", "core", "statement"])


@pytest.fixture
def world():
    return World()


def rechecked(world, *days):
    platform, scope = world.platform, world.scope
    (event,) = Recheck(platform, scope, Planner(platform, scope)).events([NAME], days)
    (record, *_) = event.metadata["evidence"].records
    return event, record.data["cause"]


def test_a_published_day_passes_with_the_run_that_published_it(world):
    for day in (DAY_BEFORE, DAY):
        world.write(STATEMENT, day, documents(3))
    world.run(days=[DAY_BEFORE, DAY])
    event, cause = rechecked(world)
    assert (event.passed, event.partition) == (True, DAY.isoformat())
    assert cause.startswith("same inputs and configuration; published by run run-")
    assert len(world.submissions) == 1


def test_a_day_that_is_named_is_looked_at(world):
    world.write(STATEMENT, DAY_BEFORE, documents(3))
    world.run(days=[DAY_BEFORE])
    event, cause = rechecked(world, DAY)
    assert (event.passed, event.partition, cause) == (False, DAY.isoformat(), "no object under the day's prefix")


def test_a_refused_day_fails_as_it_did(world):
    world.write(STATEMENT, DAY_BEFORE, documents(3))
    world.write(STATEMENT, DAY, [*documents(2), bare(b"no JSON")])
    refused = world.run(days=[DAY_BEFORE, DAY]).finding(NAME)
    event, cause = rechecked(world)
    assert (event.passed, event.partition, cause) == (False, DAY.isoformat(), refused.cause)


def test_a_day_whose_files_are_gone_fails(world):
    world.write(STATEMENT, DAY, documents(3))
    world.run()
    world.store.delete([item.uri for item in world.store.list(world.pointer(NAME).location)])
    event, cause = rechecked(world)
    assert not event.passed
    assert "gone" in cause


def test_a_collection_without_any_day_fails_and_says_so(world):
    event, cause = rechecked(world)
    assert (event.passed, event.partition, cause) == (False, None, "no day of it is published yet")


@pytest.mark.parametrize("tags", [{}, {"dagster/partition": DAY.isoformat()}])
def test_a_run_of_checks_alone_works_on_no_collection(world, tags):
    world.write(STATEMENT, DAY, documents(3))
    world.run(NAME)
    world.write("db.core.claimant", DAY, documents(3))
    repository = build_definitions(settings=world.settings, platform=world.platform).get_repository_def()
    job = repository.get_maybe_subset_job_def(
        "__ASSET_JOB", asset_selection=set(), asset_check_selection={AssetCheckKey(KEY, "published")}
    )
    with DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(instance=instance, tags=tags, raise_on_error=True)
        (check,) = [each for each in result.all_events if each.event_type_value == "ASSET_CHECK_EVALUATION"]
    assert check.asset_check_evaluation_data.passed
    assert check.asset_check_evaluation_data.partition == DAY.isoformat()
    assert len(world.submissions) == 1
