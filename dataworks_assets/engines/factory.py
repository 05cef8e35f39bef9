"""Opens a deployment's engine: the one place that knows all kinds of engines."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from dataworks_assets.config.deployment import Deployment
from dataworks_assets.config.emr import EmrConfig
from dataworks_assets.config.environment import read_environment
from dataworks_assets.engines.base import Engine
from dataworks_assets.engines.emr.calls import EmrCalls
from dataworks_assets.engines.emr.clusters import Clusters
from dataworks_assets.engines.emr.engine import EmrEngine
from dataworks_assets.engines.emr.polling import Poller
from dataworks_assets.engines.emr.requests import Place
from dataworks_assets.engines.emr.turns import turns_of
from dataworks_assets.engines.properties import is_local
from dataworks_assets.engines.session import SessionEngine
from dataworks_assets.engines.submit import SubmitEngine
from dataworks_assets.engines.work_folder import WORK
from spark.errors import ConfigurationError
from spark.store import ObjectStore

_LONGEST_PAUSE_SECONDS = 0.2
"""Time between two polls of the shared poller by a run; the poller itself asks AWS far less often."""


def open_engine(deployment: Deployment, *, home: Path | None = None) -> Engine:
    """Returns the deployment's engine; nothing is started before its first job.

    Args:
        deployment: its `engine` says which kind.
        home: this machine's state folder, for logs (`logs/applications`) and Spark's spill files; if None, the environment's.

    Raises:
        ConfigurationError: a session in this process cannot use a cluster.
    """
    config = deployment.engine
    if config.emr is not None:
        return _emr_engine(deployment, config.emr)
    folder = home or read_environment().home
    work_folder = folder / WORK
    if config.mode == "submit":
        return SubmitEngine(
            config.master,
            log_folder=folder / "logs" / "applications",
            work_folder=work_folder,
            memory=config.memory,
            spark_conf=config.spark_conf,
        )
    if not is_local(config.master):
        raise ConfigurationError(
            f"engine mode `session` cannot run on {config.master}",
            where=f"deployment {deployment.name}",
            remedy="Use `mode: submit`, or a local master such as local[2]",
        )
    return SessionEngine(work_folder, master=config.master, memory=config.memory, spark_conf=config.spark_conf)


def emr_place(deployment: Deployment, config: EmrConfig) -> Place:
    """Returns where and how a deployment's clusters are created."""
    service = deployment.key_service
    paths = (service.ca_path, service.certificate_path, service.private_key_path)
    return Place(
        deployment=deployment.name,
        config=config,
        log_uri=f"s3://{deployment.buckets.logs}/{deployment.prefixes.cluster_logs}",
        memory=deployment.engine.memory,
        spark_conf=deployment.engine.spark_conf,
        certificate_paths=tuple(path for path in paths if path),
    )


def artefacts_uri(deployment: Deployment) -> str:
    """Returns the prefix of a deployment's artefacts for clusters."""
    return f"{deployment.store.scheme}://{deployment.buckets.output}/{deployment.prefixes.artefacts}"


def open_clusters(deployment: Deployment, store: ObjectStore) -> Clusters:
    """Returns the deployment's EMR clusters.

    Raises:
        ConfigurationError: its jobs do not run on EMR.
    """
    config = deployment.engine.emr
    if config is None:
        raise ConfigurationError(
            f"the jobs of the deployment {deployment.name!r} do not run on EMR: it has no clusters",
            remedy="Name another deployment, by `dataworks -d <deployment>` before the command",
        )
    control_uri = f"{deployment.store.scheme}://{deployment.buckets.output}/{deployment.prefixes.control}"
    return Clusters(emr_place(deployment, config), emr_calls(config), store, artefacts_uri(deployment), control_uri)


def emr_calls(config: EmrConfig) -> EmrCalls:
    """Returns EMR's API for a deployment."""
    return _shared_calls(config.endpoint_url(), config.region)


def _emr_engine(deployment: Deployment, config: EmrConfig) -> EmrEngine:
    poller = _shared_poller(config.endpoint_url(), config.region, config.poll_seconds)
    return EmrEngine(
        emr_place(deployment, config),
        emr_calls(config),
        poller,
        artefacts_uri(deployment),
        poll_seconds=min(config.poll_seconds, _LONGEST_PAUSE_SECONDS),
    )


@cache
def _shared_poller(endpoint: str | None, region: str, interval_seconds: float) -> Poller:
    """The one poller of this process for an endpoint, shared by all its runs; it takes turns with those of other processes."""
    return Poller(_shared_calls(endpoint, region), interval_seconds=interval_seconds, turns=turns_of(endpoint, region))


@cache
def _shared_calls(endpoint: str | None, region: str) -> EmrCalls:
    def make_client() -> Any:
        from boto3.session import Session
        from botocore.config import Config

        config = Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=60)
        return Session().client("emr", endpoint_url=endpoint, region_name=region, config=config)

    return EmrCalls(make_client)
