"""Runs jobs in the run's own process, in the Spark session of dagster-pyspark's resource: for tests and development.

The session stays open for the process's next job. The job runs in a thread, so that time-outs and interruptions work as on
every other engine.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dataworks_assets.engines.base import Application, Engine, Outcome
from dataworks_assets.engines.channel import Channel, LocalChannel
from dataworks_assets.engines.properties import PROJECT_FOLDER, common_properties, local_properties
from dataworks_assets.engines.submission import Submission
from dataworks_assets.engines.work_folder import make_work_folder, temporary_variables
from dataworks_assets.stack.java import find_java_home
from spark.jobs.cluster import SparkCluster
from spark.jobs.progress import Message, Reporter
from spark.jobs.runner import ResultWriter, run_reported

if TYPE_CHECKING:
    from pyspark import SparkContext

_CANCEL_SECONDS = 10.0
_CANCEL_AGAIN_SECONDS = 0.5


@dataclass(frozen=True)
class SessionEngine(Engine):
    """Runs jobs in this process, one at a time.

    Args:
        master: `local[2]` or another local master.
        work_folder: for Spark's spill files, which go into a folder of this process.
        memory: of the JVM; the value of the process's first job stays in force.
        spark_conf: properties of the deployment; most are fixed by the process's first job.
        environment: the deployment's variables for tasks.
    """

    work_folder: Path
    master: str = "local[2]"
    memory: str = "1g"
    spark_conf: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    poll_seconds: float = 0.1

    def choose_channel(self, channel: Channel | None) -> Channel:
        """Returns the local channel: messages of a job in this process need no transport."""
        del channel
        return LocalChannel()

    def submit(self, submission: Submission, arguments: Sequence[str], emit: Callable[[Message], None]) -> SessionJob:
        """See `Engine.submit`."""
        del arguments
        context = self._open_context(submission)
        context.environment.update({"PYTHONPATH": str(PROJECT_FOLDER), **self.environment, **submission.environment})
        job = SessionJob(submission, context, emit)
        job.start()
        return job

    def log_address(self, submission: Submission) -> str:
        """See `Engine.log_address`."""
        del submission
        return SessionJob.log_address

    def _open_context(self, submission: Submission) -> SparkContext:
        from dagster_pyspark import LazyPySparkResource

        folder = _folder_of_this_process(self.work_folder)
        properties = {
            **common_properties(memory=self.memory),
            **local_properties(),
            "spark.master": self.master,
            "spark.app.name": "dataworks",
            "spark.local.dir": str(folder),
            **self.spark_conf,
            **submission.spark_conf,
        }
        with _variables_of_the_jvm({**temporary_variables(folder), **self.environment, **submission.environment}):
            context: SparkContext = LazyPySparkResource(spark_config=properties).spark_context
        return context


class SessionJob(Application):
    """A job function that runs in a thread of this process."""

    log_address = "the log of this process"

    def __init__(self, submission: Submission, context: SparkContext, emit: Callable[[Message], None]) -> None:
        self._submission = submission
        self._context = context
        self._results = ResultWriter(submission.parameters)
        self._reporter = Reporter(emit, on_finished=self._results.write_interim)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name=f"job-{submission.run_id}", daemon=True)

    def start(self) -> None:
        """Starts the job."""
        self._thread.start()

    def poll(self) -> Outcome | None:
        """See `Application.poll`."""
        if self._thread.is_alive():
            return None
        return Outcome(succeeded=self._error is None, reason=repr(self._error))

    def cancel(self) -> None:
        """Cancels the job's Spark stages, including one it is about to start; its Python part ends at its next report."""
        deadline_seconds = time.monotonic() + _CANCEL_SECONDS
        while self._thread.is_alive() and time.monotonic() < deadline_seconds:
            self._reporter.cancel()
            self._context.cancelAllJobs()
            self._thread.join(_CANCEL_AGAIN_SECONDS)

    def log_tail(self, lines: int) -> str:
        """Returns the traceback of the job's error."""
        text = "".join(traceback.format_exception(self._error)) if self._error is not None else ""
        return "\n".join(text.splitlines()[-lines:])

    def _work(self) -> None:
        try:
            run_reported(
                self._submission.job,
                self._submission.parameters,
                SparkCluster(self._context),
                reporter=self._reporter,
                results=self._results,
            )
        except BaseException as error:  # noqa: BLE001 - this is the main of the job; `poll` passes it on
            self._error = error


@cache
def _folder_of_this_process(parent: Path) -> Path:
    """Makes the one folder for this process's session, which the JVM uses until the process ends."""
    return make_work_folder(parent)


@contextmanager
def _variables_of_the_jvm(environment: Mapping[str, str]) -> Iterator[None]:
    """Sets the variables that the JVM about to start inherits, and restores them afterwards."""
    wanted = {
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "JAVA_HOME": environment.get("JAVA_HOME") or str(find_java_home()),
        **environment,
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
