"""Clusters and steps go through AWS' states as time passes and work ends."""

from __future__ import annotations

import pytest

from dataworks_assets_tests.stack.emr.memory import Pretended, cluster_request, step


def start(client, **fields):
    return client.run_job_flow(**cluster_request(**fields))["JobFlowId"]


def cluster_of(client, cluster_id):
    return client.describe_cluster(ClusterId=cluster_id)["Cluster"]


def state_of(client, cluster_id):
    return cluster_of(client, cluster_id)["Status"]["State"]


def reason_of(client, cluster_id):
    return cluster_of(client, cluster_id)["Status"]["StateChangeReason"]["Code"]


def steps_of(client, cluster_id):
    return {each["Name"]: each["Status"]["State"] for each in client.list_steps(ClusterId=cluster_id)["Steps"]}


def step_id_of(client, cluster_id, name="one"):
    return next(each["Id"] for each in client.list_steps(ClusterId=cluster_id)["Steps"] if each["Name"] == name)


@pytest.fixture
def works(nodes):
    """The work of each step that has started, by name."""
    started = {}

    def work(one):
        started[one.name] = Pretended()
        return started[one.name]

    nodes.work = work
    return started


@pytest.fixture
def ready(client, clock):
    """Starts a cluster and waits until it takes steps; steps given are running then."""

    def make(**fields):
        cluster_id = start(client, **fields)
        for seconds in (60, 120, 5):
            clock.sleep(seconds)
            client.list_clusters()
        return cluster_id

    return make


def test_a_cluster_starts_bootstraps_and_waits(client, clock):
    cluster_id, seen = start(client), []
    for _ in range(4):
        seen.append(state_of(client, cluster_id))
        clock.sleep(60)
    assert seen == ["STARTING", "BOOTSTRAPPING", "BOOTSTRAPPING", "WAITING"]


def test_bootstrap_actions_that_fail_end_the_cluster(client, clock, nodes, ready):
    nodes.bootstrap_code = 1
    cluster_id = ready()
    assert (state_of(client, cluster_id), reason_of(client, cluster_id)) == ("TERMINATING", "BOOTSTRAP_FAILURE")
    clock.sleep(30)
    assert state_of(client, cluster_id) == "TERMINATED_WITH_ERRORS"


def test_a_step_waits_runs_and_ends(client, clock, works):
    cluster_id = start(client, Steps=[step()])
    seen = [steps_of(client, cluster_id)["one"]]
    for seconds in (60, 120, 5):
        clock.sleep(seconds)
        seen.append(steps_of(client, cluster_id)["one"])
    works["one"].code = 0
    assert [*seen, steps_of(client, cluster_id)["one"]] == ["PENDING", "PENDING", "PENDING", "RUNNING", "COMPLETED"]


def test_a_cluster_that_is_not_kept_ends_with_its_steps(client, clock, ready, works):
    cluster_id = ready(Steps=[step()], instances={"KeepJobFlowAliveWhenNoSteps": False})
    works["one"].code = 0
    assert (state_of(client, cluster_id), reason_of(client, cluster_id)) == ("TERMINATING", "ALL_STEPS_COMPLETED")
    clock.sleep(30)
    assert state_of(client, cluster_id) == "TERMINATED"


@pytest.mark.parametrize(
    ("action", "cluster_state", "second"),
    [
        ("CONTINUE", "RUNNING", "RUNNING"),
        ("CANCEL_AND_WAIT", "WAITING", "CANCELLED"),
        ("TERMINATE_CLUSTER", "TERMINATING", "CANCELLED"),
    ],
)
def test_what_follows_a_step_that_failed(client, ready, works, action, cluster_state, second):
    cluster_id = ready(Steps=[step("one", action=action), step("two")])
    works["one"].code = 1
    client.list_clusters()
    assert (steps_of(client, cluster_id), state_of(client, cluster_id)) == ({"one": "FAILED", "two": second}, cluster_state)


