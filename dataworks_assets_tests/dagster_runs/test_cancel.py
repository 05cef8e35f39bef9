"""A run that is told to end in the middle takes its application with it, leaves nothing half published, and frees its days."""

from __future__ import annotations

import signal
import time
from datetime import date

import psutil
import pytest
from dagster import DagsterRunStatus

from dataworks_assets_tests.dagster_runs.commands import application_logs, start_materializing
from dataworks_assets_tests.dagster_runs.world import FULL

NAMES = ("core/statement", "core/toDo")
DAYS = {signal.SIGINT: date(2026, 11, 10), signal.SIGTERM: date(2026, 11, 11)}
SOON_SECONDS = 20.0
START_SECONDS = 200.0


@pytest.fixture(params=DAYS, ids=lambda number: number.name)
def interrupted(request, deployed):
    """A run of several hundred files that got a signal while its application read them."""
    day = DAYS[request.param]
    topics = tuple(deployed.collection(name).job.topic for name in NAMES)
    (truth,) = deployed.write([day], topics=topics, snapshot_types=(FULL,), scale=0.04, batch_bytes=4096)
    before = {run.run_id for run in deployed.instance.get_runs()}
    select = ",".join(f"adg_full/{name}" for name in NAMES)
    process = start_materializing(deployed.home, deployed.instance, "--select", select, "--partition", day.isoformat())
    try:
        run_id = _until_it_reads(deployed, before)
        process.send_signal(request.param)
        started_seconds = time.monotonic()
        written, _ = process.communicate(timeout=START_SECONDS)
        took_seconds = time.monotonic() - started_seconds
    finally:
        process.kill()
    return day, truth, run_id, took_seconds, written


def _until_it_reads(world, before):
    deadline_seconds = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline_seconds:
        for run in world.instance.get_runs(limit=1):
            for log in application_logs(world.home, run.run_id) if run.run_id not in before else ():
                if " files, " in log.read_text():
                    return run.run_id
        time.sleep(0.1)
    raise AssertionError("no application began to read")


def _processes_of(run_id):
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(run_id in word for word in process.info["cmdline"] or ()):
            found.append(process)
    return found


def _rows(world, name, day):
    main = world.collection(name).job.tables[0]
    pointer = world.platform.catalog.pointers(main.database, main.name).get(day.isoformat())
    return pointer.rows if pointer else None


def test_the_application_ends_and_the_next_run_finds_everything_in_order(interrupted, deployed, session_engine):
    day, truth, run_id, took_seconds, written = interrupted
    assert deployed.instance.get_run_by_id(run_id).status in {DagsterRunStatus.CANCELED, DagsterRunStatus.FAILURE}, written
    assert took_seconds < SOON_SECONDS
    assert _processes_of(run_id) == []
    whole = {name: truth.of(f"db.{name.replace('/', '.')}").rows for name in NAMES}
    assert all(_rows(deployed, name, day) in {None, rows} for name, rows in whole.items())
    again = deployed.materialize(FULL, NAMES, [day], session_engine)
    assert again.succeeded
    assert again.published() | again.published(unchanged=True) == {(name, day.isoformat()) for name in NAMES}
    assert {name: _rows(deployed, name, day) for name in NAMES} == whole
