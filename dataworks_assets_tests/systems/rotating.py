"""A deployment whose clusters have Hive, and the Secrets Manager that has its password; nothing of it is AWS."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from dataworks_assets.engines.emr.calls import ClusterView
from dataworks_assets.engines.emr.clusters import OwnCluster
from dataworks_assets.engines.emr.requests import Place
from dataworks_assets.systems.acts import new_act, read_acts
from dataworks_assets.systems.metastore import MetastorePassword
from dataworks_assets_tests.engines.emr.world import emr_config
from dataworks_assets_tests.stack.emr.memory import Clock
from spark.store import ObjectStore

ARN = "arn:aws:secretsmanager:eu-west-2:123456789012:secret:dataworks/metastore-AbCdEf"
FUNCTION = "arn:aws:lambda:eu-west-2:123456789012:function:rotate-metastore"
CONTROL = "memory://output/_dataworks"
MODEL = ServiceModel(Loader().load_service_model("secretsmanager", "service-2"), "secretsmanager")


@dataclass
class Secrets:
    """Secrets Manager with one secret, whose function takes a while, and does not let anybody read the password."""

    described: dict[str, Any]
    looks: int = 2
    error: Exception | None = None
    calls: list[str] = field(default_factory=list)

    def describe_secret(self, **given: Any) -> dict[str, Any]:
        self._called("DescribeSecret", given)
        stages = self.described["VersionIdsToStages"]
        self.looks -= "v2" in stages
        if self.looks <= 0:
            stages |= {"v1": ["AWSPREVIOUS"], "v2": ["AWSCURRENT", "AWSPENDING"]}
        return self.described

    def rotate_secret(self, **given: Any) -> dict[str, Any]:
        self._called("RotateSecret", given)
        self.described["VersionIdsToStages"]["v2"] = ["AWSPENDING"]
        return {"VersionId": "v2"}

    def _called(self, operation: str, given: dict[str, Any]) -> None:
        report = ParamValidator().validate(given, MODEL.operation_model(operation).input_shape)
        assert not report.has_errors(), report.generate_report()
        assert given["SecretId"] == ARN
        self.calls.append(operation)
        if self.error is not None:
            raise self.error


@dataclass
class Setting:
    """A deployment whose clusters have Hive."""

    secrets: Secrets
    store: ObjectStore
    clusters: list[str]
    config: Any
    clock: Clock = field(default_factory=Clock)

    @property
    def platform(self) -> Any:
        return SimpleNamespace(
            store=self.store, secrets=lambda region: self.secrets, caller_identity=lambda: "arn:aws:iam::1:role/operator"
        )

    @property
    def password(self) -> MetastorePassword:
        return MetastorePassword(self.platform, sleep=self.clock.sleep, clock=self.clock)

    def acts(self) -> list[Any]:
        return read_acts(self.store, CONTROL)

    def rotate(self) -> str:
        return self.password.rotate(self.password.plan(), new_act(self.platform, "rotate", {"secret": "x"}, by="ann"))


def make_setting(monkeypatch: Any) -> Setting:
    """The deployment, found by whoever looks for its clusters."""
    database = {"url": "jdbc:mysql://db.internal:3306/hive", "user": "hive", "password_secret": ARN}
    described = {"Name": "dataworks/metastore", "RotationLambdaARN": FUNCTION, "VersionIdsToStages": {"v1": ["AWSCURRENT"]}}
    made = Setting(Secrets(described), ObjectStore.in_memory(), [], emr_config(metastore=database))

    def clusters_of(_platform: Any) -> Any:
        place = Place("test", made.config, "s3://logs/emr", "1g", {})
        living = [OwnCluster(ClusterView(each, "n", "RUNNING"), 1.0, 2.0) for each in made.clusters]
        return SimpleNamespace(place=place, control_uri=CONTROL, living=lambda: living)

    monkeypatch.setattr("dataworks_assets.systems.metastore.clusters_of", clusters_of)
    return made
