"""How jobs run on EMR: clusters by class of work, their instances, and what they cost. Nothing is called here.

What AWS would refuse is refused at loading, before a cluster is paid for.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from dataworks_assets.config.model import Model
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.nodes import ExportersConfig, MetastoreDatabaseConfig
from dataworks_assets.config.problems import nearest
from dataworks_assets.config.services import EMBEDDED, Address, known, no_secrets

_INSTANCE_TYPE = re.compile(r"([a-z]+)(\d+)([a-z-]*)\.[a-z0-9-]+")
_MOST_TYPES = 30
_LOG_GROUP_RELEASE = (7, 11, 0)
_MOST_OWN_TAGS = 40
"""Of the 50 that a cluster may have; the rest are the engine's."""
_TAKEN_TAGS = {"aws:": "AWS' own", "dataworks:": "the platform's own: clusters are found by them"}
_RELEASE = re.compile(r"emr-7\.\d+\.\d+")
_ROLE = r"^([A-Za-z0-9_+=,.@-]{1,128}|arn:aws[a-z-]*:iam::\d{12}:%s/[\w+=,.@/-]+)$"
_MOST_BOOTSTRAP_ACTIONS = 16
_PLATFORMS_BOOTSTRAP_ACTIONS = 4
"""Environment, certificates, exporters, name."""


def _instance_type(name: str) -> str:
    if not _INSTANCE_TYPE.fullmatch(name):
        raise ValueError(f"{name!r} is no instance type: write one such as m7i.xlarge")
    return name


def _release(name: str) -> str:
    if not _RELEASE.fullmatch(name):
        raise ValueError(f"{name!r} is no release with Spark 3.5, as jobs need it: write one such as emr-7.13.0")
    return name


def _free_tags(tags: dict[str, str]) -> dict[str, str]:
    for prefix, whose in _TAKEN_TAGS.items():
        if any(key.startswith(prefix) for key in tags):
            raise ValueError(f"tags that begin with `{prefix}` are {whose}")
    return tags


InstanceType = Annotated[str, AfterValidator(_instance_type)]
Named = Annotated[str, Field(min_length=1, max_length=256)]
SecurityGroup = Annotated[str, Field(pattern=r"^sg-[0-9a-f]+$")]
TagKey = Annotated[str, Field(pattern=r"^[\w .:/=+@-]{1,128}$")]
TagValue = Annotated[str, Field(pattern=r"^[\w .:/=+@-]*$", max_length=256)]


class NodesConfig(Model):
    """The nodes of one kind."""

    types: tuple[InstanceType, ...] = Field(min_length=1, max_length=_MOST_TYPES)
    """Instance types, the preferred one first. Groups use the first alone."""
    count: int = Field(default=1, ge=1, le=2000)
    """How many."""
    spot_percent: int = Field(default=0, ge=0, le=100)
    """Share of them that is spot; on demand where no spot capacity is to be had in time. Groups: 0 or 100."""
    disk_gib: int = Field(default=64, ge=10, le=16_384)
    """Size of each node's disk."""

    @property
    def spot_count(self) -> int:
        """How many are spot."""
        return self.count * self.spot_percent // 100

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if len(set(self.types)) != len(self.types):
            raise ValueError("an instance type may be named once")
        return self


class ScalingConfig(Model):
    """Managed scaling: EMR changes the number of core and task nodes between these bounds."""

    minimum: int = Field(ge=1)
    """Fewest nodes."""
    maximum: int = Field(ge=1)
    """Most nodes."""

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if self.minimum > self.maximum:
            raise ValueError("scaling.minimum must not be more than scaling.maximum")
        return self


