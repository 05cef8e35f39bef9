"""The services a deployment talks to, and the settings a job gets for them. No client is made here.

An address may be `embedded`: the stack on this machine has it, and `resolve` in `config.addresses` fills it in.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dataworks_assets.config.model import Model, refused
from spark.contract import CatalogSettings, KeyServiceSettings, StoreSettings
from spark.errors import StackError

EMBEDDED = "embedded"
_SECRET_NAME = re.compile(r"password|passwd|secret|token|credential|access\.key", re.IGNORECASE)


def known(address: str | None, service: str) -> str | None:
    """Returns an address that is known.

    Raises:
        StackError: it is the embedded stack's, which is not running.
    """
    if address == EMBEDDED:
        raise StackError(
            f"the address of the {service} is not known: the embedded stack is not running",
            where=service,
            remedy="Start it with `dataworks stack up`",
        )
    return address


def no_secrets(settings: dict[str, str]) -> dict[str, str]:
    """Returns settings of Spark; refuses (ValueError) such as look like secrets."""
    for name in settings:
        if _SECRET_NAME.search(name):
            raise ValueError(f"{name!r} looks like a secret: anyone who may describe the application would read it")
    return settings


Address = str | None
"""A URL; `embedded` for the stack's on this machine; null for AWS' own."""
Memory = Annotated[str, Field(pattern=r"^[1-9][0-9]*[mg]$")]


class StoreConfig(Model):
    """The object store."""

    scheme: Literal["s3", "memory"] = "s3"
    """`s3`; `memory` for tests."""
    endpoint: Address = None
    """Address of the S3 server; `embedded`, or null for AWS."""
    region: str = "eu-west-2"
    """Region of the buckets."""
    sse_kms_key_id: str | None = None
    """Key of KMS that every object is encrypted with; null: the bucket's default encryption."""

    def settings(self) -> StoreSettings:
        """How a job reaches the store."""
        return StoreSettings(
            endpoint_url=known(self.endpoint, "object store"),
            region=self.region,
            scheme=self.scheme,
            sse_kms_key_id=self.sse_kms_key_id,
        )


class KeyServiceConfig(Model):
    """The data key service. Certificates by path on the machine that runs the job, never by content."""

    url: str
    """Its address, or `embedded`."""
    ca_path: str | None = None
    """PEM file of the authority that signed the service's certificate."""
    certificate_path: str | None = None
    """PEM file of the client certificate."""
    private_key_path: str | None = None
    """PEM file of the client's key."""
    timeout_seconds: float = Field(default=10.0, gt=0)
    """Of one call."""
    attempts: int = Field(default=5, ge=1)
    """Of one call, when the service is unavailable."""

    def settings(self) -> KeyServiceSettings:
        """How a job reaches the key service."""
        known(self.url, "key service")
        return KeyServiceSettings(**self.model_dump())


class CatalogConfig(Model):
    """The catalog: the only truth about what is published."""

    kind: Literal["hive", "glue"] = "hive"
    """`hive`: a Hive metastore; `glue`: the Glue Data Catalog of an account and region."""
    uri: Address = None
    """Of a metastore `thrift://host:port`, or `embedded`. Of Glue null for AWS' own, `embedded` for the stack's."""
    region: str = "eu-west-2"
    """Of Glue."""
    catalog_id: Annotated[str, Field(pattern=r"^[0-9]{12}$")] | None = None
    """The account whose Glue catalog it is; null: the account of the role that runs the job."""

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        if self.kind == "hive" and self.uri is None:
            raise refused("a Hive metastore has an address: thrift://host:port", "uri")
        return self

    def settings(self) -> CatalogSettings:
        """How a job reaches the catalog."""
        uri = known(self.uri, "metastore" if self.kind == "hive" else "Glue catalog")
        return CatalogSettings(kind=self.kind, uri=uri or "", region=self.region, catalog_id=self.catalog_id or "")


class ChannelsConfig(Model):
    """Where Slack shows notices; null: as the environment is routed."""

    information: str | None = None
    """In production `#dataworks-aws-production-notifications`, elsewhere `#dataworks-aws-service-notifications`."""
    warning: str | None = None
    """As information."""
    error: str | None = None
    """In production `#dataworks-aws-critical-alerts`, elsewhere `#dataworks-aws-service-notifications`."""

    def of(self, environment: str, kind: str) -> str:
        """Returns the channel of a notice's kind (`Information`, `Warning`, `Error`) in an environment."""
        said = {"Information": self.information, "Warning": self.warning, "Error": self.error}[kind]
        if said is not None:
            return said
        if environment != "production":
            return "#dataworks-aws-service-notifications"
        return "#dataworks-aws-critical-alerts" if kind == "Error" else "#dataworks-aws-production-notifications"


class NoticesConfig(Model):
    """What operators are told: messages to a topic, from where they go on to Slack or e-mail."""

    topic: str | None = None
    """ARN of the topic, or `embedded`; null: notices go to the log alone."""
    sender: str = "dataworks"
    """The name under which Slack shows them."""
    channels: ChannelsConfig = ChannelsConfig()
    """Where Slack shows them."""
    ui_url: str | None = None
    """Address of Dagster's UI, for links to runs; null: that of the UI that started the run, where there is one."""

    def topic_arn(self) -> str | None:
        """The topic, None where there is none."""
        return known(self.topic, "topic of notices")


class AwsConfig(Model):
    """The other AWS services (queues, topics, secrets)."""

    endpoint: Address = None
    """Their address; `embedded`, or null for AWS."""
    region: str = "eu-west-2"
    """Their region."""

    def endpoint_url(self) -> str | None:
        """Their address, None for AWS' own."""
        return known(self.endpoint, "emulated AWS services")
