"""What an engine is asked to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from spark.contract import JobParameters


@dataclass(frozen=True)
class Submission:
    """One job to be run once.

    Args:
        job: a system's name (`adg`) or a dotted module path.
        run_id: names the application and its documents; unique for every attempt.
        parameters: the job's own document, passed through the object store.
        timeout_seconds: the longest the application may take, including its start.
        family: id shared by all tries of a run, by which a later try finds an application that outlived its run.
        spark_conf: Spark properties that override the engine's.
        environment: variables of the driver and of the tasks; the place for credentials.
    """

    job: str
    run_id: str
    parameters: JobParameters
    timeout_seconds: float = 6 * 3600.0
    family: str = ""
    spark_conf: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def folder_uri(self) -> str:
        """The folder of this application's documents."""
        return f"{self.parameters.control_uri}/jobs/{self.run_id}"

    @property
    def parameters_uri(self) -> str:
        """The parameter document."""
        return f"{self.folder_uri}/parameters.json"

    def job_arguments(self) -> tuple[str, ...]:
        """Returns the arguments of `spark/jobs/runner.py`, without those of a channel."""
        store = self.parameters.store
        endpoint = ("--endpoint-url", store.endpoint_url) if store.endpoint_url else ()
        return ("--job", self.job, "--parameters", self.parameters_uri, "--region", store.region, *endpoint)
