"""What applications leave below the control prefix does not stay for ever."""

from datetime import timedelta

import pytest

from dataworks_assets.systems import housekeeping
from dataworks_assets_tests.systems.adg.whole_path import DAY, World, documents


@pytest.fixture
def world():
    made = World()
    made.write("db.core.statement", DAY, documents(1))
    made.run("core/statement")
    made.store.put(f"{made.scope.control_uri}/jobs/run-1/result.json", b"{}")
    return made


def job_documents(world):
    return [listed.uri.rpartition("/")[2] for listed in world.store.list(f"{world.scope.control_uri}/jobs")]


def test_documents_of_a_job_can_be_looked_at_for_a_while(world):
    housekeeping.collect_garbage(world.platform, world.scope, dry_run=False)
    assert job_documents(world) == ["result.json"]


def test_documents_of_jobs_of_long_ago_are_deleted_but_by_no_dry_run(world, monkeypatch):
    monkeypatch.setattr(housekeeping, "_JOB_DOCUMENTS_KEPT", timedelta(0))
    housekeeping.collect_garbage(world.platform, world.scope, dry_run=True)
    assert job_documents(world) == ["result.json"]
    housekeeping.collect_garbage(world.platform, world.scope, dry_run=False)
    assert job_documents(world) == []
    assert world.ids("core/statement") == ["s0"]
