"""Jars that pyspark lacks: the few for S3, with versions pinned in `spark/pom.xml` and content in `spark/jars.sha256`.

Fetched once into the state folder, by Maven if it is installed, else by the Ivy among pyspark's jars (which needs only Java),
and used only if every byte is as pinned. The same holds for the exporters of nodes (`spark/exporters`). Run as a program, it
fetches them and reports what it did; with the argument `hive31`, those of a Hive 3.1 metastore (`spark/hive31`), which only
`make test-hive31` needs.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as Xml

from rich.console import Console

import spark
from dataworks_assets.stack.java import TRUST_STORE_PASSWORD, find_java_home, is_wheels, write_trust_store
from dataworks_assets.stack.state import default_home
from spark.errors import StackError

_ROOT = Path(spark.__file__).parent

_POM = "{http://maven.apache.org/POM/4.0.0}"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_TIMEOUT_SECONDS = 600
_CENTRAL = "https://repo1.maven.org/maven2/"


class Artifact(NamedTuple):
    """One pinned jar, by its Maven coordinates."""

    group: str
    name: str
    version: str


@dataclass(frozen=True)
class JarSet:
    """Jars that are fetched together.

    Attributes:
        pins: the folder of their `pom.xml` and `jars.sha256`.
        folder: name of the folder in this machine's state folder that holds them.
        megabytes: their total size.
        is_flat: whether the pom names every one of them, so that Ivy can fetch them as well as Maven.
    """

    pins: Path
    folder: str
    megabytes: int
    is_flat: bool = True

    @property
    def pom(self) -> Path:
        """The file that pins what is fetched."""
        return self.pins / "pom.xml"

    @property
    def checksums(self) -> Path:
        """The file that pins its content."""
        return self.pins / "jars.sha256"


SPARK = JarSet(_ROOT, folder="jars", megabytes=6)
"""What Spark and the metastore need for S3 in addition to pyspark's own jars."""
EXPORTERS = JarSet(_ROOT / "exporters", folder="exporter-jars", megabytes=3)
"""The exporter that Prometheus scrapes in Hadoop's daemons on EMR nodes."""
HIVE31 = JarSet(_ROOT / "hive31", folder="hive31-jars", megabytes=77, is_flat=False)
"""A Hive 3.1 metastore."""


def read_artifacts(pom: Path = SPARK.pom) -> tuple[Artifact, ...]:
    """Returns the pom's dependencies in file order."""
    found = Xml.parse(pom).getroot().iterfind(f".//{_POM}dependency")  # noqa: S314 - our own file
    fields = ("groupId", "artifactId", "version")
    return tuple(Artifact(*(dependency.findtext(_POM + field, "") for field in fields)) for dependency in found)


def read_checksums(path: Path = SPARK.checksums) -> dict[str, str]:
    """Returns each jar's lower-case hex SHA-256 by file name, as `sha256sum` writes them."""
    pairs = (line.split() for line in path.read_text().splitlines() if line.strip())
    return {name: digest for digest, name in pairs}


def find_faults(directory: Path, jars: JarSet = SPARK) -> list[str]:
    """Returns what is wrong with the jars in a folder, one text per jar; empty if all are as pinned."""
    faults = []
    for name, digest in read_checksums(jars.checksums).items():
        path = directory / name
        if not path.is_file():
            faults.append(f"{name} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            faults.append(f"{name} is not what was pinned")
    return faults


def ensure_jars(directory: Path, *, jars: JarSet = SPARK, say: Callable[[str], None] = lambda _: None) -> tuple[Path, ...]:
    """Makes sure that a folder holds the pinned jars, and fetches them if not.

    Args:
        directory: the folder; created if missing.
        jars: which ones.
        say: called with a line of progress.

    Returns:
        The jars' paths.

    Raises:
        StackError: they could not be fetched, or are not as pinned.
    """
    names = read_checksums(jars.checksums)
    if find_faults(directory, jars):
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=directory) as folder:
            _fetch(Path(folder), jars, say=say)
            for name in names:
                (Path(folder) / name).replace(directory / name)
        say(f"Fetched {_counted(names)} into {directory}")
    return tuple(directory / name for name in names)


