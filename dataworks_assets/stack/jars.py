"""The few jars that pyspark lacks for S3: pinned in `spark/pom.xml`, their content in `spark/jars.sha256`.

Fetched once into the state folder, by Maven where it is, else by the Ivy that is among pyspark's jars (which needs Java
alone), and used only when every byte is what was pinned. Run as a program it fetches them and says what it did.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as Xml

from rich.console import Console

import spark
from dataworks_assets.stack.java import TRUST_STORE_PASSWORD, find_java_home, is_wheels, write_trust_store
from dataworks_assets.stack.state import default_home
from spark.errors import StackError

_PINS = Path(spark.__file__).parent
POM_PATH = _PINS / "pom.xml"
CHECKSUMS_PATH = _PINS / "jars.sha256"

_POM = "{http://maven.apache.org/POM/4.0.0}"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_TIMEOUT_SECONDS = 600
_CENTRAL = "https://repo1.maven.org/maven2/"


class Artifact(NamedTuple):
    """One pinned jar as a Maven repository names it."""

    group: str
    name: str
    version: str

    @property
    def file_name(self) -> str:
        """The name of the jar in a folder."""
        return f"{self.name}-{self.version}.jar"


def read_artifacts(pom: Path = POM_PATH) -> tuple[Artifact, ...]:
    """Returns the pom's dependencies in file order."""
    found = Xml.parse(pom).getroot().iterfind(f".//{_POM}dependency")  # noqa: S314 - our own file
    fields = ("groupId", "artifactId", "version")
    return tuple(Artifact(*(dependency.findtext(_POM + field, "") for field in fields)) for dependency in found)


def read_checksums(path: Path = CHECKSUMS_PATH) -> dict[str, str]:
    """Returns each jar's lower-case hex SHA-256 by file name, as `sha256sum` writes them."""
    pairs = (line.split() for line in path.read_text().splitlines() if line.strip())
    return {name: digest for digest, name in pairs}


def find_faults(directory: Path) -> list[str]:
    """Returns what is wrong with the jars in a folder, one text a jar; empty when all are what was pinned."""
    faults = []
    for name, digest in read_checksums().items():
        path = directory / name
        if not path.is_file():
            faults.append(f"{name} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            faults.append(f"{name} is not what was pinned")
    return faults


def ensure_jars(directory: Path, *, say: Callable[[str], None] = lambda _: None) -> tuple[Path, ...]:
    """Makes sure that a folder holds the pinned jars, and fetches them where it does not.

    Args:
        directory: the folder; made where it is missing.
        say: called with a line of progress.

    Returns:
        The jars' paths.

    Raises:
        StackError: they could not be fetched, or are not what was pinned.
    """
    if find_faults(directory):
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetch-", dir=directory) as folder:
            _fetch(Path(folder), say=say)
            for name in read_checksums():
                (Path(folder) / name).replace(directory / name)
        say(f"Fetched {len(read_checksums())} jars into {directory}")
    return tuple(directory / name for name in read_checksums())


def _fetch(directory: Path, *, say: Callable[[str], None]) -> None:
    reasons = []
    for tool, command in _commands(directory).items():
        say(f"Fetching {len(read_checksums())} jars (6 MB) with {tool} ...")
        reason = _run(command)
        faults = find_faults(directory)
        if not faults:
            return
        reasons.append(f"{tool}: {reason or '; '.join(faults)}")
    raise StackError(
        "the jars for S3 could not be fetched. " + " | ".join(reasons),
        where=str(POM_PATH),
        remedy="Check the way to Maven Central (a proxy, a mirror in Maven's settings.xml) and run `make setup` again",
    )


def _commands(directory: Path) -> dict[str, list[str]]:
    maven = shutil.which("mvn")
    commands = {}
    if maven:
        commands["Maven"] = [maven, "-q", "-B", "-ntp", "-f", str(POM_PATH), _COPY, f"-DoutputDirectory={directory}"]
    return commands | {"Ivy": _ivy_command(directory)}


def _ivy_command(directory: Path) -> list[str]:
    """Ivy on its own: with Central alone, so that half a repository left by Maven cannot mislead it."""
    import pyspark

    dependencies = "".join(
        f'<dependency org="{artifact.group}" name="{artifact.name}" rev="{artifact.version}" conf="default->master"/>'
        for artifact in read_artifacts()
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
    """Fetches the jars into the state folder and says so; says that they were there otherwise."""
    console = Console(highlight=False)
    ensure_jars(default_home(os.environ) / "jars", say=console.print)


if __name__ == "__main__":
    main()
