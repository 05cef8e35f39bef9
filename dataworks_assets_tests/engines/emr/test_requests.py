"""What EMR is asked for: taken by an EMR that refuses what AWS refuses, and what it says."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from dataworks_assets.config.engine import EngineConfig
from dataworks_assets.engines.emr.artefacts import Artefacts
from dataworks_assets.engines.emr.requests import NODE_FOLDER, Place, cluster_request, kind_of, step_request
from dataworks_assets_tests.engines.emr.world import SCRIPTS, emr_config
from spark.errors import EngineError

ARTEFACTS = Artefacts(version="v1", environment_uri="s3://b/e", job_uri="s3://b/j", scripts=SCRIPTS, python="x86_64")
X86 = ["m7i.xlarge", "m6i.xlarge", "r7i.xlarge", "r6i.xlarge", "c7i.2xlarge", "m6a.2xlarge"]


def size(core=None, **fields):
    return {"primary": {"types": ["m7i.xlarge"]}, "core": {"types": ["m7i.xlarge"], **(core or {})}, **fields}


def place_of(**fields):
    return Place("test", emr_config(**fields), "s3://logs/emr", "1g", {})


def request_of(place, *, artefacts=ARTEFACTS, steps=()):
    (only,) = place.config.sizes.values()
    return cluster_request(place, artefacts, only, name="test", tags={"dataworks:run": "r"}, steps=steps)


SIZES = {
    "fleets": size(),
    "many types": size({"types": X86, "count": 10, "spot_percent": 75}),
    "task nodes": size(task={"types": X86, "count": 4, "spot_percent": 100}),
    "scaling": size(scaling={"minimum": 1, "maximum": 20}),
    "groups": size(layout="groups", scaling={"minimum": 1, "maximum": 4}),
    "spot groups": size({"spot_percent": 100}, layout="groups"),
}


@pytest.mark.parametrize("name", SIZES)
def test_a_cluster_of_any_size_is_taken(world, name):
    client = world.engine().calls
    place = place_of(sizes={"small": SIZES[name]})
    (only,) = place.config.sizes.values()
    step = step_request(place, "v1", only, name="s", arguments=["--job", "adg", "--parameters", "p"], terminates=True)
    assert client.run_job_flow(request_of(place, steps=[step])).startswith("j-")


def test_spot_nodes_fall_back_to_nodes_on_demand():
    place = place_of(sizes={"small": size({"types": X86, "count": 10, "spot_percent": 75})})
    core = request_of(place)["Instances"]["InstanceFleets"][1]
    assert (core["TargetOnDemandCapacity"], core["TargetSpotCapacity"]) == (3, 7)
    assert core["LaunchSpecifications"]["SpotSpecification"]["TimeoutAction"] == "SWITCH_TO_ON_DEMAND"


def test_every_cluster_has_an_idle_time_out_logs_tags_and_the_environment():
    request = request_of(place_of(tags={"team": "payments"}, idle_minutes=5, security_configuration="s"))
    tags = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    script = request["BootstrapActions"][0]["ScriptBootstrapAction"]
    assert (request["AutoTerminationPolicy"], request["LogUri"]) == ({"IdleTimeout": 300}, "s3://logs/emr")
    assert (tags["team"], tags["dataworks:artefacts"], request["SecurityConfiguration"]) == ("payments", "v1", "s")
    assert script == {"Path": "s3://b/environment", "Args": ["v1", "s3://b/e", "s3://b/j"]}


def test_nodes_get_the_security_groups_that_are_configured():
    place = place_of(node_security_group="sg-1", access_security_group="sg-2")
    instances = request_of(place)["Instances"]
    assert {instances["EmrManagedMasterSecurityGroup"], instances["EmrManagedSlaveSecurityGroup"]} == {"sg-1"}
    assert instances["ServiceAccessSecurityGroup"] == "sg-2"


def test_nodes_get_certificates_by_the_name_of_their_secret_alone():
    config = emr_config(key_service_secret="dks-client")
    place = Place("test", config, "s3://logs/emr", "1g", {}, ("/p/ca.pem", "/p/client.pem", "/p/client.key"))
    actions = request_of(place)["BootstrapActions"]
    assert actions[1]["ScriptBootstrapAction"] == {
        "Path": "s3://b/certificates",
        "Args": ["dks-client", "/p/ca.pem", "/p/client.pem", "/p/client.key"],
    }


def test_a_cluster_without_steps_waits_for_them():
    assert request_of(place_of())["Instances"]["KeepJobFlowAliveWhenNoSteps"]


def test_a_step_runs_the_deployed_version():
    place = place_of()
    made = step_request(place, "v1", place.config.sizes["small"], name="s", arguments=["--job", "adg"], terminates=False)
    command = made["HadoopJarStep"]["Args"]
    assert command[:3] == ["spark-submit", "--deploy-mode", "client"]
    assert f"spark.pyspark.python={NODE_FOLDER}/v1/bin/python" in command
    assert made["ActionOnFailure"] == "CONTINUE"


def test_a_step_that_emr_would_not_take_is_refused_before_a_cluster_is_paid_for():
    place = Place("test", emr_config(), "s3://logs/emr", "1g", {"spark.driver.extraJavaOptions": "x" * 10_000})
    with pytest.raises(EngineError, match=r"EMR takes 10,240 at most.*spark_conf"):
        step_request(place, "v1", place.config.sizes["small"], name="s", arguments=[], terminates=True)


ARN = "arn:aws:secretsmanager:eu-west-2:123456789012:secret:metastore-AbCdEf"


def metastore(**fields):
    return {"url": "jdbc:mysql://db.internal:3306/hive", "user": "hive", "password_secret": ARN, **fields}


def test_hive_gets_its_password_by_reference_alone(world):
    request = request_of(place_of(metastore=metastore()))
    (hive,) = request["Configurations"]
    assert {"Name": "Hive"} in request["Applications"]
    assert hive["Properties"]["EMR.secret@javax.jdo.option.ConnectionPassword"] == ARN
    assert "javax.jdo.option.ConnectionPassword" not in hive["Properties"]
    assert world.engine().calls.run_job_flow(request).startswith("j-")


def test_a_cluster_has_no_hive_unless_it_is_asked_for():
    assert request_of(place_of())["Applications"] == [{"Name": "Hadoop"}, {"Name": "Spark"}]


def test_what_a_cluster_prints_goes_to_its_log_group_in_streams_of_its_own(world):
    request = request_of(place_of(log_group="/app/emr/"))
    shipped = request["MonitoringConfiguration"]["CloudWatchLogConfiguration"]
    assert (shipped["Enabled"], shipped["LogGroupName"], shipped["LogStreamNamePrefix"]) == (True, "/app/emr/", "test")
    assert {"Name": "AmazonCloudWatchAgent"} in request["Applications"]
    assert [each["Classification"] for each in request["Configurations"]] == ["emr-metrics"]
    assert world.engine().calls.run_job_flow(request).startswith("j-")


REFUSED = {
    "logs shipped by an old release": ({"log_group": "/app/emr/", "release": "emr-7.9.0"}, "emr-7.11.0 or later"),
    "a password for all to see": (
        {"metastore": metastore(url="jdbc:mysql://h/d?user=u&password=p")},
        "a password stands in it",
    ),
    "a password before the host": ({"metastore": metastore(url="jdbc:mysql://u:p@h/d")}, "metastore.url"),
    "a password in place of its secret": ({"metastore": metastore(password_secret="hunter2")}, "metastore.password_secret"),
    "a secret elsewhere": ({"metastore": metastore(password_secret=ARN.replace("eu-west-2", "us-east-1"))}, "is in us-east-1"),
    "no role": ({"service_role": ""}, "service_role"),
    "a role that is none": ({"service_role": "a role with spaces"}, "service_role"),
    "a role of no account": ({"service_role": "arn:aws:iam::12:role/emr"}, "service_role"),
    "a role as a profile": ({"instance_profile": "arn:aws:iam::123456789012:role/emr"}, "instance_profile"),
    "an empty security configuration": ({"security_configuration": ""}, "security_configuration"),
    "an empty secret": ({"key_service_secret": ""}, "key_service_secret"),
    "an empty name of a cluster": ({"cluster": ""}, "cluster"),
    "no region": ({"region": "eu-west"}, "region"),
    "no subnet": ({"subnets": []}, "private subnets"),
    "an odd subnet": ({"subnets": ["vpc-1"]}, "subnets"),
    "an odd release": ({"release": "7.13"}, "no release with Spark 3.5.*emr-7.13.0"),
    "a release with an older Spark": ({"release": "emr-6.15.0"}, "no release with Spark 3.5"),
    "no such size": ({"work": [{"size": "smal"}]}, "no size 'smal'"),
    "no class for all": ({"work": [{"size": "small", "days": 3}]}, "must fit any"),
    "graviton": ({"sizes": {"small": size({"types": ["m7g.xlarge"]})}}, "m7g.xlarge is aarch64"),
    "no instance type": ({"sizes": {"small": size({"types": ["large"]})}}, "no instance type"),
    "a type twice": ({"sizes": {"small": size({"types": ["m7i.xlarge"] * 2})}}, "named once"),
    "half a group": ({"sizes": {"small": size({"spot_percent": 50}, layout="groups")}}, "0 or 100"),
    "two primaries": ({"sizes": {"small": size() | {"primary": {"types": ["m7i.xlarge"], "count": 2}}}}, "one primary"),
    "scaling backwards": ({"sizes": {"small": size(scaling={"minimum": 3, "maximum": 2})}}, "scaling.minimum"),
    "groups in two subnets": (
        {"sizes": {"small": size(layout="groups")}, "subnets": ["subnet-1", "subnet-2"]},
        "one subnet alone",
    ),
    "one security group": ({"node_security_group": "sg-1"}, "belong together"),
    "AWS' own tags": ({"tags": {"aws:x": "y"}}, "AWS' own"),
    "the platform's own tags": ({"tags": {"dataworks:run": "y"}}, "the platform's own"),
    "a long tag": ({"tags": {"x": "y" * 257}}, "tags.x"),
    "a tag of other characters": ({"tags": {"x": "a<b>"}}, "tags.x"),
    "more than 16 bootstrap actions": ({"bootstrap": ["s3://b/x"] * 13}, "bootstrap"),
    "idle for ever": ({"idle_minutes": 20_000}, "10080"),
    "this machine": ({"python": "this machine"}, "emulated EMR alone"),
    "a secret": ({"sizes": {"small": size(spark_conf={"spark.my.password": "x"})}}, "looks like a secret"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_aws_would_refuse_is_refused_where_it_is_configured(name):
    fields, words = REFUSED[name]
    with pytest.raises(ValidationError, match=words):
        emr_config(**fields)


def test_arns_of_roles_and_profiles_are_taken():
    account = "arn:aws:iam::123456789012"
    config = emr_config(service_role=f"{account}:role/a/emr", instance_profile=f"{account}:instance-profile/nodes")
    assert (config.service_role[-3:], config.instance_profile[-5:]) == ("emr", "nodes")


def test_settings_that_a_step_has_no_room_for_are_refused_where_they_are_configured():
    settings = {f"spark.some.{number}": "x" * 500 for number in range(20)}
    with pytest.raises(ValidationError, match=r"emr.sizes.small.spark_conf: 10,\d+ characters"):
        EngineConfig(kind="emr", emr=emr_config(), spark_conf=settings)


@pytest.mark.parametrize(
    ("snapshot_type", "days", "expected"),
    [("incremental", 2, "small"), ("incremental", 4, "large"), ("full", 1, "middle"), ("full", 40, "large")],
)
def test_the_first_class_of_work_that_fits_decides_the_size(snapshot_type, days, expected):
    work = [{"size": "small", "snapshot_type": "incremental", "days": 3}, {"size": "middle", "days": 1}, {"size": "large"}]
    config = emr_config(sizes={name: size() for name in ("small", "middle", "large")}, work=work)
    assert config.size_for(snapshot_type, days) == expected


@pytest.mark.parametrize(
    ("types", "days", "kind"),
    [
        (["full"], ["2026-11-20"], "full"),
        (["incremental", "incremental"], ["2026-11-20"], "incremental"),
        (["full"], ["2026-11-19", "2026-11-20"], "backfill"),
        (["partner"], ["2026-11-19", "2026-11-20"], "kickstart"),
    ],
)
def test_a_job_is_of_the_kind_that_its_work_is(types, days, kind):
    collections = {str(index): SimpleNamespace(snapshot_type=each) for index, each in enumerate(types)}
    partitions = [SimpleNamespace(export_date=day) for day in days]
    assert kind_of(SimpleNamespace(system="kickstart", collections=collections, partitions=partitions)) == kind
