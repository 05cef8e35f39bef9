"""One deployment's clients, each made on first use: object store, catalog, engine, queues. Shared by every system.

The only place from which systems get clients; tests substitute their own. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dataworks_assets.config.settings import Settings
from dataworks_assets.engines.base import Engine
from dataworks_assets.engines.factory import open_engine
from dataworks_assets.ledger.dynamo import CONNECTIONS, DynamoTables, StatusTables
from dataworks_assets.ledger.errands import Messenger, SnsMessenger
from dataworks_assets.ledger.logs import CloudWatchLogs, LogGroups
from dataworks_assets.ledger.metrics import Gateway, PushGateway
from dataworks_assets.ledger.notices import Notifier, SnsNotifier
from spark.contract import CatalogSettings, KeyServiceSettings, StoreSettings
from spark.publish.catalog import Catalog
from spark.publish.catalogs import open_catalog
from spark.publish.tagging import PutTags, s3_put_tags
from spark.store import ObjectStore, shared_store

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
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

    @cached_property
    def status_tables(self) -> StatusTables:
        """The status tables in which other products read about runs."""
        return DynamoTables(lambda: self._dynamodb)

    @cached_property
    def _dynamodb(self) -> DynamoDBClient:
        client: DynamoDBClient = self._client("dynamodb", connections=CONNECTIONS)
        return client

    @cached_property
    def log_groups(self) -> LogGroups:
        """The log groups that log lines are sent to."""
        return CloudWatchLogs(lambda: self._logs)

    @cached_property
    def _logs(self) -> Any:
        return self._client("logs")

    def secrets(self, region: str) -> Any:
        """Returns Secrets Manager of a region."""
        return self._client("secretsmanager", region=region)

    def caller_identity(self) -> str:
        """Returns the AWS identity of this process, or why it is not known."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return str(self._client("sts").get_caller_identity()["Arn"])
        except (BotoCoreError, ClientError) as error:
            return f"not known: {error}"

    def run_url(self, run_id: str) -> str:
        """Returns the URL of a run in Dagster's UI; only the run's id if the UI's address is not configured."""
        address = self.settings.deployment.notices.ui_url or self.settings.environment.ui_url
        return f"{address.rstrip('/')}/runs/{run_id}" if address else run_id

    @cached_property
    def gateway(self) -> Gateway | None:
        """The gateway that metrics are pushed to; None if the deployment has none."""
        metrics = self.running.deployment.ledger.metrics
        if metrics.pushgateway is None:
            return None

        def address() -> str:
            return metrics.address() or ""

        return PushGateway(address, metrics.timeout_seconds)

    @cached_property
    def messenger(self) -> Messenger:
        """Sends messages to topics."""
        return SnsMessenger(lambda: self.topics)

    @cached_property
    def notifier(self) -> Notifier:
        """Sends notices to the deployment's topic, whose address is looked up at the first notice."""
        deployment = self.settings.deployment

        def topic_arn() -> str | None:
            return self.running.deployment.notices.topic_arn()

        return SnsNotifier(
            topic_arn=topic_arn,
            client=lambda: self.topics,
            environment=deployment.environment,
            channel=lambda kind: deployment.notices.channels.of(deployment.environment, kind),
            sender=deployment.notices.sender,
        )

    def _client(self, service: str, *, connections: int = 10, region: str = "") -> Any:
        import boto3
        from botocore.config import Config

        aws = self.running.deployment.aws
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=aws.endpoint_url(),
            region_name=region or aws.region,
            config=Config(
                retries={"mode": "standard", "total_max_attempts": 4},
                connect_timeout=5,
                read_timeout=20,
                max_pool_connections=connections,
            ),
        )
