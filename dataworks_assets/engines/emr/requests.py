"""Builds the requests for a cluster and for a step from the configuration. Nothing is called here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataworks_assets.config.emr import EmrConfig, NodesConfig, SizeConfig
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.engines.emr import exporters, log_shipping
from dataworks_assets.engines.emr.artefacts import Artefacts
from dataworks_assets.engines.emr.environment import THIS_MACHINE
from dataworks_assets.engines.emr.metastore import metastore_configuration
from dataworks_assets.engines.properties import common_properties
from spark.contract import JobParameters
from spark.errors import EngineError

TAG_DEPLOYMENT = "dataworks:deployment"
TAG_APPLICATION = "dataworks:application"
TAG_FAMILY = "dataworks:run"
TAG_TOKEN = "dataworks:token"  # noqa: S105 - names one start, opens nothing
TAG_VERSION = "dataworks:artefacts"
TAG_SIZE = "dataworks:size"
TAG_KIND = "dataworks:kind"
"""Tag that says what a cluster was started for: see `kind_of`; `MANUAL` if an operator started it."""
TAG_KEEP_UNTIL = "dataworks:keep-until"
"""Tag with the ISO time (UTC) until which only an operator ends the cluster."""

MANUAL = "manual"
BACKFILL = "backfill"
NODE_FOLDER = "/opt/dataworks"
LONGEST_STEP_CHARACTERS = 10_240
_SPOT_MINUTES = 10
_LONGEST_NAME = 256
_OWN_OF_THIS_MACHINE = ("spark.pyspark.python", "spark.ui.enabled")


@dataclass(frozen=True)
class Place:
    """Where and how a deployment's clusters are made.

    Args:
        deployment: its name.
        config: its EMR configuration.
        log_uri: the prefix of the clusters' logs.
        memory: of the driver.
        spark_conf: Spark settings for every size.
        certificate_paths: paths on the nodes: the key service's CA, the job's certificate, and its key.
    """

    deployment: str
    config: EmrConfig
    log_uri: str
    memory: str
    spark_conf: Mapping[str, str]
    certificate_paths: tuple[str, ...] = ()

    def cluster_name(self, name: str) -> str:
        """Returns the name of a cluster, by which it is found if the response to its start was lost."""
        return f"dataworks-{self.deployment}-{name}"[:_LONGEST_NAME]


def kind_of(parameters: JobParameters) -> str:
    """Returns what a job is for: `full` or `incremental` of one day, `backfill` of several; of other systems its name."""
    types = {each.snapshot_type for each in parameters.collections.values()}
    if not types <= set(SnapshotType):
        return parameters.system
    days = {each.export_date for each in parameters.partitions}
    return BACKFILL if len(days) > 1 else "".join(sorted(types))


def cluster_request(
    place: Place, artefacts: Artefacts, size: SizeConfig, *, name: str, tags: Mapping[str, str], steps: Sequence[Any] = ()
) -> dict[str, Any]:
    """Returns a RunJobFlow request: with steps, for a cluster that ends with them; without, for one that waits for steps.

    Args:
        place: where and how the deployment's clusters are made.
        artefacts: what the cluster is built from.
        size: its size.
        name: as `Place.cluster_name` makes it.
        tags: the engine's tags, added to the configured ones.
        steps: to be run at once.
    """
    config = place.config
    all_tags = {**config.tags, **tags, TAG_VERSION: artefacts.version}
    request: dict[str, Any] = {
        "Name": name,
        "ReleaseLabel": config.release,
        "LogUri": place.log_uri,
        "ServiceRole": config.service_role,
        "JobFlowRole": config.instance_profile,
        "Applications": [{"Name": name} for name in _applications(config)],
        "VisibleToAllUsers": True,
        "Instances": {
            **_instances(size),
            **_subnets(size, config.subnets),
            **_security_groups(config),
            "KeepJobFlowAliveWhenNoSteps": not steps,
            "TerminationProtected": False,
        },
        "BootstrapActions": _actions(place, artefacts),
        "Steps": list(steps),
        "StepConcurrencyLevel": 1,
        "AutoTerminationPolicy": {"IdleTimeout": config.idle_minutes * 60},
        "Tags": [{"Key": key, "Value": value} for key, value in all_tags.items()],
    }
    if configurations := _configurations(config):
        request["Configurations"] = configurations
    if config.log_group is not None:
        request["MonitoringConfiguration"] = log_shipping.monitoring(config.log_group, name)
    if config.security_configuration:
        request["SecurityConfiguration"] = config.security_configuration
    if size.scaling:
        unit = "InstanceFleetUnits" if size.layout == "fleets" else "Instances"
        limits = {"MinimumCapacityUnits": size.scaling.minimum, "MaximumCapacityUnits": size.scaling.maximum}
        request["ManagedScalingPolicy"] = {"ComputeLimits": {"UnitType": unit, **limits}}
    return request


def step_request(
    place: Place, version: str, size: SizeConfig, *, name: str, arguments: Sequence[str], terminates: bool
) -> dict[str, Any]:
    """Returns a step that runs `spark/jobs/runner.py` by spark-submit; its driver, on the primary node, ends with the step.

    Args:
        place: where and how the deployment's clusters are made.
        version: of the artefacts that the cluster was made with.
        size: the size whose Spark settings it gets.
        name: name of the step.
        arguments: of `spark/jobs/runner.py`.
        terminates: whether its failure ends the cluster.

    Raises:
        EngineError: its strings are longer than EMR accepts.
    """
    folder = f"{NODE_FOLDER}/{version}"
    properties = {
        **{name: value for name, value in common_properties(memory=place.memory).items() if name not in _OWN_OF_THIS_MACHINE},
        "spark.pyspark.python": f"{folder}/bin/python",
        "spark.pyspark.driver.python": f"{folder}/bin/python",
        "spark.python.daemon.module": "spark.jobs.daemon",
        **place.spark_conf,
        **size.spark_conf,
    }
    settings = [text for key, value in sorted(properties.items()) for text in ("--conf", f"{key}={value}")]
    runner = f"{folder}/lib/python3.11/site-packages/spark/jobs/runner.py"
    command = ["spark-submit", "--deploy-mode", "client", *settings, runner, *arguments, "--die-with-stdin"]
    length = sum(map(len, command)) + len("command-runner.jar")
    if length > LONGEST_STEP_CHARACTERS:
        raise EngineError(
            f"the step has {length:,} characters, and EMR takes {LONGEST_STEP_CHARACTERS:,} at most",
            where=f"deployment {place.deployment}",
            remedy="Give engine.spark_conf and the size's spark_conf fewer settings",
            transient=False,
        )
    return {
        "Name": name,
        "ActionOnFailure": "TERMINATE_CLUSTER" if terminates else "CONTINUE",
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": command},
    }


def _configurations(config: EmrConfig) -> list[dict[str, Any]]:
    made = exporters.configurations() if config.exporters is not None else []
    made += [log_shipping.WITHOUT_METRICS] if config.log_group is not None else []
    return made + ([metastore_configuration(config.metastore)] if config.metastore is not None else [])


def _applications(config: EmrConfig) -> list[str]:
    more = {log_shipping.AGENT: config.log_group, "Hive": config.metastore}
    return ["Hadoop", "Spark", *(name for name, wanted in more.items() if wanted is not None)]


def _actions(place: Place, artefacts: Artefacts) -> list[dict[str, Any]]:
    """Returns the bootstrap actions, beginning with the Python environment, without which nothing runs."""
    config, scripts = place.config, artefacts.scripts
    environment = [artefacts.version, artefacts.environment_uri, artefacts.job_uri]
    actions = [_action("dataworks environment", scripts["environment"], environment)]
    if config.key_service_secret is not None:
        certificates = [config.key_service_secret, *place.certificate_paths]
        actions.append(_action("dataworks certificates", scripts["certificates"], certificates))
    if config.exporters is not None:
        files = [artefacts.file(exporters.JMX_AGENT), *filter(None, [artefacts.files.get(exporters.NODE_EXPORTER)])]
        actions.append(_action("dataworks exporters", scripts["exporters"], files))
    if config.python != THIS_MACHINE:
        actions.append(_action("dataworks name", scripts["name"], [f"dataworks-{place.deployment}"]))
    return [*actions, *(_action(f"own {number}", uri, []) for number, uri in enumerate(config.bootstrap, 1))]


def _action(name: str, uri: str, arguments: Sequence[str]) -> dict[str, Any]:
    return {"Name": name, "ScriptBootstrapAction": {"Path": uri, "Args": list(arguments)}}


def _subnets(size: SizeConfig, subnets: Sequence[str]) -> dict[str, Any]:
    if not subnets:
        return {}
    return {"Ec2SubnetIds": list(subnets)} if size.layout == "fleets" else {"Ec2SubnetId": subnets[0]}


def _security_groups(config: EmrConfig) -> dict[str, str]:
    if config.node_security_group is None or config.access_security_group is None:
        return {}
    return {
        "EmrManagedMasterSecurityGroup": config.node_security_group,
        "EmrManagedSlaveSecurityGroup": config.node_security_group,
        "ServiceAccessSecurityGroup": config.access_security_group,
    }


def _instances(size: SizeConfig) -> dict[str, Any]:
    kinds = [("MASTER", size.primary), ("CORE", size.core), ("TASK", size.task)]
    nodes = [(kind, each) for kind, each in kinds if each is not None]
    if size.layout == "fleets":
        return {"InstanceFleets": [_fleet(kind, each) for kind, each in nodes]}
    return {"InstanceGroups": [_group(kind, each) for kind, each in nodes]}


def _disk(nodes: NodesConfig) -> dict[str, Any]:
    volume = {"VolumeType": "gp3", "SizeInGB": nodes.disk_gib}
    return {"EbsBlockDeviceConfigs": [{"VolumeSpecification": volume, "VolumesPerInstance": 1}]}


def _group(kind: str, nodes: NodesConfig) -> dict[str, Any]:
    return {
        "Name": kind.lower(),
        "InstanceRole": kind,
        "InstanceType": nodes.types[0],
        "InstanceCount": nodes.count,
        "Market": "SPOT" if nodes.spot_percent else "ON_DEMAND",
        "EbsConfiguration": _disk(nodes),
    }


def _fleet(kind: str, nodes: NodesConfig) -> dict[str, Any]:
    return {
        "Name": kind.lower(),
        "InstanceFleetType": kind,
        "TargetOnDemandCapacity": nodes.count - nodes.spot_count,
        "TargetSpotCapacity": nodes.spot_count,
        "InstanceTypeConfigs": [
            {"InstanceType": each, "WeightedCapacity": 1, "EbsConfiguration": _disk(nodes)} for each in nodes.types
        ],
        "LaunchSpecifications": {
            "SpotSpecification": {
                "TimeoutDurationMinutes": _SPOT_MINUTES,
                "TimeoutAction": "SWITCH_TO_ON_DEMAND",
                "AllocationStrategy": "price-capacity-optimized",
            },
            "OnDemandSpecification": {"AllocationStrategy": "lowest-price"},
        },
    }
