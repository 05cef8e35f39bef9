"""A Spark standalone cluster of real processes out of pyspark's own jars, authenticated and encrypted."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import requests

from dataworks_assets.engines.properties import AUTHENTICATION_VARIABLE
from dataworks_assets.engines.submit import find_spark_home
from dataworks_assets.stack.java import find_java_home

SECRET = "a secret of the test cluster"
_OPTIONS = "-Dspark.authenticate=true -Dspark.network.crypto.enabled=true"
_START_SECONDS = 60


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class StandaloneCluster:
    """A master and workers on the loopback address; `kill_worker` is as brutal as it says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._port, self._ui_port = free_port(), free_port()
        self._workers: list[subprocess.Popen[bytes]] = []
        self._master = self._start("master", "--port", str(self._port), "--webui-port", str(self._ui_port))

    @property
    def master(self) -> str:
        return f"spark://127.0.0.1:{self._port}"

    def start_workers(self, count: int) -> None:
        """Starts workers until `count` are alive and registered."""
        while len(self._workers) < count:
            name = f"worker{time.monotonic_ns()}"
            options = ("--cores", "1", "--memory", "1g", "--work-dir", str(self.folder / name), "--webui-port", "0")
            self._workers.append(self._start("worker", self.master, *options))
        deadline = time.monotonic() + _START_SECONDS
        while self._alive_workers() != count:
            assert time.monotonic() < deadline, f"{count} workers did not come up, see {self.folder}"
            time.sleep(0.3)

    def busy_worker(self) -> subprocess.Popen[bytes] | None:
        """A worker whose executor has started a Python worker."""
        for worker in self._workers:
            family = psutil.Process(worker.pid).children(recursive=True)
            if any("python" in process.name() for process in family):
                return worker
        return None

    def kill_worker(self, worker: subprocess.Popen[bytes]) -> None:
        """Kills a worker, its executors and their Python processes at once."""
        _kill_family(worker)
        self._workers.remove(worker)

    def executors(self) -> list[psutil.Process]:
        """What the workers have started, apart from themselves, as far as it still lives."""
        families = [psutil.Process(worker.pid).children(recursive=True) for worker in self._workers]
        return [child for family in families for child in family if _is_alive(child)]

    def stop(self) -> None:
        for process in [*self._workers, self._master]:
            _kill_family(process)

    def _alive_workers(self) -> int:
        try:
            state: dict[str, Any] = requests.get(f"http://127.0.0.1:{self._ui_port}/json/", timeout=2).json()
        except requests.RequestException:
            return -1
        return int(state["aliveworkers"])

    def _start(self, role: str, *arguments: str) -> subprocess.Popen[bytes]:
        main = f"org.apache.spark.deploy.{role}.{role.capitalize()}"
        environment = {
            **os.environ,
            AUTHENTICATION_VARIABLE: SECRET,
            "JAVA_HOME": str(find_java_home()),
            "SPARK_HOME": str(find_spark_home()),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_MASTER_OPTS": _OPTIONS,
            "SPARK_WORKER_OPTS": _OPTIONS,
        }
        command = [f"{environment['SPARK_HOME']}/bin/spark-class", main, "--host", "127.0.0.1", *arguments]
        with (self.folder / f"{role}.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _kill_family(process: subprocess.Popen[bytes]) -> None:
    try:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait(10)
