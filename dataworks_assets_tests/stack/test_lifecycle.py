"""The stack comes back with its data whatever was killed, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import boto3
import psutil
import pytest
from pymetastore.hive_metastore import ttypes

from dataworks_assets.stack import key_service, lifecycle, metastore, processes
from dataworks_assets.stack.state import INPUT_BUCKET, load_state, save_state
from dataworks_assets_tests.conftest import JARS
from spark.errors import StackError

BODY = b"kept " * 1000
START = """
import pathlib, sys
from dataworks_assets.stack.lifecycle import up
up(pathlib.Path(sys.argv[1]), jars_directory=pathlib.Path(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A stack that these tests may kill: an object in its S3, a table in its metastore."""
    home = tmp_path_factory.mktemp("killed")
    try:
        state = lifecycle.up(home, jars_directory=JARS)
        s3(state).put_object(Bucket=INPUT_BUCKET, Key="kept", Body=BODY)
        with metastore.connect(state.metastore_uri) as client:
            client.create_database(ttypes.Database(name="kept", locationUri=f"file:{home}/warehouse/kept.db"))
        yield home
    finally:
        lifecycle.down(home)


def s3(state):
    return boto3.client(
        "s3",
        endpoint_url=state.s3_endpoint,
        aws_access_key_id=state.access_key,
        aws_secret_access_key=state.secret_key,
        region_name=state.region,
    )


def kill(home, *names):
    services = load_state(home).services
    for name in names:
        process = psutil.Process(services[name].process.pid)
        process.kill()
        process.wait(10)


def pids(home):
    return {name: record.process.pid for name, record in load_state(home).services.items()}


def assert_data_is_there(state):
    assert s3(state).get_object(Bucket=INPUT_BUCKET, Key="kept")["Body"].read() == BODY
    assert "kept" in metastore.list_databases(state.metastore_uri)


def test_credentials_of_ones_own_in_the_environment_are_not_the_stacks(home, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", load_state(home).access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    kill(home, "s3")
    state = lifecycle.up(home, jars_directory=JARS)
    assert_data_is_there(state)
    inherited = psutil.Process(pids(home)["s3"]).environ()
    assert not [name for name in inherited if name.startswith("AWS_")]


@pytest.mark.parametrize("name", ["s3", "aws", "metastore", "key-service"])
def test_a_killed_service_alone_is_started_again(home, name):
    before = pids(lifecycle.up(home, jars_directory=JARS).home)
    kill(home, name)
    state = lifecycle.up(home, jars_directory=JARS)
    assert {service for service, pid in pids(home).items() if pid != before[service]} == {name}
    assert_data_is_there(state)


def test_a_service_that_hangs_is_started_again(home, monkeypatch):
    monkeypatch.setattr(lifecycle, "_ANSWER_SECONDS", 1.0)
    hung = lifecycle.up(home, jars_directory=JARS).services["key-service"].process
    os.kill(hung.pid, signal.SIGSTOP)
    assert lifecycle.up(home, jars_directory=JARS).services["key-service"].process != hung


def test_a_failed_start_shows_the_end_of_the_log(home, monkeypatch):
    lifecycle.up(home, jars_directory=JARS)
    kill(home, "key-service")
    broken = replace(key_service.SERVICE, command=lambda _: [sys.executable, "-c", "raise SystemExit('no key here')"])
    monkeypatch.setattr(lifecycle, "SERVICES", (*lifecycle.SERVICES[:-1], broken))
    with pytest.raises(StackError, match=r"ended while it was started.*no key here.*make stack"):
        lifecycle.up(home, jars_directory=JARS)


def test_everything_killed_at_once_comes_back_at_the_same_addresses(home):
    before = lifecycle.up(home, jars_directory=JARS)
    kill(home, *before.services)
    after = lifecycle.up(home, jars_directory=JARS)
    assert_data_is_there(after)
    assert (after.s3_endpoint, after.metastore_uri) == (before.s3_endpoint, before.metastore_uri)


def test_what_the_emulated_apis_lost_is_made_anew_and_said(home):
    lines = []
    lifecycle.up(home, jars_directory=JARS)
    kill(home, "aws")
    lifecycle.up(home, jars_directory=JARS, say=lines.append)
    assert any("lost what they held" in line and "adg-export-messages" in line for line in lines)


def test_a_second_start_starts_nothing(home):
    lines = []
    lifecycle.up(home, jars_directory=JARS)
    before = pids(home)
    lifecycle.up(home, jars_directory=JARS, say=lines.append)
    assert pids(home) == before
    assert lines == ["The stack runs already: nothing had to be started"]


def test_the_object_store_writes_where_the_stack_lives_and_nowhere_else(home):
    lifecycle.up(home, jars_directory=JARS)
    state = load_state(home)
    opened = {Path(file.path) for file in psutil.Process(pids(home)["s3"]).open_files()}
    assert not [path for path in opened if path.parent == Path("/tmp")]
    assert {path.name for path in (home / "s3").glob("*.sock")} == {"filer.sock", "s3.sock"}
    assert not Path(f"/tmp/seaweedfs-s3-{state.services['s3'].ports['main']}.sock").exists()


def test_the_table_of_services_tells_running_from_dead(home):
    lifecycle.up(home, jars_directory=JARS)
    kill(home, "key-service")
    states = {row.name: row.state for row in lifecycle.look(home)}
    assert states == {"s3": "running", "aws": "running", "metastore": "running", "key-service": "dead"}


def test_two_starts_at_once_start_one_stack(home):
    lifecycle.up(home, jars_directory=JARS)
    kill(home, "key-service", "aws")
    both = [subprocess.Popen([sys.executable, "-c", START, home, JARS]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    for name in load_state(home).services:
        assert len(list(processes.find_marked(processes.mark(home.resolve(), name)))) == 1


def test_a_recycled_pid_is_never_ended(home):
    state = lifecycle.up(home, jars_directory=JARS)
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    record = state.services["key-service"]
    recycled = record.process.model_copy(update={"pid": stranger.pid, "started": psutil.Process(stranger.pid).create_time()})
    save_state(
        state.model_copy(update={"services": state.services | {record.name: record.model_copy(update={"process": recycled})}})
    )
    try:
        lifecycle.up(home, jars_directory=JARS)
        lifecycle.down(home)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_nothing_is_left_after_the_end(home):
    state = lifecycle.up(home, jars_directory=JARS)
    family = [member for record in state.services.values() for member in with_children(psutil.Process(record.process.pid))]
    (home / "stack.json").unlink()
    lifecycle.down(home)
    assert not [member for member in family if member.is_running() and member.status() != psutil.STATUS_ZOMBIE]


def with_children(process):
    return [process, *process.children(recursive=True)]


def test_a_start_takes_no_longer_than_promised(home):
    lifecycle.down(home)
    begun = time.monotonic()
    lifecycle.up(home, jars_directory=JARS)
    assert time.monotonic() - begun < 60
