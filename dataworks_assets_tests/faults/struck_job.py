"""The ADG job as an application runs it, its driver's calls watched for the blow that the environment tells of."""

from __future__ import annotations

from dataworks_assets_tests.faults.blows import blow_for, struck
from spark.contract import JobParameters, JobResult
from spark.jobs import adg
from spark.jobs.cluster import Cluster
from spark.jobs.progress import Reporter


def run(parameters: JobParameters, cluster: Cluster, reporter: Reporter) -> JobResult:
    """See `spark.jobs.adg.run`."""
    services, blow = adg.open_services(parameters), blow_for("application")
    return adg.run(
        parameters,
        cluster,
        reporter,
        services=adg.Services(
            struck(services.store, "store", blow), struck(services.catalog, "catalog", blow), services.key_service
        ),
    )
