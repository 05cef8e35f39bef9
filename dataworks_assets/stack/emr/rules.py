"""What AWS refuses of a call to EMR, with its own words where they are known. Nothing is changed here.

Out of the API's reference and the service model of botocore; what a client of boto3 is refused by that model already is
checked again, because another client would get this far.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dataworks_assets.stack.emr import configurations, log_streams
from dataworks_assets.stack.emr.records import CLUSTER_ENDING, Cluster, RefusedError

LONGEST_STEP_CHARACTERS = 10_240
MOST_ACTIVE_STEPS = 256
MOST_TERMINATED = 10
_MOST_STEP_CONCURRENCY = 256
_IDLE_SECONDS = (60, 604_800)
_MOST_TYPES = 5
_MOST_TYPES_WITH_STRATEGY = 30
_MOST_TAGS = 50
_MOST_BOOTSTRAP_ACTIONS = 16
_PRIMARY_COUNTS = (1, 3)
_RELEASE = re.compile(r"emr-\d+\.\d+\.\d+")
_CANCEL_RELEASE = (5, 28, 0)
_TERMINATES = frozenset({"TERMINATE_CLUSTER", "TERMINATE_JOB_FLOW"})
_ACTIONS = _TERMINATES | {"CANCEL_AND_WAIT", "CONTINUE"}


def invalid(message: str) -> RefusedError:
    """Returns what most refusals are."""
    return RefusedError("ValidationException", message)


def check_run(request: Mapping[str, Any], security_configurations: Mapping[str, Any]) -> None:
    """Refuses a RunJobFlow that AWS would refuse.

    Raises:
        RefusedError: says which.
    """
    _check(bool(request.get("Name")), "The name of the cluster must not be empty.")
    release = str(request.get("ReleaseLabel", ""))
    _check(bool(_RELEASE.fullmatch(release)), f"The supplied release label is invalid: {release}.")
    for needed in ("JobFlowRole", "ServiceRole"):
        _check(bool(request.get(needed)), f"{needed} is required.")
    log_uri = request.get("LogUri")
    _check(log_uri is None or str(log_uri).startswith(("s3://", "s3n://")), f"Invalid log URI: {log_uri}")
    _check(len(request.get("Tags", ())) <= _MOST_TAGS, f"A cluster may have at most {_MOST_TAGS} tags.")
    actions = request.get("BootstrapActions", ())
    _check(len(actions) <= _MOST_BOOTSTRAP_ACTIONS, f"At most {_MOST_BOOTSTRAP_ACTIONS} bootstrap actions are allowed.")
    security = request.get("SecurityConfiguration")
    if security is not None and security not in security_configurations:
        raise RefusedError("InvalidRequestException", f"Security configuration with name '{security}' does not exist.")
    for misfit in (*configurations.misfits(request.get("Configurations", ())), *log_streams.misfits(request)):
        raise invalid(misfit)
    check_concurrency(request.get("StepConcurrencyLevel", 1))
    check_idle(request.get("AutoTerminationPolicy"))
    _check_instances(request["Instances"])
    _check_scaling(request.get("ManagedScalingPolicy"))
    check_steps(request.get("Steps", ()), concurrency=request.get("StepConcurrencyLevel", 1))


def check_concurrency(level: int) -> None:
    """Refuses a step concurrency outside EMR's bounds."""
    if not 1 <= level <= _MOST_STEP_CONCURRENCY:
        raise invalid(f"The step concurrency level must be between 1 and {_MOST_STEP_CONCURRENCY}.")


def check_idle(policy: Mapping[str, Any] | None) -> None:
    """Refuses an idle time-out outside EMR's bounds."""
    if policy is not None:
        lowest, highest = _IDLE_SECONDS
        seconds = policy.get("IdleTimeout", 3600)
        _check(lowest <= seconds <= highest, f"Auto-termination idle timeout must be between {lowest} and {highest} seconds.")


def check_steps(steps: Sequence[Mapping[str, Any]], *, concurrency: int, active: int = 0) -> None:
    """Refuses steps that AWS would refuse, none of them being added then.

    Args:
        steps: as RunJobFlow and AddJobFlowSteps have them.
        concurrency: the cluster's.
        active: how many steps the cluster has that have not ended.
    """
    _check(active + len(steps) <= MOST_ACTIVE_STEPS, f"Maximum number of active steps, {MOST_ACTIVE_STEPS}, exceeded.")
    for step in steps:
        action = step.get("ActionOnFailure", "TERMINATE_CLUSTER")
        _check(action in _ACTIONS, f"Invalid ActionOnFailure: {action}")
        if concurrency > 1 and action != "CONTINUE":
            raise invalid(f"ActionOnFailure {action} is not allowed when step concurrency level is greater than 1.")
        jar = step["HadoopJarStep"]
        properties = [text for each in jar.get("Properties", ()) for text in (each.get("Key", ""), each.get("Value", ""))]
        texts = [jar.get("Jar", ""), jar.get("MainClass", ""), *jar.get("Args", ()), *properties]
        if sum(map(len, texts)) > LONGEST_STEP_CHARACTERS:
            raise invalid(f"Total length of the strings of a step must not exceed {LONGEST_STEP_CHARACTERS} characters.")


