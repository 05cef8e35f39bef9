"""Fills in what a deployment leaves to the embedded stack: addresses, certificates, queue and topics."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from dataworks_assets.config.deployment import Deployment, ExportsConfig, SnapshotConfig
from dataworks_assets.config.engine import EngineConfig
from dataworks_assets.config.kickstart import KickstartConfig
from dataworks_assets.config.ledger import LedgerConfig, MetricsConfig
from dataworks_assets.config.services import EMBEDDED, KeyServiceConfig


class StackAddresses(Protocol):
    """What the embedded stack's state says of its services; `dataworks_assets.stack.state.StackState` is one."""

    @property
    def s3_endpoint(self) -> str: ...  # noqa: D102
    @property
    def aws_endpoint(self) -> str: ...  # noqa: D102
    @property
    def metastore_uri(self) -> str: ...  # noqa: D102
    @property
    def key_service_url(self) -> str: ...  # noqa: D102
    @property
    def ca_path(self) -> str | Path: ...  # noqa: D102
    @property
    def client_certificate_path(self) -> str | Path: ...  # noqa: D102
    @property
    def client_key_path(self) -> str | Path: ...  # noqa: D102
    @property
    def completion_topic_arns(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def notice_topic_arn(self) -> str: ...  # noqa: D102
    @property
    def ledger_topic_arns(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def pushgateway_url(self) -> str | None: ...  # noqa: D102
    @property
    def message_queue_url(self) -> str: ...  # noqa: D102
    @property
    def emr_endpoint(self) -> str: ...  # noqa: D102


def is_embedded(deployment: Deployment) -> bool:
    """Whether the deployment leaves any address to the embedded stack."""
    addresses = (deployment.store.endpoint, deployment.key_service.url, deployment.catalog.uri, deployment.aws.endpoint)
    return EMBEDDED in addresses or embedded_emr(deployment)


def embedded_emr(deployment: Deployment) -> bool:
    """Whether the deployment's jobs run on the embedded stack's emulated EMR."""
    return deployment.engine.emr is not None and deployment.engine.emr.endpoint == EMBEDDED


def resolve(deployment: Deployment, stack: StackAddresses | None) -> Deployment:
    """Returns the deployment with the stack's addresses in place of `embedded`.

    Args:
        deployment: as it was loaded.
        stack: the stack's state; None if it is down: the addresses then stay unresolved, and the first use of one raises
            StackError. An address that is empty in the state stays unresolved too.
    """
    if stack is None or not is_embedded(deployment):
        return deployment
    store, aws, catalog = deployment.store, deployment.aws, deployment.catalog
    catalogs = {"hive": stack.metastore_uri, "glue": stack.aws_endpoint}
    return deployment.model_copy(
        update={
            "store": store.model_copy(update={"endpoint": _filled(store.endpoint, stack.s3_endpoint)}),
            "aws": aws.model_copy(update={"endpoint": _filled(aws.endpoint, stack.aws_endpoint)}),
            "catalog": catalog.model_copy(update={"uri": _filled(catalog.uri, catalogs[catalog.kind])}),
            "key_service": _key_service(deployment.key_service, stack),
            "notices": deployment.notices.model_copy(
                update={"topic": _filled(deployment.notices.topic, stack.notice_topic_arn)}
            ),
            "ledger": _ledger(deployment.ledger, stack),
            "exports": _exports(deployment.exports, stack),
            "engine": _engine(deployment.engine, stack),
            "kickstart": _kickstart(deployment.kickstart, stack),
        }
    )


def _filled(address: str | None, stack_address: str | None) -> str | None:
    return stack_address or EMBEDDED if address == EMBEDDED else address


def _engine(engine: EngineConfig, stack: StackAddresses) -> EngineConfig:
    if engine.emr is None:
        return engine
    endpoint = _filled(engine.emr.endpoint, stack.emr_endpoint)
    return engine.model_copy(update={"emr": engine.emr.model_copy(update={"endpoint": endpoint})})


def _kickstart(kickstart: KickstartConfig | None, stack: StackAddresses) -> KickstartConfig | None:
    if kickstart is None:
        return None
    return kickstart.model_copy(update={"endpoint": _filled(kickstart.endpoint, stack.aws_endpoint)})


def _key_service(key_service: KeyServiceConfig, stack: StackAddresses) -> KeyServiceConfig:
    if key_service.url != EMBEDDED:
        return key_service
    return key_service.model_copy(
        update={
            "url": stack.key_service_url or EMBEDDED,
            "ca_path": str(stack.ca_path),
            "certificate_path": str(stack.client_certificate_path),
            "private_key_path": str(stack.client_key_path),
        }
    )


def _ledger(ledger: LedgerConfig, stack: StackAddresses) -> LedgerConfig:
    topics = stack.ledger_topic_arns
    return ledger.model_copy(
        update={
            "completion_topic": _filled(ledger.completion_topic, topics.get("completion")),
            "pdm": ledger.pdm.model_copy(update={"topic": _filled(ledger.pdm.topic, topics.get("pdm"))}),
            "metrics": _metrics(ledger.metrics, stack),
        }
    )


def _metrics(metrics: MetricsConfig, stack: StackAddresses) -> MetricsConfig:
    """Fills in the Pushgateway; None if none is installed on this machine."""
    if metrics.pushgateway != EMBEDDED:
        return metrics
    return metrics.model_copy(update={"pushgateway": stack.pushgateway_url})


def _exports(exports: ExportsConfig, stack: StackAddresses) -> ExportsConfig:
    topics = stack.completion_topic_arns

    def filled(snapshot: SnapshotConfig, name: str) -> SnapshotConfig:
        return snapshot.model_copy(update={"topic": _filled(snapshot.topic, topics.get(name))})

    return exports.model_copy(
        update={
            "queue": _filled(exports.queue, stack.message_queue_url),
            "full": filled(exports.full, "full"),
            "incremental": filled(exports.incremental, "incremental"),
        }
    )
