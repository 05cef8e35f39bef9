"""One world that the reading tests share: a sample of three days, full and incremental, published by two runs of Dagster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from dagster import DagsterInstance

from dataworks_assets.cli.dagster_home import prepare_dagster_home
from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.stack.sample.truth import ExportTruth
from dataworks_assets_tests.conftest import JARS
from dataworks_assets_tests.dagster_runs.world import (
    BAD_DAY,
    DAYS,
    FULL,
    INCREMENTAL,
    Run,
    World,
    in_session,
    local_world,
    make_world,
)


@dataclass(frozen=True)
class Published:
    """The shared world, what its exports hold, and the runs that published them."""

    world: World
    truths: list[ExportTruth]
    full: Run
    incremental: Run

    def truth(self, snapshot_type: str, day) -> ExportTruth:
        (found,) = [
            truth for truth in self.truths if (truth.snapshot_type, truth.export_date) == (str(snapshot_type), day.isoformat())
        ]
        return found


@pytest.fixture(scope="session")
def instance(stack, tmp_path_factory) -> Iterator[DagsterInstance]:
    """Dagster with the project's own set-up, its storage in a folder of this session."""
    home = tmp_path_factory.mktemp("dagster-runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DAGSTER_HOME", raising=False)
        folder = prepare_dagster_home(load_settings("local", environment=Environment(home=home)))
        patch.setenv("DAGSTER_HOME", str(folder))
        with DagsterInstance.from_config(str(folder)) as opened:
            yield opened


@pytest.fixture(scope="session")
def world(stack, instance, tmp_path_factory) -> World:
    """A deployment of its own, with the collections of bad input."""
    return make_world(stack, tmp_path_factory.mktemp("world"), instance, options=["bad_input"])


@pytest.fixture(scope="session")
def session_engine(world, spark):
    """Works in this process: for what does not need an application of its own."""
    return in_session(world)


@pytest.fixture(scope="session")
def published(world) -> Published:
    """Three days, both snapshot types, every configured collection."""
    truths = world.write(DAYS)
    full = world.materialize(FULL, world.names(FULL), DAYS)
    incremental = world.materialize(INCREMENTAL, world.names(INCREMENTAL), DAYS)
    return Published(world, truths, full, incremental)


@pytest.fixture(scope="session")
def bad_run(published, session_engine) -> Run:
    """A run of one more day: two collections that are well, and one of each kind of bad input."""
    world = published.world
    broken = [name for name in world.scope(FULL).collections if name.startswith("broken/")]
    topics = tuple(world.collection(name).job.topic for name in ("core/toDo", "quartz/claimantEvent", *broken))
    world.write([BAD_DAY], topics=topics, snapshot_types=(FULL,), bad=True)
    return world.materialize(FULL, ["core/toDo", "quartz/claimantEvent", *broken], [BAD_DAY], session_engine)


@pytest.fixture(scope="session")
def deployed(stack, instance) -> World:
    """The deployment `local` in the stack's own folder, which the commands under test use."""
    jars = stack.home / "jars"
    if not jars.exists():
        jars.symlink_to(JARS)
    return local_world(stack, instance)
