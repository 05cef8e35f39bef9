"""A thread pool in Spark's place: jobs run whole in this process, in milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from spark.jobs.cluster import Item, Result


@dataclass(frozen=True)
class ThreadCluster:
    """Threads of this process."""

    cores: int = 2

    def run(self, function: Callable[[Item], Result], items: Sequence[Item], *, name: str) -> Iterator[Result]:
        """See `Cluster.run`; an exception of a task is raised as it is."""
        with ThreadPoolExecutor(self.cores, thread_name_prefix=name) as pool:
            futures = [pool.submit(function, item) for item in items]
            try:
                for future in as_completed(futures):
                    yield future.result()
            finally:
                for future in futures:
                    future.cancel()
