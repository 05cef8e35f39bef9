"""Secrets of nodes: planted, used, and looked for everywhere else: answers, logs, objects, files, command lines."""

from __future__ import annotations

import gzip
import json
import uuid
from pathlib import Path
from xml.etree import ElementTree as Xml

import boto3
import psutil
import pytest

from dataworks_assets.config.emr import EmrConfig
from dataworks_assets.engines.emr.artefacts import Artefacts
from dataworks_assets.engines.emr.requests import NODE_FOLDER, Place, cluster_request
from dataworks_assets.stack.state import BUCKETS, LOG_BUCKET, OUTPUT_BUCKET
from dataworks_assets_tests.stack.emr.memory import step
from dataworks_assets_tests.stack.emr.test_nodes import log, run, wait

SCRIPTS = Path(__file__).resolve().parents[3] / "spark" / "bootstrap"
LOG_GROUP = "/app/emr/"
NODES = {"types": ["m7i.xlarge"]}
CANARY = f"canary{uuid.uuid4().hex}"
KEY_PATHS = tuple(f"{NODE_FOLDER}/pki/{name}" for name in ("ca.pem", "emr_client.pem", "emr_client.key"))
PRINTS = "env; ps axww; cat $HIVE_CONF_DIR/no-such-file; exit 3"
"""A step that says all it knows, and fails."""


def config_of(metastore_arn: str, key_service_secret: str | None) -> EmrConfig:
    return EmrConfig(
        endpoint="embedded",
        python="this machine",
        service_role="emr",
        instance_profile="nodes",
        metastore={"url": "jdbc:mysql://db.internal:3306/hive", "user": "hive", "password_secret": metastore_arn},
        key_service_secret=key_service_secret,
        log_group=LOG_GROUP,
        sizes={"small": {"primary": NODES, "core": NODES}},
        work=[{"size": "small"}],
    )


def request_of(config: EmrConfig, scripts: dict[str, str]) -> dict[str, object]:
    artefacts = Artefacts(version="v", environment_uri="s3://n/e", job_uri="s3://n/j", scripts=scripts, python="this machine")
    place = Place("test", config, f"s3://{LOG_BUCKET}/emr", "1g", {}, KEY_PATHS)
    return cluster_request(place, artefacts, config.sizes["small"], name="secrets", tags={})


@pytest.fixture(scope="module")
def cluster_id(emr_stack, emr_client, s3):
    """A cluster with two secrets of the stack's Secrets Manager, on which a step has failed."""
    secrets = boto3.client("secretsmanager")
    password = secrets.create_secret(Name=f"metastore-{CANARY[-6:]}", SecretString=CANARY)["ARN"]
    pems = {"ca": "the authority", "certificate": "the certificate", "private_key": CANARY}
    key = secrets.create_secret(Name=f"key-service-{CANARY[-6:]}", SecretString=json.dumps(pems))["Name"]
    scripts = {}
    for name, body in (("environment", b"true"), ("certificates", (SCRIPTS / "certificates.sh").read_bytes())):
        s3.put_object(Bucket=OUTPUT_BUCKET, Key=f"tests/secrets/{name}.sh", Body=body)
        scripts[name] = f"s3://{OUTPUT_BUCKET}/tests/secrets/{name}.sh"
    made = emr_client.run_job_flow(**request_of(config_of(password, key), scripts))["JobFlowId"]
    wait(lambda: emr_client.describe_cluster(ClusterId=made)["Cluster"]["Status"]["State"], {"WAITING"})
    step_id, _ = run(emr_client, made, "sh", "-c", PRINTS)
    assert "HIVE_CONF_DIR" in log(s3, made, f"steps/{step_id}")
    yield made
    emr_client.terminate_job_flows(JobFlowIds=[made])


@pytest.fixture
def node(emr_stack, cluster_id):
    return emr_stack.home / "emr" / "nodes" / cluster_id


def test_hive_on_a_node_finds_the_password(node):
    site = node / "conf" / "hive" / "hive-site.xml"
    found = {each.findtext("name"): each.findtext("value") for each in Xml.parse(site).getroot()}
    assert found["javax.jdo.option.ConnectionPassword"] == CANARY
    assert found["javax.jdo.option.ConnectionUserName"] == "hive"
    assert oct(site.stat().st_mode & 0o777) == "0o600"


