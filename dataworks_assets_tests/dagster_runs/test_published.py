"""A whole export of three days and both snapshot types, materialized through Dagster: two runs, two applications."""

from __future__ import annotations

from dataworks_assets_tests.dagster_runs.world import DAYS, FULL, INCREMENTAL


def test_a_range_of_days_of_all_collections_is_one_application(published):
    assert len(published.full.submissions) == len(published.incremental.submissions) == 1


def test_both_runs_succeed(published):
    assert published.full.succeeded
    assert published.incremental.succeeded


def test_every_collection_and_day_is_materialized(published):
    for run, snapshot_type in ((published.full, FULL), (published.incremental, INCREMENTAL)):
        names = published.world.names(snapshot_type)
        assert run.published() == {(name, day.isoformat()) for name in names for day in DAYS}


def test_every_one_is_an_event_of_its_own_with_its_check(published):
    for run in (published.full, published.incremental):
        assert len(run.materializations) == len(run.checks) == len(run.published())
        assert run.failed() == set()
