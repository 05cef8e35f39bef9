import os
import socket
import subprocess
import time
from pathlib import Path

import pyspark
import pytest

from dataworks_assets_tests.spark.publish.world import Lake

_PROPERTIES = {
    "hive.async.log.enabled": "false",
    "hive.metastore.schema.verification": "false",
    "hive.metastore.disallow.incompatible.col.type.changes": "false",
    "datanucleus.schema.autoCreateAll": "true",
}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def metastore_uri(tmp_path_factory):
    """A Hive metastore of its own for the session; its tables lie in local folders."""
    if "PUBLISH_TEST_METASTORE" in os.environ:
        yield os.environ["PUBLISH_TEST_METASTORE"]
        return
    folder = tmp_path_factory.mktemp("metastore")
    port = _free_port()
    properties = _PROPERTIES | {
        "javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder}/db;create=true",
        "derby.stream.error.file": f"{folder}/derby.log",
        "hive.metastore.warehouse.dir": f"file:{folder}/warehouse",
    }
    command = ["java", "-Xmx512m", *(f"-D{name}={value}" for name, value in properties.items())]
    jars = Path(pyspark.__path__[0]) / "jars"
    command += ["-cp", f"{jars}/*", "org.apache.hadoop.hive.metastore.HiveMetaStore", "-p", str(port)]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log, cwd=folder) as process:
        _wait_for(port, process)
        yield f"thrift://127.0.0.1:{port}"
        process.terminate()


def _wait_for(port: int, process: subprocess.Popen) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, "the metastore ended"
        time.sleep(0.1)
    raise AssertionError("the metastore does not listen")


@pytest.fixture
def lake():
    """A lake in memory, with nothing in it."""
    return Lake()
