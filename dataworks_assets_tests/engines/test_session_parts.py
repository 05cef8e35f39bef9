"""Where a session in this process keeps what its JVM writes. Spark's own start is a fake here."""

from __future__ import annotations

import os
from types import SimpleNamespace

import dagster_pyspark
import pytest

from dataworks_assets.engines.session import SessionEngine
from dataworks_assets_tests.engines.conftest import make_submission
from spark.contract import StoreSettings


@pytest.fixture
def started(monkeypatch):
    """What each session that was opened was given: its properties, and the variables of its JVM."""
    seen = []

    def open_session(spark_config):
        seen.append((spark_config, {name: os.environ[name] for name in ("TMPDIR", "SPARK_SUBMIT_OPTS")}))
        return SimpleNamespace(spark_context=None)

    monkeypatch.setattr(dagster_pyspark, "LazyPySparkResource", open_session)
    return seen


def test_all_of_it_lies_in_one_folder_of_this_process(started, tmp_path):
    engine = SessionEngine(tmp_path / "work")
    for _ in range(2):
        engine._open_context(make_submission("done", StoreSettings(scheme="memory"), "memory://parts"))
    (folder,) = (tmp_path / "work").iterdir()
    assert folder.name.startswith(f"{os.getpid()}-")
    for properties, variables in started:
        assert properties["spark.local.dir"] == str(folder)
        assert variables == {"TMPDIR": str(folder), "SPARK_SUBMIT_OPTS": f'-Djava.io.tmpdir="{folder}"'}
