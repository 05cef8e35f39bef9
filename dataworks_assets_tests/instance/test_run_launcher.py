"""What the launcher concludes of a code server; the one that lost its runs is in `production/test_services.py`."""

import json

import pytest
from dagster import DagsterInstance, DagsterRunStatus
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._core.test_utils import create_run_for_test

from dataworks_assets.instance.run_launcher import WatchedRunLauncher
from dataworks_assets.stack.ports import choose_ports


@pytest.fixture
def launcher():
    with DagsterInstance.ephemeral() as instance:
        made = WatchedRunLauncher()
        made.register_instance(instance)
        yield made


def started(launcher, tags):
    return create_run_for_test(launcher._instance, status=DagsterRunStatus.STARTED, tags=tags)


def test_nothing_is_concluded_from_a_server_that_does_not_answer(launcher):
    port = choose_ports(["nobody"], kept={})["nobody"]
    run = started(launcher, {GRPC_INFO_TAG: json.dumps({"host": "127.0.0.1", "port": port})})
    health = launcher.check_run_worker_health(run)
    assert (health.status, health.transient) == (WorkerStatus.RUNNING, True)


def test_a_run_that_no_server_was_given_has_no_process(launcher):
    assert launcher.check_run_worker_health(started(launcher, {})).status is WorkerStatus.NOT_FOUND