def test_steps_run_side_by_side_as_far_as_the_cluster_allows(client, ready, works):
    cluster_id = ready(Steps=[step("one"), step("two"), step("three")], StepConcurrencyLevel=2)
    assert steps_of(client, cluster_id) == {"one": "RUNNING", "two": "RUNNING", "three": "PENDING"}


def test_an_idle_cluster_ends(client, clock, ready):
    cluster_id = ready(AutoTerminationPolicy={"IdleTimeout": 60})
    clock.sleep(54)
    assert state_of(client, cluster_id) == "WAITING"
    clock.sleep(1)
    assert state_of(client, cluster_id) == "TERMINATING"


def test_a_waiting_step_is_cancelled_at_once(client, clock):
    cluster_id = start(client, Steps=[step()])
    client.cancel_steps(ClusterId=cluster_id, StepIds=[step_id_of(client, cluster_id)])
    assert steps_of(client, cluster_id) == {"one": "CANCELLED"}


@pytest.mark.parametrize(("option", "signal"), [("SEND_INTERRUPT", "interrupt"), ("TERMINATE_PROCESS", "kill")])
def test_a_running_step_is_cancelled_when_its_process_has_ended(client, ready, works, option, signal):
    cluster_id = ready(Steps=[step()])
    works["one"].kill = lambda: works["one"].signals.append("kill")
    client.cancel_steps(ClusterId=cluster_id, StepIds=[step_id_of(client, cluster_id)], StepCancellationOption=option)
    assert (works["one"].signals, steps_of(client, cluster_id)) == ([signal], {"one": "CANCEL_PENDING"})
    works["one"].code = 143
    client.list_clusters()
    assert steps_of(client, cluster_id) == {"one": "CANCELLED"}


def test_a_step_that_has_ended_cannot_be_cancelled(client, ready, works):
    cluster_id = ready(Steps=[step()])
    works["one"].code = 0
    answer = client.cancel_steps(ClusterId=cluster_id, StepIds=[step_id_of(client, cluster_id)])
    assert answer["CancelStepsInfoList"][0]["Status"] == "FAILED"


def test_terminating_a_cluster_kills_what_runs_on_it(client, clock, nodes, ready, works):
    cluster_id = ready(Steps=[step("one"), step("two")])
    client.terminate_job_flows(JobFlowIds=[cluster_id])
    assert works["one"].signals == ["kill"]
    assert (steps_of(client, cluster_id), reason_of(client, cluster_id)) == (
        {"one": "CANCELLED", "two": "CANCELLED"},
        "USER_REQUEST",
    )
    clock.sleep(30)
    assert (state_of(client, cluster_id), nodes.freed) == ("TERMINATED", [cluster_id])


def test_reclaimed_instances_end_the_cluster_with_errors(client, emr, clock, ready, works):
    cluster_id = ready(Steps=[step()])
    emr.reclaim(cluster_id)
    clock.sleep(30)
    assert (state_of(client, cluster_id), reason_of(client, cluster_id)) == ("TERMINATED_WITH_ERRORS", "INSTANCE_FAILURE")


def test_the_logs_of_every_step_that_began_are_kept(client, nodes, ready, works):
    cluster_id = ready(Steps=[step("one"), step("two")])
    client.terminate_job_flows(JobFlowIds=[cluster_id])
    assert nodes.logged == [step_id_of(client, cluster_id, "one")]


def test_clusters_are_listed_in_pages_newest_first(client, clock):
    for number in range(51):
        clock.sleep(1)
        start(client, Name=f"n{number}")
    first = client.list_clusters()
    second = client.list_clusters(Marker=first["Marker"])
    assert [each["Name"] for each in first["Clusters"]][:2] == ["n50", "n49"]
    assert ([each["Name"] for each in second["Clusters"]], "Marker" in second) == (["n0"], False)


def test_clusters_are_listed_by_state(client):
    start(client)
    assert len(client.list_clusters(ClusterStates=["STARTING"])["Clusters"]) == 1
    assert client.list_clusters(ClusterStates=["TERMINATED"])["Clusters"] == []
