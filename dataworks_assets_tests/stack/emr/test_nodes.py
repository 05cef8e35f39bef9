"""The emulated EMR as a process, over HTTP with boto3: bootstrap actions and steps run for real."""

from __future__ import annotations

import gzip
import os
import time

import psutil
import pytest

from dataworks_assets.stack import lifecycle
from dataworks_assets.stack.emr import service
from dataworks_assets.stack.state import LOG_BUCKET, OUTPUT_BUCKET
from dataworks_assets_tests.conftest import JARS
from dataworks_assets_tests.stack.emr.memory import cluster_request, step

SCRIPT = f"s3://{OUTPUT_BUCKET}/tests/bootstrap.sh"
ENDED = {"COMPLETED", "FAILED", "CANCELLED"}


@pytest.fixture(scope="module")
def cluster_id(emr_client, s3):
    """A cluster whose bootstrap action puts a file where later steps find it."""
    script = 'aws s3 cp "$1" "$DATAWORKS_NODE_FOLDER.got" && echo bootstrapped "$1" && sudo true\n'
    s3.put_object(Bucket=OUTPUT_BUCKET, Key="tests/bootstrap.sh", Body=script.encode())
    action = {"Name": "one", "ScriptBootstrapAction": {"Path": SCRIPT, "Args": [SCRIPT]}}
    made = emr_client.run_job_flow(
        **cluster_request(BootstrapActions=[action], StepConcurrencyLevel=4, Steps=[step("home", "sh", "-c", "ls $HOME")])
    )
    yield made["JobFlowId"]
    emr_client.terminate_job_flows(JobFlowIds=[made["JobFlowId"]])


def wait(look, wanted):
    deadline = time.monotonic() + 20
    while look() not in wanted:
        assert time.monotonic() < deadline, f"{look()} is not in {wanted}"
        time.sleep(0.1)
    return look()


def run(emr_client, cluster_id, *args):
    """Runs a command as a step; returns its id and its state at the end."""
    step_id = emr_client.add_job_flow_steps(JobFlowId=cluster_id, Steps=[step("run", *args)])["StepIds"][0]

    def look():
        return emr_client.describe_step(ClusterId=cluster_id, StepId=step_id)["Step"]["Status"]["State"]

    return step_id, wait(look, ENDED)


def log(s3, cluster_id, below, name="stdout", *, seconds=5):
    key = f"emr/{cluster_id}/{below}/{name}.gz"
    deadline = time.monotonic() + seconds
    while True:
        try:
            return gzip.decompress(s3.get_object(Bucket=LOG_BUCKET, Key=key)["Body"].read()).decode()
        except s3.exceptions.NoSuchKey:
            assert time.monotonic() < deadline, key
            time.sleep(0.1)


def test_a_later_cluster_begins_with_the_environment_that_an_earlier_one_made(emr_client, s3):
    script = 'cd "$DATAWORKS_NODE_FOLDER/$1" && echo there || { mkdir -p "$DATAWORKS_NODE_FOLDER/$1" && touch "$_/.ready"; }\n'
    s3.put_object(Bucket=OUTPUT_BUCKET, Key="tests/version.sh", Body=script.encode())
    path = f"s3://{OUTPUT_BUCKET}/tests/version.sh"
    action = {"Name": "one", "ScriptBootstrapAction": {"Path": path, "Args": ["v1"]}}
    said = []
    for _ in range(2):
        made = emr_client.run_job_flow(**cluster_request(BootstrapActions=[action], Steps=[step("end", "true")]))["JobFlowId"]
        said.append(log(s3, made, f"node/i-{made[2:]}/bootstrap-actions/1", seconds=20))
        emr_client.terminate_job_flows(JobFlowIds=[made])
    assert said == ["", "there\n"]


def test_a_step_runs_in_an_environment_of_its_own(emr_client, s3, cluster_id, project):
    step_id, state = run(emr_client, cluster_id, "python3.11", "-c", "import os, sys; print(sys.path, dict(os.environ))")
    said = log(s3, cluster_id, f"steps/{step_id}")
    assert state == "COMPLETED"
    assert "AWS_ENDPOINT_URL_S3" in said
    assert "PYTHONPATH" not in said
    paths = said.partition("]")[0]
    assert str(project) not in paths


def test_the_project_cannot_be_imported_there(emr_client, s3, cluster_id):
    step_id, state = run(emr_client, cluster_id, "python3.11", "-c", "import spark.contract")
    assert state == "FAILED"
    assert "ModuleNotFoundError" in log(s3, cluster_id, f"steps/{step_id}", "stderr")


def test_the_controller_says_how_a_step_ended(emr_client, s3, cluster_id):
    step_id, _ = run(emr_client, cluster_id, "sh", "-c", "exit 3")
    assert "exit code 3" in log(s3, cluster_id, f"steps/{step_id}", "controller")


def test_a_program_that_is_not_there_fails_its_step(emr_client, s3, cluster_id):
    step_id, state = run(emr_client, cluster_id, "no-such-program")
    assert state == "FAILED"
    assert "no-such-program" in log(s3, cluster_id, f"steps/{step_id}", "stderr")


def test_bootstrap_actions_ran_before_the_first_step(emr_client, s3, cluster_id):
    step_id, _ = run(emr_client, cluster_id, "sh", "-c", "cat /opt/dataworks.got")
    assert "bootstrapped" in log(s3, cluster_id, f"steps/{step_id}")
    assert SCRIPT in log(s3, cluster_id, f"node/i-{cluster_id[2:]}/bootstrap-actions/1")


def test_a_cancelled_step_leaves_no_process(emr_client, cluster_id):
    step_id = emr_client.add_job_flow_steps(JobFlowId=cluster_id, Steps=[step("sleep", "sh", "-c", "sleep 61.5 & sleep 61.5")])[
        "StepIds"
    ][0]

    def sleepers():
        return sum("61.5" in (process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))

    wait(sleepers, {2})
    emr_client.cancel_steps(ClusterId=cluster_id, StepIds=[step_id])
    wait(sleepers, {0})
    wait(lambda: emr_client.describe_step(ClusterId=cluster_id, StepId=step_id)["Step"]["Status"]["State"], {"CANCELLED"})


def test_the_stack_without_it_goes_on_with_it_until_it_ends(emr_stack):
    again = lifecycle.up(emr_stack.home, jars_directory=JARS)
    assert again.services[service.NAME].process == emr_stack.services[service.NAME].process
    os.kill(again.services[service.NAME].process.pid, 0)


def test_nobody_gets_it_who_did_not_ask(tmp_path):
    assert service.NAME in lifecycle.ON_DEMAND
    assert lifecycle._asked_for(None, ()) == tuple(each for each in lifecycle.SERVICES if not each.on_demand)
