"""The commands that the documentation names, literally, each in a process of its own."""

from __future__ import annotations

from datetime import date

import pytest

from dataworks_assets.stack import lifecycle
from dataworks_assets_tests.conftest import JARS
from dataworks_assets_tests.dagster_runs.commands import application_logs, materialize
from dataworks_assets_tests.dagster_runs.world import FULL, Run

FIRST, SECOND = date(2026, 11, 8), date(2026, 11, 9)
STATEMENT = "adg_full/core/statement"
THREE = ("core/statement", "core/toDo", "transport/airlines")


@pytest.fixture(scope="module")
def truths(deployed):
    topics = tuple(deployed.collection(name).job.topic for name in THREE)
    return deployed.write([FIRST, SECOND], topics=topics, snapshot_types=(FULL,))


@pytest.fixture(scope="module")
def one_day(deployed, truths):
    """The run of one collection's day, what it wrote and how it exited."""
    code, written = materialize(deployed.home, deployed.instance, "--select", STATEMENT, "--partition", FIRST.isoformat())
    return code, written, _latest(deployed)


@pytest.fixture(scope="module")
def a_range(deployed, one_day):
    """The run of three collections over two days, one of which is published already."""
    select = ",".join(f"adg_full/{name}" for name in THREE)
    code, written = materialize(
        deployed.home, deployed.instance, "--select", select, "--partition-range", f"{FIRST}...{SECOND}"
    )
    return code, written, _latest(deployed)


def _latest(world):
    (run,) = world.instance.get_runs(limit=1)
    return Run(world.instance, run.run_id, run.is_success)


def test_one_collections_day_is_materialized(one_day, truths):
    code, written, run = one_day
    assert code == 0, written
    assert run.succeeded
    assert run.published() == {("core/statement", FIRST.isoformat())}
    assert run.event("core/statement", FIRST).metadata["rows"].value == truths[0].of("db.core.statement").rows


def test_its_log_lies_in_the_home_folder(deployed, one_day):
    _, _, run = one_day
    (log,) = application_logs(deployed.home, run.run_id)
    assert run.event("core/statement", FIRST).metadata["log"].value == str(log)


def test_many_assets_over_a_range_are_one_application(deployed, a_range):
    code, written, run = a_range
    assert code == 0, written
    assert run.published(unchanged=True) == {("core/statement", FIRST.isoformat())}
    assert run.published() == {(name, day.isoformat()) for name in THREE for day in (FIRST, SECOND)} - run.published(
        unchanged=True
    )
    assert len(application_logs(deployed.home, run.run_id)) == 1


def test_with_the_stack_down_it_is_started(instance, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "jars").symlink_to(JARS)
    try:
        code, written = materialize(home, instance, "--select", STATEMENT, "--partition", FIRST.isoformat())
        running = {service.name: service.state for service in lifecycle.look(home)}
    finally:
        lifecycle.down(home)
    assert code == 1
    listed = f"s3://dataworks-input/businessdata/mongo/ucdata/{FIRST}/full"
    assert f"core/statement {FIRST}: {listed}: the day was not exported: no object under the day's prefix" in written
    assert {"s3", "aws", "metastore", "key-service"} <= set(running)  # with Prometheus where it is installed
    assert set(running.values()) == {"running"}
