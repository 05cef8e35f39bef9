"""What tests of all rooms share: one embedded stack a session, one Spark session over it, a prefix of its own for each test."""

from __future__ import annotations

import json
import os
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from dataworks_assets.engines.work_folder import temporary_variables
from dataworks_assets.stack import lifecycle
from dataworks_assets.stack.emr import service as emr_service
from dataworks_assets.stack.state import OUTPUT_BUCKET, StackState, default_home
from dataworks_assets_tests.faults import counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

JARS = default_home({}) / "jars"
"""The jars are fetched once, by `make setup`, and shared by every stack that tests start."""

settings.register_profile("dataworks", deadline=None)  # no example of a property fails because a machine is slow
settings.load_profile("dataworks")


def pytest_configure(config: pytest.Config) -> None:
    """Whichever process strikes, the count is told at the end."""
    config.pluginmanager.register(counts)


@pytest.fixture(autouse=True)
def default_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 keeps the credentials of its first client for good: each test gets those of its own environment."""
    if "boto3" in sys.modules:
        monkeypatch.setattr("boto3.DEFAULT_SESSION", None)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackState]:
    """A whole stack of this test session's own, its credentials and endpoints in this process's environment."""
    home = tmp_path_factory.mktemp("stack")
    try:
        state = lifecycle.up(home, jars_directory=JARS)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in state.environment().items():
                patch.setenv(name, value)
            yield state
    finally:
        lifecycle.down(home)


@pytest.fixture(scope="session")
def emr_stack(stack: StackState) -> StackState:
    """The session's stack with the emulated EMR, whose states are short."""
    folder = stack.home / emr_service.NAME
    folder.mkdir(exist_ok=True)
    (folder / emr_service.DELAYS_FILE).write_text(json.dumps({"starting": 0.1, "terminating": 0.1}))
    return lifecycle.up(stack.home, jars_directory=JARS, wanted=[emr_service.NAME])


@pytest.fixture(scope="session")
def spark(stack: StackState, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A local session with two cores over the stack's S3 and metastore."""
    from pyspark.sql import SparkSession

    settings = stack.spark_conf() | {
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        "spark.ui.enabled": "false",
        "spark.pyspark.python": sys.executable,
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2]").appName("dataworks tests")
    with pytest.MonkeyPatch.context() as patch:  # of the JVM that is started now
        for name, value in temporary_variables(tmp_path_factory.mktemp("spark")).items():
            patch.setenv(name, value)
        session = builder.config(map=settings).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture
def prefix_uri() -> str:
    """A place in the stack's output bucket that no other test uses."""
    return f"s3://{OUTPUT_BUCKET}/tests/{uuid.uuid4().hex}"


@pytest.fixture
def database() -> str:
    """A database name that no other test uses."""
    return f"test_{uuid.uuid4().hex}"


@pytest.fixture
def project() -> Path:
    """The project's root folder."""
    return Path(__file__).resolve().parents[1]
