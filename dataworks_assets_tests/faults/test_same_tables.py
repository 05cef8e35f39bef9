"""The emulated deployment's demo ends with the same tables as the local one's: row for row, schema for schema."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dataworks_assets.stack.jars import EXPORTERS, SPARK
from dataworks_assets_tests.conftest import JARS

pytestmark = pytest.mark.faults


class Home:
    """A deployment in a folder of its own, by its commands."""

    def __init__(self, folder: Path, deployment: str) -> None:
        self.deployment = deployment
        self.environment = {**os.environ, "DATAWORKS_HOME": str(folder), "COLUMNS": "200"}
        self.environment.pop("DAGSTER_HOME", None)
        folder.mkdir()
        for jars in (SPARK, EXPORTERS):
            (folder / jars.folder).symlink_to(JARS.with_name(jars.folder))

    def __call__(self, *arguments: str) -> str:
        command = [str(Path(sys.executable).with_name("dataworks")), "-d", self.deployment, *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def demonstrated(self) -> str:
        """Runs the demo to its end and returns what its tables hold."""
        self("demo", "--once")
        return self("contents", "--json")


def demonstrated(folder: Path) -> tuple[Home, Path]:
    """Runs both demos; returns the emulated deployment, still up, and the file that says what the local one's tables hold."""
    folder.mkdir()
    local, emulated = (Home(folder / name, name) for name in ("local", "emulated"))
    try:
        (folder / "local.json").write_text(local.demonstrated())
    finally:
        local("stack", "down")
    emulated.demonstrated()
    return emulated, folder / "local.json"


def test_the_emulated_deployment_ends_with_the_same_tables_as_the_local_one(tmp_path):
    begun = datetime.now(UTC).date()
    emulated, held = demonstrated(tmp_path / "first")
    if datetime.now(UTC).date() != begun:  # the partner's days are the last until yesterday: at midnight they are others
        emulated("stack", "down")
        emulated, held = demonstrated(tmp_path / "second")
    try:
        assert emulated("contents", "--against", str(held)).startswith("The same: ")
    finally:
        emulated("stack", "down")
    databases = {each["table"].partition(".")[0] for each in json.loads(held.read_text())}
    assert {"analytical_dataset_generation", "uc_kickstart"} <= databases
