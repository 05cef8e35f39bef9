"""Spark properties of an application: common ones, the encryption that its master allows, and how a file of them is written.

Properties that the caller gives for a deployment or a job take precedence.
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
"""Spark's environment variable for the secret with which its processes authenticate and encrypt."""

PROJECT_FOLDER = Path(spark.__file__).resolve().parents[1]
RUNNER_PATH = PROJECT_FOLDER / "spark" / "jobs" / "runner.py"

JAVA_OPTIONS = "spark.driver.extraJavaOptions"
_QUICK_START = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""Without the JVM's second compiler an application takes half the CPU time to start; the JVM only schedules, Python works."""

_TASK_VARIABLES = re.compile(r"AWS_\w+|PYTHONPATH|SSL_CERT_FILE")


def is_local(master: str) -> bool:
    """Whether tasks run inside the driver's JVM and its children."""
    return master.startswith("local")


def common_properties(*, memory: str) -> dict[str, str]:
    """Returns the properties of every application: encrypted spill files, little output, this environment's Python."""
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
    """Returns the common properties of applications whose tasks run on this machine, with this environment's modules."""
    return {"spark.python.daemon.module": daemon.__name__, JAVA_OPTIONS: _QUICK_START}


def task_properties(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the properties that pass the variables tasks need (credentials, module path) to Python workers anywhere."""
    return {f"spark.executorEnv.{name}": value for name, value in environment.items() if _TASK_VARIABLES.fullmatch(name)}


def authentication_properties(master: str, properties: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the secret with which a standalone cluster authenticates and encrypts, as the property that the driver needs.

    Spark generates a secret by itself in local mode and on YARN; a standalone master has its own.

    Raises:
        ConfigurationError: the secret is required but not in the environment; traffic is never left unencrypted by oversight.
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
    """Writes a properties file that only this user can read; on a command line everybody could read the values."""
    path.touch(mode=0o600)
    lines = [f"{name}={_escape(value)}\n" for name, value in sorted(properties.items())]
    path.write_text("".join(lines), encoding="utf-8")


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")
