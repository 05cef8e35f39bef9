"""What `spark-submit` is given: properties, archive, work folder, leash."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipfile

import psutil
import pytest

from dataworks_assets.engines import leash
from dataworks_assets.engines.job_archive import job_sources, write_job
from dataworks_assets.engines.properties import (
    authentication_properties,
    common_properties,
    task_properties,
    write_properties,
)
from dataworks_assets.engines.submit import SubmitEngine
from dataworks_assets.engines.work_folder import make_work_folder
from dataworks_assets_tests.engines.conftest import make_submission
from spark.contract import StoreSettings
from spark.errors import ConfigurationError

ON = {"spark.authenticate": "true"}


def test_what_spark_spills_and_sends_is_encrypted():
    properties = common_properties(memory="1g")
    assert (properties["spark.io.encryption.enabled"], properties["spark.network.crypto.enabled"]) == ("true", "true")


def test_nobody_else_can_read_the_properties(tmp_path):
    write_properties(tmp_path / "p", {"spark.a": "b"})
    assert (tmp_path / "p").stat().st_mode & 0o777 == 0o600


def test_properties_are_written_as_java_reads_them(tmp_path):
    write_properties(tmp_path / "p", {"spark.b": "C:\\x", "spark.a": "1\n2"})
    assert (tmp_path / "p").read_text() == "spark.a=1\\n2\nspark.b=C:\\\\x\n"


@pytest.mark.parametrize("master", ["local[2]", "yarn"])
def test_spark_makes_up_the_secret_where_it_can(master):
    assert authentication_properties(master, ON, {}) == {}


def test_a_standalone_cluster_gets_its_secret_from_the_environment():
    found = authentication_properties("spark://h:7077", ON, {"_SPARK_AUTH_SECRET": "s"})
    assert found == {"spark.authenticate.secret": "s"}


def test_a_standalone_cluster_is_not_spoken_to_in_clear_by_oversight():
    with pytest.raises(ConfigurationError, match=r"spark://h:7077: a standalone cluster needs its authentication secret"):
        authentication_properties("spark://h:7077", ON, {})


def test_a_standalone_cluster_may_be_spoken_to_in_clear_on_purpose():
    assert authentication_properties("spark://h:7077", {"spark.authenticate": "false"}, {}) == {}


def test_tasks_get_credentials_and_modules_and_nothing_else():
    given = {"AWS_ACCESS_KEY_ID": "a", "PYTHONPATH": "/p", "_SPARK_AUTH_SECRET": "s", "JAVA_HOME": "/j", "HOME": "/h"}
    assert task_properties(given) == {"spark.executorEnv.AWS_ACCESS_KEY_ID": "a", "spark.executorEnv.PYTHONPATH": "/p"}


def test_the_archive_holds_the_jobs_and_what_they_import(tmp_path):
    write_job(tmp_path / "jobs.zip", job_sources())
    names = zipfile.ZipFile(tmp_path / "jobs.zip").namelist()
    assert {"spark/__init__.py", "spark/jobs/adg.py", "spark/contract/__init__.py"} <= set(names)


def test_the_folder_of_a_process_that_was_killed_is_removed(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / f"{gone.pid}-x").mkdir()
    (tmp_path / f"{os.getpid()}-y").mkdir()
    (tmp_path / "somebody-elses").mkdir()
    made = make_work_folder(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"{os.getpid()}-y", "somebody-elses", made.name}


def test_a_submission_that_cannot_start_leaves_no_folder(tmp_path):
    engine = SubmitEngine("spark://h:7077", log_folder=tmp_path / "logs", work_folder=tmp_path / "work")
    submitted = make_submission("done", StoreSettings(scheme="memory"), "memory://parts")
    with pytest.raises(ConfigurationError):
        engine.submit(submitted, (), lambda message: None)
    assert not (tmp_path / "work").exists()


def test_a_leashed_program_is_killed_with_its_parent():
    script = (
        "import os, subprocess, sys, time;"
        f"child = subprocess.Popen([sys.executable, {leash.__file__!r}, str(os.getpid()), 'sleep', '60']);"
        "time.sleep(1); print(child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    child_pid = int(parent.stdout.readline())
    os.kill(child_pid, 0)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5
    while psutil.pid_exists(child_pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_program_whose_parent_is_gone_already_does_not_start():
    ended = subprocess.run([sys.executable, leash.__file__, "1", "sleep", "60"], check=False, timeout=10)
    assert ended.returncode == 3
