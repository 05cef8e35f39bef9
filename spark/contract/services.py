"""How a job reaches the services that it needs."""

from __future__ import annotations

from spark.contract.document import Document


class Role(Document, frozen=True):
    """A role to be assumed; `external_id` if its owner requires one."""

    arn: str
    external_id: str = ""


class RoleChain(Document, frozen=True):
    """Roles that are assumed one after another, the last one with access to the bucket.

    `session_name` and `tags` show the roles' owners which run it is. Sessions last `session_seconds`; AWS limits role
    chaining to an hour.
    """

    roles: tuple[Role, ...]
    session_name: str
    tags: tuple[tuple[str, str], ...] = ()
    session_seconds: int = 3600
    endpoint_url: str | None = None
    """Endpoint of STS, if it is not AWS' own."""


class StoreSettings(Document, frozen=True):
    """How to reach an object store. Credentials come from the AWS default chain and the roles, never from this document."""

    endpoint_url: str | None = None
    region: str = "eu-west-2"
    scheme: str = "s3"
    sse_kms_key_id: str | None = None
    chain: RoleChain | None = None


class KeyServiceSettings(Document, frozen=True):
    """The data key service, and paths of the client certificate's PEM files on the machine that runs the job."""

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
    """Region of Glue."""
    catalog_id: str = ""
    """The account whose Glue catalog it is; empty: the caller's."""
