"""Prometheus exporters on EMR's nodes: the node exporter's program, and the JVM options that give Hadoop's daemons theirs.

`spark/bootstrap/exporters.sh` installs them on a node.
"""

from __future__ import annotations

import platform
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dataworks_assets.config.nodes import JMX_PORTS, ExportersConfig
from dataworks_assets.engines.emr.environment import THIS_MACHINE
from spark.errors import ConfigurationError
from spark.store import ObjectStore

JMX_AGENT, NODE_EXPORTER = "jmx_agent", "node_exporter"
"""The exporters' names among the artefacts."""
DEBIANS = Path("/usr/bin/prometheus-node-exporter")
"""The path of the program in Debian's package of the same name."""
_FOLDER = "/opt/dataworks/exporters"
_OPTIONS = {
    "hadoop-env": {"HADOOP_NAMENODE_OPTS": "NameNode", "HADOOP_DATANODE_OPTS": "DataNode"},
    "yarn-env": {"YARN_RESOURCEMANAGER_OPTS": "ResourceManager", "YARN_NODEMANAGER_OPTS": "NodeManager"},
}
"""Variables of the daemons' environment by classification. Hadoop 3 calls the first two HDFS_*_OPTS, and lets these, which
EMR's documentation has, go before them."""
_MACHINES = {"x86_64": 62, "aarch64": 183}
_ELF, _MACHINE = b"\x7fELF", slice(18, 20)
_GLIBC = re.compile(rb"GLIBC_2\.(\d+)")
_GLIBC_OF_NODES = 34
"""Amazon Linux 2023 has glibc 2.34."""


def configurations() -> list[dict[str, Any]]:
    """Returns the classifications by which each of Hadoop's daemons runs the JMX exporter on its port.

    A value names only the agent and does not extend the variable's previous value: scripts read these files more than once,
    and an agent that is named twice finds its port taken, which ends the daemon.
    """
    return [
        {
            "Classification": classification,
            "Properties": {},
            "Configurations": [
                {
                    "Classification": "export",
                    "Properties": {name: _agent(JMX_PORTS[daemon]) for name, daemon in variables.items()},
                }
            ],
        }
        for classification, variables in _OPTIONS.items()
    ]


@contextmanager
def node_exporter(
    config: ExportersConfig, store: ObjectStore, *, python: str, say: Callable[[str], None] = lambda _: None
) -> Iterator[Mapping[str, Path]]:
    """Returns the node exporter for the nodes, by its name among artefacts; empty, with a message, if there is none for them.

    Args:
        config: says which program.
        store: where it is read from if it is an object.
        python: which nodes: `x86_64`, `aarch64`, `this machine`.
        say: called with a message if it is left out.

    Raises:
        ConfigurationError: the configured program does not exist, or is not for these nodes.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = _program(config, store, Path(folder))
        reason = _misfit(path, python)
        if not reason:
            yield {NODE_EXPORTER: path}
        elif config.node_exporter is not None:
            raise ConfigurationError(
                f"the node exporter {reason}",
                where=f"engine.emr.exporters.node_exporter: {config.node_exporter}",
                remedy="Name the program for the nodes' processors, as Prometheus publishes it for Linux",
            )
        else:
            say(
                f"left out: the node exporter (port 9100), for {path} {reason}. Install Debian's prometheus-node-exporter on a"
                " machine with the nodes' processors, or name a program in engine.emr.exporters.node_exporter"
            )
            yield {}


def _agent(port: int) -> str:
    return f"-javaagent:{_FOLDER}/jmx_prometheus_javaagent.jar={port}:{_FOLDER}/jmx.yml"


def _program(config: ExportersConfig, store: ObjectStore, folder: Path) -> Path:
    named = config.node_exporter
    if named is None or "://" not in named:
        return Path(named or DEBIANS)
    path = folder / NODE_EXPORTER
    path.write_bytes(store.read(named))
    return path


def _misfit(path: Path, python: str) -> str:
    """Returns why a program cannot run on the nodes; empty if it can."""
    if not path.is_file():
        return "is not there"
    body = path.read_bytes()
    if not body.startswith(_ELF):
        return "is no program for Linux"
    nodes = platform.machine() if python == THIS_MACHINE else python
    if int.from_bytes(body[_MACHINE], "little") != _MACHINES.get(nodes):
        return f"is not for {nodes}"
    needs = max((int(found) for found in _GLIBC.findall(body)), default=0)
    if python != THIS_MACHINE and needs > _GLIBC_OF_NODES:
        return f"needs glibc 2.{needs}, and nodes have 2.{_GLIBC_OF_NODES}"
    return ""
