"""The engine of a deployment: the one place that knows which kinds there are."""

from __future__ import annotations

from pathlib import Path

from dataworks_assets.config.deployment import Deployment
from dataworks_assets.config.environment import read_environment
from dataworks_assets.engines.base import Engine
from dataworks_assets.engines.properties import is_local
from dataworks_assets.engines.session import SessionEngine
from dataworks_assets.engines.submit import SubmitEngine
from spark.errors import ConfigurationError


def open_engine(deployment: Deployment, *, home: Path | None = None) -> Engine:
    """Returns the deployment's engine; nothing is started before its first job.

    Args:
        deployment: its `engine` says which.
        home: this machine's state folder, for logs (`logs/applications`) and what Spark spills; the environment's when None.

    Raises:
        ConfigurationError: a session in this process cannot use a cluster.
    """
    config = deployment.engine
    folder = home or read_environment().home
    work_folder = folder / "work"
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
