"""Links to what belongs to an application outside of Dagster: its log and its cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from dataworks_assets.config.services import EMBEDDED, StoreConfig
from dataworks_assets.systems.platform import Platform
from spark.jobs.progress import Placed
from spark.store import split_uri

if TYPE_CHECKING:
    from dagster import AssetExecutionContext, MetadataValue, OpExecutionContext

_SHOWN_SECONDS = 7 * 24 * 3600
"""How long a link into the embedded store is valid: the maximum for a presigned URL."""


def log_page(platform: Platform, address: str) -> str:
    """Returns the URL at which a browser shows a log; empty if it has none, as for a file on this machine.

    In AWS that is the object's page in the console, which asks the reader to sign in: events never hold presigned links.
    The embedded store has no console and nothing to protect, so there it is a presigned link.
    """
    if not address.startswith("s3://"):
        return ""
    store = platform.settings.deployment.store
    if store.endpoint is None:
        return _console_page(store, address)
    return _signed(platform.running.deployment.store, address) if store.endpoint == EMBEDDED else ""


def cluster_page(platform: Platform, cluster_id: str) -> str:
    """Returns the AWS console's page of a cluster; empty if the deployment's clusters are not real AWS ones."""
    emr = platform.settings.deployment.engine.emr
    if emr is None or emr.endpoint is not None:
        return ""
    return f"https://{emr.region}.console.aws.amazon.com/emr/home?region={emr.region}#/clusterDetails/{cluster_id}"


def link(page: str, address: str) -> MetadataValue[Any]:
    """Returns metadata that links to a page; if there is none, the plain address to copy."""
    from dagster import MetadataValue

    return MetadataValue.url(page) if page else MetadataValue.path(address)


def shown_in(context: AssetExecutionContext | OpExecutionContext, platform: Platform) -> Callable[[Placed], None]:
    """Returns a function that logs, as an event of the run, where its application runs and where its log is."""

    def show(placed: Placed) -> None:
        from dagster import MetadataValue
        from dagster._core.events import EngineEventData  # of no public module, though the method that takes it is

        metadata: dict[str, MetadataValue[Any]] = {}
        if placed.cluster_id:
            page = cluster_page(platform, placed.cluster_id)
            metadata["cluster"] = MetadataValue.url(page) if page else MetadataValue.text(placed.cluster_id)
        if placed.log_address:
            metadata["log"] = link(log_page(platform, placed.log_address), placed.log_address)
        where = f"on cluster {placed.cluster_id}; EMR copies its log after its end" if placed.cluster_id else "on this machine"
        context.instance.report_engine_event(
            f"The application runs {where}",
            context.run,
            EngineEventData(metadata=metadata),
            step_key=context.get_step_execution_context().step.key,
        )
        # For command lines, which show no such events.
        context.log.info("the application runs %s; its log: %s", where, placed.log_address)

    return show


def _console_page(store: StoreConfig, address: str) -> str:
    bucket, key = split_uri(address)
    host = f"https://{store.region}.console.aws.amazon.com"
    return f"{host}/s3/object/{bucket}?region={store.region}&prefix={quote(key, safe='')}"


def _signed(store: StoreConfig, address: str) -> str:
    import boto3
    from botocore.config import Config

    bucket, key = split_uri(address)
    shown: dict[str, str] = {"ResponseContentType": "text/plain; charset=utf-8"}
    if key.endswith(".gz"):
        shown["ResponseContentEncoding"] = "gzip"
    client = boto3.client(
        "s3",
        endpoint_url=store.settings().endpoint_url,
        region_name=store.region,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    link_of: str = client.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": key, **shown}, ExpiresIn=_SHOWN_SECONDS
    )
    return link_of