def check_terminate(cluster_ids: Sequence[str]) -> None:
    """Refuses to terminate more clusters than AWS takes in a call."""
    _check(len(cluster_ids) <= MOST_TERMINATED, f"At most {MOST_TERMINATED} clusters can be terminated at once.")


def check_takes_steps(cluster: Cluster) -> None:
    """Refuses steps for a cluster that is ending."""
    if cluster.state in CLUSTER_ENDING:
        raise invalid("A job flow that is shutting down, terminated, or finished may not be modified.")


def check_cancel(cluster: Cluster) -> None:
    """Refuses to cancel steps on a release that cannot."""
    release = tuple(int(part) for part in str(cluster.request["ReleaseLabel"]).removeprefix("emr-").split("."))
    if release < _CANCEL_RELEASE:
        raise RefusedError("InvalidRequestException", "Cancelling steps needs a release of emr-5.28.0 or later.")


def _check_instances(instances: Mapping[str, Any]) -> None:
    groups, fleets = instances.get("InstanceGroups"), instances.get("InstanceFleets")
    _check(not (groups and fleets), "Instance fleets and instance groups are mutually exclusive.")
    _check(bool(groups or fleets), "Either instance groups or instance fleets must be specified.")
    _check(
        not (instances.get("Ec2SubnetId") and instances.get("Ec2SubnetIds")),
        "Ec2SubnetId and Ec2SubnetIds are mutually exclusive.",
    )
    if groups:
        _check(len(instances.get("Ec2SubnetIds", ())) <= 1, "Only one subnet may be given for instance groups.")
        _check_groups(groups)
    else:
        _check_fleets(fleets or ())


def _check_groups(groups: Sequence[Mapping[str, Any]]) -> None:
    roles = [group["InstanceRole"] for group in groups]
    _check(roles.count("MASTER") == 1, "Exactly one master instance group must be specified.")
    _check(roles.count("CORE") <= 1, "At most one core instance group may be specified.")
    for group in groups:
        count = group["InstanceCount"]
        _check(count >= 1, "Instance count must be at least 1.")
        if group["InstanceRole"] == "MASTER":
            _check(count in _PRIMARY_COUNTS, "Master instance group must have exactly 1 or 3 instances.")


def _check_fleets(fleets: Sequence[Mapping[str, Any]]) -> None:
    kinds = [fleet["InstanceFleetType"] for fleet in fleets]
    _check(kinds.count("MASTER") == 1, "Exactly one master instance fleet must be specified.")
    _check(all(kinds.count(kind) <= 1 for kind in kinds), "At most one instance fleet of each type may be specified.")
    for fleet in fleets:
        target = fleet.get("TargetOnDemandCapacity", 0) + fleet.get("TargetSpotCapacity", 0)
        kind = fleet["InstanceFleetType"]
        _check(target >= 1, f"The target capacity of the {kind} fleet must be at least 1.")
        _check(kind != "MASTER" or target == 1, "The target capacity of the MASTER fleet must be exactly 1.")
        launch = fleet.get("LaunchSpecifications", {})
        most = _MOST_TYPES_WITH_STRATEGY if any("AllocationStrategy" in each for each in launch.values()) else _MOST_TYPES
        types = fleet.get("InstanceTypeConfigs", ())
        _check(1 <= len(types) <= most, f"An instance fleet must name between 1 and {most} instance types.")
        names = [each["InstanceType"] for each in types]
        _check(len(names) == len(set(names)), "An instance type may be named once in an instance fleet.")


def _check_scaling(policy: Mapping[str, Any] | None) -> None:
    if policy is None:
        return
    limits = policy["ComputeLimits"]
    lowest, highest = limits["MinimumCapacityUnits"], limits["MaximumCapacityUnits"]
    _check(1 <= lowest <= highest, "MinimumCapacityUnits must be between 1 and MaximumCapacityUnits.")
    for bound in ("MaximumOnDemandCapacityUnits", "MaximumCoreCapacityUnits"):
        _check(limits.get(bound, highest) <= highest, f"{bound} must not exceed MaximumCapacityUnits.")


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise invalid(message)
