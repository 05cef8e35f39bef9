"""A run in which collections fail on their data: each is its own failure, its siblings are published, the run has failed."""

from __future__ import annotations

import pytest
from dagster import AssetCheckSeverity, DagsterEventType

from dataworks_assets.stack.sample.bad_input import BAD_INPUTS
from dataworks_assets_tests.dagster_runs.world import BAD_DAY, FULL

REFUSED_BY = {bad.collection: bad.refused_on(second_day=False) for bad in BAD_INPUTS}
BROKEN = {name: check for name, check in REFUSED_BY.items() if check}
SOUND = sorted(REFUSED_BY.keys() - BROKEN.keys())
WELL = {(name, BAD_DAY.isoformat()) for name in ("core/toDo", "quartz/claimantEvent", *SOUND)}


def test_siblings_are_materialized_and_nothing_else_is(bad_run):
    assert bad_run.published() == WELL
    assert len(bad_run.submissions) == 1


def test_each_broken_collections_check_has_failed(bad_run):
    assert bad_run.failed() == {(name, BAD_DAY.isoformat()) for name in BROKEN}


@pytest.mark.parametrize("name", BROKEN)
def test_its_check_says_what_is_wrong_where_and_what_to_do(bad_run, name):
    check = bad_run.check(name, BAD_DAY)
    wrong = [record.data for record in check.metadata["evidence"].records if not record.data["passed"]]
    assert BROKEN[name] in {finding["check"] for finding in wrong}
    assert all(finding["cause"] and finding["remedy"] for finding in wrong)
    assert any(name.rpartition("/")[2] in finding["object"] for finding in wrong)
    assert check.severity is AssetCheckSeverity.ERROR
    assert wrong[0]["cause"] in check.description


def test_the_run_has_failed_and_names_the_first_20(bad_run):
    assert not bad_run.succeeded
    (entry,) = bad_run.entries(DagsterEventType.STEP_FAILURE)
    said = entry.dagster_event.step_failure_data.user_failure_data.description
    assert said.startswith(f"{len(BROKEN)} of the requested days were not published; any other is.")
    assert sum(f"{name} {BAD_DAY}: " in said for name in BROKEN) == 20
    assert said.endswith(f"… and {len(BROKEN) - 20} more")


def test_what_lies_in_the_data_is_not_retried(bad_run):
    assert bad_run.tags["dagster/max_retries"] == "0"


def test_a_refused_collection_shows_nothing(published, bad_run):
    world = published.world
    for name in BROKEN:
        main = world.collection(name).job.tables[0]
        assert world.platform.catalog.pointers(main.database, main.name) == {}
        assert world.platform.catalog.newest(main.database, main.newest) is None


def test_its_line_is_in_the_quarantine(published, bad_run, spark):
    rows = spark.sql(
        "SELECT file, line, reason FROM analytical_dataset_generation.broken_badjson_quarantine"
        f" WHERE export_date = '{BAD_DAY}'"
    ).collect()
    ((file, line, reason),) = [tuple(row) for row in rows]
    assert file.endswith("db.broken.badJson-000-256-000002.txt.gz.enc")
    assert (line, bool(reason)) == (1, True)


def test_the_next_run_reads_the_broken_ones_alone(published, bad_run, session_engine):
    names = ["core/toDo", "broken/badJson"]
    again = published.world.materialize(FULL, names, [BAD_DAY], session_engine)
    (parameters,) = again.submissions
    assert [work.collection for work in parameters.partitions] == ["broken/badJson"]
    assert again.published(unchanged=True) == {("core/toDo", BAD_DAY.isoformat())}
    assert not again.succeeded
