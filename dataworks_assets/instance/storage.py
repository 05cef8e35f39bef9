"""Dagster's PostgreSQL storage with a password that may change while services run.

A database service that rotates its password keeps the current one in a secret. New connections read it from there, instead
of the services receiving it once at their start.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from dagster import Field, StringSource
from dagster._core.storage.config import pg_config
from dagster._serdes import ConfigurableClassData
from dagster_postgres.auth import PgTokenProvider
from dagster_postgres.storage import DagsterPostgresStorage
from dagster_postgres.utils import pg_url_from_config

from spark.errors import ConfigurationError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

KEPT_SECONDS = 10
"""How long a password is cached for further connections."""
_EARLY_SECONDS = 300
"""How long before the given expiry Dagster fetches the password again."""


class SecretPassword(PgTokenProvider):
    """The `password` of a secret in Secrets Manager, read when a connection is opened.

    Args:
        secret: its name or ARN; a JSON object, as RDS writes it.
    """

    def __init__(self, secret: str) -> None:
        super().__init__()
        self._secret = secret
        self._client: SecretsManagerClient | None = None

    def _fetch_token(self) -> tuple[str, float]:
        if self._client is None:
            import boto3

            self._client = boto3.client("secretsmanager")
        document = json.loads(self._client.get_secret_value(SecretId=self._secret)["SecretString"])
        if "password" not in document:
            remedy = "Name the secret of the database in DAGSTER_POSTGRES_SECRET"
            raise ConfigurationError("the secret has no `password`", where=self._secret, remedy=remedy)
        return document["password"], time.time() + KEPT_SECONDS + _EARLY_SECONDS


class RotatingPostgresStorage(DagsterPostgresStorage):
    """Dagster's own storage, with the password from the secret `password_secret` if given, else as configured."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Returns Dagster's own fields and the secret's."""
        fields = pg_config()
        assert isinstance(fields, Mapping)  # noqa: S101 - for the type
        return {**fields, "password_secret": Field(StringSource, is_required=False, default_value="")}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Opens the storage."""
        secret = config_value["password_secret"]
        return cls(
            pg_url_from_config(config_value),
            should_autocreate_tables=config_value["should_autocreate_tables"],
            inst_data=inst_data,
            token_provider=SecretPassword(secret) if secret else None,
        )
