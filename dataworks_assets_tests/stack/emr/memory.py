"""An emulated EMR in memory: nodes that pretend, a clock that tests move, a client that speaks as boto3's does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from dataworks_assets.stack.emr.control import EmulatedEmr
from dataworks_assets.stack.emr.records import Cluster, RefusedError, Step

START_SECONDS = 1_700_000_000.0


@dataclass
class Clock:
    now_seconds: float = START_SECONDS

    def __call__(self) -> float:
        return self.now_seconds

    def sleep(self, seconds: float) -> None:
        self.now_seconds += seconds


@dataclass
class Pretended:
    """Work that ends with `code` as soon as it has one."""

    code: int | None = None
    signals: list[str] = field(default_factory=list)

    def poll(self) -> int | None:
        return self.code

    def interrupt(self) -> None:
        self.signals.append("interrupt")

    def kill(self) -> None:
        self.signals.append("kill")
        self.code = -9


@dataclass
class PretendedNodes:
    """`bootstrap_code` is what bootstrap actions end with; `work` is asked what a step's work is when it starts."""

    bootstrap_code: int | None = 0
    work: Callable[[Step], Pretended] = field(default=lambda step: Pretended())
    freed: list[str] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)

    def bootstrap(self, cluster: Cluster) -> Pretended:
        return Pretended(self.bootstrap_code)

    def start(self, cluster: Cluster, step: Step) -> Pretended:
        return self.work(step)

    def keep_logs(self, cluster: Cluster, step: Step) -> None:
        self.logged.append(step.id)

    def free(self, cluster: Cluster) -> None:
        self.freed.append(cluster.id)


@cache
def service_model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("emr", "service-2"), "emr")


class MemoryClient:
    """Speaks as boto3's client of EMR does, its checks of parameters and its errors included."""

    def __init__(self, emr: EmulatedEmr) -> None:
        self.emr = emr

    def __getattr__(self, name: str) -> Any:
        operation = "".join(part.capitalize() for part in name.split("_"))
        model = service_model().operation_model(operation)

        def call(**parameters: Any) -> Any:
            report = ParamValidator().validate(parameters, model.input_shape)
            assert not report.has_errors(), report.generate_report()
            try:
                return self.emr.call(operation, parameters)
            except RefusedError as error:
                answer = {"Error": {"Code": error.code, "Message": error.message}}
                raise ClientError(answer, operation) from error

        return call


def snake(operation: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()


def fleet(kind: str, **fields: Any) -> dict[str, Any]:
    types = [{"InstanceType": "m7g.xlarge"}]
    return {"InstanceFleetType": kind, "TargetOnDemandCapacity": 1, "InstanceTypeConfigs": types, **fields}


def group(role: str, count: int = 1) -> dict[str, Any]:
    return {"InstanceRole": role, "InstanceCount": count, "InstanceType": "m7g.xlarge"}


def step(name: str = "one", *args: str, action: str = "CONTINUE") -> dict[str, Any]:
    return {
        "Name": name,
        "ActionOnFailure": action,
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": list(args or ("true",))},
    }


def cluster_request(**fields: Any) -> dict[str, Any]:
    """A RunJobFlow that AWS takes; `instances` are merged into its own."""
    instances = {"InstanceFleets": [fleet("MASTER"), fleet("CORE")], "KeepJobFlowAliveWhenNoSteps": True}
    instances |= fields.pop("instances", {})
    request = {
        "Name": "test",
        "ReleaseLabel": "emr-7.13.0",
        "JobFlowRole": "instance-profile",
        "ServiceRole": "service-role",
        "LogUri": "s3://dataworks-logs/emr",
        "Instances": {name: value for name, value in instances.items() if value is not None},
    }
    return request | fields
