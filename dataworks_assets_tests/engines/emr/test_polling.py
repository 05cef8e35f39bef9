"""Fifty runs of one process look together: less than one call of a kind a second, and none is forgotten."""

from __future__ import annotations

from collections import Counter

from botocore.exceptions import ClientError

from dataworks_assets.engines.emr.calls import EmrCalls
from dataworks_assets.engines.emr.polling import Poller, Watch
from dataworks_assets_tests.stack.emr.memory import Clock

RUNS = 50
HOUR_SECONDS = 3600


class Counting:
    """A client that counts; step n ends after half an hour and n seconds. Throttles while `throttling`."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.started, self.calls, self.throttling = clock, clock(), Counter(), False

    def _take(self, name):
        self.calls[name] += 1
        if self.throttling:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, name)

    def describe_cluster(self, ClusterId):  # noqa: N803 - boto3's name
        self._take("DescribeCluster")
        state = "RUNNING" if self.clock() - self.started > 300 else "STARTING"
        return {"Cluster": {"Id": ClusterId, "Name": ClusterId, "Status": {"State": state}}}

    def describe_step(self, ClusterId, StepId):  # noqa: N803 - boto3's names
        self._take("DescribeStep")
        state = "COMPLETED" if self.clock() - self.started > HOUR_SECONDS / 2 + int(StepId) else "RUNNING"
        return {"Step": {"Id": StepId, "Name": StepId, "Status": {"State": state}}}


def poller_of(clock, client, interval_seconds=15.0):
    return Poller(EmrCalls(lambda: client, sleep=clock.sleep), interval_seconds=interval_seconds, clock=clock)


def watched(poller, count=RUNS):
    watches = [Watch(f"j-{number}", str(number)) for number in range(count)]
    for watch in watches:
        poller.add(watch)
    return watches


def test_fifty_runs_of_an_hour_make_less_than_one_call_of_a_kind_a_second():
    clock = Clock()
    client = Counting(clock)
    poller = poller_of(clock, client)
    watches = watched(poller)
    for _ in range(HOUR_SECONDS * 2):
        for _run in watches[:5]:
            poller.look()
        clock.sleep(0.5)
    assert all(watch.is_settled for watch in watches)
    assert max(client.calls.values()) < HOUR_SECONDS
    assert min(client.calls.values()) > RUNS


def test_the_end_of_each_is_seen_soon():
    clock = Clock()
    client = Counting(clock)
    poller = poller_of(clock, client)
    watches, seen = watched(poller), {}
    while len(seen) < RUNS:
        poller.look()
        seen |= {watch.step_id: clock() for watch in watches if watch.is_settled and watch.step_id not in seen}
        clock.sleep(0.5)
    late = [at - client.started - HOUR_SECONDS / 2 - int(step_id) for step_id, at in seen.items()]
    assert max(late) < 1.5 * RUNS


def test_one_run_is_looked_at_no_oftener_than_configured():
    clock = Clock()
    client = Counting(clock)
    poller = poller_of(clock, client)
    watched(poller, 1)
    for _ in range(600):
        poller.look()
        clock.sleep(0.5)
    assert client.calls["DescribeCluster"] <= 300 / 15 + 1


def test_throttling_makes_the_calls_rare_and_its_end_makes_them_frequent_again():
    clock = Clock()
    client = Counting(clock)
    poller = poller_of(clock, client, interval_seconds=0.1)
    watched(poller, 2)
    client.throttling = True
    for _ in range(1200):
        poller.look()
        clock.sleep(0.5)
    assert client.calls["DescribeCluster"] < 20
    client.throttling, client.calls = False, Counter()
    for _ in range(1200):
        poller.look()
        clock.sleep(0.5)
    assert client.calls.total() > 300
