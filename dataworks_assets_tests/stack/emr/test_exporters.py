"""The exporters as a cluster gets them: the bootstrap action ran on an emulated node, then each is started as it would be."""

from __future__ import annotations

import configparser
import shlex
import shutil
import socket
import subprocess
import time
import uuid
from pathlib import Path

import boto3
import pyspark
import pytest
import requests

from dataworks_assets.config.emr import EmrConfig
from dataworks_assets.config.nodes import JMX_PORTS
from dataworks_assets.engines.emr import exporters
from dataworks_assets.engines.emr.artefacts import Artefacts
from dataworks_assets.engines.emr.requests import Place, cluster_request
from dataworks_assets.stack.jars import EXPORTERS, ensure_jars
from dataworks_assets.stack.java import find_java_home
from dataworks_assets.stack.state import OUTPUT_BUCKET, default_home
from dataworks_assets_tests.stack.emr.test_nodes import wait

SCRIPT = Path(__file__).resolve().parents[3] / "spark" / "bootstrap" / "exporters.sh"
DEBIANS = shutil.which("prometheus-node-exporter", path="/usr/bin")
NODES = {"types": ["m7i.xlarge"]}


@pytest.fixture(scope="module")
def request_and_node(emr_stack):
    """What EMR was asked for, and the folder of the node on which its bootstrap actions ran."""
    client = boto3.client("emr", endpoint_url=emr_stack.emr_endpoint)
    s3 = boto3.client("s3", endpoint_url=emr_stack.s3_endpoint)
    below = f"tests/{uuid.uuid4().hex}"

    def put(name: str, body: bytes) -> str:
        s3.put_object(Bucket=OUTPUT_BUCKET, Key=f"{below}/{name}", Body=body)
        return f"s3://{OUTPUT_BUCKET}/{below}/{name}"

    (agent,) = ensure_jars(default_home({}) / EXPORTERS.folder, jars=EXPORTERS)
    files = {exporters.JMX_AGENT: put("agent", agent.read_bytes())}
    if DEBIANS:
        files[exporters.NODE_EXPORTER] = put("node_exporter", Path(DEBIANS).read_bytes())
    artefacts = Artefacts(
        version="v1",
        environment_uri="s3://none/e",
        job_uri="s3://none/j",
        scripts={"environment": put("environment.sh", b"true\n"), "exporters": put("exporters.sh", SCRIPT.read_bytes())},
        python="this machine",
        files=files,
    )
    config = EmrConfig(
        endpoint="embedded",
        python="this machine",
        service_role="emr",
        instance_profile="nodes",
        exporters={},
        sizes={"small": {"primary": NODES, "core": NODES}},
        work=[{"size": "small"}],
    )
    place = Place("test", config, "s3://dataworks-logs/emr", "1g", {})
    request = cluster_request(place, artefacts, config.sizes["small"], name="exporters", tags={})
    cluster_id = client.run_job_flow(**request)["JobFlowId"]
    wait(lambda: client.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]["State"], {"WAITING"})
    yield request, emr_stack.home / "emr" / "nodes" / cluster_id
    client.terminate_job_flows(JobFlowIds=[cluster_id])


def scraped(port: int, process: subprocess.Popen[bytes]) -> str:
    """What a scrape gets once the exporter answers."""
    deadline = time.monotonic() + 60
    while True:
        try:
            answer = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10)
        except requests.ConnectionError:
            assert process.poll() is None, f"ended with {process.returncode}"
            assert time.monotonic() < deadline, "does not answer"
            time.sleep(0.1)
        else:
            answer.raise_for_status()
            return answer.text


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_java_daemons_with_the_options_of_the_configuration_can_be_scraped(request_and_node):
    """Any program in Java serves; the options are the cluster's, but for the node's folder and ports that are free here."""
    request, node = request_and_node
    options = [
        value.replace("/opt/dataworks", f"{node}/opt/dataworks")
        for each in request["Configurations"]
        for inner in each["Configurations"]
        for value in inner["Properties"].values()
    ]
    py4j = next((Path(pyspark.__file__).parent / "jars").glob("py4j-*.jar"))
    daemon = ["-XX:TieredStopAtLevel=1", "-cp", str(py4j), "py4j.GatewayServer", "0"]
    started = {}
    try:
        for real_port in JMX_PORTS.values():
            (option,) = [each for each in options if f".jar={real_port}:" in each]
            port = free_port()
            java = [str(find_java_home() / "bin" / "java"), option.replace(f"={real_port}:", f"={port}:"), *daemon]
            started[port] = subprocess.Popen(java, stdout=subprocess.DEVNULL)
        answers = [scraped(port, process) for port, process in started.items()]
    finally:
        for process in started.values():
            process.kill()
            process.wait()
    assert all("java_lang_memory_heapmemoryusage_used" in lines for lines in answers)
    assert all("jvm_threads_current" in lines for lines in answers)


@pytest.mark.skipif(not DEBIANS, reason="Debian's prometheus-node-exporter is not installed")
def test_the_node_exporter_as_its_unit_starts_it_can_be_scraped(request_and_node):
    _, node = request_and_node
    unit = configparser.ConfigParser()
    unit.optionxform = str  # type: ignore[assignment]
    unit.read(node / "units" / "dataworks-node-exporter.service")
    port = free_port()
    command = [each.replace("=:9100", f"=127.0.0.1:{port}") for each in shlex.split(unit["Service"]["ExecStart"])]
    assert command[0] == f"{node}/opt/dataworks/exporters/node_exporter"
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            lines = scraped(port, process)
        finally:
            process.kill()
    assert "node_cpu_seconds_total" in lines
    assert "node_memory_MemAvailable_bytes" in lines
