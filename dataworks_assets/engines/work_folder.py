"""Folders for what an application's driver writes by the way: made for one process, removed once it is gone."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import psutil

WORK = "work"
"""Where such folders lie, below this machine's state folder."""


def make_work_folder(parent: Path) -> Path:
    """Makes a folder for one application; removes those whose process was killed before it could do so."""
    parent.mkdir(parents=True, exist_ok=True)
    for folder in parent.iterdir():
        owner = folder.name.partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent))


def temporary_variables(folder: Path) -> dict[str, str]:
    """Returns the variables that have a driver's JVM and Python use a folder where they would use the machine's /tmp.

    Not all that the JVM unpacks and makes there does it remove: native libraries where it is killed, a session of Hive
    its folder of resources always.
    """
    return {"TMPDIR": str(folder), "SPARK_SUBMIT_OPTS": f'-Djava.io.tmpdir="{folder}"'}
