"""A system's job as an application runs it, its driver's calls watched for the blow that the environment tells of."""

from __future__ import annotations

from dataclasses import replace

from dataworks_assets_tests.faults.blows import blow_for, struck
from spark.contract import JobParameters, JobResult
from spark.jobs import adg, kickstart
from spark.jobs.cluster import Cluster
from spark.jobs.progress import Reporter
from spark.jobs.services import open_services

_JOBS = {"adg": adg.run, "kickstart": kickstart.run}


def run(parameters: JobParameters, cluster: Cluster, reporter: Reporter) -> JobResult:
    """See the system's own."""
    services, blow = open_services(parameters), blow_for("application")
    services = replace(
        services,
        store=struck(services.store, "store", blow),
        catalog=struck(services.catalog, "catalog", blow),
        source=services.source and struck(services.source, "source", blow),
    )
    return _JOBS[parameters.system](parameters, cluster, reporter, services=services)
