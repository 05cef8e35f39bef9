"""Turns of calls: a gap apart, in the order of asking, over all processes of a machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dataworks_assets.engines.emr.turns import OwnTurns, SharedTurns
from dataworks_assets_tests.stack.emr.memory import Clock

GAP_SECONDS = 2.0
KIND = "DescribeStep"


@pytest.fixture
def clock():
    return Clock(100.0)


@pytest.fixture
def turns(tmp_path, clock):
    return SharedTurns(tmp_path / "turns", "one", clock=clock)


def test_who_is_alone_has_its_turn_at_once(turns, clock):
    assert turns.take(KIND, GAP_SECONDS) == clock()
    clock.sleep(60)
    assert turns.take(KIND, GAP_SECONDS) == clock()


def test_processes_take_turns_in_the_order_of_asking(turns):
    others = [replace(turns), replace(turns)]
    assert [each.take(KIND, GAP_SECONDS) for each in (turns, *others)] == [100.0, 102.0, 104.0]


def test_kinds_and_endpoints_do_not_wait_for_each_other(turns, clock):
    turns.take(KIND, GAP_SECONDS)
    assert turns.take("DescribeCluster", GAP_SECONDS) == clock()
    assert replace(turns, scope="another").take(KIND, GAP_SECONDS) == clock()


@pytest.mark.parametrize("left", ["", "no number", "9e9"])
def test_what_an_earlier_start_of_the_machine_left_counts_for_nothing(turns, clock, left):
    turns.take(KIND, GAP_SECONDS)
    (path,) = turns.folder.iterdir()
    path.write_text(left)
    assert turns.take(KIND, GAP_SECONDS) == clock()


def test_where_nothing_can_be_kept_a_process_has_turns_of_its_own(tmp_path, clock):
    (tmp_path / "file").touch()
    turns = SharedTurns(tmp_path / "file", "one", clock=clock)
    assert [turns.take(KIND, GAP_SECONDS) for _ in range(2)] == [100.0, 102.0]


def test_turns_of_one_process_are_a_gap_apart(clock):
    turns = OwnTurns(clock)
    assert [turns.take(KIND, GAP_SECONDS) for _ in range(3)] == [100.0, 102.0, 104.0]
