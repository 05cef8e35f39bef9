"""How a job reaches the services it needs."""

from __future__ import annotations

from spark.contract.document import Document


class Role(Document, frozen=True):
    """A role to be assumed; `external_id` where its owner asks for one."""

    arn: str
    external_id: str = ""


class RoleChain(Document, frozen=True):
    """Roles that are assumed one after another, the last one with access to the bucket.

    `session_name` and `tags` tell the roles' owners which run it is; sessions last `session_seconds`, an hour at most where
    a role is assumed by a role.
    """

    roles: tuple[Role, ...]
    session_name: str
    tags: tuple[tuple[str, str], ...] = ()
    session_seconds: int = 3600
    endpoint_url: str | None = None
    """Of STS, where it is not AWS' own."""


class StoreSettings(Document, frozen=True):
    """How to reach an object store. Credentials come from the environment's AWS chain, and by the roles; never from here."""

    endpoint_url: str | None = None
    region: str = "eu-west-2"
    scheme: str = "s3"
    sse_kms_key_id: str | None = None
    chain: RoleChain | None = None


class KeyServiceSettings(Document, frozen=True):
    """The data key service and the PEM files of the client certificate, by path on the machine that runs the job."""

    url: str
    ca_path: str | None = None
    certificate_path: str | None = None
    private_key_path: str | None = None
    timeout_seconds: float = 10.0
    attempts: int = 5


class CatalogSettings(Document, frozen=True):
    """The catalog: `hive` (a metastore at `uri`, `thrift://host:port`) or `glue` (`uri` is an endpoint; empty: AWS' own)."""

    kind: str = "hive"
    uri: str = ""
    timeout_seconds: float = 60.0
    """How long one call may take before its outcome counts as unknown."""
    region: str = ""
    """Of Glue."""
    catalog_id: str = ""
    """The account whose Glue catalog it is; empty: the caller's."""
