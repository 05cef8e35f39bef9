"""Exporters of nodes: which program is deployed, what clusters are asked to run, and that all who name a port name the same."""

from __future__ import annotations

import platform
import re

import pytest
from msgspec.structs import replace

from dataworks_assets.config.nodes import JMX_PORTS, NODE_EXPORTER_PORT, ExportersConfig
from dataworks_assets.engines.emr import build, exporters
from dataworks_assets.engines.emr.artefacts import read_current
from dataworks_assets.engines.emr.environment import THIS_MACHINE, Environment
from dataworks_assets.infrastructure.stacks import STACKS
from dataworks_assets_tests.engines.emr.test_requests import ARTEFACTS, place_of, request_of
from spark.errors import ConfigurationError, EngineError
from spark.store import ObjectStore

FILES = {"jmx_agent": "s3://b/agent", "node_exporter": "s3://b/node"}


def program(path, machine=62, glibc="2.34"):
    """Writes as much of a program as is looked at."""
    path.write_bytes(b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little") + f"\0GLIBC_2.2.5\0GLIBC_{glibc}\0".encode())
    return path


@pytest.fixture
def store():
    return ObjectStore.in_memory()


def given(config, store, python="x86_64"):
    said: list[str] = []
    with exporters.node_exporter(config, store, python=python, say=said.append) as found:
        return {name: path.read_bytes() for name, path in found.items()}, said


def test_a_program_of_this_machine_is_deployed(tmp_path, store):
    path = program(tmp_path / "exporter")
    assert given(ExportersConfig(node_exporter=str(path)), store) == ({"node_exporter": path.read_bytes()}, [])


def test_a_program_in_the_object_store_is_deployed(tmp_path, store):
    body = program(tmp_path / "exporter", machine=183).read_bytes()
    store.put("memory://tools/exporter", body)
    assert given(ExportersConfig(node_exporter="memory://tools/exporter"), store, "aarch64")[0] == {"node_exporter": body}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.unlink(), "is not there"),
        (lambda path: path.write_text("#!/bin/sh"), "is no program for Linux"),
        (lambda path: program(path, machine=183), "is not for x86_64"),
        (lambda path: program(path, glibc="2.38"), r"needs glibc 2\.38, and nodes have 2\.34"),
    ],
)
def test_a_program_that_nodes_cannot_run_is_refused_where_it_is_named_and_left_out_where_it_is_debians(
    tmp_path, store, monkeypatch, spoil, words
):
    spoil(path := program(tmp_path / "exporter"))
    with pytest.raises(ConfigurationError, match=words):
        given(ExportersConfig(node_exporter=str(path)), store)
    monkeypatch.setattr(exporters, "DEBIANS", path)
    found, (line,) = given(ExportersConfig(), store)
    assert found == {}
    assert re.search(f"left out: the node exporter .*{words}.*prometheus-node-exporter", line)


def test_a_newer_glibc_is_no_fault_on_the_machine_that_has_it(tmp_path, store, monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert given(ExportersConfig(node_exporter=str(program(tmp_path / "e", glibc="2.40"))), store, THIS_MACHINE)[0]


def test_what_nodes_are_given_is_uploaded_once_and_part_of_the_version(tmp_path, store, monkeypatch):
    monkeypatch.setattr(build, "job_environment", lambda python: Environment(THIS_MACHINE, {}))
    path = program(tmp_path / "exporter")
    without = build.deploy(store, "memory://a/v", python=THIS_MACHINE)
    made = build.deploy(store, "memory://a/v", python=THIS_MACHINE, files={"node_exporter": path})
    assert store.read(made.files["node_exporter"]) == path.read_bytes()
    assert (
        read_current(store, "memory://a/v")
        == made
        == build.deploy(store, "memory://a/v", python=THIS_MACHINE, files={"node_exporter": path})
    )
    path.write_bytes(path.read_bytes() + b"another")
    changed = build.deploy(store, "memory://a/v", python=THIS_MACHINE, files={"node_exporter": path})
    assert len({each.version for each in (without, made, changed)}) == 3
    assert store.exists(made.files["node_exporter"])


def test_a_cluster_without_exporters_is_asked_for_none():
    request = request_of(place_of())
    assert "Configurations" not in request
    assert [action["Name"] for action in request["BootstrapActions"]] == ["dataworks environment", "dataworks name"]


@pytest.mark.parametrize("files", [FILES, {"jmx_agent": "s3://b/agent"}], ids=["both", "no node exporter"])
def test_a_cluster_is_asked_for_the_exporters_that_were_deployed(files):
    request = request_of(place_of(exporters={}), artefacts=replace(ARTEFACTS, files=files))
    action = next(
        each["ScriptBootstrapAction"] for each in request["BootstrapActions"] if each["Name"] == "dataworks exporters"
    )
    assert action == {"Path": "s3://b/exporters", "Args": list(files.values())}


def test_emr_takes_a_cluster_with_exporters(world):
    request = request_of(place_of(exporters={}), artefacts=replace(ARTEFACTS, files=FILES))
    assert world.engine().calls.run_job_flow(request).startswith("j-")


def test_exporters_that_were_not_deployed_are_an_error_before_a_cluster_is_paid_for():
    with pytest.raises(EngineError, match="dataworks deploy artefacts"):
        request_of(place_of(exporters={}))


def test_daemons_security_groups_and_documents_name_the_same_ports():
    options = [
        value
        for each in exporters.configurations()
        for inner in each["Configurations"]
        for value in inner["Properties"].values()
    ]
    of_daemons = {int(port) for option in options for port in re.findall(r"\.jar=(\d+):", option)}
    (network,) = (stack.document() for stack in STACKS if stack.name == "network")
    opened = {
        each["Properties"]["FromPort"]
        for each in network["Resources"].values()
        if each["Type"] == "AWS::EC2::SecurityGroupIngress" and each["Properties"].get("CidrIp") == {"Ref": "PrometheusRange"}
    }
    assert of_daemons == set(JMX_PORTS.values())
    assert opened == of_daemons | {NODE_EXPORTER_PORT}
    script = (exporters_script := build._SCRIPTS_FOLDER / "exporters.sh").read_text()
    assert f"--web.listen-address=:{NODE_EXPORTER_PORT}" in script, exporters_script
