"""Fifty runs look together: less than one call of a kind a second, and none is forgotten."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from bench.measures.polling import polled
from bench.pretended_emr import PretendedEmr
from dataworks_assets.engines.emr.calls import EmrCalls
from dataworks_assets.engines.emr.polling import Poller, Watch
from dataworks_assets.engines.emr.turns import OwnTurns
from dataworks_assets_tests.stack.emr.memory import Clock

RUNS = 50
HOUR_SECONDS = 3600


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def emr(clock):
    """Run n's step ends after half an hour and n seconds."""
    return PretendedEmr(clock, lambda number: HOUR_SECONDS / 2 + number)


def poller_of(clock, client, interval_seconds=15.0):
    return Poller(EmrCalls(lambda: client, sleep=clock.sleep), interval_seconds=interval_seconds, clock=clock)


def watched(poller, count=RUNS):
    watches = [Watch(f"j-{number}", str(number)) for number in range(count)]
    for watch in watches:
        poller.add(watch)
    return watches


def look_for(seconds, poller, clock):
    for _ in range(int(seconds * 2)):
        poller.look()
        clock.sleep(0.5)


def steps_asked(emr):
    return len(emr.called_seconds["DescribeStep"])


def test_fifty_runs_of_one_process_make_less_than_one_call_of_a_kind_a_second(clock, emr):
    poller = poller_of(clock, emr)
    watches = watched(poller)
    look_for(2 * HOUR_SECONDS, poller, clock)
    assert all(watch.is_settled for watch in watches)
    assert max(map(len, emr.called_seconds.values())) < HOUR_SECONDS
    assert min(map(len, emr.called_seconds.values())) > RUNS


def test_fifty_processes_of_one_machine_make_less_than_one_call_of_a_kind_a_second():
    found = polled(share=True, look_seconds=1.0, run_seconds=600.0)
    assert max(found.a_second, found.busiest) < 1
    assert len(found.late_seconds) == RUNS


def test_the_end_of_each_is_seen_soon(clock, emr):
    poller = poller_of(clock, emr)
    watches, seen = watched(poller), {}
    while len(seen) < RUNS:
        poller.look()
        seen |= {watch.step_id: emr.age_seconds for watch in watches if watch.is_settled and watch.step_id not in seen}
        clock.sleep(0.5)
    assert max(at - emr.step_seconds(int(step_id)) for step_id, at in seen.items()) < 1.5 * RUNS


def test_one_run_is_looked_at_no_oftener_than_configured(clock, emr):
    poller = poller_of(clock, emr)
    watched(poller, 1)
    look_for(300, poller, clock)
    assert len(emr.called_seconds["DescribeCluster"]) <= 300 / 15 + 1


def test_a_run_is_looked_at_ever_more_rarely_but_once_a_minute(clock, emr):
    poller = poller_of(clock, emr)
    watched(poller, 1)
    look_for(HOUR_SECONDS / 2, poller, clock)
    times = emr.called_seconds["DescribeStep"]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps == sorted(gaps)
    assert (round(gaps[0]), round(gaps[-1])) == (15, 60)


def test_the_end_is_seen_in_seconds_where_the_job_said_it_has_ended(clock, emr):
    poller = poller_of(clock, emr)
    (watch,) = watched(poller, 1)
    look_for(HOUR_SECONDS / 2 + 1, poller, clock)
    assert not watch.is_settled
    poller.hasten(watch)
    look_for(7, poller, clock)
    assert watch.is_settled


def test_throttling_makes_the_calls_rare_and_its_end_makes_them_frequent_again(clock, emr):
    poller = poller_of(clock, emr, interval_seconds=0.1)
    watched(poller, 2)
    emr.throttling = True
    look_for(600, poller, clock)
    assert len(emr.called_seconds["DescribeCluster"]) < 20
    emr.throttling = False
    look_for(600, poller, clock)
    assert steps_asked(emr) > 100


def test_processes_that_look_more_seldom_than_the_gap_all_have_their_turns(clock, emr):
    turns, looks_apart_seconds = OwnTurns(clock), 3.0
    pollers = [replace(poller_of(clock, emr, interval_seconds=10.0), gap_seconds=1.0, turns=turns) for _ in range(40)]
    watches = [watch for poller in pollers for watch in watched(poller, 1)]
    for _ in range(200):
        for poller in pollers:
            poller.look()
            clock.sleep(looks_apart_seconds / len(pollers))
    assert all(watch.step is not None for watch in watches)
    assert min(map(len, emr.called_seconds.values())) > len(pollers)


def test_a_turn_that_nothing_was_asked_in_is_not_kept_for_later(clock, emr):
    turns = OwnTurns(clock)
    poller = replace(poller_of(clock, emr), gap_seconds=10.0, turns=turns)
    turns.take("DescribeCluster", 10.0)
    (watch,) = watched(poller, 1)
    poller.look()
    poller.remove(watch)
    clock.sleep(11)
    poller.look()
    turns.take("DescribeCluster", 10.0)
    watched(poller, 1)
    poller.look()
    assert not emr.called_seconds["DescribeCluster"]


class MovingClock(Clock):
    """Moves on whenever it is read, as a real one does."""

    def __call__(self) -> float:
        self.now_seconds += 1e-6
        return super().__call__()


def test_a_poller_that_looks_more_seldom_than_its_gap_asks_all_the_same():
    clock = MovingClock()
    emr = PretendedEmr(clock, lambda number: 1.0)
    poller = Poller(EmrCalls(lambda: emr, sleep=clock.sleep), interval_seconds=0.2, gap_seconds=0.2, clock=clock)
    watched(poller, count=1)
    look_for(10, poller, clock)
    assert len(emr.called_seconds["DescribeCluster"]) >= 10
