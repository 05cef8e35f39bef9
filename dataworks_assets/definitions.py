"""The code location: one function builds the Definitions from the settings. Importing this module reads and opens nothing."""

from __future__ import annotations

import warnings

from dagster import BetaWarning, Definitions, JobDefinition, ResourceDefinition, definitions, in_process_executor

from dataworks_assets.config.loader import load_settings
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.config.settings import Settings
from dataworks_assets.stack.bring_up import opened, with_stack
from dataworks_assets.systems.adg.admin_jobs import build_admin_jobs
from dataworks_assets.systems.adg.assets import collection_assets, export_asset
from dataworks_assets.systems.adg.automation.build import build_automation
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.cluster_jobs import build_clusters
from dataworks_assets.systems.housekeeping import build_housekeeping
from dataworks_assets.systems.kickstart.assets import kickstart_assets, kickstart_job
from dataworks_assets.systems.kickstart.automation import build_kickstart_automation
from dataworks_assets.systems.kickstart.deliveries import delivery_assets
from dataworks_assets.systems.kickstart.scope import KickstartScope
from dataworks_assets.systems.metastore_jobs import build_metastore_jobs
from dataworks_assets.systems.platform import Platform


def build_definitions(*, settings: Settings, platform: Platform) -> Definitions:
    """Returns all assets, jobs, schedules and sensors that these settings give.

    Args:
        settings: the deployment and its collections.
        platform: the clients that runs and sensors use, each made on first use.
    """
    scopes = [AdgScope(settings, snapshot_type) for snapshot_type in SnapshotType]
    assets = [asset for scope in scopes if (asset := collection_assets(scope)) is not None]
    window_days = settings.deployment.limits.catch_up_window_days
    automation = [build_automation(scope, notifier=platform.notifier, catch_up_window_days=window_days) for scope in scopes]
    housekeeping = [build_housekeeping(scope) for scope in scopes]
    cluster_jobs, cluster_sensors = build_clusters(platform)
    partner = KickstartScope(settings)
    sources = [export_asset(scope) for scope in scopes]
    partner_jobs: list[JobDefinition] = []
    if partner.collections:
        assets += [delivery_assets(partner), kickstart_assets(partner)]
        housekeeping.append(build_housekeeping(partner))
        automation.append(build_kickstart_automation(partner, notifier=platform.notifier))
        partner_jobs.append(kickstart_job(partner))
    jobs = [
        *(job for jobs, _ in housekeeping for job in jobs),
        *(job for scope in scopes for job in build_admin_jobs(scope)),
        *cluster_jobs,
        *build_metastore_jobs(platform),
        *partner_jobs,
    ]
    return Definitions(
        assets=[*sources, *assets],
        sensors=[*(sensor for sensors, _ in automation for sensor in sensors), *cluster_sensors],
        schedules=[schedule for _, schedules in (*automation, *housekeeping) for schedule in schedules],
        jobs=jobs,
        resources={"platform": ResourceDefinition.hardcoded_resource(platform)},
        executor=in_process_executor,
    )


@definitions
def defs() -> Definitions:
    """The code location of the deployment that the environment names (`DATAWORKS_DEPLOYMENT`, default `local`)."""
    warnings.filterwarnings("ignore", "Parameter `owners`", BetaWarning)  # Dagster's copies of its own sensors, a line each
    settings = load_settings(opened=opened)
    return build_definitions(settings=settings, platform=Platform(settings, bring_up=with_stack))
