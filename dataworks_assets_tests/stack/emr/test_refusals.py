"""The emulated EMR refuses what AWS refuses."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from dataworks_assets_tests.stack.emr.memory import cluster_request, fleet, group, step

LONG = "x" * 10_230
AGENT = [{"Name": "AmazonCloudWatchAgent"}]
SHIPPED = {"CloudWatchLogConfiguration": {"Enabled": True}}
GROUPS = {"InstanceFleets": None}
REFUSED = {
    "no such release": ({"ReleaseLabel": "7.13.0"}, "release label is invalid"),
    "no role": ({"JobFlowRole": ""}, "JobFlowRole is required"),
    "logs elsewhere": ({"LogUri": "file:///tmp/logs"}, "Invalid log URI"),
    "too many tags": ({"Tags": [{"Key": str(n), "Value": ""} for n in range(51)]}, "at most 50 tags"),
    "unknown security configuration": ({"SecurityConfiguration": "gone"}, "'gone' does not exist"),
    "a secret that is none": (
        {"Configurations": [{"Classification": "hive-site", "Properties": {"EMR.secret@password": "hunter2"}}]},
        "must be the ARN of a secret",
    ),
    "logs shipped by an old release": (
        {"ReleaseLabel": "emr-7.10.0", "Applications": AGENT, "MonitoringConfiguration": SHIPPED},
        "not supported for release label emr-7.10.0",
    ),
    "logs shipped by nobody": ({"MonitoringConfiguration": SHIPPED}, "needs the application AmazonCloudWatchAgent"),
    "logs of no kind": (
        {
            "Applications": AGENT,
            "MonitoringConfiguration": {"CloudWatchLogConfiguration": {"Enabled": True, "LogTypes": {"YARN": ["STDERR"]}}},
        },
        "YARN: STDERR is no valid log type",
    ),
    "too much concurrency": ({"StepConcurrencyLevel": 257}, "between 1 and 256"),
    "idle too short": ({"AutoTerminationPolicy": {"IdleTimeout": 59}}, "between 60 and 604800"),
    "terminating side by side": (
        {"StepConcurrencyLevel": 2, "Steps": [step(action="TERMINATE_CLUSTER")]},
        "TERMINATE_CLUSTER is not allowed",
    ),
    "cancelling side by side": (
        {"StepConcurrencyLevel": 2, "Steps": [step(action="CANCEL_AND_WAIT")]},
        "CANCEL_AND_WAIT is not allowed",
    ),
    "long step": ({"Steps": [step("one", LONG, "y" * 100)]}, "must not exceed 10240"),
    "too many steps": ({"Steps": [step()] * 257}, "256, exceeded"),
    "fleets and groups": ({"instances": {"InstanceGroups": [group("MASTER")]}}, "mutually exclusive"),
    "no instances": ({"instances": {"InstanceFleets": None}}, "must be specified"),
    "no primary": ({"instances": {"InstanceFleets": [fleet("CORE")]}}, "Exactly one master"),
    "two primaries": ({"instances": {"InstanceFleets": [fleet("MASTER", TargetOnDemandCapacity=2)]}}, "exactly 1"),
    "empty fleet": (
        {"instances": {"InstanceFleets": [fleet("MASTER"), fleet("CORE", TargetOnDemandCapacity=0)]}},
        "at least 1",
    ),
    "many types": (
        {
            "instances": {
                "InstanceFleets": [fleet("MASTER", InstanceTypeConfigs=[{"InstanceType": f"m{n}.large"} for n in range(6)])]
            }
        },
        "between 1 and 5",
    ),
    "a type twice": (
        {"instances": {"InstanceFleets": [fleet("MASTER", InstanceTypeConfigs=[{"InstanceType": "m7g.large"}] * 2)]}},
        "named once",
    ),
    "two of one primary group": ({"instances": GROUPS | {"InstanceGroups": [group("MASTER", 2)]}}, "exactly 1 or 3"),
    "scaling backwards": (
        {
            "ManagedScalingPolicy": {
                "ComputeLimits": {"UnitType": "InstanceFleetUnits", "MinimumCapacityUnits": 5, "MaximumCapacityUnits": 2}
            }
        },
        "MinimumCapacityUnits",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_cluster_that_aws_refuses_is_refused(client, name):
    fields, words = REFUSED[name]
    with pytest.raises(ClientError, match=words):
        client.run_job_flow(**cluster_request(**fields))
    assert client.list_clusters()["Clusters"] == []


def test_a_step_of_the_greatest_length_is_taken(client):
    text = "x" * (10_240 - len("command-runner.jar"))
    assert client.run_job_flow(**cluster_request(Steps=[step("one", text)]))["JobFlowId"].startswith("j-")


@pytest.fixture
def cluster_id(client):
    return client.run_job_flow(**cluster_request())["JobFlowId"]


def test_a_cluster_that_ends_takes_no_steps(client, cluster_id):
    client.terminate_job_flows(JobFlowIds=[cluster_id])
    with pytest.raises(ClientError, match="shutting down"):
        client.add_job_flow_steps(JobFlowId=cluster_id, Steps=[step()])


def test_active_steps_have_a_bound(client, cluster_id):
    client.add_job_flow_steps(JobFlowId=cluster_id, Steps=[step()] * 256)
    with pytest.raises(ClientError, match="256, exceeded"):
        client.add_job_flow_steps(JobFlowId=cluster_id, Steps=[step()])


def test_an_old_release_cannot_cancel_steps(client):
    request = cluster_request(ReleaseLabel="emr-5.27.0", Steps=[step()])
    cluster_id = client.run_job_flow(**request)["JobFlowId"]
    step_id = client.list_steps(ClusterId=cluster_id)["Steps"][0]["Id"]
    with pytest.raises(ClientError, match=r"5\.28"):
        client.cancel_steps(ClusterId=cluster_id, StepIds=[step_id])


def test_no_more_than_ten_clusters_are_terminated_at_once(client, cluster_id):
    with pytest.raises(ClientError, match="At most 10"):
        client.terminate_job_flows(JobFlowIds=[cluster_id] * 11)


def test_a_protected_cluster_is_not_terminated(client, cluster_id):
    client.set_termination_protection(JobFlowIds=[cluster_id], TerminationProtected=True)
    with pytest.raises(ClientError, match="termination protected"):
        client.terminate_job_flows(JobFlowIds=[cluster_id])
    assert client.describe_cluster(ClusterId=cluster_id)["Cluster"]["Status"]["State"] == "STARTING"


@pytest.mark.parametrize("call", [{"ClusterId": "j-NOTTHERE"}])
def test_what_is_not_there_is_no_answer(client, cluster_id, call):
    with pytest.raises(ClientError, match="is not valid"):
        client.describe_cluster(**call)
    with pytest.raises(ClientError, match="is not valid"):
        client.describe_step(ClusterId=cluster_id, StepId="s-NOTTHERE")


def test_what_is_not_emulated_says_so(client):
    with pytest.raises(ClientError, match="ListStudios is not emulated"):
        client.list_studios()
