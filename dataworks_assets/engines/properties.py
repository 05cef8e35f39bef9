"""Spark properties of an application: what every one gets, which encryption its master allows, how a file of them is written.

What one deployment or one job wants differently is given by the caller and wins.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

import spark
from spark.errors import ConfigurationError
from spark.jobs import daemon

AUTHENTICATION_VARIABLE = "_SPARK_AUTH_SECRET"
"""Spark's own name for the secret its processes authenticate and encrypt with."""

PROJECT_FOLDER = Path(spark.__file__).resolve().parents[1]
RUNNER_PATH = PROJECT_FOLDER / "spark" / "jobs" / "runner.py"

JAVA_OPTIONS = "spark.driver.extraJavaOptions"
_QUICK_START = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""The JVM schedules, Python works: without its second compiler an application costs half the processor time to start."""

_TASK_VARIABLES = re.compile(r"AWS_\w+|PYTHONPATH|SSL_CERT_FILE")


def is_local(master: str) -> bool:
    """Whether tasks run inside the driver's JVM and its children."""
    return master.startswith("local")


def common_properties(*, memory: str) -> dict[str, str]:
    """Returns what applications have in common: encryption of what Spark spills, quiet, this environment's Python."""
    return {
        "spark.driver.memory": memory,
        "spark.io.encryption.enabled": "true",
        "spark.network.crypto.enabled": "true",
        "spark.authenticate": "true",
        "spark.pyspark.python": sys.executable,
        "spark.log.level": "WARN",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
    }


def local_properties() -> dict[str, str]:
    """Returns what applications have in common whose tasks run on this machine, where this environment's modules are."""
    return {"spark.python.daemon.module": daemon.__name__, JAVA_OPTIONS: _QUICK_START}


def task_properties(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the properties that hand the variables tasks need (credentials, module path) to Python workers anywhere."""
    return {f"spark.executorEnv.{name}": value for name, value in environment.items() if _TASK_VARIABLES.fullmatch(name)}


def authentication_properties(master: str, properties: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the secret a standalone cluster authenticates and encrypts with, as the driver wants it: a property.

    Spark makes up a secret by itself in local mode and on YARN; a standalone master has one of its own.

    Raises:
        ConfigurationError: the secret is wanted and not in the environment; nothing is spoken in clear by oversight.
    """
    if not master.startswith("spark://") or properties.get("spark.authenticate") != "true":
        return {}
    if not environment.get(AUTHENTICATION_VARIABLE):
        raise ConfigurationError(
            "a standalone cluster needs its authentication secret",
            where=master,
            remedy=(
                f"Set {AUTHENTICATION_VARIABLE} in the environment of this process, of the master and of the workers;"
                " or, where nobody else can listen, spark.authenticate and spark.network.crypto.enabled to false in spark_conf"
            ),
        )
    return {"spark.authenticate.secret": environment[AUTHENTICATION_VARIABLE]}


def write_properties(path: Path, properties: Mapping[str, str]) -> None:
    """Writes a properties file that only this user can read: on a command line everybody could read the values."""
    path.touch(mode=0o600)
    lines = [f"{name}={_escape(value)}\n" for name, value in sorted(properties.items())]
    path.write_text("".join(lines), encoding="utf-8")


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")
