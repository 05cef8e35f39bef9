"""One deployment's clients, each made on first use: object store, catalog, engine, queues. Shared by every system.

The only place where systems get a client from; tests give their own. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dataworks_assets.config.settings import Settings
from dataworks_assets.engines.base import Engine
from dataworks_assets.engines.factory import open_engine
from spark.contract import CatalogSettings, KeyServiceSettings, StoreSettings
from spark.publish.catalog import Catalog, open_catalog
from spark.publish.tagging import PutTags, s3_put_tags
from spark.store import ObjectStore, shared_store

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient


@dataclass
class Platform:
    """The clients of one deployment.

    Args:
        settings: the deployment and its collections. Where it leaves addresses to the embedded stack, `bring_up` is called
            on the first use of any service, and returns the settings with the addresses filled in.
    """

    settings: Settings
    bring_up: Callable[[Settings], Settings] | None = None

    @cached_property
    def running(self) -> Settings:
        """The settings with every address known; starts the embedded stack where the deployment lives on it."""
        return self.bring_up(self.settings) if self.bring_up else self.settings

    @cached_property
    def store_settings(self) -> StoreSettings:
        """How the object store is reached."""
        return self.running.deployment.store.settings()

    @cached_property
    def catalog_settings(self) -> CatalogSettings:
        """How the catalog is reached."""
        return self.running.deployment.catalog.settings()

    @cached_property
    def key_service_settings(self) -> KeyServiceSettings:
        """How the key service is reached."""
        return self.running.deployment.key_service.settings()

    @cached_property
    def store(self) -> ObjectStore:
        """The object store."""
        return shared_store(self.store_settings)

    @cached_property
    def catalog(self) -> Catalog:
        """The catalog."""
        return open_catalog(self.catalog_settings)

    @cached_property
    def put_tags(self) -> PutTags:
        """Replaces an object's tags."""
        return s3_put_tags(self.store_settings)

    @cached_property
    def engine(self) -> Engine:
        """Where jobs run."""
        return open_engine(self.running.deployment)

    @cached_property
    def queues(self) -> SQSClient:
        """The message queues."""
        client: SQSClient = self._client("sqs")
        return client

    @cached_property
    def topics(self) -> SNSClient:
        """The notification topics."""
        client: SNSClient = self._client("sns")
        return client

    def _client(self, service: str) -> Any:
        import boto3

        aws = self.running.deployment.aws
        return boto3.client(service, endpoint_url=aws.endpoint_url(), region_name=aws.region)  # type: ignore[call-overload]
