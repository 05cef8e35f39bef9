"""A driver of production's own beside a session of baselines: each has the JVM that its users give it.

Production's JVM does without its second compiler, as Python does the work; the baselines work in theirs, and need it.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.place import Place, open_session
from spark.contract import JobParameters, JobResult

if TYPE_CHECKING:
    from pyspark import SparkContext

Job = Callable[["SparkContext", JobParameters], JobResult]

_SESSION = ExitStack()
"""In the driver's process: its session."""


@dataclass(frozen=True)
class Driver:
    """A process with a session."""

    pool: ProcessPoolExecutor

    def run(self, job: Job, parameters: JobParameters) -> JobResult:
        """Carries a job out in the driver; what it raises is raised here."""
        return self.pool.submit(_run, job, parameters).result()


@contextmanager
def open_driver(place: Place) -> Iterator[Driver]:
    """Starts a driver, and ends it with the block."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=_open, initargs=(place,)) as pool:
        try:
            yield Driver(pool)
        finally:
            pool.submit(_close).result()


def _open(place: Place) -> None:
    _SESSION.enter_context(open_session(place))


def _close() -> None:
    _SESSION.close()


def _run(job: Job, parameters: JobParameters) -> JobResult:
    from pyspark import SparkContext

    return job(SparkContext.getOrCreate(), parameters)