class SizeConfig(Model):
    """A size of cluster."""

    layout: Literal["fleets", "groups"] = "fleets"
    """Instance fleets (several types, spot with fallback) or instance groups."""
    primary: NodesConfig
    """The primary node; the driver runs here."""
    core: NodesConfig
    """Nodes that run tasks and hold HDFS."""
    task: NodesConfig | None = None
    """Further nodes that run tasks."""
    scaling: ScalingConfig | None = None
    """Managed scaling; null: the nodes stay as many as they are."""
    spark_conf: Annotated[dict[str, str], AfterValidator(no_secrets)] = Field(default_factory=dict)
    """Settings of Spark for this size. Secrets are refused here."""

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if self.primary.count != 1:
            raise ValueError("a cluster of one run has one primary node")
        for nodes in (self.primary, self.core, self.task):
            if nodes is not None and self.layout == "groups" and nodes.spot_percent not in {0, 100}:
                raise ValueError("an instance group is spot or it is not: spot_percent is 0 or 100, or the layout `fleets`")
        if self.scaling is not None and self.scaling.maximum < self.core.count:
            raise ValueError("scaling.maximum must not be less than core.count")
        return self


class WorkConfig(Model):
    """One class of work and the size of its clusters."""

    size: str
    """One of `sizes`."""
    snapshot_type: SnapshotType | None = None
    """Of this snapshot type alone; null: of any."""
    days: int | None = Field(default=None, ge=1)
    """Of at most so many export dates; null: of any number."""

    def fits(self, snapshot_type: str, days: int) -> bool:
        """Whether work is of this class."""
        return self.snapshot_type in {None, snapshot_type} and (self.days is None or days <= self.days)


class PriceConfig(Model):
    """What an instance costs in US dollars an hour."""

    on_demand: float = Field(ge=0)
    """EC2's price."""
    spot: float | None = Field(default=None, ge=0)
    """EC2's usual spot price; null: as on demand."""
    emr: float = Field(default=0.0, ge=0)
    """What EMR adds."""