def test_the_key_of_the_key_service_is_where_jobs_look_for_it(node):
    assert (node / KEY_PATHS[2].removeprefix("/")).read_text() == CANARY


def test_no_answer_of_the_api_shows_a_secret(emr_client, cluster_id):
    steps = emr_client.list_steps(ClusterId=cluster_id)
    answers = [
        emr_client.describe_cluster(ClusterId=cluster_id),
        emr_client.list_clusters(),
        steps,
        *(emr_client.describe_step(ClusterId=cluster_id, StepId=each["Id"]) for each in steps["Steps"]),
    ]
    assert CANARY not in json.dumps(answers, default=str)


def test_a_description_shows_the_secrets_address_without_the_mark(emr_client, cluster_id):
    shown = emr_client.describe_cluster(ClusterId=cluster_id)["Cluster"]["Configurations"]
    (hive,) = [each for each in shown if each["Classification"] == "hive-site"]
    assert hive["Properties"]["javax.jdo.option.ConnectionPassword"].startswith("arn:aws:secretsmanager:")


def test_a_steps_lines_are_in_the_log_group_and_no_line_shows_a_secret(emr_client, cluster_id):
    logs = boto3.client("logs")
    (step_id,) = [
        each["Id"] for each in emr_client.list_steps(ClusterId=cluster_id)["Steps"] if each["Status"]["State"] == "FAILED"
    ]
    lines = {}
    for name in ("stdout", "stderr"):
        stream = f"secrets/steps/{step_id}/{name}"
        wait(
            lambda stream=stream: bool(
                logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=stream)["logStreams"]
            ),
            {True},
        )
        events = logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=True)["events"]
        lines[name] = [each["message"] for each in events]
    assert any(line.startswith("HIVE_CONF_DIR=") for line in lines["stdout"])
    assert "no-such-file" in lines["stderr"][0]
    assert CANARY not in json.dumps(lines)


def test_no_object_holds_a_secret(s3, cluster_id):
    """Logs of the node, the step and the bootstrap actions are among them."""
    holders, seen = [], 0
    for bucket in BUCKETS:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for each in page.get("Contents", ()):
                if each["Size"] > 50_000_000:
                    continue  # environments and jars
                body = s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
                plain = gzip.decompress(body) if each["Key"].endswith(".gz") and body[:2] == b"\x1f\x8b" else body
                seen += cluster_id in each["Key"]
                holders += [each["Key"]] if CANARY.encode() in plain else []
    assert holders == []
    assert seen > 3, "the cluster's logs were looked at"


def test_no_file_of_the_stack_but_the_nodes_own_holds_a_secret(emr_stack, node):
    own = {node / "conf" / "hive" / "hive-site.xml", node / KEY_PATHS[2].removeprefix("/")}
    files = [path for path in emr_stack.home.rglob("*") if path.is_file() and path.stat().st_size < 50_000_000]
    assert {path for path in files if CANARY.encode() in path.read_bytes()} == own


def test_no_command_line_and_no_environment_on_the_node_holds_a_secret(emr_client, cluster_id, node):
    step_id = emr_client.add_job_flow_steps(JobFlowId=cluster_id, Steps=[step("wait", "sleep", "62.5")])["StepIds"][0]

    def there():
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("HOME") == str(node):
                    found.append(process.environ() | {"command": " ".join(process.cmdline())})
            except (psutil.Error, OSError):
                continue
        return found

    wait(lambda: bool(there()), {True})
    assert CANARY not in json.dumps(there())
    emr_client.cancel_steps(ClusterId=cluster_id, StepIds=[step_id])


def test_a_secret_that_emr_cannot_read_ends_the_cluster_with_its_address(emr_client):
    arn = "arn:aws:secretsmanager:eu-west-2:123456789012:secret:gone-AbCdEf"
    made = emr_client.run_job_flow(**request_of(config_of(arn, None), {"environment": "s3://n/e"}))["JobFlowId"]
    wait(lambda: emr_client.describe_cluster(ClusterId=made)["Cluster"]["Status"]["State"], {"TERMINATED_WITH_ERRORS"})
    reason = emr_client.describe_cluster(ClusterId=made)["Cluster"]["Status"]["StateChangeReason"]
    assert reason["Code"] == "VALIDATION_ERROR"
    assert arn in reason["Message"]
