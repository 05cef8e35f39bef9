"""Dagster's own command line in a process of its own, as a user has it in a shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from dagster import DagsterInstance

from dataworks_assets.engines.properties import PROJECT_FOLDER

_NOT_PASSED_ON = ("DATAWORKS_", "AWS_", "DAGSTER_", "SPARK_", "PYSPARK_")


def start_materializing(home: Path, instance: DagsterInstance, *arguments: str) -> subprocess.Popen[str]:
    """Starts `dagster asset materialize -m dataworks_assets.definitions` in an environment that names only the two folders."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)}
    return subprocess.Popen(
        [
            str(Path(sys.executable).with_name("dagster")),
            "asset",
            "materialize",
            "-m",
            "dataworks_assets.definitions",
            *arguments,
        ],
        cwd=PROJECT_FOLDER,
        env={**inherited, "DATAWORKS_HOME": str(home), "DAGSTER_HOME": instance.root_directory},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def materialize(home: Path, instance: DagsterInstance, *arguments: str, timeout_seconds: float = 240.0) -> tuple[int, str]:
    """Runs the command to its end and returns its exit code and what it wrote."""
    process = start_materializing(home, instance, *arguments)
    try:
        written, _ = process.communicate(timeout=timeout_seconds)
    finally:
        process.kill()
    return process.returncode, written


def application_logs(home: Path, run_id: str) -> list[Path]:
    """The logs of a run's applications, one each."""
    return sorted((home / "logs" / "applications").glob(f"{run_id}-*.log"))
