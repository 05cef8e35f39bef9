"""A process that dies at any boundary, and a call that fails at any place, leave one result and no cluster."""

from __future__ import annotations

from contextlib import nullcontext, suppress

import pytest

from dataworks_assets.engines.base import JobError
from dataworks_assets_tests.engines.emr.world import FAULTS, JOB_SECONDS, EmrWorld, named_cluster
from dataworks_assets_tests.faults.counts import STRUCK
from dataworks_assets_tests.faults.strikes import Killed, Strike
from dataworks_assets_tests.stack.emr.memory import Clock
from spark.store import ObjectStore

_SPREAD = 5


@pytest.fixture
def make_world(monkeypatch):
    return lambda: EmrWorld(Clock(), ObjectStore.in_memory(), monkeypatch)


def killed_at(world: EmrWorld, number: int, moment: str) -> bool:
    """Kills a run at a boundary and lets a later try go on; False where the run had no such boundary."""
    strike = Strike(at=number, moment=moment)
    engine = world.engine(strike)
    with suppress(Killed):
        world.run(engine)
    if not strike.has_struck:
        return False
    world.clock.sleep(number % 4 * 70)
    result = world.go_on()
    assert result.complete, strike.where
    assert len(world.done) == 1, strike.where
    return True


def assert_nothing_is_left(world: EmrWorld, where: str, kept: tuple[str, ...] = ()) -> None:
    assert [each for each in world.living() if each not in kept] == [], where
    assert world.intents() == [], where


def kill_everywhere(make_world, moment: str, *, every: int = 1, shared: bool = False) -> int:
    number, struck = 1, 0
    while True:
        world = make_world()
        if shared:
            with named_cluster(world) as cluster_id:
                went = killed_at(world, number, moment)
            kept: tuple[str, ...] = (cluster_id,)
            active = [step.id for step in world.emr.clusters[cluster_id].active_steps()]
            assert active == [], f"{moment} {number}"
        else:
            went, kept = killed_at(world, number, moment), ()
        if not went:
            break
        assert_nothing_is_left(world, f"{moment} {number}", kept)
        number, struck = number + every, struck + 1
    name = "steps on a shared cluster" if shared else "clusters of their own"
    STRUCK[f"EMR: killed {moment} a call, {name}"] += struck
    return struck


@pytest.mark.faults
@pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_killed_at_any_boundary_leaves_one_result_and_no_cluster(make_world, moment, shared):
    assert kill_everywhere(make_world, moment, shared=shared) > 20


@pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_killed_at_some_boundaries_leaves_one_result_and_no_cluster(make_world, moment, shared):
    assert kill_everywhere(make_world, moment, every=_SPREAD, shared=shared) > 3


def fail_everywhere(make_world, fault: str, *, every: int = 1, shared: bool = False) -> int:
    number, struck = 1, 0
    while True:
        world, strike = make_world(), Strike(at=number, fault="time-out")
        with named_cluster(world) if shared else nullcontext("") as cluster_id:
            result = world.run(world.engine(strike, fault=fault))
        if not strike.has_struck:
            break
        assert (result.complete, len(world.done)) == (True, 1), (fault, number, strike.calls[number - 1])
        assert_nothing_is_left(world, f"{fault} {number}", (cluster_id,))
        number, struck = number + every, struck + 1
    STRUCK[f"EMR: a call that is {fault}, {'steps on a shared cluster' if shared else 'clusters of their own'}"] += struck
    return struck


@pytest.mark.faults
@pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_any_call_is_got_over_in_the_same_run(make_world, fault, shared):
    assert fail_everywhere(make_world, fault, shared=shared) > 10


@pytest.mark.parametrize("shared", [False, True], ids=["own", "shared"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_some_calls_is_got_over_in_the_same_run(make_world, fault, shared):
    assert fail_everywhere(make_world, fault, every=_SPREAD, shared=shared) > 1


def killed_in_its_time_out(world: EmrWorld, number: int, moment: str) -> bool:
    """Kills a run whose application takes too long at a boundary; a later try has to end it, and the job is done once."""
    strike = Strike(at=number, moment=moment)
    engine = world.engine(strike)
    with suppress(Killed, JobError):
        world.run(engine, world.submission(timeout_seconds=JOB_SECONDS / 2))
    if not strike.has_struck:
        assert (world.done, world.living(), world.intents()) == ([], [], [])
        return False
    world.clock.sleep(number % 4 * 70)
    assert world.go_on().complete, strike.where
    assert len(world.done) == 1, strike.where
    return True


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_killed_while_it_ends_what_took_too_long_leaves_one_result_and_no_cluster(make_world, moment):
    number = 1
    while killed_in_its_time_out(world := make_world(), number, moment):
        assert_nothing_is_left(world, f"{moment} {number}")
        number += 1
    STRUCK[f"EMR: killed {moment} a call, while it ran out of time"] += number - 1
    assert number > 20
