"""A world for each test."""

import pytest

from dataworks_assets_tests.engines.emr.world import EmrWorld
from dataworks_assets_tests.stack.emr.memory import Clock
from spark.store import ObjectStore


@pytest.fixture
def world(monkeypatch):
    return EmrWorld(Clock(), ObjectStore.in_memory(), monkeypatch)
