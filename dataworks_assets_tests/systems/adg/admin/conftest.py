"""A day that is complete, with its row, and an operator."""

import pytest
from dagster import DagsterInstance

from dataworks_assets.systems.adg.admin import LedgerAdmin
from dataworks_assets_tests.systems.adg.whole_path import DAY, World, documents

LEDGER = {"status_table": "rows", "completion_topic": "arn:completion", "pdm": {"topic": "arn:pdm", "window": {}}}


@pytest.fixture
def world():
    """A day that is complete, with its row."""
    made = World(deployment_fields={"ledger": LEDGER})
    for topic in ("db.core.statement", "db.core.claimant"):
        made.write(topic, DAY, documents(1))
    made.run_recorded(correlation_id="c-1")
    return made


@pytest.fixture
def platform(world):
    made = world.platform
    made.caller_identity = lambda: "arn:aws:iam::1:role/operator"
    return made


@pytest.fixture
def admin(world, platform):
    return LedgerAdmin(platform, world.scope)


@pytest.fixture
def instance():
    with DagsterInstance.ephemeral() as made:
        yield made
