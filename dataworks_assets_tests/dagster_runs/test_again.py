"""Running again: the catalog is what a run goes by, Dagster's events are what users see, and both come to say the same."""

from __future__ import annotations

from datetime import timedelta

import pytest
from dagster import AssetKey, DagsterInstance, ReexecutionOptions
from dagster._core.execution.api import _reexecute_job

from dataworks_assets.engines.base import Engine, JobError
from dataworks_assets_tests.dagster_runs.world import BAD_DAY, DAYS, FULL, CountedEngine, Run

EARLIER = [BAD_DAY - timedelta(days=2), BAD_DAY - timedelta(days=1)]
NAMES = ["transport/airlines", "transport/airports"]


class Refuses(Engine):
    """An engine on which nothing can be started; a retry may help that, or not."""

    def __init__(self, *, transient=True):
        self.transient = transient

    def submit(self, submission, arguments, emit):
        raise JobError("there is no cluster", transient=self.transient)


class DiesAtTheEnd(Engine):
    """An engine that is lost once the application has done all it was asked for."""

    def __init__(self, engine):
        self.engine = engine

    def submit(self, submission, arguments, emit):
        self.engine.submit(submission, arguments, emit)
        raise JobError("the cluster is gone")


@pytest.fixture(scope="module")
def earlier(published):
    """Two days of two small collections that nobody has published yet."""
    topics = tuple(published.world.collection(name).job.topic for name in NAMES)
    published.world.write(EARLIER, topics=topics, snapshot_types=(FULL,))
    return EARLIER


def _days(names, days):
    return {(name, day.isoformat()) for name in names for day in days}


def test_unchanged_days_are_reported_without_an_application(published):
    world = published.world
    again = world.materialize(FULL, world.names(FULL), DAYS, Refuses())
    assert again.succeeded
    assert again.submissions == ()
    assert again.published(unchanged=True) == published.full.published()


def test_an_unchanged_day_says_by_which_run_it_was_published_and_why_it_was_left(published):
    event = published.world.materialize(FULL, ["core/statement"], DAYS[:1], Refuses()).event("core/statement", DAYS[0])
    first = published.full.event("core/statement", DAYS[0])
    assert event.metadata["reason"].value == "same inputs and configuration"
    assert event.metadata["published_by_run"].value.startswith(published.full.run_id)
    for name in ("rows", "files", "output_bytes", "fingerprint", "location"):
        assert event.metadata[name] == first.metadata[name]
    assert event.tags == first.tags


def test_what_was_wiped_in_dagster_is_reported_by_the_next_run(published):
    world, name = published.world, "core/contract"
    (key,) = world.asset_keys(FULL, [name])
    world.instance.wipe_assets([key])
    assert world.instance.get_materialized_partitions(key) == set()
    again = world.materialize(FULL, [name], DAYS, Refuses())
    assert again.published(unchanged=True) == _days([name], DAYS)
    assert world.instance.get_materialized_partitions(key) == {day.isoformat() for day in DAYS}


def test_what_was_published_and_never_reported_is_reported_by_the_next_run(published, earlier, session_engine, monkeypatch):
    world, name = published.world, NAMES[0]
    with DagsterInstance.ephemeral() as lost, monkeypatch.context() as patch:
        patch.setattr(world, "instance", lost)
        assert world.materialize(FULL, [name], earlier, session_engine).published() == _days([name], earlier)
    reported = world.instance.get_materialized_partitions(AssetKey(["adg_full", *name.split("/")]))
    assert not reported & {day.isoformat() for day in earlier}
    assert world.materialize(FULL, [name], earlier, Refuses()).published(unchanged=True) == _days([name], earlier)


def test_a_retry_from_failure_does_only_what_is_missing(published, earlier, session_engine):
    world = published.world
    world.materialize(FULL, NAMES[:1], earlier, session_engine)
    failed = world.materialize(FULL, NAMES, earlier, Refuses())
    assert not failed.succeeded
    assert "dagster/max_retries" not in failed.tags
    counted = CountedEngine(session_engine)
    run = _retried(world, failed, counted)
    (parameters,) = counted.submissions
    assert {(work.collection, work.export_date) for work in parameters.partitions} == _days(NAMES[1:], earlier)
    assert run.published() == _days(NAMES[1:], earlier)
    assert run.published(unchanged=True) == _days(NAMES[:1], earlier)


def test_a_retry_of_a_forced_run_does_not_do_again_what_its_first_try_published(published, earlier, session_engine):
    world = published.world
    failed = world.materialize(FULL, NAMES, earlier, DiesAtTheEnd(session_engine), force=True)
    assert not failed.succeeded
    run = _retried(world, failed, CountedEngine(Refuses()))
    assert run.published(unchanged=True) == _days(NAMES, earlier)
    assert not world.materialize(FULL, NAMES, earlier, Refuses(), force=True).succeeded


def _retried(world, failed, engine):
    result = _reexecute_job(
        world.job(FULL, NAMES, engine),
        None,
        ReexecutionOptions.from_failure(failed.run_id, world.instance),
        failed.tags,
        world.instance,
        raise_on_error=False,
    )
    return Run(world.instance, result.run_id, result.success)


def test_a_run_that_no_retry_can_help_is_not_started_again_by_dagster(published, earlier):
    world = published.world
    failed = world.materialize(FULL, NAMES[:1], earlier, Refuses(transient=False), force=True)
    assert not failed.succeeded
    assert failed.tags["dagster/max_retries"] == "0"


def test_of_a_range_only_the_day_whose_inputs_changed_is_read(published, earlier, session_engine):
    world = published.world
    world.materialize(FULL, NAMES, earlier, session_engine)
    world.write(earlier[1:], topics=tuple(world.collection(name).job.topic for name in NAMES), snapshot_types=(FULL,), seed=2)
    run = world.materialize(FULL, NAMES, earlier, session_engine)
    assert run.published() == _days(NAMES, earlier[1:])
    assert run.published(unchanged=True) == _days(NAMES, earlier[:1])
