"""The nodes of the emulated EMR: one folder a cluster, in which bootstrap actions and steps run as processes of their own.

A node has what EMR's image has (Spark, Python, Java, `aws`, `sudo`) and what its bootstrap actions put there, and no way to
this project's checkout. What names `/opt/dataworks` on a real node is below the folder. Every process dies with the emulator.
"""

from __future__ import annotations

import gzip
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, SIGTERM

from dataworks_assets.engines import leash
from dataworks_assets.stack.emr import configurations, log_streams
from dataworks_assets.stack.emr.images import Images
from dataworks_assets.stack.emr.programs import put_programs
from dataworks_assets.stack.emr.records import Cluster, Step, Work
from dataworks_assets.stack.processes import session_members, signal_all
from spark.errors import StoreError
from spark.store import ObjectStore

REAL_FOLDER = "/opt/dataworks"
"""Where bootstrap actions put things on a real node."""
_CANNOT_RUN = 127
_SPARK_DEFAULTS, _HIVE_SITE = "spark-defaults", "hive-site"
_OF_THE_IMAGE = {
    "spark.master": "local[2]",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


@dataclass
class Process:
    """A program and everything it began; `on_end` is called once, after its end was seen."""

    popen: subprocess.Popen[bytes]
    on_end: Callable[[int], None] = field(default=lambda _: None)
    _seen: bool = False

    def poll(self) -> int | None:
        """See `Work.poll`."""
        code = self.popen.poll()
        if code is not None and not self._seen:
            self._seen = True
            self.on_end(code)
        return code

    def interrupt(self) -> None:
        """See `Work.interrupt`."""
        signal_all(list(session_members(self.popen.pid)), SIGTERM)

    def kill(self) -> None:
        """See `Work.kill`."""
        signal_all(list(session_members(self.popen.pid)), SIGKILL)
        self.popen.wait()


@dataclass(frozen=True)
class Ended:
    """Work that has ended before it began."""

    code: int

    def poll(self) -> int:
        """See `Work.poll`."""
        return self.code

    def interrupt(self) -> None:
        """See `Work.interrupt`."""

    def kill(self) -> None:
        """See `Work.kill`."""


def no_secrets(arn: str) -> str:
    """Knows no secret.

    Raises:
        LookupError: always.
    """
    raise LookupError(f"there is no secret {arn}")


@dataclass
class LocalNodes:
    """Nodes on this machine; see `records.Nodes`.

    Args:
        folder: a cluster is a folder below it, while it lives.
        store: where bootstrap scripts are and logs go.
        environment: what an instance profile and the image give processes: credentials, endpoints, Java.
        spark_home: the image's Spark.
        read_secret: returns a secret's text by its ARN, as EMR's service role reads it; LookupError where it cannot.
        put_lines: puts lines into CloudWatch.
    """

    folder: Path
    store: ObjectStore
    environment: Mapping[str, str]
    spark_home: Path
    read_secret: Callable[[str], str] = no_secrets
    put_lines: log_streams.PutLines = log_streams.keep_nowhere
    _starter: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "starter"))
    """Processes are on the leash of the thread that started them, so that one has to live as long as the emulator."""
    _copier: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "logs"))

    def bootstrap(self, cluster: Cluster) -> Work:
        """See `Nodes.bootstrap`."""
        node = self._make_node(cluster)
        self._images.give(_versions(cluster), self._real_folder(node))
        lines = ["set -eu"]
        for number, action in enumerate(cluster.request.get("BootstrapActions", ()), 1):
            script = action["ScriptBootstrapAction"]
            path = node / "bootstrap" / f"{number}.sh"
            try:
                path.write_bytes(self.store.read(script["Path"]))
            except StoreError as error:
                path.write_text(f"echo {shlex.quote(str(error))} >&2; exit 1\n")
            arguments = [argument.replace(REAL_FOLDER, f"{node}{REAL_FOLDER}") for argument in script.get("Args", ())]
            lines.append(shlex.join(["bash", str(path), *arguments]))
        (node / "bootstrap" / "all.sh").write_text("\n".join(lines) + "\n")
        process = self._run(node, ["bash", str(node / "bootstrap" / "all.sh")], node / "bootstrap")
        logs = f"{cluster.id}/node/i-{cluster.id[2:]}/bootstrap-actions/1"

        def on_end(code: int) -> None:
            if code == 0:
                self._images.keep(_versions(cluster), self._real_folder(node))
            self._copy_logs(cluster, node / "bootstrap", logs)

        process.on_end = on_end
        return process

    def start(self, cluster: Cluster, step: Step) -> Work:
        """See `Nodes.start`."""
        node = self._node(cluster)
        place = node / "steps" / step.id
        place.mkdir(parents=True)
        command = [argument.replace(REAL_FOLDER, f"{node}{REAL_FOLDER}") for argument in step.args]
        (place / "controller").write_text(f"INFO startExec 'hadoop jar {step.jar} {shlex.join(step.args)}'\n")
        if step.jar != "command-runner.jar" or not command:
            (place / "stderr").write_text(f"{step.jar} is not emulated: use command-runner.jar\n")
            return Ended(_CANNOT_RUN)
        if shutil.which(command[0], path=self._path(node)) is None:
            (place / "stderr").write_text(f'Cannot run program "{command[0]}": No such file or directory\n')
            return Ended(_CANNOT_RUN)
        process = self._run(node, command, place)
        process.on_end = lambda code: self._note(place, f"INFO total process run ended with exit code {code}")
        return process

    def keep_logs(self, cluster: Cluster, step: Step) -> None:
        """See `Nodes.keep_logs`."""
        place = self._node(cluster) / "steps" / step.id
        self._note(place, f"INFO Step {step.id} ended as {step.state}")
        self._copy_logs(cluster, place, f"{cluster.id}/steps/{step.id}")
        logs = {name: _content(place / name) for name in ("stdout", "stderr")}
        self._copier.submit(log_streams.ship_step, cluster.request, cluster.id, step.id, logs, self.put_lines)

    def free(self, cluster: Cluster) -> None:
        """See `Nodes.free`."""
        self._copier.submit(shutil.rmtree, self._node(cluster), ignore_errors=True)

    def close(self) -> None:
        """Waits until every log has been copied."""
        self._copier.shutdown()

    def _path(self, node: Path) -> str:
        return f"{node / 'bin'}:{self.spark_home / 'bin'}:/usr/local/bin:/usr/bin:/bin"

    @property
    def _images(self) -> Images:
        return Images(self.folder / "images")

    def _node(self, cluster: Cluster) -> Path:
        return self.folder / cluster.id

    @staticmethod
    def _real_folder(node: Path) -> Path:
        """Where on a node's folder lies what is at `REAL_FOLDER` on a real node."""
        return Path(f"{node}{REAL_FOLDER}")

    def _make_node(self, cluster: Cluster) -> Path:
        node = self._node(cluster)
        for name in ("bin", "bootstrap", "conf/hive", "opt", "steps", "tmp"):
            (node / name).mkdir(parents=True)
        put_programs(node / "bin")
        given = {
            name: value.replace(REAL_FOLDER, f"{node}{REAL_FOLDER}")
            for configuration in cluster.request.get("Configurations", ())
            if configuration["Classification"] == _SPARK_DEFAULTS
            for name, value in configuration.get("Properties", {}).items()
        }
        master = {"spark.master": _OF_THE_IMAGE["spark.master"]}  # whatever the configuration says of YARN
        self._configure_hive(cluster, node)
        defaults = _OF_THE_IMAGE | {"spark.local.dir": str(node / "tmp")} | given | master
        (node / "conf" / "spark-defaults.conf").write_text("".join(f"{name} {value}\n" for name, value in defaults.items()))
        return node

    def _configure_hive(self, cluster: Cluster, node: Path) -> None:
        """Writes Hive's configuration where the cluster has one: the one place where the secrets that it names stand."""
        for configuration in cluster.request.get("Configurations", ()):
            if configuration["Classification"] == _HIVE_SITE:
                properties = configurations.resolved(configuration.get("Properties", {}), self.read_secret)
                configurations.write_site(node / "conf" / "hive" / "hive-site.xml", properties)

    def _run(self, node: Path, command: Sequence[str], place: Path) -> Process:
        """Starts a program on a node, its output in files of `place`."""
        environment = {
            **self.environment,
            "PATH": self._path(node),
            "HOME": str(node),
            "TMPDIR": str(node / "tmp"),
            "SPARK_HOME": str(self.spark_home),
            "SPARK_CONF_DIR": str(node / "conf"),
            "HIVE_CONF_DIR": str(node / "conf" / "hive"),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_SUBMIT_OPTS": f'-Djava.io.tmpdir="{node / "tmp"}"',
            "DATAWORKS_NODE_FOLDER": f"{node}{REAL_FOLDER}",
            "DATAWORKS_NODE_UNITS": str(node / "units"),
        }
        return self._starter.submit(_start, command, place, environment).result()

    def _copy_logs(self, cluster: Cluster, place: Path, below: str) -> None:
        if cluster.log_uri is None:
            return
        logs = {name: _content(place / name) for name in ("controller", "stdout", "stderr")}
        for name, content in logs.items():
            self._copier.submit(self._copy, f"{cluster.log_uri}/{below}/{name}.gz", content)

    def _copy(self, uri: str, content: bytes) -> None:
        with suppress(StoreError):  # as on EMR, a log that cannot be written is missing, and nothing else
            self.store.put(uri, gzip.compress(content, 1))

    @staticmethod
    def _note(place: Path, line: str) -> None:
        with suppress(FileNotFoundError), (place / "controller").open("a") as log:
            log.write(f"{line}\n")


def _start(command: Sequence[str], place: Path, environment: Mapping[str, str]) -> Process:
    whole = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), *command]
    with (place / "stdout").open("wb") as stdout, (place / "stderr").open("wb") as stderr:
        return Process(
            subprocess.Popen(
                whole,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                cwd=place,
                env=dict(environment),
                start_new_session=True,
            )
        )


def _versions(cluster: Cluster) -> list[str]:
    """Returns the words among the arguments of a cluster's bootstrap actions: one of them is the environment's version."""
    actions = cluster.request.get("BootstrapActions", ())
    given = [argument for action in actions for argument in action["ScriptBootstrapAction"].get("Args", ())]
    return [argument for argument in given if argument.isalnum()]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
