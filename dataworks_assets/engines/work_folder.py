"""Folders for an application's temporary files: each belongs to one process and is removed once that is gone."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import psutil

WORK = "work"
"""Parent of these folders, below this machine's state folder."""


def make_work_folder(parent: Path) -> Path:
    """Makes a folder for one application; also removes folders left by processes that were killed."""
    parent.mkdir(parents=True, exist_ok=True)
    for folder in parent.iterdir():
        owner = folder.name.partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent))


def temporary_variables(folder: Path) -> dict[str, str]:
    """Returns the variables that make a driver's JVM and Python use a folder instead of the machine's /tmp.

    The JVM leaves files there: native libraries if it is killed, and a Hive session always leaves its resources folder.
    """
    return {"TMPDIR": str(folder), "SPARK_SUBMIT_OPTS": f'-Djava.io.tmpdir="{folder}"'}
