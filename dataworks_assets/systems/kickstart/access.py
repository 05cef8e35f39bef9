"""Access to the partner's bucket from this process: one store per run, with role sessions named after the run."""

from __future__ import annotations

from dataworks_assets.systems.kickstart.scope import KickstartScope
from dataworks_assets.systems.platform import Platform
from spark.contract import StoreSettings
from spark.store import ObjectStore, shared_store


def source_settings(platform: Platform, *, run_id: str) -> StoreSettings:
    """Returns the settings by which a run, and its job, reach the partner's bucket.

    Raises:
        ConfigurationError: Kickstart is not configured in the deployment.
        StackError: the embedded stack is not running.
    """
    return KickstartScope(platform.running).source.store_settings(run_id=run_id)


def source_store(platform: Platform, *, run_id: str) -> ObjectStore:
    """Returns the store of the partner's bucket for a run."""
    return shared_store(source_settings(platform, run_id=run_id))