class EmrConfig(Model):
    """EMR: a cluster a run, or steps on a running one."""

    endpoint: Address = None
    """Address of EMR's API; `embedded` for the emulated one, or null for AWS' own."""
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] = "eu-west-2"
    """Region of the clusters."""
    release: Annotated[str, AfterValidator(_release)] = "emr-7.13.0"
    """EMR release; one with Spark 3.5: `emr-7.0.0` or later."""
    cluster: Named | None = None
    """Name or id of a running cluster that jobs are steps of; null: a cluster of its own for each run."""
    service_role: str = Field(pattern=_ROLE % "role")
    """Role of EMR itself: name or ARN."""
    instance_profile: str = Field(pattern=_ROLE % "instance-profile")
    """Instance profile of the nodes: name or ARN."""
    subnets: tuple[Annotated[str, Field(pattern=r"^subnet-[0-9a-f]+$")], ...] = ()
    """Private subnets, of which EMR takes one with capacity."""
    node_security_group: SecurityGroup | None = None
    """Security group of every node; null: EMR makes groups of its own."""
    access_security_group: SecurityGroup | None = None
    """Security group by which EMR reaches nodes in private subnets; belongs to `node_security_group`."""
    key_service_secret: Named | None = None
    """Secret with the certificates that nodes are given for the key service, at the paths that `key_service` names: JSON with
    the PEM texts `ca`, `certificate` and `private_key`. Null: they are there already."""
    log_group: Annotated[str, Field(pattern=r"^[A-Za-z0-9_./#-]+$", max_length=512)] | None = None
    """Log group of CloudWatch that gets what steps, drivers and executors print, while they do: `/app/emr/`. Null: it is in the
    logs bucket alone, a little later."""
    security_configuration: Named | None = None
    """Name of EMR's security configuration (encryption at rest and in transit)."""
    python: Literal["x86_64", "aarch64", "this machine"] = "x86_64"
    """Which nodes the Python environment is built for; `this machine` for the emulated EMR."""
    exporters: ExportersConfig | None = None
    """What Prometheus scrapes on the nodes; null: nothing."""
    metastore: MetastoreDatabaseConfig | None = None
    """Database of an existing Hive metastore, over which clusters run Hive; null: clusters have no Hive. Jobs reach the tables
    through `catalog`, whatever is said here."""
    bootstrap: tuple[Annotated[str, Field(pattern=r"^s3://[^/]+/.+")], ...] = Field(
        default=(), max_length=_MOST_BOOTSTRAP_ACTIONS - _PLATFORMS_BOOTSTRAP_ACTIONS
    )
    """Bootstrap scripts of your own, as objects, run after the platform's."""
    tags: Annotated[dict[TagKey, TagValue], AfterValidator(_free_tags)] = Field(default_factory=dict, max_length=_MOST_OWN_TAGS)
    """Tags of every cluster; instances inherit them."""
    sizes: dict[str, SizeConfig] = Field(min_length=1)
    """Sizes of clusters by name."""
    work: tuple[WorkConfig, ...] = Field(min_length=1)
    """Classes of work; the first that fits decides."""
    prices: dict[InstanceType, PriceConfig] = Field(default_factory=dict)
    """Prices by instance type, for the forecast of `dataworks plan`."""
    idle_minutes: int = Field(default=15, ge=1, le=10_080)
    """A cluster without work for so long ends by itself, whatever became of its run."""
    poll_seconds: float = Field(default=15.0, gt=0)
    """Least time between two looks at one application."""
    log_wait_seconds: float = Field(default=60.0, ge=0)
    """How long to wait for the log of an application that failed; EMR copies it some time after the end."""

    def size_for(self, snapshot_type: str, days: int) -> str:
        """Returns the name of the size for work on so many export dates."""
        return next(each.size for each in self.work if each.fits(snapshot_type, days))

    def endpoint_url(self) -> str | None:
        """The API's address, None for AWS' own."""
        return known(self.endpoint, "emulated EMR")

    @model_validator(mode="after")
    def _checked(self) -> Self:
        for work in self.work:
            if work.size not in self.sizes:
                raise ValueError(f"there is no size {work.size!r}. {nearest(work.size, list(self.sizes))}")
        last = self.work[-1]
        if last.days is not None or last.snapshot_type is not None:
            raise ValueError("the last class of work must fit any: leave its days and its snapshot_type out")
        if self.endpoint is None and not self.subnets:
            raise ValueError("name the private subnets of the clusters")
        if (self.node_security_group is None) != (self.access_security_group is None):
            raise ValueError("node_security_group and access_security_group belong together: name both or neither")
        if self.metastore is not None and self.metastore.region != self.region:
            raise ValueError(f"metastore.password_secret is in {self.metastore.region}, but clusters are in {self.region}")
        if self.log_group is not None and tuple(map(int, re.findall(r"\d+", self.release))) < _LOG_GROUP_RELEASE:
            raise ValueError(f"log_group: {self.release} cannot; it needs emr-7.11.0 or later")
        for name, size in self.sizes.items():
            self._check_size(name, size)
        return self

    def _check_size(self, name: str, size: SizeConfig) -> None:
        if size.layout == "groups" and len(self.subnets) > 1:
            raise ValueError(f"sizes.{name}: instance groups take one subnet alone; use the layout `fleets`")
        if self.python == "this machine":
            if self.endpoint != EMBEDDED:
                raise ValueError("python: `this machine` is for the emulated EMR alone; name the nodes' architecture")
            return
        kinds = [nodes for nodes in (size.primary, size.core, size.task) if nodes is not None]
        for instance_type in (each for nodes in kinds for each in nodes.types):
            found = architecture_of(instance_type)
            if found != self.python:
                raise ValueError(f"sizes.{name}: {instance_type} is {found}, but the Python environment is for {self.python}")


def architecture_of(instance_type: str) -> str:
    """Returns `aarch64` for instance types with Graviton processors (a `g` behind the generation, or a1), else `x86_64`."""
    matched = _INSTANCE_TYPE.fullmatch(instance_type)
    family, _, options = matched.groups() if matched else ("", "", "")
    return "aarch64" if family == "a" or options.startswith("g") else "x86_64"
