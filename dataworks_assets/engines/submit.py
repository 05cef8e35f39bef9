"""Runs jobs by `spark-submit` on any master (`local[2]`, `spark://host:7077`, `yarn`), with the driver on this machine.

The application has its own process session and dies with the process that runs it, even by SIGKILL: the JVM is on a leash
(`engines.leash`), and the Python driver and Spark's Python workers end when the JVM's pipes close.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from dataworks_assets.engines import leash
from dataworks_assets.engines.base import Application, Engine, Outcome
from dataworks_assets.engines.job_archive import job_sources, write_job
from dataworks_assets.engines.properties import (
    PROJECT_FOLDER,
    RUNNER_PATH,
    authentication_properties,
    common_properties,
    is_local,
    local_properties,
    task_properties,
    write_properties,
)
from dataworks_assets.engines.submission import Submission
from dataworks_assets.engines.work_folder import make_work_folder, temporary_variables
from dataworks_assets.stack.java import find_java_home
from dataworks_assets.stack.processes import session_members, signal_all
from spark.jobs.progress import Message

_TERM_SECONDS = 5.0
_KILL_SECONDS = 5.0
_TAIL_BYTES = 64 * 1024


@dataclass(frozen=True)
class SubmitEngine(Engine):
    """Runs applications by `spark-submit`.

    Args:
        master: Spark's master URL.
        log_folder: receives one log file per application, named after its run.
        work_folder: for Spark's spill files and property files; emptied after each application.
        memory: of the driver's JVM.
        spark_conf: properties of the deployment.
        environment: variables of the deployment for driver and tasks.
    """

    master: str
    log_folder: Path
    work_folder: Path
    memory: str = "1g"
    spark_conf: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    poll_seconds: float = 0.25

    def submit(self, submission: Submission, arguments: Sequence[str], emit: Callable[[Message], None]) -> SparkSubmit:
        """See `Engine.submit`."""
        del emit
        environment = self._environment(submission)
        properties = self._properties(submission)
        properties |= authentication_properties(self.master, properties, environment)
        work_folder = make_work_folder(self.work_folder)
        environment |= temporary_variables(work_folder)
        self.log_folder.mkdir(parents=True, exist_ok=True)
        write_properties(work_folder / "spark.properties", properties | {"spark.local.dir": str(work_folder)})
        command = self._command(work_folder, environment, arguments)
        log_path = Path(self.log_address(submission))
        with log_path.open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=work_folder,
                env=environment,
                start_new_session=True,
            )
        return SparkSubmit(process, log_path=log_path, work_folder=work_folder)

    def log_address(self, submission: Submission) -> str:
        """See `Engine.log_address`."""
        return str(self.log_folder / f"{submission.run_id}.log")

    def _environment(self, submission: Submission) -> dict[str, str]:
        given = {**os.environ, **self.environment, **submission.environment}
        modules = [str(PROJECT_FOLDER), *filter(None, [given.get("PYTHONPATH")])]
        local = {"SPARK_LOCAL_IP": "127.0.0.1"} if is_local(self.master) else {}
        return {
            **local,
            **given,
            "JAVA_HOME": given.get("JAVA_HOME") or str(find_java_home(given)),
            "SPARK_HOME": str(find_spark_home()),
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_DRIVER_PYTHON": sys.executable,
            "PYTHONPATH": os.pathsep.join(modules),
        }

    def _properties(self, submission: Submission) -> dict[str, str]:
        given = {**self.environment, **submission.environment}
        tasks = local_properties() if is_local(self.master) else task_properties(given)
        return {**common_properties(memory=self.memory), **tasks, **self.spark_conf, **submission.spark_conf}

    def _command(self, work_folder: Path, environment: Mapping[str, str], arguments: Sequence[str]) -> list[str]:
        modules: list[str] = []
        if not is_local(self.master):
            write_job(work_folder / "jobs.zip", job_sources())
            modules = ["--py-files", str(work_folder / "jobs.zip")]
        return [
            *(sys.executable, "-I", "-S", leash.__file__, str(os.getpid())),
            *(f"{environment['SPARK_HOME']}/bin/spark-submit", "--master", self.master, "--deploy-mode", "client"),
            *("--properties-file", str(work_folder / "spark.properties"), *modules),
            *(str(RUNNER_PATH), *arguments, "--die-with-stdin"),
        ]


class SparkSubmit(Application):
    """A `spark-submit` process of this process, with everything it started."""

    def __init__(self, process: subprocess.Popen[bytes], *, log_path: Path, work_folder: Path) -> None:
        self.log_address = str(log_path)
        self._process = process
        self._log_path = log_path
        self._work_folder = work_folder

    def poll(self) -> Outcome | None:
        """See `Application.poll`."""
        code = self._process.poll()
        if code is None:
            return None
        reason = f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"
        return Outcome(succeeded=code == 0, reason=reason)

    def cancel(self) -> None:
        """Asks all processes of the session to end, then kills what is left."""
        members = list(session_members(self._process.pid))
        signal_all(members, signal.SIGTERM)
        self._reap(_TERM_SECONDS)
        _, alive = psutil.wait_procs(members, timeout=_TERM_SECONDS)
        left = [*alive, *session_members(self._process.pid)]
        signal_all(left, signal.SIGKILL)
        self._reap(_KILL_SECONDS)
        psutil.wait_procs(left, timeout=_KILL_SECONDS)

    def log_tail(self, lines: int) -> str:
        """See `Application.log_tail`."""
        with self._log_path.open("rb") as log:
            log.seek(max(0, self._log_path.stat().st_size - _TAIL_BYTES))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])

    def close(self) -> None:
        """Removes the work folder."""
        shutil.rmtree(self._work_folder, ignore_errors=True)

    def _reap(self, timeout_seconds: float) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_seconds)


def find_spark_home() -> Path:
    """Returns the folder of Spark inside the pyspark package of this environment, without importing it."""
    from importlib.util import find_spec

    found = find_spec("pyspark")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("pyspark")
    return Path(found.origin).parent
