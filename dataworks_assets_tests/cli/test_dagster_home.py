"""Dagster's folder is made once and stays usable, whoever makes it, and whatever died."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster
import psutil
import pytest
import yaml
from dagster import DagsterInstance, DagsterRunStatus
from dagster._core.test_utils import create_run_for_test

from dataworks_assets.cli.dagster_home import PROCESS_TAG, end_dead_runs, open_instance, prepare_dagster_home, process_tag
from dataworks_assets.cli.webserver import Webserver, find_webserver, forget, remember
from dataworks_assets.cli.workplace import Workplace
from dataworks_assets.instance.local_storage import SqliteEventLog
from spark.errors import ConfigurationError


@pytest.fixture(autouse=True)
def no_home(monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.delenv("DAGSTER_HOME")


def test_the_projects_set_up_is_used(settings):
    folder = prepare_dagster_home(settings)
    written = yaml.safe_load((folder / "dagster.yaml").read_text())
    assert written["run_retries"] == {"enabled": True, "max_retries": 2}
    assert written["compute_logs"]["config"]["bucket"] == settings.deployment.buckets.logs
    assert written["compute_logs"]["config"]["local_dir"] == str(folder / "compute-logs")


def test_dagster_takes_the_set_up(settings):
    with open_instance(settings) as instance:
        assert instance.run_retries_max_retries == 2
        assert instance.run_monitoring_enabled
        assert instance.telemetry_enabled is False
        assert isinstance(instance.event_log_storage, SqliteEventLog)


def test_this_machines_storage_in_a_folder_of_ones_own_is_brought_up_to_date(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "own"))
    version = prepare_dagster_home(settings) / ".storage-version"
    version.write_text("an older Dagster")
    prepare_dagster_home(settings)
    assert version.read_text() == dagster.__version__


def test_a_set_up_of_ones_own_is_left_alone(settings, tmp_path, monkeypatch):
    own = tmp_path / "own"
    own.mkdir()
    (own / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(own))
    assert prepare_dagster_home(settings) == own
    assert (own / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"


def test_a_database_server_is_not_migrated_by_a_command(settings, project, tmp_path, monkeypatch):
    shutil.copy(project / "production" / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert prepare_dagster_home(settings) == tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["dagster.yaml"]


def test_a_relative_home_is_refused(settings, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "here")
    with pytest.raises(ConfigurationError, match="no absolute path"):
        prepare_dagster_home(settings)


def test_two_processes_make_a_fresh_home_at_the_same_time(tmp_path):
    code = (
        "import sys; from dataclasses import replace; from pathlib import Path\n"
        "from dataworks_assets.cli.dagster_home import open_instance\n"
        "from dataworks_assets.config.environment import Environment\n"
        "from dataworks_assets.config.loader import load_settings\n"
        "settings = load_settings('local', environment=Environment(home=Path(sys.argv[1])))\n"
        "with open_instance(settings) as instance: instance.get_runs_count()\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    both = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], env=environment) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]


def run_of(instance, tag):
    return create_run_for_test(instance, status=DagsterRunStatus.STARTED, tags={PROCESS_TAG: tag})


@pytest.fixture
def instance():
    with DagsterInstance.ephemeral() as made:
        yield made


def status_of(instance, run):
    return instance.get_run_by_id(run.run_id).status


def test_a_run_whose_process_is_gone_is_ended(instance):
    host = process_tag().partition(":")[0]
    gone = subprocess.Popen(["true"])
    gone.wait()
    run = run_of(instance, f"{host}:{gone.pid}:1")
    assert end_dead_runs(instance) == [run.run_id]
    assert status_of(instance, run) is DagsterRunStatus.FAILURE


def test_a_recycled_process_id_is_no_life(instance):
    host, pid, started = process_tag().split(":")
    run = run_of(instance, f"{host}:{pid}:{int(started) - 100}")
    assert end_dead_runs(instance) == [run.run_id]


@pytest.mark.parametrize("tag", [process_tag(), "another-host:1:1", ""], ids=["own", "another host", "none"])
def test_other_runs_are_left_alone(instance, tag):
    run = run_of(instance, tag)
    assert end_dead_runs(instance) == []
    assert status_of(instance, run) is DagsterRunStatus.STARTED


def test_a_run_that_repeats_a_commands_is_not_the_commands(instance):
    host = process_tag().partition(":")[0]
    gone = subprocess.Popen(["true"])
    gone.wait()
    parent = create_run_for_test(instance, status=DagsterRunStatus.FAILURE)
    tags = {PROCESS_TAG: f"{host}:{gone.pid}:1"}
    again = create_run_for_test(
        instance, status=DagsterRunStatus.STARTED, tags=tags, parent_run_id=parent.run_id, root_run_id=parent.run_id
    )
    assert end_dead_runs(instance) == []
    assert status_of(instance, again) is DagsterRunStatus.STARTED


def test_a_running_ui_is_found(tmp_path: Path):
    remember(tmp_path, Webserver(url="http://127.0.0.1:3000", pid=psutil.Process().pid))
    found = find_webserver(tmp_path)
    assert found is not None
    assert found.url == "http://127.0.0.1:3000"


def test_one_that_died_is_not(tmp_path: Path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    remember(tmp_path, Webserver(url="http://127.0.0.1:3000", pid=gone.pid))
    assert find_webserver(tmp_path) is None


def test_another_process_that_got_the_number_of_one_that_died_is_not(tmp_path: Path):
    remember(tmp_path, Webserver(url="http://127.0.0.1:3000", pid=psutil.Process().pid))
    path = tmp_path / "webserver.json"
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, "started": told["started"] - 100}))
    assert find_webserver(tmp_path) is None


def test_one_that_ended_well_is_forgotten(tmp_path: Path):
    remember(tmp_path, Webserver(url="http://127.0.0.1:3000", pid=psutil.Process().pid))
    forget(tmp_path)
    assert find_webserver(tmp_path) is None


def test_a_run_of_a_command_has_its_place_in_the_ui_that_runs(settings, monkeypatch):
    monkeypatch.delenv("DATAWORKS_UI_URL", raising=False)
    monkeypatch.setenv("DATAWORKS_HOME", str(settings.environment.home))
    folder = prepare_dagster_home(settings)
    assert Workplace("local").settings.environment.ui_url == ""
    remember(folder, Webserver(url="http://127.0.0.1:3000", pid=psutil.Process().pid))
    assert Workplace("local").settings.environment.ui_url == "http://127.0.0.1:3000"
