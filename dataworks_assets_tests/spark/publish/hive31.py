"""Hive 3.1's metastore, as EMR runs it: beside the stack's own 2.3, over the same object store, out of jars of its own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark

from dataworks_assets.stack import metastore, object_server
from dataworks_assets.stack.jars import HIVE31, SPARK, find_faults
from dataworks_assets.stack.java import find_java_home
from dataworks_assets.stack.ports import choose_ports
from dataworks_assets.stack.service import Surroundings
from dataworks_assets.stack.state import StackState

_FROM_PYSPARK = (
    "derby", "commons-cli", "commons-collections-3", "commons-io", "commons-lang-2", "commons-logging", "httpclient",
    "httpcore", "jackson-annotations", "jackson-core-2", "jackson-databind", "joda-time",
)  # fmt: skip
"""Beginnings of the names of jars that the metastore and its access to S3 take from pyspark, before its own older ones."""
_OPTIONS = {
    # As EMR has it; the stack's own metastore is laxer.
    "hive.metastore.disallow.incompatible.col.type.changes": "true",
    "metastore.disallow.incompatible.col.type.changes": "true",
    "metastore.schema.verification": "false",
    "metastore.expression.proxy": "org.apache.hadoop.hive.metastore.DefaultPartitionExpressionProxy",
    "metastore.task.threads.always": "org.apache.hadoop.hive.metastore.events.EventCleanerTask",
    "javax.jdo.option.ConnectionDriverName": "org.apache.derby.jdbc.EmbeddedDriver",
}
_READY_SECONDS = 120


@contextmanager
def running_hive31(stack: StackState, home: Path, jars: Path) -> Iterator[str]:
    """Starts the metastore and returns its address; ends it.

    Args:
        stack: whose object store and whose jars for S3 it uses.
        home: its folder.
        jars: where `make test-hive31` put its jars.
    """
    assert not find_faults(jars, HIVE31), "run `make test-hive31`, which fetches the jars first"
    ports = {metastore.NAME: choose_ports(["main"], kept={}), object_server.NAME: {"main": _port(stack.s3_endpoint)}}
    around = Surroundings(home=home, java_home=find_java_home(), jars_directory=stack.jars_directory, ports=ports)
    metastore.SERVICE.prepare(around)
    with (home / "metastore.log").open("wb") as log:
        process = subprocess.Popen(_command(around, jars), cwd=home, stdout=log, stderr=log)
        try:
            _wait_until_ready(around, process, home / "metastore.log")
            yield metastore.SERVICE.url(around)
        finally:
            process.terminate()
            process.wait(30)


def _command(around: Surroundings, jars: Path) -> list[str]:
    command = metastore.SERVICE.command(around)
    at = command.index("-cp")
    pysparks = sorted((Path(pyspark.__file__).parent / "jars").iterdir())
    taken = [jar for jar in pysparks if jar.name.startswith(_FROM_PYSPARK)]
    for_s3 = [around.jars_directory / name for name in _names(SPARK.checksums)]
    class_path = [around.directory(metastore.NAME) / "conf", *taken, *for_s3, jars / "*"]
    options = {**_OPTIONS, "metastore.warehouse.dir": f"file:{around.home / 'warehouse'}"}
    said = [f"-D{name}={value}" for name, value in options.items()]
    return [*command[:at], *said, "-cp", ":".join(map(str, class_path)), *command[at + 2 :]]


def _names(checksums: Path) -> list[str]:
    return [line.split()[1] for line in checksums.read_text().splitlines()]


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _wait_until_ready(around: Surroundings, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            metastore.SERVICE.check_ready(around)
        except metastore.SERVICE.not_ready:
            assert time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.5)
        else:
            return