def _counted(names: Collection[str]) -> str:
    return f"{len(names)} jar{'s' if len(names) > 1 else ''}"


def _fetch(directory: Path, jars: JarSet, *, say: Callable[[str], None]) -> None:
    reasons, names = [], read_checksums(jars.checksums)
    for tool, command in _commands(directory, jars).items():
        say(f"Fetching {_counted(names)} ({jars.megabytes} MB) with {tool} ...")
        reason = _run(command)
        faults = find_faults(directory, jars)
        if not faults:
            return
        reasons.append(f"{tool}: {reason or '; '.join(faults)}")
    raise StackError(
        "jars could not be fetched. " + (" | ".join(reasons) or "Maven is needed, and `mvn` is not there"),
        where=str(jars.pom),
        remedy="Check the way to Maven Central (a proxy, a mirror in Maven's settings.xml) and run the same again",
    )


def _commands(directory: Path, jars: JarSet) -> dict[str, list[str]]:
    maven = shutil.which("mvn")
    commands = {}
    if maven:
        commands["Maven"] = [maven, "-q", "-B", "-ntp", "-f", str(jars.pom), _COPY, f"-DoutputDirectory={directory}"]
    return commands | ({"Ivy": _ivy_command(directory, jars)} if jars.is_flat else {})


def _ivy_command(directory: Path, jars: JarSet) -> list[str]:
    """The command for Ivy, with only Maven Central, so that an incomplete local Maven repository cannot mislead it."""
    import pyspark

    dependencies = "".join(
        f'<dependency org="{artifact.group}" name="{artifact.name}" rev="{artifact.version}" conf="default->master"/>'
        for artifact in read_artifacts(jars.pom)
    )
    module = directory / "ivy.xml"
    module.write_text(
        '<ivy-module version="2.0"><info organisation="dataworks" module="spark-jars"/>'
        f'<configurations><conf name="default"/></configurations><dependencies>{dependencies}</dependencies></ivy-module>'
    )
    settings = directory / "ivysettings.xml"
    settings.write_text(
        f'<ivysettings><settings defaultResolver="central"/><caches defaultCacheDir="{directory / "cache"}"/>'
        f'<resolvers><ibiblio name="central" m2compatible="true" root="{_CENTRAL}"/></resolvers></ivysettings>'
    )
    classes = Path(pyspark.__file__).parent / "jars" / "*"
    java_home, store = find_java_home(), directory / "authorities.p12"
    trust = []
    if is_wheels(java_home) and write_trust_store(store):
        trust = [f"-Djavax.net.ssl.trustStore={store}", f"-Djavax.net.ssl.trustStorePassword={TRUST_STORE_PASSWORD}"]
    java = [str(java_home / "bin" / "java"), *trust, "-cp", str(classes), "org.apache.ivy.Main", "-warn"]
    target = str(directory / "[artifact]-[revision].[ext]")
    return [*java, "-settings", str(settings), "-ivy", str(module), "-confs", "default", "-retrieve", target]


def _run(command: list[str]) -> str:
    """Runs a program and returns why it failed; empty when it did not."""
    environment = dict(os.environ)
    if "JAVA_HOME" not in environment:
        environment["JAVA_HOME"] = str(find_java_home())
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS, env=environment)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return ""
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return " ".join(lines[-3:]) or f"exit code {done.returncode}"


def main() -> None:
    """Fetches the jars into the state folder, or says that they are already there."""
    console = Console(highlight=False)
    for jars in (HIVE31,) if sys.argv[1:] == ["hive31"] else (SPARK, EXPORTERS):
        ensure_jars(default_home(os.environ) / jars.folder, jars=jars, say=console.print)


if __name__ == "__main__":
    main()
